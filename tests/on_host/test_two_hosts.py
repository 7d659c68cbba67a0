"""Two hosts that find each other by the DNS alone: what lands, what arrives, what is refused, and why."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from lab import host, names, network, sweep
from lab.errors import Unavailable
from lab.mailhost import MailHost
from lab.pair import ADDRESSES, Pair, ordering
from lab.passwords import hashed
from tests.on_host.words import IQBAL, PASSWORDS, TITO, no_webmail

pytestmark = pytest.mark.host

BEA = "bea@example.net"
RELEASES = ("debian-12", "debian-13")
KEYS = "sha256sum /var/lib/rspamd/dkim/* /etc/ssl/posthaus/*.pem"


def words(domain: str, people: list[str], policy: str, resolver: str, server: str, **more: Any) -> dict[str, Any]:
    """What the administrator of one of the two writes."""
    own = {"dmarc": {"policy": policy}, "dns": {"nameservers": {f"ns.{domain}": [server]}}}
    return {
        "hostname": f"mail.{domain}",
        "domains": {domain: own},
        "mailboxes": {person: {"password": hashed(PASSWORDS[person])} for person in people},
        "filter": {"blocklists": False},
        "dns": {"resolver": resolver, "blocklists": [], "tlsa": True},
        "webmail": False if no_webmail() else {"hostname": f"webmail.{domain}"},
        **more,
    }


@pytest.fixture(scope="module")
def pair(engine: docker.DockerClient, lab_state: Path) -> Iterator[Pair]:
    """Both hosts, converged, their zones served, their certificates ordered, as an administrator would go about it."""
    mine = f"posthaus-{os.getpid()}-pair"
    started: list[Any] = []
    PASSWORDS.setdefault(BEA, PASSWORDS[IQBAL])
    with network.network(engine, mine) as net:
        try:
            server = names.start(engine, f"{mine}-names", lab_state, net, sweep.owner())
            started.append(server.host)
            for number, release in zip(ADDRESSES, RELEASES, strict=True):
                name, address = f"{mine}-{release}", net.address(number)
                started.append(
                    host.start(
                        engine, name, release, lab_state, network=net.name, address=address, labels=sweep.owner()
                    )
                )
            yield settled(server, started[1:], lab_state / "pair")
        except Unavailable as reason:
            pytest.skip(str(reason))
        finally:
            for one in started:
                one.remove()


def settled(server: names.Names, hosts: list[Any], site: Path) -> Pair:
    """From bare hosts to a pair that is whole."""
    com = words("example.com", [TITO, IQBAL], "reject", server.resolver, server.server)
    net = words("example.net", [BEA], "quarantine", server.resolver, server.server)
    net["aliases"] = {"away@example.net": ["someone@example.org"]}
    both = (MailHost(hosts[0], com, PASSWORDS), MailHost(hosts[1], net, PASSWORDS))
    pair = Pair(server, both, site)
    server.publish(
        "example.org", names.plain_zone("example.org", ["@ MX 10 out", f"out A {server.network.address(1)}"])
    )
    for one in both:
        server.use(one.host)
    run = pair.converge()
    assert run.rc == 0, run.output
    pair.lead_to_the_lab()
    pair.publish_reverse_names()
    run = pair.write_zones()
    assert run.rc == 0, run.output
    for one in both:
        one.words["tls"] = ordering(next(iter(one.words["mailboxes"])))
    run = pair.converge()
    assert run.rc == 0, run.output
    run = pair.write_zones()  # the keys of the new certificates
    assert run.rc == 0, run.output
    return pair


def test_it_settles(pair: Pair):
    run = pair.verify()
    print(run.output)
    assert run.rc == 0, run.output
