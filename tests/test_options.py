"""What an operator may write in mail.yaml, and what they read when it cannot be."""

import pytest

from deploys.config.mailserver import MailServer
from deploys.config.read import settings
from deploys.config.warnings import warnings
from tests.declared import packages
from tests.settings import ROOT, SECRET, about, box, boxes

# --- A hostname, a domain and a mailbox are enough -------------------------------------------------------------------


def test_a_hostname_a_domain_and_a_mailbox_are_enough(accepted):
    mail = accepted()
    assert mail.postmaster == "alice@example.org"
    assert mail.names == ("mail.example.org", "webmail.example.org")
    assert (mail.quota, mail.message_size, mail.trusted_networks) == (1 << 30, 50 << 20, ())


def test_the_shipped_settings_are_good():
    mail = settings(ROOT / "group_data" / "mail.yaml")
    assert list(mail.mailboxes) == ["tito@example.com", "iqbal@example.com"]
    assert warnings(mail) == []


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
    mail = accepted(webmail=False, clients=False)
    assert mail.webmail is False
    assert mail.names == ("mail.example.org",)
    assert not {"apache2", "php-fpm"} & set(packages(mail))


def test_every_component_brings_its_packages_once(accepted):
    installed = packages(accepted())
    assert {"postfix", "dovecot-core", "dovecot-lmtpd", "apache2", "php-fpm"} <= set(installed)
    assert installed == sorted(set(installed))


def test_postfix_gets_the_options_that_are_its_to_keep(accepted):
    mail = accepted(trusted_networks=["192.0.2.0/28"], message_size="20M", postfix={"parameters": {"biff": False}})
    assert mail.trusted_networks == ("192.0.2.0/28",)
    assert mail.message_size == 20 << 20
    assert mail.postfix.parameters == {"biff": False}


def test_settings_that_are_read_already_come_back_as_they_are(accepted):
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
        "4: mailboxes.Alice@Example.ORG.passwrod: is not an option here; did you mean password?",
        "4: mailboxes.Alice@Example.ORG.password: is missing, so nobody could log in; "
        "script/password makes a hash to put here, in quotes",
        "5: mailboxes.bob@example.org.password: is clear text or an unknown kind of hash; "
        "script/password makes a hash to put here, in quotes",
        "7: aliases.sales@example.org: nosuch@example.org is neither a mailbox nor an alias; "
        "declare it under mailboxes",
        "8: aliases.a@example.org: is an alias loop (a@example.org → b@example.org → a@example.org); "
        "take one of these steps out",
        "10: relayhost.password: a secret does not stand here itself; write {file: path} or {env: NAME}, "
        "and keep the secret there",
        "11: message_size: 500G is out of range; write a size from 64K to 1G",
        "12: hostnam: is not an option here; did you mean hostname?",
    ]


def test_missing_options_are_all_named(refusal):
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
        ({"webmail": {"branch": "old"}}, "webmail.branch", "write 'current' or 'stable'"),
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
        ({"postfix": {"message_size": 1}}, "postfix.message_size", "is not an option here"),
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
    mail = accepted(
        trusted_networks=["127.0.0.0/8", "172.16.0.0/12", "192.0.2.0/24"],
        message_size="60M",
        mailboxes={"alice@example.org": box(quota="50M")},
        aliases={"team@example.org": ["alice@example.org", "ext@example.net"]},
        catch_all={"example.org": "all@example.com"},
    )
    told = warnings(mail)
    assert [warning.partition(": ")[0] for warning in told] == [
        "aliases.team@example.org",
        "catch_all.example.org",
        "trusted_networks",
        "mailboxes.alice@example.org.quota",
    ]
    assert "ext@example.net" in told[0]
    assert "172.16.0.0/12" in told[2]
    assert "50M is less than one message of message_size (60M)" in told[3]


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
