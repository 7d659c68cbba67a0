"""What an operator may write in mail.yaml, and what they read when it cannot be."""

import string
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
import yaml

from deploys.mailserver import MailServer
from deploys.password import argon2, unix
from deploys.words import WordsError, words
from tests.test_tls import certify

ROOT = Path(__file__).resolve().parent.parent
SECRET = "hunter2-in-clear"
ARGON2 = "{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"
SHA512 = "$6$saltsalt$" + "a" * 86
BCRYPT = "$2b$12$" + "b" * 53


def example(**changes):
    """The smallest whole set of words, changed; None takes a word away."""
    whole = {
        "hostname": "mail.example.org",
        "domains": ["example.org"],
        "mailboxes": {"alice@example.org": {"password": ARGON2}, "bob@example.org": {"password": ARGON2}},
        **changes,
    }
    return {key: value for key, value in whole.items() if value is not None}


def box(**more):
    return {"password": ARGON2, **more}


def boxes(*addresses):
    return {address: box() for address in addresses}


@pytest.fixture
def write(tmp_path):
    """A mail.yaml with the given text, or the example with changes."""

    def written(text=None, **changes):
        path = tmp_path / "mail.yaml"
        text = yaml.safe_dump(example(**changes), allow_unicode=True, sort_keys=False) if text is None else text
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


@pytest.fixture
def refusal(write):
    """The reasons for which words are refused, without the path in front: ``line: key: sentence``."""

    def refused(text=None, **changes):
        path = write(text, **changes)
        with pytest.raises(WordsError) as caught:
            words(path)
        assert SECRET not in str(caught.value)
        return [line.removeprefix(f"{path}:").strip() for line in caught.value.lines]

    return refused


@pytest.fixture
def accepted(write):
    return lambda text=None, **changes: words(write(text, **changes))


def about(reasons, key):
    """The one reason that names ``key``."""
    found = [reason for reason in reasons if f" {key}: " in f" {reason}"]
    assert len(found) == 1, reasons
    return found[0]


# --- A hostname, a domain and a mailbox are enough -------------------------------------------------------------------


def test_a_hostname_a_domain_and_a_mailbox_are_enough(accepted):
    mail = accepted()
    assert mail.postmaster == "alice@example.org"
    assert mail.names == ("mail.example.org", "webmail.example.org")
    assert (mail.quota, mail.message_size, mail.trusted_networks) == (1 << 30, 50 << 20, ())


def test_the_shipped_words_are_good():
    mail = words(ROOT / "group_data" / "mail.yaml")
    assert list(mail.mailboxes) == ["tito@example.com", "iqbal@example.com"]
    assert mail.warnings() == []


def test_blank_sections_say_nothing(accepted):
    mail = accepted(
        "hostname: mail.example.org\ndomains: [example.org]\naliases:\ncatch_all:\npostfix:\n  parameters:\ntls:\n"
        "webmail:\nrelayhost:\naccounts: system\nmailboxes:\n  alice@example.org:\n"
    )
    assert mail.aliases == {}
    assert mail.webmail.title == "Webmail"
    assert mail.relayhost is None
    assert mail.mailboxes["alice@example.org"].password is None


def test_webmail_can_be_left_out(accepted):
    mail = accepted(webmail=False)
    assert mail.webmail is False
    assert mail.names == ("mail.example.org",)
    assert not {"apache2", "php-fpm"} & set(mail.packages())


def test_every_room_brings_its_packages_once(accepted):
    packages = accepted().packages()
    assert {"postfix", "dovecot-core", "dovecot-lmtpd", "apache2", "php-fpm"} <= set(packages)
    assert packages == sorted(set(packages))


def test_postfix_gets_the_words_that_are_its_to_keep(accepted):
    room = accepted(trusted_networks=["192.0.2.0/28"], message_size="20M", postfix={"parameters": {"biff": False}})
    assert room.postfix_room.trusted_networks == ("192.0.2.0/28",)
    assert room.postfix_room.message_size == 20 << 20
    assert room.postfix_room.parameters == {"biff": False}


def test_words_that_are_read_already_come_back_as_they_are(accepted):
    mail = accepted()
    assert MailServer.read(mail) is mail


def test_names_are_kept_byte_for_byte(accepted):
    name = "José Müller 漢"
    assert accepted(mailboxes={"jose@example.org": box(name=name)}).mailboxes["jose@example.org"].name == name


def test_internationalised_domains_become_a_labels_everywhere(accepted):
    mail = accepted(domains=["Bücher.example"], mailboxes=boxes("anna@bücher.example"))
    assert mail.domains == ("xn--bcher-kva.example",)
    assert list(mail.mailboxes) == ["anna@xn--bcher-kva.example"]
    assert mail.webmail.hostname == "webmail.xn--bcher-kva.example"


def test_upper_case_is_the_same_mailbox(accepted):
    assert list(accepted(mailboxes=boxes("Alice.Smith@Example.ORG")).mailboxes) == ["alice.smith@example.org"]


@pytest.mark.parametrize(
    ("said", "bytes_"), [("50M", 52428800), (1000000, 1000000), ("1.5 GiB", 1610612736), ("2g", 2 << 30)]
)
def test_sizes_are_bytes_or_have_a_unit(accepted, said, bytes_):
    assert accepted(quota=said).quota == bytes_


def test_trusted_networks_are_taken_with_and_without_brackets(accepted):
    said = ["[::1]/128", "2001:db8::/32", "192.0.2.7", "10.0.0.0/24"]
    assert accepted(trusted_networks=said).trusted_networks == (
        "::1/128",
        "2001:db8::/32",
        "192.0.2.7/32",
        "10.0.0.0/24",
    )


# --- Host names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hostname", "right"),
    [
        ("mail", "whole name, such as mail.example.org"),
        ("localhost", "whole name, such as mail.example.org"),
        ("mail.example.org.", "write mail.example.org"),
        ("mail_1.example.org", "letters, digits and inner hyphens"),
        ("192.0.2.1", "write a name that the DNS knows"),
        ("mail.example.org ", "write the bare name"),
        ("-mail.example.org", "letters, digits and inner hyphens"),
        ("mail..example.org", "letters, digits and inner hyphens"),
        ("mail.example.1", "a name the DNS can hold"),
    ],
)
def test_a_host_name_that_receivers_would_refuse_is_refused(refusal, hostname, right):
    assert right in about(refusal(hostname=hostname), "hostname")


def test_the_server_is_not_named_like_a_mail_domain(refusal):
    reason = about(refusal(hostname="Example.org"), "hostname")
    assert "is also one of domains" in reason
    assert "mail.example.org" in reason


# --- YAML ------------------------------------------------------------------------------------------------------------


def test_duplicate_keys_are_named_with_both_lines(refusal):
    text = yaml.safe_dump(example()) + "catch_all:\n  example.org: alice@example.org\n  example.org: bob@example.org\n"
    line = text[: text.index("catch_all")].count("\n") + 1
    reason = about(refusal(text), "catch_all.example.org")
    assert f"stands on line {line + 1} and again on line {line + 2}; keep one" in reason


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("0123", "another number"),
        ("no", "yes or no"),
        ("12:30", "another number"),
        ("2024-01-01", "a date"),
        ("1234", "a number"),
        ("1.5", "a number"),
        ("#abc", "is empty"),
        ("~", "is empty"),
        ("0x1F", "another number"),
    ],
)
def test_what_yaml_would_turn_into_something_else_must_be_quoted(refusal, written, wrong):
    text = (
        f"hostname: mail.example.org\ndomains: [example.org]\nmailboxes:\n  a@example.org:\n    password: {written}\n"
    )
    (reason,) = refusal(text)
    assert reason.startswith("5: mailboxes.a@example.org.password: ")
    assert wrong in reason
    assert "quote" in reason
    assert len(written) < 4 or written not in reason


def test_an_octal_port_is_not_silently_another_one(refusal):
    assert "another number" in about(refusal(yaml.safe_dump(example()) + "webmail: {port: 0443}\n"), "webmail.port")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hostname: a\n\tdomains: b\n", "2: a tab indents this line; indent with spaces"),
        ("hostname: mail.example.org\ndomains: [example.org\n", "2: a { or [ that opens here is not closed"),
        (f"a:\n  b: {{password: #{SECRET}}}\nc: 1\n", "2: a { or [ that opens here is not closed"),
        (
            f"a: {{ARGON2ID}}{SECRET}\n",
            "1: a value goes on after its quote or } has closed; put the whole value in quotes",
        ),
        (f"a: *{SECRET}\n", "1: a value that begins with * must stand in quotes"),
        (f"a: '{SECRET}\n", "1: a quote that opens here is not closed"),
        ("a: 1\n b: 2\n", "2: a colon or an indentation too much"),
        ("a: [::1/128]\n", "1: a value that begins with a colon must stand in quotes"),
        ("a:\n  b: 1\n c: 2\n", "3: this line is indented unlike its neighbours; align the keys"),
        (f'a: "{SECRET}\\d"\n', "1: a backslash in double quotes means something else to YAML; use single quotes"),
        (f"a: @{SECRET}\n", "1: cannot be read as YAML; check the indentation, and put a value in quotes"),
        ("a: 1\n---\nb: 2\n", "2: a second document begins here"),
        ("- a\n", "does not hold keys and values; write at least hostname, domains and mailboxes"),
        ("", "is empty; write at least hostname, domains and mailboxes"),
        (b"hostname: mail.example.org\nname: \xfc\n", "2: is not UTF-8; save the file as UTF-8"),
        ("a: \x01\n", "holds a control character; write the file as plain text"),
    ],
)
def test_a_file_that_is_no_yaml_gets_one_clear_sentence(refusal, text, reason):
    (told,) = refusal(text)
    assert told.startswith(reason)


def test_a_file_that_is_not_there_gets_one_clear_sentence(tmp_path):
    with pytest.raises(WordsError, match=r"none\.yaml: cannot be read \(No such file or directory\); write it"):
        words(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    "text", ["a: &a [*a]\n", "a: &a {b: *a}\n", "<<: {a: 1}\n", "? [a]\n: b\n", f"a: !tag {SECRET}\n"]
)
def test_yaml_for_experts_is_refused_without_a_traceback(refusal, text):
    assert refusal(text)


def test_a_file_with_a_byte_order_mark_is_read(accepted):
    assert accepted(b"\xef\xbb\xbf" + yaml.safe_dump(example()).encode()).hostname == "mail.example.org"


# --- Everything at once ----------------------------------------------------------------------------------------------


def test_all_errors_are_told_at_once_by_key_and_line_and_none_tells_a_secret(refusal):
    text = f"""\
hostname: example.org
domains: [example.org]
mailboxes:
  Alice@Example.ORG: {{passwrod: {SECRET}}}
  bob@example.org: {{password: {SECRET}}}
aliases:
  sales@example.org: [nosuch@example.org]
  a@example.org: [b@example.org]
  b@example.org: [a@example.org]
relayhost: {{host: smtp.example.net, username: tito, password: {SECRET}}}
message_size: 500G
hostnam: x
"""
    assert refusal(text) == [
        "1: hostname: example.org is also one of domains, so its mail would be taken for Unix users'; "
        "give the host a name of its own, such as mail.example.org",
        "4: mailboxes.Alice@Example.ORG.passwrod: is not a word here; did you mean password?",
        "4: mailboxes.Alice@Example.ORG.password: is missing, so nobody could log in; "
        "script/password makes a hash to put here, in quotes",
        "5: mailboxes.bob@example.org.password: is clear text or an unknown kind of hash; "
        "script/password makes a hash to put here, in quotes",
        "7: aliases.sales@example.org: nosuch@example.org is neither a mailbox nor an alias; "
        "declare it under mailboxes",
        "8: aliases.a@example.org: goes round in a circle (a@example.org → b@example.org → a@example.org); "
        "take one of these steps out",
        "10: relayhost.password: a secret does not stand here itself; write {file: path} or {env: NAME}, "
        "and keep the secret there",
        "11: message_size: 500G is out of range; write a size from 64K to 1G",
        "12: hostnam: is not a word here; did you mean hostname?",
    ]


def test_missing_words_are_all_named(refusal):
    reasons = refusal("webmail: false\n")
    assert [reason.split(": ")[1] for reason in reasons] == ["hostname", "domains", "mailboxes"]
    assert all("is missing; write it" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("changes", "key", "right"),
    [
        ({"domains": "example.org"}, "domains", "write [one, another]"),
        ({"domains": []}, "domains", "write at least one"),
        ({"domains": ["example.org", "EXAMPLE.org"]}, "domains", "is the same domain as entry 1; keep one"),
        ({"mailboxes": ["alice@example.org"]}, "mailboxes", "write `key: value` lines below it"),
        ({"mailboxes": {"alice@example.org": "x"}}, "mailboxes.alice@example.org", "write `key: value` lines below it"),
        ({"mailboxes": {"alice": box()}}, "mailboxes.alice", "write name@domain"),
        ({"mailboxes": {"a b@example.org": box()}}, "mailboxes.a b@example.org", "use letters, digits, dots"),
        ({"mailboxes": {"a/b@example.org": box()}}, "mailboxes.a/b@example.org", "use letters, digits, dots"),
        ({"mailboxes": {"a@example.org": box(quota="lots")}}, "mailboxes.a@example.org.quota", "such as 50M"),
        ({"mailboxes": {"a@example.org": box(quota=-1)}}, "mailboxes.a@example.org.quota", "such as 50M"),
        ({"mailboxes": {"a@example.org": box(quota=True)}}, "mailboxes.a@example.org.quota", "such as 50M"),
        ({"mailboxes": {"a@example.org": box(name="a\nb")}}, "mailboxes.a@example.org.name", "write it on one line"),
        ({"mailboxes": boxes("posthaus-probe@example.org")}, "mailboxes.posthaus-probe@example.org", "choose another"),
        ({"mailboxes": boxes("a@example.net")}, "mailboxes.a@example.net", "not one of domains; add it there"),
        ({"aliases": {"x@example.org": "bob@example.org"}}, "aliases.x@example.org", "write [one, another]"),
        ({"aliases": {"x@example.org": []}}, "aliases.x@example.org", "write at least one"),
        ({"aliases": {"x@example.net": ["bob@example.org"]}}, "aliases.x@example.net", "not one of domains"),
        ({"aliases": {"x@example.org": ["|/bin/sh"]}}, "aliases.x@example.org", "write name@domain"),
        ({"postmaster": "nobody@example.org"}, "postmaster", "neither a mailbox nor an alias"),
        ({"accounts": "unix"}, "accounts", "write 'virtual' or 'system'"),
        ({"message_size": "10K"}, "message_size", "write a size from 64K to 1G"),
        ({"webmail": True}, "webmail", "write false for no webmail"),
        ({"webmail": {"port": 25}}, "webmail.port", "25 belongs to SMTP; write 443"),
        ({"webmail": {"port": 70000}}, "webmail.port", "is too large; write 65535 or less"),
        ({"webmail": {"port": "443"}}, "webmail.port", "write one without quotes"),
        ({"webmail": {"hostname": "webmail"}}, "webmail.hostname", "write the whole name"),
        ({"webmail": {"title": ""}}, "webmail.title", "is empty; write a value"),
        ({"webmail": {"line": "old"}}, "webmail.line", "write 'current' or 'stable'"),
        ({"dovecot": {"protocols": ["sieve"]}}, "dovecot", "Dovecot needs imap or pop3"),
        ({"dovecot": {"protocols": ["lmtp"]}}, "dovecot.protocols", "write 'imap', 'pop3' or 'sieve'"),
        ({"dovecot": {"settings": {"a": "x\ny = z"}}}, "dovecot.settings.a", "write it on one line"),
        ({"postfix": {"parameters": {"a": "x\ny = z"}}}, "postfix.parameters.a", "write it on one line"),
        ({"postfix": {"parameters": {"a": [1]}}}, "postfix.parameters.a", "write it in quotes"),
        (
            {"postfix": {"parameters": {"mynetworks": "0.0.0.0/0"}}},
            "postfix.parameters.mynetworks",
            "say it in trusted_networks",
        ),
        ({"postfix": {"message_size": 1}}, "postfix.message_size", "is not a word here"),
        ({"tls": {"certificate": ""}}, "tls.certificate", "write the path of a PEM file"),
        ({"tls": {"certificate": "none.pem", "key": "none.pem"}}, "tls.certificate", "cannot be read (No such file"),
        ({"tls": {"cert": "x"}}, "tls.cert", "did you mean certificate?"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(refusal, changes, key, right):
    assert right in about(refusal(**changes), key)


def test_a_key_without_its_certificate_is_refused(refusal, tmp_path):
    (tmp_path / "key.pem").write_text("x")
    assert "key is given; write both" in about(refusal(tls={"key": "key.pem"}), "tls.certificate")


def test_an_archive_of_the_webmail_is_found_from_the_directory_of_mail_yaml(accepted, tmp_path):
    pinned = {"archive": "squirrelmail.tar", "sha256": "a" * 64}
    assert accepted(webmail={"source": pinned}).webmail.source.archive == str(tmp_path / "squirrelmail.tar")
    pinned["archive"] = "https://example.org/squirrelmail.tar"
    assert accepted(webmail={"source": pinned}).webmail.source.archive == pinned["archive"]


# --- Certificates ----------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path):
    """A chain and its key, written where mail.yaml is; the words that name them."""
    now = datetime.now(UTC)
    begin, end = now - timedelta(days=1), now + timedelta(days=30)
    authority = certify("Authority", authority=True, begin=begin, end=end)

    def made(*names):
        leaf = certify("mail", authority, names, begin=begin, end=end)
        (tmp_path / "chain.pem").write_bytes(leaf.pem + authority.pem)
        (tmp_path / "key.pem").write_bytes(leaf.key_pem)
        (tmp_path / "key.pem").chmod(0o600)
        return {"certificate": "chain.pem", "key": "key.pem"}

    return made


NAMES = ("mail.example.org", "webmail.example.org")


def test_a_certificate_of_ones_own_is_found_from_the_directory_of_mail_yaml(accepted, certificate, tmp_path):
    mail = accepted(tls=certificate(*NAMES))
    assert (mail.tls.certificate, mail.tls.key) == (tmp_path / "chain.pem", tmp_path / "key.pem")
    assert mail.warnings() == []


def test_a_certificate_that_does_not_cover_the_webmail_is_refused(refusal, certificate):
    assert "does not cover webmail.example.org" in about(refusal(tls=certificate(NAMES[0])), "tls.certificate")


def test_the_key_of_another_certificate_is_refused(refusal, certificate, tmp_path):
    tls = certificate(*NAMES)
    (tmp_path / "key.pem").write_bytes(certify("other").key_pem)
    assert "belongs to another certificate" in about(refusal(tls=tls), "tls.key")


def test_a_key_that_everybody_can_read_is_a_warning(accepted, certificate, tmp_path):
    tls = certificate(*NAMES)
    (tmp_path / "key.pem").chmod(0o644)
    (warning,) = accepted(tls=tls).warnings()
    assert warning.startswith("tls.key: ")
    assert "chmod 600" in warning


# --- Passwords -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (ARGON2, ARGON2),
        (ARGON2.removeprefix("{ARGON2ID}"), ARGON2),
        (SHA512, "{SHA512-CRYPT}" + SHA512),
        ("{SHA512-CRYPT}" + SHA512, "{SHA512-CRYPT}" + SHA512),
        ("{crypt}" + SHA512, "{SHA512-CRYPT}" + SHA512),
        ("$5$rounds=5000$salt$" + "a" * 43, "{SHA256-CRYPT}$5$rounds=5000$salt$" + "a" * 43),
        (BCRYPT, "{BLF-CRYPT}" + BCRYPT),
        (BCRYPT.replace("$2b$", "$2y$"), "{BLF-CRYPT}" + BCRYPT.replace("$2b$", "$2y$")),
        (BCRYPT.replace("$2b$", "$2a$"), "{BLF-CRYPT}" + BCRYPT.replace("$2b$", "$2a$")),
        ("$y$j9T$salt$" + "a" * 43, "{CRYPT}$y$j9T$salt$" + "a" * 43),
    ],
)
def test_hashes_that_both_dovecots_read_are_taken_with_or_without_their_scheme(accepted, said, kept):
    mailbox = accepted(mailboxes={"a@example.org": {"password": said}}).mailboxes["a@example.org"]
    assert mailbox.password == kept
    assert mailbox.crypt == kept.partition("}")[2]


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (SECRET, "clear text or an unknown kind"),
        ("{PLAIN}" + SECRET, "is clear text"),
        ("{CLEARTEXT}" + SECRET, "is clear text"),
        ("$1$salt$" + SECRET, "MD5"),
        ("{MD5-CRYPT}$1$salt$" + SECRET, "MD5"),
        ("{SSHA}" + SECRET, "plain SHA"),
        (SECRET + ":x", "a colon"),
        (SECRET + " x", "a blank"),
        (SECRET + "\n", "a control character"),
        (SHA512[:-1], "is not a whole SHA512-CRYPT hash"),
        (ARGON2 + "=", "is not a whole ARGON2ID hash"),
        ("{BLF-CRYPT}" + SHA512, "before a hash of another kind; write {SHA512-CRYPT}"),
        ("$HOME", "clear text"),
        ("#hash", "clear text"),
        ("100%u", "clear text"),
        ("é€ß", "clear text"),
    ],
)
def test_anything_else_is_refused_without_showing_it(refusal, said, wrong):
    reason = about(refusal(mailboxes={"a@example.org": {"password": said}}), "mailboxes.a@example.org.password")
    assert wrong in reason
    assert said not in reason
    assert "script/password" in reason or "write {SHA512-CRYPT}" in reason


def test_a_mailbox_without_a_password_is_refused(refusal):
    reason = about(refusal(mailboxes={"a@example.org": {}}), "mailboxes.a@example.org.password")
    assert "is missing, so nobody could log in; script/password" in reason


def test_no_repr_shows_a_hash_or_a_secret(accepted, monkeypatch):
    monkeypatch.setenv("RELAY_PASSWORD", SECRET)
    relayhost = {"host": "smtp.example.net", "username": "tito", "password": {"env": "RELAY_PASSWORD"}}
    mail = accepted(relayhost=relayhost)
    assert mail.relayhost.password.get_secret_value() == SECRET
    for shown in (repr(mail), repr(mail.directory), repr(mail.postfix_room), str(mail.to_json())):
        assert SECRET not in shown
        assert "argon2id" not in shown


# --- Secrets of the relayhost ----------------------------------------------------------------------------------------

ODD = ["a b", " lead", "trail ", 'foo\\"bar', "it's", "a:b", "{PLAIN}x", "$HOME", "100%u", "#hash", "`id`", ";reboot"]
ODD += ["é€ß 漢", "p*ss?", "a" * 100 + "Z", "%s{0}", "\\n", "'", '"', "x" * 5000]
_random = Random(7)
ODD += ["".join(_random.choices(string.printable[:95] + "éß漢€", k=_random.randint(1, 40))) for _ in range(50)]


@pytest.mark.parametrize("secret", ODD)
def test_every_character_of_a_secret_in_a_file_is_kept(accepted, tmp_path, secret):
    (tmp_path / "relay.secret").write_bytes(f"{secret}\n".encode())
    relayhost = {"host": "smtp.example.net", "username": "tito", "password": {"file": "relay.secret"}}
    assert accepted(relayhost=relayhost).relayhost.password.get_secret_value() == secret


def test_a_file_of_one_secret_may_end_as_windows_ends_lines(accepted, tmp_path):
    (tmp_path / "s").write_bytes(b"one\r\n")
    mail = accepted(relayhost={"host": "smtp.example.net", "username": "tito", "password": {"file": "s"}})
    assert mail.relayhost.password.get_secret_value() == "one"


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ({"file": "absent"}, "cannot be read (No such file"),
        ({"file": "empty"}, "the secret is empty"),
        ({"file": "two-lines"}, "put it there on one line"),
        ({"file": "latin"}, "is not UTF-8"),
        ({"env": "NOT_SET_ANYWHERE"}, "no environment variable NOT_SET_ANYWHERE is set"),
        ({"env": SECRET}, "no environment variable of that name is set"),
        ({"file": "a", "env": "B"}, "write {file: path} or {env: NAME}"),
        ({"fiel": "a"}, "write {file: path} or {env: NAME}"),
        (1234, "write {file: path} or {env: NAME}"),
    ],
)
def test_a_secret_that_cannot_be_had_is_refused(refusal, tmp_path, password, reason):
    (tmp_path / "empty").write_text("")
    (tmp_path / "two-lines").write_text(f"{SECRET}\n{SECRET}\n")
    (tmp_path / "latin").write_bytes(b"\xfc\n")
    relayhost = {"host": "smtp.example.net", "username": "tito", "password": password}
    assert reason in about(refusal(relayhost=relayhost), "relayhost.password")


@pytest.mark.parametrize(
    ("relayhost", "key", "right"),
    [
        ({}, "relayhost.host", "is missing"),
        ({"host": "[smtp.example.net]:587"}, "relayhost.host", "letters, digits and inner hyphens"),
        ({"host": "smtp.example.net", "username": "tito"}, "relayhost.password", "write both or neither"),
        ({"host": "smtp.example.net", "port": 465}, "relayhost.port", "add tls: implicit"),
        ({"host": "smtp.example.net", "tls": "implicit"}, "relayhost.port", "write tls: starttls, or port: 465"),
        ({"host": "smtp.example.net", "tls": "none"}, "relayhost.tls", "write 'starttls' or 'implicit'"),
    ],
)
def test_a_relayhost_that_makes_no_sense_is_refused(refusal, relayhost, key, right):
    assert right in about(refusal(relayhost=relayhost), key)


# --- Networks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "right"),
    [
        ("0.0.0.0/0", "the whole internet, which makes an open relay"),
        ("::/0", "the whole internet, which makes an open relay"),
        ("0.0.0.0/1", "wider than /24"),
        ("8.0.0.0/8", "wider than /24"),
        ("::/1", "wider than /32"),
        ("::ffff:0:0/96", "write it as an IPv4 network"),
        ("10.0.0.5/24", "write 10.0.0.0/24 for the network or 10.0.0.5 for the host"),
        ("[2001:db8::1]/64", "write 2001:db8::/64 for the network"),
        ("office.example.org", "is not a network; write addresses such as 192.0.2.0/24"),
    ],
)
def test_a_network_that_opens_or_stalls_smtp_is_refused(refusal, network, right):
    assert right in about(refusal(trusted_networks=[network]), "trusted_networks")


# --- Warnings --------------------------------------------------------------------------------------------------------


def test_what_may_surprise_is_a_warning(accepted):
    warnings = accepted(
        trusted_networks=["127.0.0.0/8", "172.16.0.0/12", "192.0.2.0/24"],
        message_size="60M",
        mailboxes={"alice@example.org": box(quota="50M")},
        aliases={"team@example.org": ["alice@example.org", "ext@example.net"]},
        catch_all={"example.org": "all@example.com"},
    ).warnings()
    assert [warning.partition(": ")[0] for warning in warnings] == [
        "aliases.team@example.org",
        "catch_all.example.org",
        "trusted_networks",
        "mailboxes.alice@example.org.quota",
    ]
    assert "ext@example.net" in warnings[0]
    assert "172.16.0.0/12" in warnings[2]
    assert "50M is less than one message of message_size (60M)" in warnings[3]


# --- Unix users ------------------------------------------------------------------------------------------------------


def test_unix_users_keep_their_own_passwords(accepted):
    mail = accepted(accounts="system", mailboxes={"tito@example.org": {}})
    assert mail.directory.login("tito@example.org") == "tito"


@pytest.mark.parametrize(
    ("mailboxes", "key", "right"),
    [
        ({"root@example.org": {}}, "mailboxes.root@example.org", "the system's own; choose another name"),
        ({"a.b@example.org": {}}, "mailboxes.a.b@example.org", "use lower-case letters, digits"),
        ({"1a@example.org": {}}, "mailboxes.1a@example.org", "use lower-case letters, digits"),
        (
            {"tito@example.org": {}, "tito@example.net": {}},
            "mailboxes.tito@example.net",
            "as tito@example.org is; make one",
        ),
        ({"tito@example.org": box()}, "mailboxes.tito@example.org.password", "script/password --system"),
    ],
)
def test_a_mailbox_that_can_be_no_unix_user_is_refused(refusal, mailboxes, key, right):
    reasons = refusal(accounts="system", domains=["example.org", "example.net"], mailboxes=mailboxes)
    assert right in about(reasons, key)


# --- script/password -------------------------------------------------------------------------------------------------


def test_made_hashes_are_what_mail_yaml_takes(accepted):
    made = {"a@example.org": {"password": argon2("a b:c'\"#é")}, "b@example.org": {"password": unix("a b:c'\"#é")}}
    mail = accepted(mailboxes=made)
    assert mail.mailboxes["a@example.org"].password.startswith("{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$")
    assert mail.mailboxes["b@example.org"].password.startswith("{BLF-CRYPT}$2b$")
    accepted(accounts="system", mailboxes={"b@example.org": made["b@example.org"]})


def test_a_password_that_bcrypt_would_cut_is_refused():
    with pytest.raises(ValueError, match="more than 72 bytes"):
        unix("é" * 37)
