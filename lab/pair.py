"""Two mail hosts in one DNS, each of its own domain: what a message from one to the other meets, with no internet."""

from __future__ import annotations

import pprint
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab import acme, pyinfra, site
from lab.mailhost import MailHost
from lab.names import Names, reverse_zone
from lab.pyinfra import Run

ADDRESSES = (6, 7)  # the last number of each host's address


@dataclass
class Pair:
    """``hosts`` with the options of each, in one inventory (``site``: its directory), and the ``names`` they ask."""

    names: Names
    hosts: tuple[MailHost, MailHost]
    site: Path
    zones: dict[str, str] = field(default_factory=dict)  # as deploys/dns.py wrote them

    def __iter__(self) -> Any:
        return iter(self.hosts)

    def say(self, *settings: Mapping[str, Any]) -> None:
        """Write the site down: both hosts, with ``settings`` for each (by default those of last time)."""
        self.site.mkdir(mode=0o700, parents=True, exist_ok=True)
        for host, said in zip(self.hosts, settings, strict=False):
            host.settings = dict(said)
            host.roots = self.site / "roots.pem" if "acme" in host.settings.get("tls", {}) else None
        (self.site / "roots.pem").write_text(self.names.acme_ca.ca_pem)
        rows = []
        for number, host in enumerate(self.hosts):
            file = f"{number}.yaml"
            site.write_private(self.site / file, yaml.safe_dump(host.settings, allow_unicode=True, sort_keys=False))
            name, data = host.entry
            rows.append(f"    ({name!r}, {{**{pprint.pformat(dict(data))}, 'mail': settings({file!r})}}),\n")
        inventory = f"{site.HEADER}from deploys.site import settings\n\nmail = [\n{''.join(rows)}]\n"
        site.write_private(self.site / "inventory.py", inventory)
        first = yaml.safe_dump(self.hosts[0].settings, allow_unicode=True, sort_keys=False)
        site.write_private(self.site / "mail.yaml", first)

    def converge(self, *settings: Mapping[str, Any], confirm: str = "") -> Run:
        """Converge both hosts in one run. ``confirm``: the words for what it takes away."""
        self.say(*settings)
        return pyinfra.converge(self.site, *(("--data", f"confirm={confirm}") if confirm else ()))

    def verify(self) -> Run:
        """Verify both hosts in one run."""
        return pyinfra.verify(self.site)

    def write_zones(self) -> Run:
        """Have deploys/dns.py write the zones of both, and serve them byte for byte."""
        run = pyinfra.pyinfra(self.site, "deploys/dns.py", "-y")
        for path in sorted((self.site / "dns").glob("*.zone")):
            self.zones[path.stem] = path.read_text()
            self.names.publish(path.stem, self.zones[path.stem])
        self.forget()
        return run

    def use_lab_dns(self) -> None:
        """Have both hosts, all of their programs, ask their own resolver, which begins at the lab's root.

        Debian's archive is no part of that world: what an order takes comes first.
        """
        for host in self.hosts:
            host.run("DEBIAN_FRONTEND=noninteractive apt-get install -yq certbot")
            host.run("echo 'nameserver 127.0.0.1' >/etc/resolv.conf")

    def forget(self) -> None:
        """Let both resolvers forget what they have asked: as if the records' time to live were over."""
        for host in self.hosts:
            host.run("systemctl restart unbound.service")

    def publish_reverse_names(self) -> None:
        """What a hoster does."""
        names = {number: host.settings["hostname"] for number, host in zip(ADDRESSES, self.hosts, strict=True)}
        self.names.publish(*reverse_zone(self.names.network, names))


def ordering(contact: str) -> dict[str, Any]:
    """The option ``tls`` for a certificate by the lab's CA, whose roots ``Pair.say`` writes down."""
    return {"acme": {"email": contact, "directory": acme.DIRECTORY, "ca_file": "roots.pem"}}
