"""Other domains' MTA-STS policies: who is asked about them, and that DANE comes first."""

from __future__ import annotations

import asyncio
import socketserver
import threading
from collections.abc import Iterator

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest
import yaml

from deploys.components.all import services
from deploys.components.mta_sts import daemon, render
from deploys.components.postfix import render as postfix
from tests.declared import context, packages, parts, targets, units
from tests.settings import golden_server

STRAIGHT = {"relayhost": None, "resolver": "local"}


def test_where_messages_go_straight_and_names_are_known_for_sure_policies_are_followed(monkeypatch):
    mail = golden_server(monkeypatch, **STRAIGHT)
    files = postfix.configuration(context(mail))
    assert "smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8461:postfix\n" in files["main.cf"].data.decode()
    assert "postfix-mta-sts-resolver" in packages(mail)
    assert render.DROP_IN in units(mail)
    assert render.DIRECTORY in targets(mail)
    assert render.UNIT in [one.unit for one in services(parts(mail))]


@pytest.mark.parametrize("change", [{"relayhost": None, "resolver": "host"}, {"resolver": "local"}])
def test_neither_a_relayhost_nor_an_unsure_resolver_has_any_use_for_them(monkeypatch, change):
    mail = golden_server(monkeypatch, **change)
    files = postfix.configuration(context(mail))
    assert "smtp_tls_policy_maps" not in files["main.cf"].data.decode()
    assert "postfix-mta-sts-resolver" not in packages(mail)
    assert render.DROP_IN not in units(mail)
    assert render.DIRECTORY not in targets(mail)


def test_it_listens_on_the_loopback_alone_and_believes_a_testing_policy_to_be_one():
    settings = yaml.safe_load(render.configuration()["mta-sts-daemon.yml"].data)
    assert (settings["host"], settings["port"]) == ("127.0.0.1", 8461)
    assert settings["default_zone"]["strict_testing"] is False


def test_it_asks_the_hosts_own_resolver_and_comes_up_again():
    drop_in = render.units()[render.DROP_IN].data.decode()
    assert "BindReadOnlyPaths=/etc/unbound/posthaus-resolv.conf:/etc/resolv.conf\n" in drop_in
    assert "Restart=always\n" in drop_in


# --- DANE comes first (RFC 8461, section 2)

TLSA = "3 1 1 " + "ab" * 32
ZONES = {
    # zone: (signed, rows)
    "dane.example": (True, ["@ MX mx.dane.example.", "mx A 192.0.2.1", f"_25._tcp.mx TLSA {TLSA}"]),
    "plain.example": (True, ["@ MX mx.plain.example.", "mx A 192.0.2.1"]),
    "unsigned.example": (False, ["@ MX mx.dane.example.", "mx A 192.0.2.1"]),
    "elsewhere.example": (True, ["@ MX mx.unsigned.example."]),
    "nomx.example": (True, ["@ AAAA 2001:db8::1", f"_25._tcp TLSA {TLSA}"]),
    "alias.example": (True, ["@ MX mx.alias.example.", "mx CNAME mx.dane.example."]),
    "pkix.example": (True, ["@ MX mx.pkix.example.", "mx A 192.0.2.1", f"_25._tcp.mx TLSA 1{TLSA[1:]}"]),
    "two.example": (True, ["@ MX mx.plain.example.", "@ MX mx.dane.example."]),
    "half.example": (True, ["@ MX mx.plain.example.", "@ MX mx.lame.example."]),
    "lame.example": (True, ["@ MX mx.lame.example.", "mx A 192.0.2.1", "_25._tcp.mx SERVFAIL"]),
    "broken.example": (True, ["@ SERVFAIL"]),
}


def answered(question: dns.message.Message) -> dns.message.Message:
    """What a resolver that validates says of ZONES."""
    reply = dns.message.make_response(question)
    reply.flags |= dns.flags.RA | dns.flags.AD
    name, kind = question.question[0].name, dns.rdatatype.to_text(question.question[0].rdtype)
    for _ in range(2):  # a name, and the one that it is an alias of
        zone = ".".join(name.to_text(omit_final_dot=True).split(".")[-2:])
        signed, rows = ZONES.get(zone, (True, []))
        if not signed:
            reply.flags &= ~dns.flags.AD
        own = [row.split(" ", 2) for row in rows]
        here = [row[1:] for row in own if dns.name.from_text(row[0], dns.name.from_text(zone)) == name]
        if not here:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        for what, *data in here:
            if what == "SERVFAIL":
                reply.set_rcode(dns.rcode.SERVFAIL)
            elif what in (kind, "CNAME"):
                text = f"10 {data[0]}" if what == "MX" else data[0]
                rrset = reply.find_rrset(
                    reply.answer, name, dns.rdataclass.IN, dns.rdatatype.from_text(what), create=True
                )
                rrset.add(dns.rdata.from_text("IN", what, text))
        aliases = [data[0] for what, *data in here if what == "CNAME"]
        if not aliases:
            break
        name = dns.name.from_text(aliases[0])
    return reply


class Resolver(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, sock = self.request
        sock.sendto(answered(dns.message.from_wire(data)).to_wire(), self.client_address)


@pytest.fixture(scope="module")
def resolver() -> Iterator[int]:
    """The port of a resolver on the loopback."""
    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Resolver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def applies(domain: str, port: int) -> bool:
    async def ask() -> bool:
        asking = dns.asyncresolver.Resolver(configure=False)
        asking.set_flags(dns.flags.RD | dns.flags.AD)
        asking.nameservers, asking.port, asking.lifetime = ["127.0.0.1"], port, 1
        return await daemon.dane_applies(domain, asking)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("domain", "dane"),
    [
        ("dane.example", True),
        ("alias.example", True),
        ("nomx.example", True),
        ("two.example", True),
        ("plain.example", False),
        ("unsigned.example", False),
        ("elsewhere.example", False),
        ("pkix.example", False),
        ("nowhere.example", False),
    ],
)
def test_dane_applies_where_every_step_to_a_usable_tlsa_record_is_signed(resolver, domain, dane):
    assert applies(domain, resolver) is dane


@pytest.mark.parametrize("domain", ["broken.example", "lame.example", "half.example"])
def test_who_silences_the_dns_takes_no_dane_away(resolver, domain):
    with pytest.raises(dns.exception.DNSException):
        applies(domain, resolver)
