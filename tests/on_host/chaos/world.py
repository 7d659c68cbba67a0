"""The host under test and the world around it: the DNS that its resolver answers from, and everybody else's server."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from lab.errors import LabError
from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host.converged import PROBES
from tests.on_host.settings import IQBAL, TITO, example
from tests.on_host.sink import Sink, listening

STRANGERS, ELSEWHERE = "outside.example", "elsewhere.example"
LIST, AWAY = "info@example.com", "away@example.com"
PORT = 2525  # of everybody else's server
UNITS = "ls /var/lib/posthaus/units"  # what a converge has brought up
ACTIVE = f"systemctl is-active $({UNITS})"
BACK_SECONDS, WORKS_SECONDS = 60, 90


@dataclass
class World:
    """``host``: converged to ``settings``, always at ``address``. ``sink``: what came to everybody else's server.
    ``names``: it has a resolver, and all others have names there. ``run``: stands on each message of this test."""

    host: MailHost
    address: str
    sink: Sink
    settings: dict[str, Any]
    elsewhere: str
    names: bool = True
    run: str = field(default_factory=lambda: uuid4().hex)

    def recipient(self, number: int) -> str:
        """Where the message with this number goes: to a mailbox, a list, somewhere else by an alias; "" for out."""
        to = (TITO, IQBAL, TITO, IQBAL, TITO, LIST, AWAY, "", "", "")[number % 10]
        return to if self.names or to != AWAY else LIST

    def stranger(self, name: str) -> str:
        """The envelope sender of a stranger's message. No sender needs no DNS."""
        return f"{name}@{STRANGERS}" if self.names else ""

    def down(self) -> list[str]:
        """The declared units that do not run."""
        names = self.host.run(UNITS).stdout.split()
        states = self.host.run(ACTIVE, check=False).stdout.split()
        return [name for name, state in zip(names, states, strict=True) if state != "active"]

    def works(self, seconds: float, otherwise: str) -> None:
        """Wait until each unit runs and proves itself by its own probe."""
        until(
            lambda: not self.down() and not self.host.run(PROBES, check=False).returncode,
            seconds,
            lambda: f"{otherwise}: {self.down()} {self.host.run(PROBES, check=False).stderr[-1000:]}",
        )


def until(done: Callable[[], bool], seconds: float, otherwise: Callable[[], str]) -> None:
    """Wait until ``done``; LabError with what ``otherwise`` sees then, where that takes longer."""
    try:
        wait_until(done, seconds, "")
    except LabError:
        raise LabError(otherwise()) from None


def declared() -> dict[str, Any]:
    """What the host is converged to: with everything on that takes part in mail."""
    ways = ", ".join(f"{{{name}=:[mx.{name}]:{PORT}}}" for name in (STRANGERS, ELSEWHERE))
    return example(
        resolver="local",
        aliases={LIST: [TITO, IQBAL], AWAY: [f"away@{ELSEWHERE}"]},
        message_size="2M",
        sending={"messages": 100_000, "recipients": 100_000},
        postfix=_parameters(ways),
    )


def _parameters(ways: str) -> dict[str, Any]:
    return {"parameters": {**example()["postfix"]["parameters"], "transport_maps": f"inline:{{ {ways} }}"}}


def _names(gateway: str) -> str:
    """What the resolver is told: the two domains, and that there is nothing else in this world."""
    rows = ['local-zone: "." static']
    for name in (STRANGERS, ELSEWHERE):
        rows += [f'local-zone: "{name}." static', f'local-data: "{name}. MX 10 mx.{name}."']
        rows += [f'local-data: "mx.{name}. A {gateway}"']
    return "server:\n" + "".join(f"    {row}\n" for row in rows)


@contextmanager
def world(host: MailHost, gateway: str) -> Iterator[World]:
    """Converge the host, and open everybody else's server at ``gateway``, an address of this machine."""
    host.write("/etc/unbound/local.conf", _names(gateway))
    settings = declared()
    run = host.converge(settings)
    if run.rc:  # on a machine so busy that a new service cannot prove itself in time: this is not yet what is tested
        run = host.converge(settings)
    assert run.rc == 0, run.output
    with listening(gateway, PORT) as sink:
        yield World(host, host.address, sink, settings, ELSEWHERE)


@contextmanager
def small_world(host: MailHost) -> Iterator[World]:
    """The same in seconds, without names: strangers send as nobody, and all others are an address."""
    gateway = host.run("ip -4 route show default | awk '{ print $3 }'").stdout.strip()
    with socket.create_server((gateway, 0)) as free:
        port = free.getsockname()[1]
    settings = example(postfix=_parameters(f"{{somebody@[{gateway}]=smtp:[{gateway}]:{port}}}"))
    run = host.converge(settings)
    assert run.rc == 0, run.output
    with listening(gateway, port) as sink:
        yield World(host, host.address, sink, settings, f"[{gateway}]", names=False)
