"""How fast a converge is, as a whole process: first run, no-op run, at a distance, and for several hosts at once."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from lab import accounts, engine, pyinfra, site, sweep
from lab import host as lab_host
from lab.ansible import Ansible
from lab.cost import Meter, measured, median, of_host, workstation
from lab.delay import delayed
from lab.mailhost import MailHost
from lab.progress import step

RUNS = 5
ROUND_TRIP = 0.050  # seconds added
HOSTS = (1, 4, 8, 16)
NAMES = 100  # under which the hosts above are addressed: no machine has room for a hundred of them
LABELS = {
    "noop_commands": "remote commands of a no-op run, whole stack",
    "noop_seconds": "no-op run, one host, s",
    "noop_seconds_rtt50": "no-op run, 50 ms round trip added, s",
    "noop_host_cpu": "no-op run, the host's CPU, s",
    "further_host_cpu": f"no-op run, the workstation's CPU for each further host of {NAMES}, s",
    "ansible_seconds": "Ansible, 51 tasks with nothing to do, s",
    "first_seconds": "first run on a bare host, s",
    "apt_seconds": "apt-get install of the same packages alone, s",
}


class Bench:
    """Hosts of one release for one measurement after the other; all are removed at the end."""

    def __init__(self, release: str, state: Path, stack: ExitStack) -> None:
        self.release, self.state, self.stack = release, state, stack
        self.engine = engine.ensure()
        self.settings = accounts.settings(accounts.passwords(state))

    def host(self, number: int, image: str | None = None) -> MailHost:
        """A fresh host (of ``image`` where given), up and waiting."""
        name = f"posthaus-bench-{os.getpid()}-{number}"
        started = lab_host.start(self.engine, name, self.release, self.state, image=image, labels=sweep.owner())
        self.stack.callback(started.remove)
        return MailHost(started, self.settings)


def measure(bench: Bench, ansible: bool) -> dict[str, Any]:
    """All figures; seconds are medians where several runs are possible."""
    with step("apt-get install of the same packages on a bare host"):
        apt_seconds = _apt(bench.host(90))
    mail_host = bench.host(1)
    with step("First run on a bare host"):
        first_seconds = measured(lambda: _changed(mail_host.converge()))
    figures = {
        "noop_commands": remote_commands(mail_host),
        "noop_seconds": median(lambda: _unchanged(mail_host.converge()), RUNS),
        "noop_seconds_rtt50": _far_away(mail_host),
        "noop_host_cpu": median(lambda: _unchanged(mail_host.converge()), RUNS, of_host(mail_host)),
        "first_seconds": first_seconds,
        "apt_seconds": apt_seconds,
    }
    if ansible:
        figures["ansible_seconds"] = _ansible(bench, mail_host)
    return figures | _by_hosts(bench, mail_host)


def remote_commands(mail_host: MailHost) -> int:
    """How many commands a no-op run sends to the host, counted in pyinfra's own log of what it sends."""
    run = mail_host.converge(None, "-vv")
    _unchanged(run)
    return sent(run)


def sent(run: pyinfra.Run) -> int:
    """How many commands a run with ``-vv`` sent."""
    return sum(">>> " in line for line in run.output.splitlines())


def _apt(mail_host: MailHost) -> float:
    packages = " ".join(_packages(mail_host))
    install = (
        f"apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends {packages}"
    )
    return measured(lambda: mail_host.run(install, timeout=900))


def _packages(mail_host: MailHost) -> Sequence[str]:
    from deploys.components.all import declared, packages
    from deploys.components.component import Context
    from deploys.config.mailserver import MailServer

    return packages(declared(Context(MailServer.read(mail_host.settings))))


def _far_away(mail_host: MailHost) -> float:
    name, data = mail_host.entry
    address, port = mail_host.host.ssh_endpoint
    with delayed(address, port, ROUND_TRIP / 2) as near, _known_as(data, near) as there:
        mail_host.entry = (name, there)
        try:
            return median(lambda: _unchanged(mail_host.converge()), RUNS)
        finally:
            mail_host.entry = (name, data)


@contextmanager
def _known_as(data: dict[str, Any], port: int) -> Iterator[dict[str, Any]]:
    """The host's data with its keys known at the proxy's port as well, so that checking them stays on."""
    keys = Path(data["ssh_known_hosts_file"])
    known = keys.read_text()
    near = "".join(f"[127.0.0.1]:{port} {line.split(' ', 1)[1]}\n" for line in known.splitlines())
    proxied = keys.with_name("known_hosts.proxy")
    proxied.write_text(near)
    yield {**data, "ssh_hostname": "127.0.0.1", "ssh_port": port, "ssh_known_hosts_file": str(proxied)}


def _ansible(bench: Bench, mail_host: MailHost) -> float:
    """On the very host, so that it is equal; what the play adds for itself is in nobody's way."""
    with step("Ansible"):
        play = Ansible(mail_host, _packages(mail_host), bench.state / "ansible").play
        play()

        def again() -> None:
            told = play()
            assert (told["ok"], told["changed"]) == (52, 0), told  # it gathers its facts first

        return median(again, RUNS)


def _by_hosts(bench: Bench, first: MailHost) -> dict[str, Any]:
    tag = first.host.snapshot(f"posthaus-bench-{os.getpid()}")
    copies: list[MailHost] = []
    try:
        with step(f"Starting {HOSTS[-1]} copies of the converged host"):
            copies += [_settled(bench.host(100 + number, tag), first) for number in range(HOSTS[-1])]
        seconds = {str(count): _many(bench, [copy.entry for copy in copies[:count]]) for count in HOSTS}
        entries = [(f"bench{number}", copies[number % len(copies)].entry[1]) for number in range(NAMES)]
        one, all_of_them = (_many(bench, some, 1, workstation) for some in (entries[:1], entries))
        return {"noop_seconds_by_hosts": seconds, "further_host_cpu": round((all_of_them - one) / (NAMES - 1), 3)}
    finally:
        for copy in copies:
            copy.host.remove()
        bench.engine.images.remove(tag, force=True)


def _settled(copy: MailHost, original: MailHost) -> MailHost:
    """A copy of a host answers as its own: its first run repairs what the container engine put over the image."""
    run = copy.converge(original.settings)
    assert run.rc == 0, run.output
    return copy


def _many(bench: Bench, entries: Sequence[site.HostEntry], runs: int = RUNS, meter: Meter = time.monotonic) -> float:
    directory = site.write(bench.state / f"site-{len(entries)}", entries, bench.settings)
    with step(f"{runs} no-op runs on {len(entries)} host(s) at once"):
        return median(lambda: _unchanged(pyinfra.converge(directory)), runs, meter)


def _changed(run: pyinfra.Run) -> None:
    assert run.rc == 0, run.output
    assert run.changes > 0, "a first run that changes nothing measures nothing"


def _unchanged(run: pyinfra.Run) -> None:
    assert run.rc == 0, run.output
    assert run.changes == 0, f"not a no-op run:\n{run.output}"


def table(figures: dict[str, Any]) -> str:
    """The figures as aligned lines for a person."""
    rows = [(text, figures[key]) for key, text in LABELS.items() if key in figures]
    rows += [
        (f"no-op run, {count} host(s) at once, s", value) for count, value in figures["noop_seconds_by_hosts"].items()
    ]
    width = max(len(text) for text, _ in rows)
    return "\n".join(f"{text:<{width}}  {value:>8}" for text, value in rows)


def main(arguments: Sequence[str]) -> int:
    """The command line of script/bench."""
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    parser.add_argument("--ansible", action="store_true", help="measure Ansible too, which is fetched from PyPI")
    parser.add_argument("--release", default="debian-12", help="what the hosts run (default: %(default)s)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="posthaus-bench.") as state, ExitStack() as stack:
        figures = measure(Bench(options.release, Path(state), stack), options.ansible)
    print(json.dumps(figures) if options.json else table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
