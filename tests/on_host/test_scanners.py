"""Tools that nobody here wrote look at a host from another one, as a stranger would: nmap, testssl.sh, swaks.

They come from Debian 13's archive, onto a host of their own. docs/security.md says what each found.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from docker.types import IPAMConfig, IPAMPool

from lab import host as lab_host
from lab import sweep
from lab.host import LabHost
from lab.mailhost import MailHost
from tests.on_host.conftest import RELEASES
from tests.on_host.converged import Converged
from tests.on_host.settings import IQBAL, PASSWORDS, TITO, example

pytestmark = [pytest.mark.host, pytest.mark.long, pytest.mark.webmail]

OPEN = {22, 25, 80, 110, 143, 443, 465, 587, 993, 995, 4190}
NAMES = {"mail.example.com", "webmail.example.com"}
TOOLS = (
    "apt-get -qq update && apt-get -qqy --no-install-recommends install"
    " nmap testssl.sh socat bsdextrautils swaks libnet-ssleay-perl"
)
# STARTTLS by port; none: TLS from the first byte.
TLS = {25: "smtp", 587: "smtp", 143: "imap", 110: "pop3", 4190: "sieve", 465: "", 993: "", 995: "", 443: ""}
# Protocols, classes of ciphers, who chooses, certificates, known vulnerabilities. What it reads from nowhere else.
TESTSSL = (
    "testssl --quiet --color 0 --warnings batch --nodns none --add-ca /ca.pem -p -s -P -S -U --jsonfile /found.json"
)
OF_THE_LOCAL_CA = {"cert_revocation"}  # it publishes no list of what it took back; the certificate is for trials
STRANGER = "swaks --server mail.example.com --helo stranger.example.org --timeout 60 --hide-all"


@dataclass(frozen=True)
class Scanned:
    """A mail server with both families, and whoever looks at it."""

    host: MailHost
    tools: LabHost

    @property
    def addresses(self) -> tuple[str, str]:
        """IPv4, IPv6."""
        said = self.host.run("ip -6 -o addr show scope global").stdout
        return self.host.address, re.findall(r"inet6 ([0-9a-f:]+)/", said)[0]


@pytest.fixture(scope="module")
def scanned(engine: docker.DockerClient, converged: Converged, lab_state: Path, release: str) -> Iterator[Scanned]:
    """Both in a network of their own; the tools' host knows the names."""
    number = 1 + sorted(RELEASES).index(release)
    pools = [IPAMPool(subnet=f"fd00:7068:1{number}::/64"), IPAMPool(subnet=f"172.30.{100 + number}.0/24")]
    name = f"posthaus-{os.getpid()}-scanned-{release}"
    network = engine.networks.create(name, enable_ipv6=True, ipam=IPAMConfig(pool_configs=pools), labels=sweep.owner())
    started: list[LabHost] = []
    try:
        host = converged.whole(converged.start(release, image=converged.image(release), network=network.name))
        started.append(host.host)
        run = host.converge(example())
        assert run.rc == 0, run.output
        labels = sweep.owner()
        tools = lab_host.start(engine, f"{name}-tools", "debian-13", lab_state, network=network.name, labels=labels)
        started.append(tools)
        tools.run(TOOLS, timeout=900)
        tools.run("cat >>/etc/hosts", input=f"{host.address} {' '.join(sorted(NAMES))}\n")
        tools.write("/ca.pem", host.ca.read_bytes())
        yield Scanned(host, tools)
    finally:
        for one in started:
            one.remove()
        network.remove()


def test_of_65535_ports_by_either_family_those_of_the_mail_server_and_of_ssh_are_open(scanned: Scanned):
    for family, address in zip(("", "-6"), scanned.addresses, strict=True):
        said = scanned.tools.run(f"nmap {family} -Pn -n -sS -p- --min-rate 2000 -oG - {address}", timeout=1800).stdout
        assert {int(port) for port in re.findall(r"(\d+)/open/", said)} == OPEN, said
        assert "filtered (65524)" in said


@pytest.mark.parametrize("port", TLS)
def test_testssl_finds_nothing_grave(scanned: Scanned, port: int):
    name = "webmail.example.com" if port == 443 else "mail.example.com"
    speaks = f"-t {TLS[port]}" if TLS[port] else ""
    scanned.tools.run(f"rm -f /found.json; {TESTSSL} {speaks} {name}:{port} </dev/null", check=False, timeout=1800)
    found = {one["id"]: one for one in json.loads(scanned.tools.read("/found.json"))}
    assert {"SSLv3", "TLS1_2", "cipherlist_NULL", "cert_chain_of_trust", "heartbleed"} <= set(found), "it looked"
    grave = {key: one["finding"] for key, one in found.items() if one["severity"] in ("HIGH", "CRITICAL")}
    assert set(grave) <= OF_THE_LOCAL_CA, grave


def attempt(scanned: Scanned, *words: str) -> int:
    """What swaks makes of it: 0 taken; 23 and 24 refused at MAIL and RCPT; 28 no login (its manual, EXIT CODES)."""
    return scanned.tools.run(f"{STRANGER} {shlex.join(words)}", check=False).returncode


def test_swaks_neither_relays_nor_pretends_to_be_one_of_ours(scanned: Scanned):
    recipients = (
        "b@elsewhere.invalid",
        "b%elsewhere.invalid@example.com",
        "elsewhere.invalid!b",
        "@example.com:b@elsewhere.invalid",
        '"b@elsewhere.invalid"@example.com',
    )
    assert {attempt(scanned, "--port", "25", "--from", "<>", "--to", one) for one in recipients} == {24}
    assert attempt(scanned, "--port", "25", "--from", TITO, "--to", IQBAL) == 24
    assert attempt(scanned, "--port", "587", "-tls", "--from", TITO, "--to", IQBAL) in (23, 24), "without a login"
    assert attempt(scanned, "--port", "25", "--from", "<>", "--to", IQBAL) == 0, "a bounce for one of ours is taken"


def test_swaks_logs_in_by_tls_alone_and_with_the_right_password_alone(scanned: Scanned):
    login = ("--from", TITO, "--to", IQBAL, "--auth", "PLAIN", "--auth-user", TITO, "--auth-password")
    assert attempt(scanned, "--port", "587", *login, PASSWORDS[TITO]) == 28, "no login is offered without TLS"
    assert attempt(scanned, "--port", "25", "-tls", *login, PASSWORDS[TITO]) == 28, "nor at port 25"
    assert attempt(scanned, "--port", "587", "-tls", *login, "wrong") == 28
    assert attempt(scanned, "--port", "465", "-tlsc", *login, PASSWORDS[TITO]) == 0
