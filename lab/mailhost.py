"""A throwaway host with the options it shall be converged to: what tests, trials and benchmarks hold in their hands."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from deploys.summary import guard
from deploys.summary.changes import Change
from deploys.values.names import host_name
from lab import pyinfra, site
from lab.host import LabHost
from lab.pyinfra import Run

CA = "/etc/ssl/posthaus/ca/ca.pem"  # the local CA's certificate on the host


class MailHost:
    """``host``: running. ``settings``: the content of mail.yaml; what was converged last. ``passwords``: by address."""

    def __init__(self, host: LabHost, settings: Mapping[str, Any], passwords: Mapping[str, str] | None = None) -> None:
        self.host = host
        self.settings = dict(settings)
        self.passwords = dict(passwords or {})
        self.entry = host.inventory()
        self.roots: Path | None = None  # PEM file of whoever signs its certificate, where that is not its own CA

    @property
    def name(self) -> str:
        """The container's name."""
        return self.host.name

    @property
    def release(self) -> str:
        """The release it runs, such as ``debian-12``."""
        return self.host.release

    @property
    def address(self) -> str:
        """Its IPv4 address."""
        return self.host.address

    @property
    def site(self) -> Path:
        """The directory that POSTHAUS_SITE names for this host."""
        return self.host.state / "site"

    @property
    def ca(self) -> Path:
        """Whom to trust (PEM): by default the local CA, whose certificate is fetched from the host."""
        if self.roots:
            return self.roots
        path = self.host.state / "ca.pem"
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as new:  # another thread may be reading it
            new.write(self.read(CA))
        return Path(new.name).replace(path)

    def over_docker(self) -> MailHost:
        """The same host, reached through the engine instead of SSH (pyinfra's ``@docker``)."""
        other = MailHost(self.host, self.settings, self.passwords)
        other.entry = (f"@docker/{self.name}", {})
        return other

    def run(
        self, command: str, check: bool = True, input: str | bytes | None = None, timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command on the host as root; see LabHost.run."""
        return self.host.run(command, check=check, input=input, timeout=timeout)

    def read(self, path: str) -> bytes:
        """The content of a file on the host."""
        return self.host.read(path)

    def write(self, path: str, content: str | bytes, mode: str = "0644") -> None:
        """Put a file on the host, owned by root, with its directory."""
        self.host.write(path, content, mode)

    def password(self, address: str) -> str:
        """The password of a mailbox, as a person would type it."""
        return self.passwords[address]

    def converge(self, settings: Mapping[str, Any] | None = None, *options: str) -> Run:
        """Converge the host to ``settings`` (by default those of last time), with further options for pyinfra.

        What these take away of those of last time is meant: the run does not ask for a word.
        """
        meant = confirmation(self.settings, settings) if settings is not None else ()
        self.say(settings)
        return pyinfra.converge(self.site, *meant, *options)

    def verify(self, settings: Mapping[str, Any] | None = None, *options: str) -> Run:
        """Verify the host against ``settings`` (by default those of last time)."""
        self.say(settings)
        return pyinfra.verify(self.site, *options)

    def pyinfra(self, *options: str) -> Run:
        """Any other run: ``host.pyinfra("fact", "facts.listeners.Listeners")``."""
        self.say(None)
        return pyinfra.pyinfra(self.site, *options)

    def say(self, settings: Mapping[str, Any] | None = None) -> None:
        """Write the site down, with ``settings`` (by default those of last time), and run nothing."""
        if settings is not None:
            self.settings = dict(settings)
        site.write(self.site, [self.entry], self.settings)


def confirmation(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """The options by which a run may take away what ``after`` has no more, each the content of a mail.yaml."""
    gone = [
        Change(kind, "-", name)
        for kind, word in (("domain", "domains"), ("mailbox", "mailboxes"))
        for name in sorted(set(before.get(word) or ()) - set(after.get(word) or ()))
    ]
    words = guard.wanted([replace(one, name=_canonical(one.name)) for one in gone], len(before.get("mailboxes") or ()))
    return ("--data", f"confirm={','.join(words)}") if words else ()


def _canonical(name: str) -> str:
    local, at, domain = name.rpartition("@")
    return f"{local}{at}{host_name(domain)}"
