"""A certificate authority that speaks ACME, and the DNS that it and the hosts ask: Pebble and BIND on one host."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import docker

from lab import host, images
from lab.errors import LabError, Unavailable
from lab.host import LabHost
from lab.releases import SERVERS
from lab.waiting import wait_until

NAME = "ca.acme.test"  # RFC 6761 keeps .test for tests
DIRECTORY = f"https://{NAME}:14000/dir"
HOME = "/etc/pebble"
KEY_NAME = "acme-lab"

# The CA's own https certificate is signed by a root of its own, as Pebble's authors do it.
_CERTIFICATE = f"""mkdir -p {HOME} && cd {HOME}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key -out root.pem -days 30 \
  -subj '/CN=Root of the lab' -addext 'keyUsage=critical,keyCertSign'
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out csr.pem -subj '/CN={NAME}'
printf 'subjectAltName=DNS:{NAME},DNS:localhost\\nextendedKeyUsage=serverAuth\\n' >leaf.cnf
openssl x509 -req -in csr.pem -CA root.pem -CAkey root.key -CAcreateserial -days 30 -extfile leaf.cnf -out cert.pem
"""
_UNIT = f"""[Service]
Environment=PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 PEBBLE_AUTHZREUSE=0
ExecStart=/usr/bin/pebble -config {HOME}/config.json -dnsserver 127.0.0.1:53
"""
_ZONE = "$TTL 5\n@ SOA {name}. nobody.acme.test. 1 60 60 600 5\n@ NS {name}.\n"


class Pebble:
    """A running CA. ``host``: where; ``ca_pem``: whom to trust, for its https and for what it signs."""

    def __init__(self, lab_host: LabHost) -> None:
        self.host = lab_host

    @property
    def ca_pem(self) -> str:
        """The root of its https, then the root that signs; the latter is another one after every start."""
        fetch = f"curl -sSf --cacert {HOME}/root.pem https://localhost:15000/roots/0"
        return self.host.read(f"{HOME}/root.pem").decode() + self.host.run(fetch).stdout

    @property
    def orders(self) -> int:
        """How many certificates have been ordered since the last start."""
        said = self.host.run("journalctl -o cat --no-pager -u pebble.service").stdout
        return said.rpartition("ACME directory available")[2].count("Added order")

    def start(self, days: int) -> None:
        """Start the CA with a new root; its certificates last ``days``."""
        config = {
            "listenAddress": "0.0.0.0:14000",
            "managementListenAddress": "0.0.0.0:15000",
            "certificate": f"{HOME}/cert.pem",
            "privateKey": f"{HOME}/key.pem",
            "httpPort": 80,
            "tlsPort": 443,
            "certificateValidityPeriod": days * 86400,
        }
        self.host.write(f"{HOME}/config.json", json.dumps({"pebble": config}))
        self.host.run("systemctl daemon-reload && systemctl restart pebble.service")
        wait_until(self._answers, 20, "Pebble did not start; look at its journal")

    def stop(self) -> None:
        """Let nobody answer at the directory."""
        self.host.run("systemctl stop pebble.service")

    def _answers(self) -> bool:
        return not self.host.run(
            f"curl -sSf -o /dev/null --cacert {HOME}/root.pem https://localhost:14000/dir", check=False
        ).returncode


class AcmeLab(Pebble):
    """A CA with a name server of its own (BIND) beside it."""

    def __init__(self, lab_host: LabHost, zones: Sequence[str]) -> None:
        super().__init__(lab_host)
        self._dns([*zones, "acme.test"])
        self.start(days=90)

    @property
    def address(self) -> str:
        """The IPv4 address of the CA and of its name server."""
        return self.host.address

    @property
    def key(self) -> str:
        """The key that may update its zones, as nsupdate reads it."""
        return self.host.read("/etc/bind/acme-lab.key").decode()

    def publish(self, name: str, address: str) -> None:
        """Give ``name`` this address and no other."""
        self._update(f"update delete {name}. A\nupdate add {name}. 5 A {address}\n")

    def withdraw(self, name: str) -> None:
        """Take everything about ``name`` out of the DNS."""
        self._update(f"update delete {name}.\n")

    def _dns(self, zones: Sequence[str]) -> None:
        """Authoritative for ``zones``, which nsupdate may change; everything else from this host's own resolver."""
        forward = self.host.run("awk '/^nameserver/ {print $2; exit}' /etc/resolv.conf").stdout.strip()
        self.host.run(f"tsig-keygen {KEY_NAME} >/etc/bind/acme-lab.key && chgrp bind /etc/bind/acme-lab.key")
        named = [
            'include "/etc/bind/acme-lab.key";',
            'options { directory "/var/cache/bind"; recursion yes; allow-query { any; }; allow-recursion { any; };',
            f"  forwarders {{ {forward}; }}; forward only; dnssec-validation no; }};",
        ]
        for zone in zones:
            own = f"{NAME}. A {self.address}\n" if NAME.endswith(zone) else ""
            self.host.write(f"/var/lib/bind/{zone}", _ZONE.format(name=NAME) + own)
            named.append(
                f'zone "{zone}" {{ type primary; file "/var/lib/bind/{zone}"; '
                f'allow-update {{ key "{KEY_NAME}"; }}; check-integrity no; }};'
            )
        self.host.write("/etc/bind/named.conf", "\n".join(named) + "\n")
        self.host.run("chown -R bind /var/lib/bind && systemctl restart named.service")

    def _update(self, text: str) -> None:
        self.host.run("nsupdate -k /etc/bind/acme-lab.key", input=f"server 127.0.0.1\n{text}send\n")


def start(
    engine: docker.DockerClient, name: str, state: Path, zones: Sequence[str], labels: Mapping[str, str] | None = None
) -> AcmeLab:
    """Start the CA on a host of its own, with a name server for ``zones``.

    Raises Unavailable where its packages cannot be had here.
    """
    started = start_server(engine, name, state, labels=labels)
    try:
        return AcmeLab(started, zones)
    except BaseException:
        started.remove()
        raise


def use(client: LabHost, lab: AcmeLab) -> None:
    """Let ``client`` ask the lab's name server for everything."""
    client.run(f"echo 'nameserver {lab.address}' >/etc/resolv.conf")


def start_server(engine: docker.DockerClient, name: str, state: Path, **options: Any) -> LabHost:
    """Start a host with Pebble and its certificate for https, with BIND, nsd and unbound, none of which runs yet.

    Raises Unavailable where their packages cannot be had here.
    """
    try:
        image = images.ensure(engine, SERVERS.name)
    except LabError as error:
        raise Unavailable(f"the lab's own servers cannot be had here, so ACME WAS NOT TESTED: {error}") from None
    started = host.start(engine, name, str(SERVERS.derived_from), state, image=image, **options)
    try:
        started.run(_CERTIFICATE)
        started.write("/etc/systemd/system/pebble.service", _UNIT)
    except BaseException:
        started.remove()
        raise
    return started
