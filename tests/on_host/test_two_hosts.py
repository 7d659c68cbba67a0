"""Two hosts that find each other by the DNS alone: what lands, what arrives, what is refused, and why."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import dkim
import dns.resolver
import docker
import pytest

from deploys.checks.deploy import REPORTS
from deploys.config.mailserver import MailServer
from deploys.records.check import check
from deploys.records.collect import contexts
from deploys.records.context import DomainContext
from deploys.records.resolver import Resolver
from deploys.result import CheckResult
from facts.dns import PublicRecords
from lab import names, network, pyinfra, sweep
from lab.errors import Unavailable
from lab.mailhost import MailHost
from lab.names import reverse_zone
from lab.pair import ADDRESSES, Pair, ordering
from lab.passwords import hashed
from lab.waiting import wait_until
from tests.on_host.converged import Converged
from tests.on_host.post import arrived, compose, deliver, submit
from tests.on_host.settings import IQBAL, PASSWORDS, TITO, no_webmail
from tests.on_host.signatures import valid
from tests.on_host.sink import listening
from tests.webmail import WebmailClient

pytestmark = pytest.mark.host

BEA = "bea@example.net"
RELEASES = ("debian-12", "debian-13")
KEYS = "sha256sum /var/lib/rspamd/dkim/* /etc/ssl/posthaus/*.pem"


def settings(domain: str, people: list[str], policy: str, resolver: str, server: str, **more: Any) -> dict[str, Any]:
    """What the administrator of one of the two writes."""
    own = {
        "dmarc": {"policy": policy},
        "mta_sts": {"mode": "enforce"},
        "dns": {"nameservers": {f"ns.{domain}": [server]}},
    }
    return {
        "hostname": f"mail.{domain}",
        "domains": {domain: own},
        "mailboxes": {person: {"password": hashed(PASSWORDS[person])} for person in people},
        "filter": {"blocklists": False},
        "bans": {"never": list(network.ENGINES)},
        "dns": {"resolver": resolver, "blocklists": [], "tlsa": True},
        "webmail": False if no_webmail() else {"hostname": f"webmail.{domain}"},
        **more,
    }


@pytest.fixture(scope="module")
def pair(engine: docker.DockerClient, converged: Converged, lab_state: Path) -> Iterator[Pair]:
    """Both hosts, converged, their zones served, their certificates ordered, as an administrator would go about it.

    Both come from the disks of converged hosts, but for their authorities: there, one is not the other's.
    """
    mine = f"posthaus-{os.getpid()}-pair"
    started: list[Any] = []
    PASSWORDS.setdefault(BEA, PASSWORDS[IQBAL])
    with network.network(engine, mine) as net:
        try:
            server = names.start(engine, f"{mine}-names", lab_state, net, sweep.owner())
            started.append(server.host)
            for number, release in zip(ADDRESSES, RELEASES, strict=True):
                place = {"network": net.name, "address": net.address(number)}
                one = converged.whole(converged.start(release, image=converged.image(release), **place))
                started.append(one.host)
                one.run("rm -r /etc/ssl/posthaus")
            yield settled(server, started[1:], lab_state / "pair")
        except Unavailable as reason:
            pytest.skip(str(reason))
        finally:
            for one in started:
                one.remove()


def settled(server: names.Names, hosts: list[Any], site: Path) -> Pair:
    """From two hosts to a pair that is whole."""
    com = settings("example.com", [TITO, IQBAL], "reject", server.resolver, server.server)
    net = settings("example.net", [BEA], "quarantine", server.resolver, server.server)
    net["aliases"] = {"away@example.net": ["someone@example.org"]}
    both = (MailHost(hosts[0], com, PASSWORDS), MailHost(hosts[1], net, PASSWORDS))
    pair = Pair(server, both, site)
    server.publish(
        "example.org", names.plain_zone("example.org", ["@ MX 10 out", f"out A {server.network.address(1)}"])
    )
    for one in both:
        server.use(one.host)
    run = pair.converge(confirm="example.com,example.net")  # of the two that both have, each keeps one
    assert run.rc == 0, run.output
    pair.use_lab_dns()
    pair.publish_reverse_names()
    run = pair.write_zones()
    assert run.rc == 0, run.output
    for one in both:
        one.settings["tls"] = ordering(next(iter(one.settings["mailboxes"])))
    run = pair.converge(com | both[0].settings, net | both[1].settings)
    assert run.rc == 0, run.output
    run = pair.write_zones()  # the keys of the new certificates
    assert run.rc == 0, run.output
    return pair


def asked(pair: Pair) -> dns.resolver.Resolver:
    """A resolver in this process that asks the lab's."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [pair.names.resolver]
    return resolver


def dns_of(pair: Pair) -> Any:
    """The DNS as dkimpy wants it."""

    def answer(name: bytes, timeout: int = 5) -> bytes | None:
        found = asked(pair).resolve(name.decode().rstrip("."), "TXT", raise_on_no_answer=False)
        return b"".join(next(iter(found.rrset)).strings) if found.rrset else None

    return answer


def transport(host: MailHost, recipient: str) -> str:
    """How the last message to ``recipient`` left, by Postfix's log: the line on TLS and the one on delivery."""
    found = "journalctl -o cat --no-pager -t postfix/smtp -n 400 | grep -e 'TLS connection established' -e 'status='"
    lines = host.run(found, check=False).stdout.splitlines()
    last = max((number for number, line in enumerate(lines) if f"to=<{recipient}>" in line), default=0)
    return "\n".join(lines[max(0, last - 1) : last + 1])


def verdicts(message: Any) -> set[str]:
    """``spf=pass`` and the others, of the one Authentication-Results."""
    (header,) = message.get_all("Authentication-Results")
    return set(re.findall(r"\b(?:spf|dkim|dmarc|arc)=\w+", header))


def people_write(host: MailHost, sender: str, recipient: str, **headers: str) -> EmailMessage:
    """A message of one of the host's own people, submitted."""
    message = compose(recipient, **headers)
    message.replace_header("From", sender)
    del message["Message-ID"]
    message["Message-ID"] = f"<{message['Subject']}@{sender.rpartition('@')[2]}>"
    assert submit(host, sender, host.password(sender), sender, recipient, message) == 250
    return message


def test_a_message_from_the_webmail_lands_in_a_strangers_inbox_with_all_its_papers(pair: Pair):
    com, net = pair
    subject = f"From the webmail {time.monotonic_ns()}"
    if com.settings["webmail"]:
        browser = WebmailClient("webmail.example.com", com.address, str(pair.site / "roots.pem"))
        browser.log_in(TITO, com.password(TITO))
        browser.write(BEA, subject, "Dear Bea,\nhow is your new server?\n")
    else:
        people_write(com, TITO, BEA, Subject=subject)
    message = arrived(net, BEA, net.password(BEA), subject, seconds=30)
    assert message is not None, transport(com, BEA)
    assert verdicts(message) >= {"spf=pass", "dkim=pass", "dmarc=pass"}
    assert message["X-Spam"] is None
    assert valid(message.as_bytes(), dns_of(pair)) == {("example.com", "mail"), ("example.com", "mail-ed25519")}
    left = transport(com, BEA)
    assert "Verified TLS connection established to mail.example.net" in left, left  # by DANE, from the signed zone
    assert "status=sent" in left


def test_the_answer_finds_its_way_by_the_mx_alone(pair: Pair):
    com, net = pair
    message = people_write(net, BEA, IQBAL)
    answer = arrived(com, IQBAL, com.password(IQBAL), message["Subject"], seconds=30)
    assert answer is not None, transport(net, IQBAL)
    assert verdicts(answer) >= {"spf=pass", "dkim=pass", "dmarc=pass"}
    assert "Verified TLS connection established to mail.example.com" in transport(net, IQBAL)


def test_an_enforced_policy_holds_where_no_tlsa_record_is_and_dane_wins_where_one_is(pair: Pair):
    com = pair.hosts[0]
    ask = "postmap -q example.net socketmap:inet:127.0.0.1:8461:postfix"
    assert com.run(ask).stdout == "dane\n"
    zone = pair.names.zones["example.net"]
    others = [line for line in zone.splitlines(keepends=True) if " TLSA " not in line]
    try:
        pair.names.publish("example.net", "".join(others))
        pair.forget()
        assert com.run(ask).stdout == "secure match=mail.example.net servername=hostname\n"
        people_write(com, TITO, BEA)
        wait_until(lambda: "status=sent" in transport(com, BEA), 30, "no message left")
        assert "Verified TLS connection established to mail.example.net" in transport(com, BEA)
    finally:
        pair.names.publish("example.net", zone)
        pair.forget()
    assert com.run(ask).stdout == "dane\n"


def test_what_claims_to_be_us_is_treated_as_our_policy_says(pair: Pair):
    """This machine sends from an address that nobody's SPF names."""
    com, net = pair
    forged = compose(BEA)
    forged.replace_header("From", TITO)
    assert deliver(net, BEA, "", forged) in (550, 554), "example.com asks to refuse it"
    forged = compose(IQBAL)
    forged.replace_header("From", BEA)
    assert deliver(com, IQBAL, "", forged) == 250, "example.net asks to set it aside"
    assert arrived(com, IQBAL, com.password(IQBAL), forged["Subject"], "Junk", 20) is not None


def test_what_an_alias_leads_elsewhere_still_proves_itself_there(pair: Pair):
    """tito, at example.com, writes to away@example.net, which is somebody at example.org: this machine."""
    com, net = pair
    with listening(pair.names.network.address(1)) as sink:
        message = people_write(com, TITO, "away@example.net")
        sender, recipients, raw = sink.wait(message["Subject"])
        assert recipients == ("someone@example.org",)
        assert re.fullmatch(r"SRS0=[^=]{4}=[^=]{2}=example\.com=tito@example\.net", sender), (
            "SPF passes for example.net"
        )
        assert valid(raw, dns_of(pair)) >= {("example.com", "mail"), ("example.com", "mail-ed25519")}, "DMARC by DKIM"
        seal, results, why = dkim.ARC(raw).verify(dnsfunc=dns_of(pair))
        assert seal == dkim.CV_Pass, (why, results)
        seen = re.search(rb"ARC-Authentication-Results: i=1;(.*?)\n\S", raw, re.DOTALL)
        assert seen is not None
        assert b"spf=pass" in seen[1]
        assert b"dmarc=pass" in seen[1]

        bounce = compose("x@example.org")
        bounce.replace_header("From", "mailer-daemon@out.example.org")
        bounce.replace_header("To", sender)
        assert deliver(net, sender, "", bounce) == 250
        assert deliver(net, sender.replace("SRS0=", "SRS0=x"), "", bounce) == 550, "an address that we never gave out"
        assert arrived(com, TITO, com.password(TITO), bounce["Subject"], seconds=20) is not None
        own = people_write(net, BEA, "away@example.net")
        assert sink.wait(own["Subject"])[0] == BEA, "our own people's messages keep their sender"


def test_a_bounce_is_signed_and_believed(pair: Pair):
    com = pair.hosts[0]
    com.run(f"doveadm expunge -u {TITO} mailbox INBOX header from MAILER-DAEMON")
    message = people_write(com, TITO, "nobody@example.net")
    bounce = arrived(com, TITO, com.password(TITO), "Undelivered Mail Returned to Sender", seconds=30)
    assert bounce is not None
    assert message["Subject"] in bounce.as_string()
    assert {name for name, _ in valid(bounce.as_bytes(), dns_of(pair))} == {"mail.example.com"}


def test_a_second_run_changes_nothing_and_no_key_or_certificate(pair: Pair):
    before = [one.run(KEYS).stdout for one in pair]
    run = pair.converge()
    assert (run.rc, run.changes) == (0, 0), run.output
    assert [one.run(KEYS).stdout for one in pair] == before


def test_verify_of_both_is_without_a_red_result(pair: Pair):
    run = pair.verify()
    assert run.rc == 0, run.output


def test_status_reads_the_dns_and_says_what_to_publish(pair: Pair):
    lines = status(pair)
    assert len(lines) > 15
    assert [one for one in lines if one["verdict"] == "FAIL"] == []
    zone = pair.names.zones["example.com"]
    (row,) = [line for line in zone.splitlines(keepends=True) if line.startswith("_dmarc.example.com. ")]
    try:
        pair.names.without("example.com", row)
        (red,) = [one for one in status(pair) if one["verdict"] == "FAIL"]
        assert red["what"] == "TXT _dmarc.example.com"
        assert red["remedy"].startswith("publish"), red
    finally:
        pair.names.publish("example.com", zone)


def status(pair: Pair) -> list[dict[str, Any]]:
    """The results of both hosts that the DNS gave."""
    pyinfra.pyinfra(pair.site, "deploys/status.py")
    names = [one.entry[0].replace("/", "-").strip("@-") for one in pair.hosts]
    reports = [json.loads((REPORTS / f"{name}.status.json").read_text("utf-8")) for name in names]
    return [one for report in reports for one in report["results"] if one["group"] == "dns"]


def about(pair: Pair, number: int) -> tuple[DomainContext, ...]:
    """What verify expects the DNS to say of one of the two, by what the host has."""
    one, fact = pair.hosts[number], PublicRecords()
    mail = MailServer.read(one.settings, base=pair.site)
    asked = fact.command(keys=mail.records.keys, certificate=mail.tls.chain_path, next_key=mail.records.next_key)
    on_host = fact.process(one.run(asked.get_raw_value()).stdout.splitlines())
    page = mail.webmail.hostname if mail.webmail else None
    return contexts(mail.hostname, mail.domains, page, mail.dovecot.protocols, mail.records, on_host, mail.paged)


def lacks(pair: Pair, number: int) -> list[CheckResult]:
    """The red results on one of the two, by the authoritative server: nothing between us remembers."""
    subject, ask = about(pair, number), Resolver(pair.names.server).ask
    return [one for one in check(subject, (), ask, time.time()) if one.ok is False]


@pytest.mark.parametrize("number", [0, 1])
def test_each_record_taken_away_turns_its_result_red_and_no_other(pair: Pair, number: int):
    """Results that need the record say that they cannot know; the name server's own result counts what it lacks."""
    domain = ("example.com", "example.net")[number]
    assert lacks(pair, number) == []
    zone = pair.names.zones[domain]
    rows = [row for row in zone.splitlines(keepends=True) if row[0] not in ";$" and " SOA " not in row]
    rows = [row for row in rows if " NS " not in row and not row.startswith("ns.")]
    assert len(rows) > 15
    try:
        for row in rows:
            name, _, _, kind, *_ = row.split()
            pair.names.without(domain, row)
            found = lacks(pair, number)
            assert [one.what for one in found] == [f"{kind} {name.rstrip('.')}"], (row, found)
            assert found[0].remedy.startswith("publish"), found
    finally:
        pair.names.publish(domain, zone)
    assert lacks(pair, number) == []


def test_a_reverse_name_taken_away_turns_its_result_red_and_no_other(pair: Pair):
    zone, _ = reverse_zone(pair.names.network, {})
    text = pair.names.zones[zone]
    try:
        for number, one in enumerate(pair.hosts):
            (row,) = [line for line in text.splitlines(keepends=True) if one.settings["hostname"] in line]
            pair.names.without(zone, row)
            (found,) = lacks(pair, number)
            assert found.what == f"PTR {one.address}"
            assert found.remedy.endswith(f"to exactly {one.settings['hostname']}")
            assert lacks(pair, 1 - number) == []
    finally:
        pair.names.publish(zone, text)
