"""Postfix, from mail.yaml to final text."""

from __future__ import annotations

import re

import pytest

from deploys.components.postfix import parameters, render, tables
from deploys.components.postsrsd.options import maps
from deploys.config.mailserver import MailServer
from facts.machine import MachineState
from facts.packages import Package
from operations.file import File
from tests.declared import context, packages
from tests.settings import HARD_SECRET, about, golden, golden_server

TABLES = ("domains", "mailboxes", "aliases", "senders", "own-senders", "helo-names", "not-from-outside")


def files(mail: MailServer, ipv6: bool = True, seven_bit: bool = True) -> dict[str, File]:
    return render.configuration(context(mail, ipv6, postfix="3.10.5-1" if seven_bit else "3.7.11-0", postsrsd="1.10-2"))


def text(mail: MailServer, name: str) -> str:
    return files(mail)[name].data.decode()


def main_cf(mail: MailServer) -> dict[str, str]:
    """Parameters of main.cf; each may stand there once only, since Postfix would warn."""
    rows = [row.split(" =", 1) for row in text(mail, "main.cf").splitlines() if row and not row.startswith("#")]
    assert len(rows) == len({row[0] for row in rows})
    return {name: value.strip() for name, value in rows}


def rows(mail: MailServer, table: str) -> dict[str, str]:
    """A table's rows; a key may stand there once only, or postmap drops one."""
    pairs = [row.split(" ", 1) for row in text(mail, f"posthaus/{table}").splitlines()]
    assert len(pairs) == len({key for key, _ in pairs})
    return dict(pairs)


@pytest.mark.parametrize(
    "name", ["main.cf", "master.cf", "posthaus/submission-headers", *(f"posthaus/{t}" for t in TABLES)]
)
def test_from_yaml_to_what_postfix_reads(monkeypatch, name):
    assert text(golden_server(monkeypatch), name) == golden(f"postfix/{name}")


def test_unix_users_get_their_own_messages_and_the_postmaster_all_others(monkeypatch):
    aliases = rows(golden_server(monkeypatch, accounts="system"), "aliases")
    assert aliases["iqbal@mail.example.com"] == "iqbal@example.com"
    assert aliases["@mail.example.com"] == aliases["@localhost"] == "tito@example.com"


def test_a_catch_all_swallows_no_mailbox_and_no_alias(monkeypatch):
    aliases = rows(golden_server(monkeypatch), "aliases")
    assert aliases["@example.net"] == aliases["ana@example.net"] == "ana@example.net"
    assert aliases["iqbal@example.com"] == "iqbal@example.com, someone@example.org"


def test_who_may_send_as_whom(monkeypatch):
    senders = rows(golden_server(monkeypatch), "senders")
    assert senders["tito@example.com"] == "tito@example.com"
    assert senders["iqbal@example.com"] == "iqbal@example.com"
    assert senders["shop@example.com"] == "tito@example.com, iqbal@example.com"
    assert senders["@example.net"] == "ana@example.net"
    assert "away@example.com" not in senders


def test_unix_users_send_by_their_own_names(monkeypatch):
    senders = rows(golden_server(monkeypatch, accounts="system"), "senders")
    assert senders["sales@example.com"] == "tito, iqbal"
    assert senders["posthaus-probe@example.com"] == "posthaus-probe@example.com"


def test_the_operators_parameter_takes_the_place_of_ours(monkeypatch):
    mail = golden_server(
        monkeypatch, postfix={"parameters": {"inet_protocols": "ipv4", "biff": True, "soft_bounce": False}}
    )
    main = main_cf(mail)
    assert (main["inet_protocols"], main["biff"], main["soft_bounce"]) == ("ipv4", "yes", "no")


def test_what_a_reload_does_not_pick_up_asks_for_a_restart(monkeypatch):
    usual = text(golden_server(monkeypatch), "posthaus/restart-parameters")
    assert "inet_interfaces = all\ninet_protocols = all\n" in usual
    own = golden_server(monkeypatch, postfix={"parameters": {"inet_interfaces": "192.0.2.1"}})
    assert "inet_interfaces = 192.0.2.1\n" in text(own, "posthaus/restart-parameters")
    assert text(golden_server(monkeypatch, message_size="30M"), "posthaus/restart-parameters") == usual


def test_a_host_without_ipv6_is_not_asked_to_listen_on_it(monkeypatch):
    main = files(golden_server(monkeypatch), ipv6=False)["main.cf"].data.decode()
    assert "inet_protocols = ipv4\n" in main


@pytest.mark.parametrize(
    ("network", "written"),
    [("192.0.2.0/28", "192.0.2.0/28"), ("2001:db8::/64", "[2001:db8::]/64"), ("::1/128", "[::1]/128")],
)
def test_trusted_networks_are_written_so_that_smtp_does_not_hang(network, written):
    assert parameters.network(network) == written


def test_only_loopback_is_trusted_unless_declared(monkeypatch):
    mail = golden_server(monkeypatch, trusted_networks=None)
    assert main_cf(mail)["mynetworks"] == "127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128"


def test_no_mail_domain_is_taken_for_unix_users(monkeypatch):
    mail = golden_server(monkeypatch)
    destinations = main_cf(mail)["mydestination"].replace("$myhostname", mail.hostname).split(", ")
    assert not set(destinations) & set(mail.domains)


def test_the_relayhosts_password_keeps_every_character_and_is_roots_alone(monkeypatch):
    file = files(golden_server(monkeypatch))["posthaus/relayhost-password"]
    assert file.data.decode() == f"[smtp.example.org]:465 mail@example.com:{HARD_SECRET}\n"
    assert (file.mode, file.user) == ("0600", "root")
    others = [f.data.decode() for name, f in files(golden_server(monkeypatch)).items() if not name.endswith("password")]
    assert not any(HARD_SECRET in other for other in others)


def test_a_password_goes_only_to_the_server_that_the_certificate_names(monkeypatch):
    main = main_cf(golden_server(monkeypatch))
    assert (main["relayhost"], main["smtp_tls_security_level"], main["smtp_tls_wrappermode"]) == (
        "[smtp.example.org]:465", "secure", "yes",
    )  # fmt: skip
    assert main_cf(golden_server(monkeypatch, relayhost=None, resolver="host"))["smtp_tls_security_level"] == "may"


def test_a_relayhost_password_that_postfix_would_cut_is_refused(monkeypatch):
    relayhost = {"host": "smtp.example.org", "username": "x", "password": {"env": "CUT_SECRET"}}
    monkeypatch.setenv("CUT_SECRET", "hush ")
    with pytest.raises(ValueError, match=r"relayhost\.password: ends with a blank") as caught:
        golden_server(monkeypatch, relayhost=relayhost)
    assert "hush" not in str(caught.value)


def test_nothing_is_chrooted_and_no_service_stands_twice(monkeypatch):
    services = [
        row.split() for row in text(golden_server(monkeypatch), "master.cf").splitlines() if row[:1] not in ("#", " ")
    ]
    assert {service[4] for service in services} == {"n"}
    assert len({(service[0], service[1]) for service in services}) == len(services)


def test_strangers_reach_no_unix_user_but_those_the_rfcs_want(monkeypatch):
    directory = golden_server(monkeypatch).directory
    closed = tables.not_from_outside("mail.example.com", directory)
    assert closed["mail.example.com"].startswith("550")
    assert closed["posthaus-probe@example.com"].startswith("550")
    assert closed["postmaster@mail.example.com"] == closed["abuse@mail.example.com"] == "DUNNO"


def test_tlsa_is_believed_where_the_resolver_validates_and_nowhere_else(monkeypatch):
    validated = main_cf(golden_server(monkeypatch, relayhost=None, resolver="local"))
    assert (validated["smtp_tls_security_level"], validated["smtp_dns_support_level"]) == ("dane", "dnssec")
    unsure = main_cf(golden_server(monkeypatch, relayhost=None, resolver="host"))
    assert unsure["smtp_tls_security_level"] == "may"
    assert "smtp_dns_support_level" not in unsure
    assert main_cf(golden_server(monkeypatch))["smtp_tls_security_level"] == "secure", "a relayhost takes it all"


def test_strangers_messages_that_an_alias_leads_elsewhere_go_by_srs_and_nobody_elses(monkeypatch):
    mail = golden_server(monkeypatch)
    assert mail.forwards
    forward, reverse = maps("1")
    made = files(mail)
    table = made["posthaus/transports"].data.decode().splitlines()
    rules = [(re.compile(row.split("/")[1]), row.split("/ ")[1]) for row in table]

    def transport(sender: str) -> str:
        return next(where for pattern, where in rules if pattern.search(sender))

    assert {transport(one) for one in ("<>", "tito@example.com", "ana@example.net", "root@mail.example.com")} == {
        "DUNNO"
    }
    assert {transport(one) for one in ("x@example.org", "x@sub.example.com", "x@badexample.com")} == {
        "srs:[127.0.0.1]:10027"
    }
    assert (
        f"recipient_canonical_maps = pipemap:{{regexp:/etc/postfix/posthaus/returned, {reverse}}}\n"
        in made["main.cf"].data.decode()
    )
    assert f"sender_canonical_maps={forward}\n" in made["master.cf"].data.decode()


def test_a_host_that_forwards_nothing_has_no_srs(monkeypatch):
    mail = golden_server(monkeypatch, aliases={}, catch_all={})
    assert not mail.forwards
    assert "postsrsd" not in packages(mail)
    assert "srs" not in text(mail, "master.cf")


@pytest.mark.parametrize(
    ("version", "can"), [("3.7.11-0+deb12u1", False), ("3.10.13-0+deb13u1", True), ("3.9.0", True)]
)
def test_whether_postfix_makes_7_bit_text_of_8_bit_text_is_told_by_its_version(version, can):
    assert MachineState(packages={"postfix": Package(candidate=version)}).seven_bit is can


def test_where_postfix_cannot_8_bit_text_takes_a_hop_of_our_own_before_it_is_signed(monkeypatch):
    mail = golden_server(monkeypatch)
    new, old = text(mail, "master.cf"), files(mail, seven_bit=False)
    assert "force_mime_input_conversion=yes" in new
    assert "10028" not in new
    assert "force_mime_input_conversion" not in old["master.cf"].data.decode(), "unknown to it: a warning in every line"
    rule = old["posthaus/eight-bit-headers"].data.decode()
    assert rule == "/^Content-Transfer-Encoding:[[:space:]]*(8bit|binary)/ FILTER seven-bit:[127.0.0.1]:10028\n"
    unsigned = files(golden_server(monkeypatch, filter=False), seven_bit=False)
    assert "posthaus/eight-bit-headers" not in unsigned, "nothing to break where nothing is signed"


# --- a relayhost for one domain

STARTTLS = {"host": "smtp.example.org", "username": "com", "password": {"env": "POSTHAUS_TEST_SECRET"}}
IMPLICIT = {"host": "out.example.org", "port": 465, "tls": "implicit"}
BY_DOMAIN = {"example.com": {"relayhost": STARTTLS}, "example.net": {"relayhost": IMPLICIT}}


def relayed(monkeypatch, **changes) -> dict[str, File]:
    mail = golden_server(monkeypatch, **{"domains": BY_DOMAIN, "relayhost": None, **changes})
    return files(mail)


@pytest.mark.parametrize("name", ["main.cf", "master.cf", "posthaus/transports"])
def test_from_relayhosts_by_domain_to_what_postfix_reads(monkeypatch, name):
    assert relayed(monkeypatch)[name].data.decode() == golden(f"postfix/relayhosts/{name}")


def test_each_domains_messages_take_its_own_relayhost_and_all_others_their_usual_transport(monkeypatch):
    table = relayed(monkeypatch)["posthaus/transports"].data.decode().splitlines()
    rules = [(re.compile(row.split("/")[1], re.IGNORECASE), row.split("/ ")[1]) for row in table]

    def transport(sender: str) -> str:
        return next(where for pattern, where in rules if pattern.search(sender))

    assert transport("Tito+x@Example.com") == "relayhost-starttls:[smtp.example.org]:587"
    assert transport("SRS0=abcd=ef=example.org=x@example.com") == "relayhost-starttls:[smtp.example.org]:587"
    assert transport("ana@example.net") == "relayhost-implicit:[out.example.org]:465"
    assert transport("<>") == transport("root@mail.example.com") == "DUNNO"
    assert transport("x@sub.example.com") == transport("x@example.org") == "srs:[127.0.0.1]:10027"


def test_a_domains_password_is_roots_alone_and_stands_in_one_file(monkeypatch):
    made = relayed(monkeypatch)
    file = made.pop("posthaus/relayhost-passwords")
    assert file.data.decode() == f"@example.com com:{HARD_SECRET}\n", "example.net's relayhost asks for none"
    assert (file.mode, file.user) == ("0600", "root")
    assert not any(HARD_SECRET in other.data.decode() for other in made.values())


def test_a_domains_relayhost_leaves_the_servers_own_as_it_is(monkeypatch):
    usual = golden_server(monkeypatch, domains=["example.com", "example.net"])
    both = golden_server(monkeypatch, domains=BY_DOMAIN)
    added = {"sender_dependent_default_transport_maps": "regexp:/etc/postfix/posthaus/transports"}
    assert main_cf(both) == main_cf(usual) | added
    assert files(both)["posthaus/relayhost-password"].data == files(usual)["posthaus/relayhost-password"].data
    assert "libsasl2-modules" in packages(golden_server(monkeypatch, domains=BY_DOMAIN, relayhost=None))
    assert "libsasl2-modules" not in packages(golden_server(monkeypatch, relayhost=None))


@pytest.mark.parametrize(
    ("change", "key", "right"),
    [
        ({"host": None}, "host", "is missing"),
        ({"username": None}, "username", "write both or neither"),
        ({"port": 465}, "port", "add tls: implicit"),
        ({"username": "a:b"}, "username", "holds a colon"),
        ({"password": "hush"}, "password", "a secret does not stand here itself"),
        ({"user": "x"}, "user", "did you mean username?"),
    ],
)
def test_a_domains_relayhost_that_makes_no_sense_is_refused_by_its_key(refusal, monkeypatch, change, key, right):
    monkeypatch.setenv("POSTHAUS_TEST_SECRET", HARD_SECRET)
    said = {word: value for word, value in {**STARTTLS, **change}.items() if value is not None}
    reason = about(refusal(domains={"example.org": {"relayhost": said}}), f"domains.example.org.relayhost.{key}")
    assert right in reason
    assert "hush" not in reason
