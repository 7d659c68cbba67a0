"""What verify says of the DNS, asked of real name servers."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dns.message
import dns.rcode
import pytest
from dns import query
from dns.update import UpdateMessage
from pydantic import SecretStr

from deploys.records import all_records, resolver
from deploys.records.blocklists import blocklist_results
from deploys.records.caa import ca_of, caa_result
from deploys.records.check import check
from deploys.records.delegation import dnssec_result, mx_result, soa_result
from deploys.records.nameservers import Elsewhere, name_server_results
from deploys.records.record import Record, record, txt
from deploys.records.resolver import Ask, Resolver
from deploys.records.reverse import helo_result, reverse_results
from deploys.records.rollover import lacking
from deploys.records.spf import spf_result
from deploys.records.tsig import TsigKey
from deploys.records.update import Server, changes, message, send
from deploys.records.zonefile import zone_file, zone_of
from deploys.result import CheckResult, failed
from tests.dns_contexts import COM, NET
from tests.dns_server import KEY, SECRET, authoritative, free_port, named, needs

pytestmark = needs("named")
CONTEXTS = (COM, NET)
RECORDS = all_records.by_zone(all_records.everything(CONTEXTS), ["example.com", "example.net"])
HEAD = "$TTL 300\n@ IN SOA ns.invalid. hostmaster.invalid. 1 3600 600 86400 300\n@ IN NS ns.invalid.\n"
REVERSE_4 = HEAD + "25 IN PTR mail.example.com.\n26 IN PTR example.org.\n27 IN PTR ns.example.org.\n"
REVERSE_6 = HEAD + f"5.2.{'0.' * 17}0 IN PTR mail.example.com.\n"
TRIAL = (
    HEAD
    + """
good IN MX 10 mail.example.com.
alias IN MX 10 www
www IN CNAME mail.example.com.
number IN MX 10 192.0.2.25.
inside IN MX 10 lan
lan IN A 10.1.2.3
null IN MX 0 .
wild IN TXT "v=spf1 +all"
two IN TXT "v=spf1 -all"
two IN TXT "v=spf1 mx -all"
loop IN TXT "v=spf1 include:loop.trial.example -all"
empty IN TXT "v=spf1 a:no1.trial.example a:no2.trial.example a:no3.trial.example -all"
many IN TXT "v=spf1 include:five.trial.example a:lan.trial.example redirect=five.trial.example"
five IN A 192.0.2.5
five IN TXT "v=spf1 a:lan.trial.example/24 mx:good.trial.example exists:%{i}.trial.example ptr a -all a:x"
"""
)
ONLY_OTHERS = HEAD + '@ CAA 0 issue "other.example"\nnone CAA 0 issue ";"\nours CAA 0 issue "letsencrypt.org; a=b"\n'
OTHERS = {"caa.example": ONLY_OTHERS, "trial.example": TRIAL, "example.org": HEAD + "ns IN A 192.0.2.54\n"}
# good lists 192.0.2.26; tired answers every question with an error code; dead lists nothing; taken lists everything.
BLOCKLISTS = {
    "good.bl": HEAD + "2.0.0.127 IN A 127.0.0.2\n26.2.0.192 IN A 127.0.0.4\n",
    "tired.bl": HEAD + "* IN A 127.255.255.254\n",
    "dead.bl": HEAD,
    "taken.bl": HEAD + "* IN A 127.0.0.2\n",
    "sold.bl": HEAD + "* IN A 198.51.100.9\n",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    zones = {context.domain: zone_file(zone_of(context), RECORDS[context.domain], 1) for context in CONTEXTS}
    reverse = {"2.0.192.in-addr.arpa": REVERSE_4, "0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa": REVERSE_6}
    with authoritative(tmp_path_factory.mktemp("dns"), {**zones, **reverse, **BLOCKLISTS, **OTHERS}) as port:
        yield Server("127.0.0.1", port, TsigKey(name=KEY, algorithm="hmac-sha256", secret=SecretStr(SECRET)))


@pytest.fixture
def ask(server: Server) -> Ask:
    return Resolver(server.address, server.port).ask


def results_of(server: Server) -> tuple[CheckResult, ...]:
    return check(CONTEXTS, ["good.bl"], Resolver(server.address, server.port).ask, time.time(), served_by(server))


def served_by(server: Server) -> Elsewhere:
    """Every name server of these zones is the test's own."""
    return lambda address: Resolver(server.address, server.port).ask


def publish(server: Server, zone: str, *records: Record) -> None:
    send(server, zone, changes(server, records))


def take_out(server: Server, zone: str, one: Record) -> None:
    update = message(zone, [])
    update.delete(one.name, one.type)
    query.tcp(signed(update, server), server.address, timeout=5, port=server.port)


def signed(update: UpdateMessage, server: Server) -> UpdateMessage:
    update.use_tsig(server.signature)
    return update


def test_the_zones_as_written_are_green_in_every_result(server: Server):
    results = results_of(server)
    assert [result for result in results if result.ok is not True] == []
    assert len(results) > 45


def test_every_warning_of_a_green_zone_is_about_what_cannot_be_known_in_a_test(server: Server):
    warned = {result.what for result in results_of(server) if result.verdict == "warn"}
    assert warned == {
        "MX path example.com",  # documentation addresses are not on the internet
        "MX path example.net",
        "A mail.example.com",
        "AAAA mail.example.com",
        "PTR 192.0.2.25",
        "PTR 2001:db8::25",
        "DNSSEC example.com",  # TLSA in an unsigned zone
        "DNSSEC example.net",
    }


@pytest.mark.parametrize(
    ("zone", "one"),
    [pytest.param(zone, one, id=f"{one.type} {one.name}") for zone, records in RECORDS.items() for one in records],
)
def test_a_record_taken_out_turns_exactly_its_result_red_and_says_what_to_publish(
    server: Server, zone: str, one: Record
):
    take_out(server, zone, one)
    try:
        red = [result for result in results_of(server) if result.ok is False]
    finally:
        publish(server, zone, one)
    assert [result.what for result in red] == [f"{one.type} {one.name.rstrip('.')}"]
    assert all(f"publish {one.type} {one.name.rstrip('.')} {value}" in red[0].remedy for value in one.values)


def replaced(server: Server, one: Record, text: str) -> CheckResult:
    """The result on a TXT record while another text stands in its place."""
    publish(server, "example.net", replace(one, values=(txt(text),)))
    try:
        (result,) = [result for result in results_of(server) if result.what == f"TXT {one.name.rstrip('.')}"]
        return result
    finally:
        publish(server, "example.net", one)


def test_a_dkim_key_cut_by_the_provider_is_reported_as_cut(server: Server):
    (one,) = [one for one in RECORDS["example.net"] if "_domainkey" in one.name]
    result = replaced(server, one, one.text[:255])
    assert (result.ok, result.seen) == (False, "the key cut after 237 of 392 characters")
    assert result.remedy.startswith("publish it in pieces: publish TXT mail._domainkey.example.net")


def test_a_dkim_key_is_compared_by_its_bytes_not_by_how_it_is_written(server: Server):
    (one,) = [one for one in RECORDS["example.net"] if "_domainkey" in one.name]
    key = one.text.partition("p=")[2]
    assert replaced(server, one, f"p={key[:100]} {key[100:]}").ok is True


def test_another_dkim_key_is_not_ours(server: Server):
    (one,) = [one for one in RECORDS["example.net"] if "_domainkey" in one.name]
    other = next(record for record in RECORDS["example.com"] if "ed25519" in record.name)
    assert replaced(server, one, other.text).seen.startswith("another key")
    assert replaced(server, one, "v=DKIM1; p=").seen == "a revoked key (empty p=)"


def test_blanks_in_a_dmarc_record_change_nothing(server: Server):
    (one,) = [one for one in RECORDS["example.net"] if one.name.startswith("_dmarc.")]
    assert replaced(server, one, "v=DMARC1;p=none;rua=mailto:postmaster@example.net;").ok is True
    assert replaced(server, one, "v=DMARC1; p=reject; rua=mailto:postmaster@example.net").ok is False


def test_two_spf_records_are_one_too_many(server: Server, ask: Ask):
    result = spf_result("two.trial.example", ask)
    assert (result.ok, result.seen) == (False, "two.trial.example has 2 SPF records")


def test_a_resolver_that_is_silent_turns_nothing_green_or_red():
    silent = Resolver("127.0.0.1", free_port(), timeout=0.2)
    began = time.monotonic()
    results = check([NET], ["good.bl"], silent.ask, time.time())
    assert {result.ok for result in results} == {None}
    assert (results[0].what, results[0].key) == ("the resolver asked", "dns.resolver")
    assert {result.seen for result in results[1:]} == {"depends on: the resolver asked"}
    assert time.monotonic() - began < 2  # forty questions are not asked in vain


def test_a_resolver_that_takes_long_to_say_that_it_cannot_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(resolver, "LOST", 0.5)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        answering = threading.Thread(target=_cannot_say, args=(server,), daemon=True)
        answering.start()
        began = time.monotonic()
        results = check([COM, NET], ["good.bl"], Resolver("127.0.0.1", server.getsockname()[1]).ask, time.time())
        assert time.monotonic() - began < 5
    assert {result.ok for result in results} == {None}
    assert any("answered too little for too long" in result.seen for result in results)


def _cannot_say(server: socket.socket, rcode: dns.rcode.Rcode = dns.rcode.SERVFAIL, seconds: float = 0.1) -> None:
    """The same to everybody, each time after a while."""
    with contextlib.suppress(OSError):
        while True:
            wire, asker = server.recvfrom(4096)
            answer = dns.message.make_response(dns.message.from_wire(wire))
            answer.set_rcode(rcode)
            time.sleep(seconds)
            server.sendto(answer.to_wire(), asker)


@pytest.mark.parametrize(
    ("rcode", "state"),
    [(dns.rcode.NOERROR, "nodata"), (dns.rcode.NXDOMAIN, "nxdomain"), (dns.rcode.SERVFAIL, "failed")],
)
def test_a_question_is_asked_once_whatever_came_of_it(rcode: dns.rcode.Rcode, state: str):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        threading.Thread(target=_cannot_say, args=(server, rcode, 0), daemon=True).start()
        ask = Resolver("127.0.0.1", server.getsockname()[1], timeout=0.2).ask
        first = ask("Example.com.", "MX"), ask("example.com", "MX", unchecked=True)
    # Nobody answers any more.
    assert (ask("example.com", "MX"), ask("example.com.", "MX", unchecked=True)) == first
    assert {answer.state for answer in first} == {state}
    assert ask("example.net", "MX").silent


def test_a_domain_that_does_not_exist_is_one_red_result_before_all_others(server: Server, tmp_path: Path):
    com = zone_file(zone_of(COM), RECORDS["example.com"], 1)
    reverse = {"2.0.192.in-addr.arpa": REVERSE_4, "0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa": REVERSE_6}
    told: list[str] = []
    with authoritative(tmp_path, {"net": HEAD, "example.com": com, **reverse}) as port:
        ask = Resolver("127.0.0.1", port).ask
        results = check([COM, NET], [], ask, time.time(), lambda address: ask, told.append)
    assert [result.what for result in results if result.ok is False] == ["SOA example.net"]
    soa = [result for result in results[:2] if result.what == "SOA example.net"]
    assert soa[0].seen == "the domain does not exist"
    waiting = [result for result in results if result.seen == "depends on: SOA example.net"]
    assert len(waiting) > 15
    assert all("example.net" in result.key and result.verdict == "unknown" and not result.remedy for result in waiting)
    assert told[0].startswith("asking about 2 domains")


def test_a_host_whose_own_domain_does_not_exist_waits_for_it_too(tmp_path: Path):
    with authoritative(tmp_path, {"com": HEAD}) as port:
        ask = Resolver("127.0.0.1", port).ask
        results = check([COM], [], ask, time.time(), lambda address: ask)
    assert {result.what for result in results if result.ok is False} == {"SOA example.com"}
    assert {result.seen for result in results if result.what.startswith(("A ", "HELO", "TXT", "MX"))} == {
        "depends on: SOA example.com"
    }


def test_an_address_that_the_internet_cannot_reach_is_said_where_it_stands(server: Server):
    said = {result.key: result for result in results_of(server)}
    for key in ("dns.a.mail.example.com", "dns.ptr.192.0.2.25", "dns.ptr.2001:db8::25"):
        assert said[key].verdict == "warn"
        assert "the internet cannot reach" in said[key].remedy
        assert "dns.addresses" in said[key].remedy


def test_a_selector_without_a_key_on_the_host_is_red(server: Server, ask: Ask):
    results = check([COM, replace(NET, dkim={})], [], ask, time.time(), served_by(server))
    assert [result.what for result in results if result.ok is False] == ["DKIM mail._domainkey.example.net"]


def test_a_provider_that_serves_addresses_in_place_of_a_cname_is_as_good(server: Server):
    (one,) = [one for one in RECORDS["example.net"] if one.name.startswith("mta-sts.")]
    addresses = (
        *record("mta-sts.example.net", "A", 300, COM.v4, ""),
        *record("mta-sts.example.net", "AAAA", 300, COM.v6, ""),
    )
    take_out(server, "example.net", one)
    publish(server, "example.net", *addresses)
    try:
        assert not failed(results_of(server))
    finally:
        for address in addresses:
            take_out(server, "example.net", address)
        publish(server, "example.net", one)


def test_each_address_leads_to_the_host_and_back(ask: Ask):
    results = reverse_results(["192.0.2.25", "2001:db8::25"], "mail.example.com", ask)
    assert [result.ok for result in results] == [True, True]


def test_a_reverse_name_of_the_bare_domain_is_not_the_hosts(ask: Ask):
    (result,) = reverse_results(["192.0.2.26"], "mail.example.com", ask)
    assert (result.ok, result.seen) == (False, "example.org")
    assert "set its reverse name to exactly mail.example.com" in result.remedy


def test_ipv6_without_a_reverse_name_is_seen_although_ipv4_has_one(ask: Ask):
    v4, v6 = reverse_results(["192.0.2.25", "2001:db8::99"], "mail.example.com", ask)
    assert (v4.ok, v6.ok, v6.seen) == (True, False, "no reverse name")
    assert "smtp_address_preference: ipv4" in v6.remedy


def test_a_reverse_name_that_leads_elsewhere_is_not_confirmed(ask: Ask):
    (result,) = reverse_results(["192.0.2.26"], "example.org", ask)
    assert result.ok is None  # example.org has no address at all, which is another result's fault
    (result,) = reverse_results(["192.0.2.27"], "ns.example.org", ask)
    assert (result.ok, result.seen) == (False, "ns.example.org, which leads to 192.0.2.54")


def test_the_helo_name_leads_to_the_sending_addresses_by_itself(ask: Ask):
    both = ["192.0.2.25", "2001:db8::25"]
    assert helo_result("mail.example.com", both, ask).ok is True
    assert helo_result("mail.example.com", both[:1], ask).remedy.startswith("take away 2001:db8::25")
    assert "an alias" in helo_result("webmail.example.com", both, ask).seen


@pytest.mark.parametrize(
    ("domain", "seen"),
    [
        ("alias", "www.trial.example is an alias (CNAME), which RFC 2181 forbids"),
        ("number", "192.0.2.25 is an address; senders take it for a name that does not exist"),
        ("inside", "lan.trial.example leads to 10.1.2.3, which the internet cannot reach"),
        ("null", 'the null MX ".": the domain takes no mail'),
    ],
)
def test_an_mx_that_others_cannot_follow_is_red(ask: Ask, domain: str, seen: str):
    result = mx_result(f"{domain}.trial.example", "mail.trial.example", ["192.0.2.25"], ask)
    assert (result.ok, result.seen) == (False, seen)


def test_spf_lookups_are_counted_through_includes_and_redirects(ask: Ask):
    result = spf_result("many.trial.example", ask)
    assert (result.ok, result.seen) == (False, "13 look-ups (many.trial.example 3, five.trial.example 10)")
    assert spf_result("five.trial.example", ask).seen == "5 look-ups (five.trial.example 5)"


def test_spf_faults_that_receivers_give_up_on_are_red(ask: Ask):
    assert spf_result("loop.trial.example", ask).seen == "loop.trial.example includes itself"
    assert spf_result("empty.trial.example", ask).seen == "3 look-ups (empty.trial.example 3), 3 empty"
    assert [spf_result(f"{name}.trial.example", ask).ok for name in ("loop", "empty", "wild")] == [False, False, True]


def test_a_domain_without_a_zone_is_red(ask: Ask):
    assert soa_result("example.com", "example.com", ask).ok is True
    assert soa_result("nowhere.example.com", "nowhere.example.com", ask).seen == "the domain does not exist"


@pytest.mark.parametrize(
    ("zone", "ok", "seen"),
    [
        ("good.bl", False, "listed (127.0.0.4)"),
        ("tired.bl", None, "127.255.255.254: the list does not answer public or nameless resolvers"),
        ("dead.bl", None, "the list lists nothing, or everything: it is dead"),
        ("taken.bl", None, "the list lists nothing, or everything: it is dead"),
        (
            "sold.bl",
            None,
            "198.51.100.9: not a list's answer (the resolver or the list's new owner answers everything)",
        ),
    ],
)
def test_an_error_of_a_blocklist_is_told_apart_from_a_listing(ask: Ask, zone: str, ok: bool | None, seen: str):
    (result,) = blocklist_results(["192.0.2.26"], [zone], ask)
    assert (result.ok, result.seen) == (ok, seen)


def test_an_address_that_no_list_holds_is_clean(ask: Ask):
    assert [result.ok for result in blocklist_results(["192.0.2.25", "2001:db8::25"], ["good.bl"], ask)] == [True, True]


def test_a_secondary_that_lags_is_named_although_the_resolver_sees_all(server: Server, ask: Ask, tmp_path: Path):
    old = [one for one in RECORDS["example.net"] if one.type != "MX"]
    with authoritative(tmp_path, {"example.net": zone_file(zone_of(NET), old, 1)}) as port:
        (result,) = name_server_results(
            "example.net", RECORDS["example.net"], ask, lambda address: Resolver("127.0.0.1", port).ask
        )
    assert (result.what, result.ok) == ("name server ns1.example.com of example.net", False)
    assert result.seen == "lacks MX example.net"


def test_a_name_server_that_is_silent_or_does_not_know_the_zone_is_red(ask: Ask, tmp_path: Path):
    nobody = free_port()
    (silent,) = name_server_results("example.net", (), ask, lambda address: Resolver("127.0.0.1", nobody, 0.2).ask)
    assert (silent.ok, "does not answer" in silent.seen) == (False, True)
    with authoritative(tmp_path, {"net": HEAD}) as port:
        (lame,) = name_server_results("example.net", (), ask, lambda address: Resolver("127.0.0.1", port).ask)
    assert (lame.ok, lame.seen) == (False, "192.0.2.53 does not know the zone")


@pytest.fixture(scope="module")
def signed_zone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resolver]:
    """A validating BIND that trusts example.net's key, before one that serves it signed, and a broken sister."""
    directory = tmp_path_factory.mktemp("signed")
    keys = [sign(directory, "example.net", "+2592000"), sign(directory, "brief.test", "+172800")]
    keys.append(sign(directory, "broken.test", "+2592000"))
    broken = directory / "broken.test.zone.signed"
    broken.write_text(broken.read_text().replace("hostmaster.invalid.", "somebody.invalid."))  # not what was signed
    serve = "".join(
        f'zone "{zone}" {{ type primary; file "{zone}.zone.signed"; }};\n'
        for zone in ("example.net", "brief.test", "broken.test")
    )
    validating = tmp_path_factory.mktemp("validating")
    with named(directory, "recursion no;", serve) as port:
        forward = f"recursion yes; dnssec-validation yes; forward only; forwarders {{ 127.0.0.1 port {port}; }};"
        with named(validating, forward, f"trust-anchors {{ {' '.join(keys)} }};\n") as front:
            yield Resolver("127.0.0.1", front)


def run_in(directory: Path, *command: str) -> str:
    return subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True, timeout=30).stdout


def sign(directory: Path, zone: str, end: str) -> str:
    """Signs a zone until ``end`` (seconds from now) and gives its trust anchor."""
    (directory / f"{zone}.zone").write_text(HEAD)
    name = run_in(directory, "dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", "-f", "KSK", zone).strip()
    run_in(directory, "dnssec-signzone", "-z", "-S", "-e", f"now{end}", "-o", zone, f"{zone}.zone")
    fields = next(
        result for result in (directory / f"{name}.key").read_text().splitlines() if " DNSKEY " in result
    ).split()
    return f'{zone} static-key {fields[3]} {fields[4]} {fields[5]} "{"".join(fields[6:])}";'


@needs("dnssec-signzone")
def test_a_signed_and_validated_zone_is_green(signed_zone: Resolver):
    result = dnssec_result("example.net", True, signed_zone.ask, time.time())
    assert (result.ok, result.verdict) == (True, "ok")
    assert result.seen.startswith("signed and validated, signatures hold until 20")


@needs("dnssec-signzone")
def test_signatures_about_to_end_are_red_while_there_is_time(signed_zone: Resolver):
    result = dnssec_result("brief.test", True, signed_zone.ask, time.time())
    assert result.ok is False
    assert "re-sign the zone" in result.remedy


@needs("dnssec-signzone")
def test_a_zone_whose_signature_is_wrong_is_red_and_not_merely_silent(signed_zone: Resolver):
    result = dnssec_result("broken.test", True, signed_zone.ask, time.time())
    assert (result.ok, result.seen.split(":")[0]) == (False, "broken")


def test_an_unsigned_zone_is_a_warning_only_where_tlsa_needs_it(ask: Ask):
    assert dnssec_result("example.com", False, ask, time.time()).verdict == "ok"
    assert dnssec_result("example.com", True, ask, time.time()).verdict == "warn"


def test_a_next_key_at_every_name_server_may_be_served_after_the_longest_ttl(server: Server, ask: Ask):
    assert lacking(COM.hostname, COM.tlsa[1].upper(), 60, ask, served_by(server)) == ([], COM.ttl)
    assert lacking(COM.hostname, COM.tlsa[1], 2 * COM.ttl, ask, served_by(server)) == ([], 2 * COM.ttl)


def test_a_next_key_that_a_name_server_lacks_or_is_silent_about_is_not_served(server: Server, ask: Ask):
    wanted = f"lacks _25._tcp.{COM.hostname} TLSA 3 1 1 {'cc' * 32}"
    faults, _ = lacking(COM.hostname, "cc" * 32, 60, ask, served_by(server))
    assert faults == [f"ns.example.org {wanted}", f"ns1.example.com {wanted}"]
    nobody = Resolver("127.0.0.1", free_port(), timeout=0.2).ask
    one_silent = lambda address: nobody if address == "192.0.2.53" else served_by(server)(address)  # noqa: E731
    [fault] = lacking(COM.hostname, COM.tlsa[1], 60, ask, one_silent)[0]
    assert fault.startswith("ns1.example.com does not answer")


def test_a_next_key_that_nobody_can_look_up_is_not_served():
    silent = Resolver("127.0.0.1", free_port(), timeout=0.2).ask
    faults, _ = lacking(COM.hostname, COM.tlsa[1], 60, silent)
    assert faults == [f"no name server of {COM.hostname} was found (see dns.resolver)"]


@pytest.mark.parametrize(
    ("name", "ok", "where"),
    [
        ("mail.example.com", True, ""),  # its domain names letsencrypt.org
        ("ours.caa.example", True, ""),
        ("mail.caa.example", False, "caa.example"),
        ("none.caa.example", False, "none.caa.example"),
        ("mail.trial.example", None, ""),  # no record up to the root, about which this server knows nothing
    ],
)
def test_a_ca_that_caa_forbids_is_named_with_the_record_that_does(ask: Ask, name: str, ok: bool | None, where: str):
    result = caa_result([name], "letsencrypt.org", ask)
    assert result.ok is ok
    assert not where or f"{name}: not by the record at {where}" in result.seen


def test_cas_are_known_by_their_directories():
    assert ca_of("https://acme-staging-v02.api.letsencrypt.org/directory") == "letsencrypt.org"
    assert ca_of("https://acme.zerossl.com/v2/DV90") == "sectigo.com"
    assert ca_of("https://notletsencrypt.org/directory") is None
