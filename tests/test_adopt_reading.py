"""What a hand-made server's own configuration says, of Postfix and both generations of Dovecot, as a description."""

from __future__ import annotations

import base64
from collections.abc import Iterable

import pytest

from deploys.adopting import beside, look, stores, tables, users
from deploys.adopting.description import Found
from deploys.adopting.doveconf import expanded, parsed
from deploys.adopting.look import There, Told
from deploys.adopting.server import server
from deploys.values import locations

PASSWD = """root:x:0:0:root:/root:/bin/bash
tito:x:1000:1000:Tito Puente,,,:/home/tito:/bin/bash
iqbal:x:1001:1001::/home/iqbal:/bin/bash
job:x:1002:1002::/srv/job:/usr/sbin/nologin
"""
MAPS = {
    "/etc/aliases": "root: tito\npostmaster: root\nnews: root\ninfo: tito,\n  iqbal, x@example.net\n"
    'list: "|/bin/list secret"\n',
    "/etc/postfix/virtual": "# comment\nsales@example.org iqbal\n@example.org tito@example.org\nboss tito\n",
}
UNIX = {
    "myhostname": "mail.example.org",
    "mydestination": "mail.example.org, example.org, second.example, localhost",
    "myorigin": "example.org",
    "alias_maps": "hash:/etc/aliases",
    "virtual_alias_maps": "hash:/etc/postfix/virtual pcre:/etc/postfix/patterns",
    "relayhost": "[smtp.example.net]:submission",
    "smtp_sasl_auth_enable": "yes",
    "smtp_sasl_password_maps": "hash:/etc/postfix/sasl",
    "transport_maps": "hash:/etc/postfix/transport",
    "mynetworks": "127.0.0.0/8 192.0.2.0/24",
}
WORDS = {"passwd": PASSWD, "passwords": "root no\ntito yes\niqbal yes\njob no\n", "postconf": "mynetworks = x\n"}


def there(*paths: str, **texts: str) -> look.There:
    return There(frozenset(one for one in paths if one.endswith("/")), frozenset(paths), texts)


class Host:
    """A host that has ``paths`` (directories end in a slash) and remembers what it was asked for."""

    def __init__(self, *paths: str, texts: dict[str, str] | None = None) -> None:
        self.paths, self.texts, self.asked = paths, texts or {}, set[str]()

    def __call__(self, paths: Iterable[str], texts: Iterable[str]) -> There:
        self.asked |= set(paths)
        directories = frozenset(one.rstrip("/") for one in self.paths if one.endswith("/"))
        files = frozenset(one for one in self.paths if not one.endswith("/"))
        return There(directories, files, {one: self.texts[one] for one in texts if one in self.texts})


def unix(conf: str, *paths: str) -> Found:
    sasl = {"/etc/postfix/sasl": "[smtp.example.net]:submission tito:pass:word\n"}
    return server(Told({**WORDS, "doveconf": conf}, UNIX, {**MAPS, **sasl}), Host(*paths), None)


def test_unix_users_with_their_aliases_in_every_domain():
    found = unix("mail_location = maildir:~/Maildir\n", "/home/tito/Maildir/")
    assert (found.accounts, found.domains, found.postmaster) == (
        "system",
        ("example.org", "second.example"),
        "tito@example.org",
    )
    assert [(box.address, box.name, box.messages, box.password) for box in found.mailboxes] == [
        ("tito@example.org", "Tito Puente", "", None),  # ~/Maildir is served where it is
        ("iqbal@example.org", "", "", None),
    ]
    aliases = {one.address: one.targets for one in found.aliases}
    assert aliases["info@example.org"] == ("tito@example.org", "iqbal@example.org", "x@example.net")
    assert aliases["info@second.example"] == aliases["info@example.org"]
    assert aliases["sales@example.org"] == ("iqbal@example.org",)
    assert aliases["boss@second.example"] == ("tito@example.org",)
    assert aliases["iqbal@second.example"] == ("iqbal@example.org",), "Unix users receive in each domain"
    assert "news@example.org" not in aliases
    assert found.catch_all == {"example.org": "tito@example.org"}


def test_what_mail_yaml_cannot_say_is_told_without_secrets():
    told = "\n".join(unix("").not_understood)
    for what in (
        "pcre:/etc/postfix/patterns",
        "transport_maps",
        "list leads to a program",
        "192.0.2.0/24",
        "left out: job",
    ):
        assert what in told
    assert "secret" not in told


def test_a_relayhost_and_its_login():
    relay = unix("").relayhost
    assert relay
    assert (relay.host, relay.port, relay.username, relay.password) == ("smtp.example.net", 587, "tito", "pass:word")
    assert "pass:word" not in repr(relay)


@pytest.mark.parametrize(
    "conf",
    [
        "mail_location = mbox:~/mail:INBOX=/var/mail/%u\n",
        "mail_driver = mbox\nmail_path = %{home}/mail\nmail_inbox_path = /var/mail/%{user | username | lower}\n",
        "",  # as Dovecot finds out by itself
    ],
)
def test_unix_users_with_mbox_files(conf: str):
    found = unix(conf, "/home/tito/mail/", "/var/mail/tito", "/var/mail/iqbal")
    assert [box.messages for box in found.mailboxes] == [
        "mbox:/home/tito/mail:INBOX=/var/mail/tito",
        "mbox:/home/iqbal/mail:INBOX=/var/mail/iqbal",
    ]


def test_files_of_unix_users_that_send_their_mail_elsewhere_are_named():
    told = "\n".join(unix("", "/home/iqbal/.forward", "/home/iqbal/Maildir/", "/home/iqbal/mail/").not_understood)
    assert "iqbal@example.org: /home/iqbal/.forward says what becomes of the mail" in told


VIRTUAL = {
    "myhostname": "mail.example.org",
    "mydestination": "localhost",
    "virtual_mailbox_domains": "/etc/postfix/domains",
    "virtual_mailbox_maps": "texthash:/etc/postfix/boxes",
    "virtual_alias_maps": "proxy:hash:/etc/postfix/virtual",
    "virtual_transport": "lmtp:unix:private/dovecot-lmtp",
}
FILES = {
    "/etc/postfix/domains": "example.org\nexample.net # mine\n",
    "/etc/postfix/boxes": "tito@example.org x\nlost@example.net example.net/lost/\n",
    "/etc/postfix/virtual": "info@example.org tito@example.org, ana@example.net\nexample.org anything\n",
    "/etc/dovecot/users": "Tito@example.org:{SSHA512}abc:5000:5000::/srv/tito::userdb_quota_rule=*:storage=2G\n"
    "#old@example.org:x\nana@example.net:$6$hash::::::userdb_mail=maildir:/srv/ana/~mail\n",
}
OLD = """mail_location = maildir:/var/vmail/%d/%n
passdb {
  args = scheme=CRYPT username_format=%u /etc/dovecot/users
  driver = passwd-file
}
userdb {
  args = uid=vmail gid=vmail home=/var/vmail/%d/%n
  driver = static
}
plugin {
  quota_rule = *:storage=500M
  sieve = file:~/sieve;active=~/active.sieve
}
"""
NEW = """mail_driver = maildir
mail_path = %{home}
mail_inbox_path = %{home}
passdb passwd-file {
  default_password_scheme = crypt
  passwd_file_path = /etc/dovecot/users
}
userdb static {
  fields {
    home = /var/vmail/%{user | domain}/%{user | username}
  }
}
quota "User quota" {
  quota_storage_size = 500M
}
sieve_script personal {
  active_path = ~/active.sieve
}
"""


@pytest.mark.parametrize("conf", [OLD, NEW], ids=["2.3", "2.4"])
def test_virtual_users_in_files(conf: str):
    host = Host("/var/vmail/example.org/tito/", "/var/vmail/example.org/tito/active.sieve")
    found = server(Told({"doveconf": conf}, VIRTUAL, FILES), host, (5000, 5000))
    tito, ana, lost = found.mailboxes
    assert (tito.address, tito.password, tito.quota) == ("tito@example.org", "{SSHA512}abc", 2 << 30)
    assert tito.sieve == "/var/vmail/example.org/tito/active.sieve"
    assert tito.messages == "maildir:/var/vmail/example.org/tito"
    assert (ana.password or "").upper().startswith("{CRYPT}$6$")
    assert (lost.address, lost.password) == ("lost@example.net", None)
    assert (found.accounts, found.domains, found.quota, found.vmail) == (
        "virtual",
        ("example.org", "example.net"),
        500 << 20,
        (5000, 5000),
    )
    assert {one.address: one.targets for one in found.aliases} == {
        "info@example.org": ("tito@example.org", "ana@example.net")
    }
    assert any(line.startswith("lost@example.net: there are no messages") for line in found.not_understood)


MIXED = {**VIRTUAL, "mydestination": "unix.example, localhost", "alias_maps": "hash:/etc/aliases"}


def test_unix_users_beside_virtual_mailboxes_become_virtual_too_with_their_passwords():
    files = {**FILES, "/etc/shadow": "tito:$y$j9T$salt$hash\niqbal:aZbYcXdWeVfUg\n", "/etc/aliases": "root: tito\n"}
    host = Host("/home/tito/Maildir/", "/home/tito/mail/", "/home/tito/.dovecot.sieve", "/var/mail/iqbal")
    found = server(Told({**WORDS, "doveconf": OLD}, MIXED, files), host, None)
    boxes = {box.address: box for box in found.mailboxes}
    tito, iqbal = boxes["tito@unix.example"], boxes["iqbal@unix.example"]
    assert (found.accounts, found.domains) == ("virtual", ("unix.example", "example.org", "example.net"))
    assert (tito.password, tito.messages) == ("$y$j9T$salt$hash", "maildir:/home/tito/Maildir")
    assert tito.sieve == "/home/tito/.dovecot.sieve"
    assert (iqbal.password, iqbal.messages) == ("{CRYPT}aZbYcXdWeVfUg", "mbox:/home/iqbal/mail:INBOX=/var/mail/iqbal")
    assert "tito@example.org" in boxes, "the virtual one of that name is another"
    assert found.postmaster == "tito@unix.example"
    [said] = [one for one in found.not_understood if "Unix users and virtual mailboxes" in one]
    assert "whole address" in said
    assert "tito@unix.example, iqbal@unix.example" in said
    assert any("more messages lie at /home/tito/mail" in one for one in found.not_understood)
    assert "$y$" not in repr(Told(files=files))


def hand_made(conf: str, passwd: str, more: dict[str, str] | None = None) -> Found:
    """A host with virtual users of example.org in /etc/dovecot/users."""
    files = {"/etc/dovecot/users": passwd, "/etc/postfix/domains": "example.org\n", **(more or {})}
    parameters = {"myhostname": "mail.example.org", "mydestination": "localhost"}
    parameters["virtual_mailbox_domains"] = "/etc/postfix/domains"
    return server(Told({"doveconf": conf}, parameters, files), Host(), None)


PASSDB = "passdb {\n driver = passwd-file\n args = /etc/dovecot/users\n}\n"


@pytest.mark.parametrize(
    "deny",
    ["passdb {{\n driver = passwd-file\n args = {}\n {} = yes\n}}\n", "passdb x {{\n driver = passwd-file\n"
     " passwd_file_path = {}\n {} = yes\n}}\n"],
)  # fmt: skip
def test_who_is_denied_keeps_a_mailbox_without_a_login_and_masters_have_none(deny: str):
    conf = deny.format("/etc/dovecot/denied", "deny") + deny.format("/etc/dovecot/masters", "master") + PASSDB
    more = {"/etc/dovecot/denied": "tito@example.org\n", "/etc/dovecot/masters": "boss:{PLAIN}x\n"}
    found = hand_made(conf, "tito@example.org:{SSHA}abc\nana@example.org:{SSHA}def::::::nologin\n", more)
    assert [(box.address, box.password, box.active) for box in found.mailboxes] == [
        ("tito@example.org", "{SSHA}abc", False),
        ("ana@example.org", "{SSHA}def", False),
    ]
    assert any("master users" in one and "boss" in one for one in found.not_understood)


def test_a_hash_that_names_no_kind_is_of_crypt_and_where_somebody_may_log_in_from_is_told():
    found = hand_made(PASSDB, "tito@example.org:aZbYcXdWeVfUg::::::allow_nets=192.0.2.0/24\nana@example.org:$6$x$y\n")
    assert [box.password for box in found.mailboxes] == ["{CRYPT}aZbYcXdWeVfUg", "$6$x$y"]
    assert any("192.0.2.0/24 alone" in one for one in found.not_understood)


def test_bare_names_are_of_the_realm_that_dovecot_takes_for_granted():
    conf = f"auth_default_realm = example.net\n{PASSDB}"
    more = {"/etc/postfix/domains": "example.org\nexample.net\n"}
    assert [box.address for box in hand_made(conf, "tito:{SSHA}x\n", more).mailboxes] == ["tito@example.net"]


def aliased(text: str, **parameters: str) -> Found:
    """What a virtual_alias_maps of that text says beside a mailbox of example.org's."""
    told = {"myhostname": "mail.example.org", "mydestination": "localhost", "virtual_mailbox_domains": "example.org"}
    told |= {"virtual_mailbox_maps": "hash:/boxes", "virtual_alias_maps": "hash:/virtual", **parameters}
    files = {"/boxes": "tito@example.org x\n", "/virtual": text, "/sasl": "relay.example tito:secret\n"}
    return server(Told({}, told, files), Host(), None)


def test_a_table_of_aliases_with_tabs_capitals_and_several_targets_of_a_catch_all():
    found = aliased(
        "Info@Example.org\tTito@example.org\tana@b\u00fccher.example\n@example.org tito@example.org, x@y.example\n"
    )
    aliases = {one.address: one.targets for one in found.aliases}
    assert aliases["info@example.org"] == ("tito@example.org", "ana@xn--bcher-kva.example")
    assert aliases[found.catch_all["example.org"]] == ("tito@example.org", "x@y.example")


def test_a_domain_that_leads_to_another_is_its_former_name_unless_it_has_addresses():
    domains = {"virtual_alias_domains": "old.example, older.example"}
    found = aliased(
        "@old.example @example.org\n@older.example @example.org\nana@older.example x@y.example\n", **domains
    )
    assert found.former_domains == {"old.example": "example.org"}
    assert found.domains == ("example.org", "older.example")
    assert any("older.example has addresses of its own" in one for one in found.not_understood)


def test_a_file_that_is_not_there_and_one_that_is_too_long_are_told():
    found = aliased("", virtual_alias_domains="/etc/postfix/gone")
    assert any("/etc/postfix/gone" in one for one in found.not_understood)
    parameters = {"myhostname": "mail.example.org", "mydestination": "example.org"}
    cut = look.read(
        ["L /etc/postfix/virtual Cg==", "N doveconf-error " + base64.b64encode(b"line 3: unknown").decode()]
    )
    found = server(Told(cut.words, parameters, cut=cut.cut), Host(), None)
    assert any(one.startswith("/etc/postfix/virtual: it has more than 50 MB") for one in found.not_understood)
    assert any("cannot be read: line 3: unknown" in one for one in found.not_understood)


def test_another_delimiter_than_plus_and_copies_of_all_mail_are_told():
    said = {"recipient_delimiter": "-", "always_bcc": "archive@example.org", "mailbox_command": "/usr/bin/procmail"}
    told = "\n".join(aliased("", **said).not_understood)
    assert "procmail" in told
    assert "dovecot-lda" not in "\n".join(aliased("", mailbox_command="/usr/lib/dovecot/dovecot-lda").not_understood)
    assert "tito-shop@" in told
    assert "always_bcc" in told


def test_one_login_for_every_relayhost():
    sasl = {"relayhost": "relay.example", "smtp_sasl_auth_enable": "yes"}
    relay = aliased("", smtp_sasl_password_maps="static:tito:geheim", **sasl).relayhost
    assert relay
    assert (relay.username, relay.password) == ("tito", "geheim")


def test_a_passwd_file_for_each_domain():
    conf = parsed("passdb {\n driver = passwd-file\n args = username_format=%n /etc/vmail/%d/passwd\n}\n")
    told = Told(files={"/etc/vmail/example.org/passwd": "tito:{PLAIN}x::::::\n", "/etc/vmail/other": "no:x\n"})
    assert [row.user for row in users.rows(conf, told)] == ["tito@example.org"]


def test_where_postfix_itself_delivers():
    assert stores.by_postfix("/var/vmail", "example.org/tito/") == "maildir:/var/vmail/example.org/tito"
    assert (
        stores.by_postfix("/var/vmail", "example.org/tito")
        == "mbox:/var/vmail/example.org:INBOX=/var/vmail/example.org/tito"
    )


@pytest.mark.parametrize(
    ("said", "layout", "place"),
    [
        ("maildir:/v/%n:LAYOUT=fs:INDEX=/i/%n", "", "maildir:/v/tito:LAYOUT=fs:INDEX=/i/tito"),
        ("maildir:/v/%n/", "fs", "maildir:/v/tito:LAYOUT=fs"),
        ("maildir:/v/%n:LAYOUT=Maildir++:VOLATILEDIR=/run/x", "", "maildir:/v/tito"),
        ("mdbox:/v/%n:ALT=/slow/%n:LAYOUT=fs", "", "mdbox:/v/tito:ALT=/slow/tito"),
        ("sdbox:/v/%n:INDEX=MEMORY", "fs", "sdbox:/v/tito"),
        ("maildir:/v/%n:LAYOUT=index", "", None),
        ("mdbox:/v/%n:DIRNAME=m", "", None),
        ("maildir:/v/%n:UTF-8", "", None),
    ],
)
def test_a_place_is_taken_with_the_words_that_say_where_messages_are(said: str, layout: str, place: str | None):
    conf = parsed(f"mail_location = {said}\nmailbox_list_layout = {layout}\n")
    store = stores.store(conf, "tito@example.org", "/h")
    assert store.location == (place or "")
    assert bool(store.why) == (place is None)
    if place:
        assert locations.location(place) == place, "mail.yaml takes it"


def test_folders_in_one_another_are_a_maildirs_alone():
    with pytest.raises(ValueError, match="LAYOUT=fs"):
        locations.location("mbox:/v/tito:LAYOUT=fs")


def test_an_inbox_that_lies_beside_the_maildir_is_found():
    beside_it = There(frozenset({"/v/t", "/v/t/.INBOX/cur"}))
    assert stores.with_inbox("maildir:/v/t", beside_it) == "maildir:/v/t:INBOX=/v/t/.INBOX"
    assert stores.with_inbox("maildir:/v/t", There(frozenset({"/v/t/.INBOX/cur", "/v/t/cur"}))) == "maildir:/v/t"


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("%d/%n/%u", "example.org/tito/tito@example.org"),
        ("%Ld:%{user|username|lower}", "example.org:tito"),
        ("%h/Maildir", "/h/Maildir"),
        ("~/Maildir:INDEX=~/idx", "/h/Maildir:INDEX=/h/idx"),
        ("%1n/%n", None),
        ("%{owner_user}", None),
    ],
)
def test_variables_of_both_generations(text: str, means: str | None):
    assert expanded(text, "tito@example.org", "/h") == means


def test_a_default_scheme_of_clear_text_is_said():
    conf = parsed("passdb {\n driver = passwd-file\n args = scheme=PLAIN /etc/users\n}\n")
    [row] = users.rows(conf, Told(files={"/etc/users": "tito@example.org:geheim\n"}))
    assert row.password == "{PLAIN}geheim"


@pytest.mark.parametrize(
    ("rule", "size"),
    [("*:storage=1G", 1 << 30), ("*:bytes=5000", 5000), ("*:storage=10", 10240), ("2G", 2 << 30), ("10%", None)],
)
def test_quotas_of_both_generations(rule: str, size: int | None):
    assert users.quota(rule) == size


def test_keys_of_opendkim_and_rspamd():
    opendkim = {
        "/etc/opendkim.conf": "KeyTable refile:/etc/opendkim/KeyTable\n",
        "/etc/opendkim/KeyTable": "a example.org:mail:/k/a\n%  %:all:/k/b\n",
    }
    [first, second] = beside.keys(Told(files=opendkim), ["example.org", "example.net"])[:2]
    assert (first.domain, first.selector, first.path) == ("example.org", "mail", "/k/a")
    assert (second.selector, second.path) == ("all", "/k/b")
    signing = (
        'selector = "dkim";\npath = "/k/$domain.$selector.key";\ndomain {\n example.org {\n'
        ' selectors [\n {\n selector = "x";\n path = "/k/x";\n }\n ]\n }\n}\n'
    )
    rspamd = {"/etc/rspamd/local.d/dkim_signing.conf": signing}
    keys = {
        one.domain: (one.selector, one.path) for one in beside.keys(Told(files=rspamd), ["example.org", "example.net"])
    }
    assert keys == {"example.org": ("x", "/k/x"), "example.net": ("dkim", "/k/example.net.dkim.key")}


def test_the_webmails_name_in_apache_and_nginx():
    apache = (
        "<VirtualHost *:80>\nServerName www.example.org\n</VirtualHost>\n<VirtualHost *:443>\n"
        "ServerName Webmail.example.org\nDocumentRoot /usr/share/squirrelmail\n</VirtualHost>\n"
    )
    path = "/etc/apache2/sites-enabled/all.conf"
    assert beside.webmail(Told(files={path: apache})) == ("webmail.example.org", "squirrelmail", path)
    nginx = {"/etc/nginx/sites-enabled/m": "server {\n server_name mail.example.org;\n root /var/www/roundcube;\n}\n"}
    assert beside.webmail(Told(files=nginx))[:2] == ("mail.example.org", "roundcube")
    assert beside.webmail(Told()) == ("", None, "")


def test_a_certificate_of_lets_encrypt_and_whom_it_writes_to():
    names = {"/etc/letsencrypt/live/x/cert.pem": "X509v3\n    DNS:mail.example.org, DNS:www.example.org\n"}
    told = Told({"acme": '{"body": {"contact": ["mailto:tito@example.org"]}}'}, certificates=names)
    assert beside.acme(told, "mail.example.org") == (True, "tito@example.org")
    assert beside.acme(told, "mail.example.net")[0] is False


def test_tables_as_postfix_reads_them():
    assert tables.rows("# no\na  b,\n  c\n\nd e\n") == {"a": "b, c", "d": "e"}
    assert tables.targets('a, "|cmd x, y", b') == ("a", '"|cmd x, y"', "b")
    assert tables.lookup("hash:/a proxy:mysql:/b hash:/missing", {"/a": "k v\n"}) == (
        {"k": "v"},
        ["proxy:mysql:/b", "hash:/missing"],
    )


def test_what_a_host_says_is_read_from_base64():
    text = base64.b64encode(b"geheim\n").decode()
    told = look.read([f"F /etc/dovecot/users {text}", f"P relayhost {text}", f"N passwd {text}", "noise"])
    assert told.files == {"/etc/dovecot/users": "geheim\n"}
    assert told.parameters == {"relayhost": "geheim"}
    assert "geheim" not in repr(Told(files=told.files))
