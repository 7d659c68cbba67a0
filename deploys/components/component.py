"""What a component of a mail server is: data, known before any host is connected to.

A component declares itself once, in its own folder, by ``component(context)`` in its component.py. Converging,
preflight, clean-up, verify and the documentation are folds over these declarations (docs/architecture.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from deploys.config.mailserver import MailServer
from facts.foreign import ForeignState
from facts.machine import MachineState
from operations import config, directories, unit
from operations.directories import Directory
from operations.file import File
from operations.service import Service
from operations.survey import Looking

LOCAL_CONF = "the administrator's own settings"  # in a file local.conf, which the program reads last
Known = dict[str, dict[str, dict[str, Any]]]
UNITS = "/etc/systemd/system"  # the units and drop-ins of all components are one tree below it
SANDBOX = "posthaus-sandbox.conf"  # the drop-in of a unit's sandbox


@dataclass(frozen=True)
class Listener:
    """A TCP port open to the world. ``kind``: the protocol as checks/remote/protocols.py opens it, None where only TCP
    is asked; ``what``: what it is for, as people call it; ``only``: the networks that the firewall lets in there, if
    not all."""

    port: int
    kind: str | None
    what: str
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context:
    """All that a component is told: ``mail`` is what mail.yaml declares, ``machine`` what the host is, ``foreign`` what
    others configured on it. ``others``: the other components, for those that are made of what others declare."""

    mail: MailServer
    machine: MachineState = field(default_factory=MachineState)
    foreign: ForeignState = field(default_factory=ForeignState)
    others: tuple[Component, ...] = ()

    @property
    def listens(self) -> tuple[Listener, ...]:
        """The ports of the other components."""
        return tuple(listener for one in self.others for listener in one.listens)

    @property
    def php(self) -> str:
        """The version of PHP that the host has or would get, such as ``8.2``; empty: none."""
        return self.machine.php_version


@dataclass(frozen=True)
class Local:
    """Where programs of this host alone are answered: ``at`` is an address and a port (TCP; ``udp``: and UDP), or the
    absolute path of a Unix socket; ``what`` is answered, and to whom."""

    at: str
    what: str
    udp: bool = False

    @property
    def port(self) -> int | None:
        """Its port; None: it is a Unix socket."""
        return None if self.at.startswith("/") else int(self.at.rpartition(":")[2])


@dataclass(frozen=True)
class State:
    """What must survive the host, for no run can make it again: an absolute ``path``, and ``what`` lies there.
    ``always``: it is there from the first run on, not only where somebody has put it there. ``written_by``: the
    words of a command that says OK once all that a program has in memory lies there, too."""

    path: str
    what: str
    always: bool = True
    written_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Secret:
    """A key or password that a run makes on the host and never sees: where it lies, and who may read it."""

    path: str
    mode: str = "0600"
    user: str = "root"
    group: str = "root"


@dataclass(frozen=True)
class Look:
    """What deploys/status.py shows and the host's own daily look minds, besides services, packages and disks: ``kind``
    is one of LOOKS (watch/program/looks.py), ``about`` its arguments: plain values, no secrets."""

    kind: str
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A file of a tree whose rows say who has what, so that a run can tell people what it changes.

    ``path``: absolute; ``read``: its text to ``{kind: {whom or what: {attribute: value}}}``. ``hides``: a pattern
    whose group 1, in each row, is a secret: before it is read it becomes a digest. ``adds``: it says no more than
    further attributes of what other tables name.
    """

    path: str
    read: Callable[[str], Known]
    hides: str = ""
    adds: bool = False


@dataclass(frozen=True)
class Step:
    """One operation of a run: ``name`` is what the run prints, ``operation`` one of operations/."""

    name: str
    operation: Looking
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Tree:
    """Files below ``target``, checked and swapped as one (operations.config.tree, which says what the rest means).

    ``make``: renders them; called where the files are needed, once. ``shared``: others may have a file by the same
    name there, so preflight looks.
    """

    name: str
    target: str
    make: Callable[[], Mapping[str, File]]
    validate: str = "true"
    copy: bool = True
    build: str = "false"
    built: Mapping[str, str] = field(default_factory=dict)
    shared: bool = False

    @cached_property
    def files(self) -> Mapping[str, File]:
        """Path below ``target`` to file."""
        return self.make()

    @property
    def operation(self) -> Looking:
        """What puts it on the host."""
        return config.tree

    @property
    def arguments(self) -> dict[str, Any]:
        """For ``operation``."""
        names = ("target", "files", "validate", "copy", "build", "built")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Directories:
    """Directories with their owners and modes; what lies in them stays (operations.directories.present)."""

    name: str
    directories: Mapping[str, Directory]

    @property
    def operation(self) -> Looking:
        """What makes them."""
        return directories.present

    @property
    def arguments(self) -> dict[str, Any]:
        """For ``operation``."""
        return {"directories": self.directories}


@dataclass(frozen=True)
class Run:
    """A unit that runs the files on disk. ``probe``: a shell command that asks it to work; ``after``: further trees
    whose change makes it read them anew, besides those of the service. ``disconnects``: who is connected is sent away
    by a reload, too. ``way``: an operation in unit.converge's place that takes the same arguments."""

    name: str
    service: Service
    probe: str = "true"
    after: tuple[str, ...] = ()
    disconnects: bool = False
    way: Looking | None = None

    @property
    def operation(self) -> Looking:
        """What makes it so."""
        return self.way or unit.converge

    @property
    def arguments(self) -> dict[str, Any]:
        """For ``operation``."""
        return {**self.service.question, "probe": self.probe}


def sandboxed(unit: str) -> str:
    """The path of the drop-in of a unit's sandbox, which it has to have seen since its start."""
    return f"{UNITS}/{unit}.d/{SANDBOX}"


AnyStep = Step | Tree | Directories | Run
Kind = TypeVar("Kind", Step, Tree, Directories, Run)


@dataclass(frozen=True)
class Component:
    """One part of the server, whole.

    ``packages``: in Debian's archive; ``oldest``: the oldest version that will do, by package. ``units``: units and
    drop-ins below /etc/systemd/system; ``auto_restart``: units that the distribution does not start again when they
    die; ``sandbox``: units that may do less than the distribution lets them, with lines beyond those that all of
    them get (deploys.components.host.sandbox). ``prepare``, ``background``: shell commands before any package is
    installed, for what its own scripts read, and once all are, beside the first steps
    (operations.packages.installed). ``steps``: in their order. ``listens``: ports open to the world; ``processes``:
    who may hold them, as the kernel names them; ``tables``: files of its trees that say who has what; ``local``:
    where it answers to this host alone. ``state``: what must survive the host; ``secrets``: what is made there.
    ``looks``: what is to be minded from day to day. ``takeover``: what others' configuration of it is called (the
    option ``takeover``, facts.foreign). ``keeps_units``: those that go on though nothing declares them. ``last``:
    its steps come after what nothing declares any more has gone.
    """

    name: str
    packages: tuple[str, ...] = ()
    oldest: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    units: Mapping[str, File] = field(default_factory=dict)
    auto_restart: tuple[str, ...] = ()
    sandbox: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    prepare: str = ""
    background: str = ""
    steps: tuple[AnyStep, ...] = ()
    listens: tuple[Listener, ...] = ()
    processes: tuple[str, ...] = ()
    local: tuple[Local, ...] = ()
    tables: tuple[Table, ...] = ()
    state: tuple[State, ...] = ()
    secrets: tuple[Secret, ...] = ()
    looks: tuple[Look, ...] = ()
    takeover: str = ""
    keeps_units: tuple[str, ...] = ()
    last: bool = False

    def of(self, kind: type[Kind]) -> tuple[Kind, ...]:
        """The steps of one kind."""
        return tuple(step for step in self.steps if isinstance(step, kind))

    @property
    def services(self) -> tuple[Service, ...]:
        """What runs, each followed by what runs because of it."""
        return tuple(one for run in self.of(Run) for one in (run.service, *map(Service, run.service.brings)))
