"""How fast mail is delivered into Maildir and what a message costs, beside stock Postfix on an equal host.

Stock is Debian's Postfix as an Internet site with local delivery into ~/Maildir: no filter, no quota, no Sieve. Each
figure of ours stands beside one of stock's from just before, for others may use the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import accounts, engine, sweep
from lab import host as lab_host
from lab.mailhost import MailHost
from lab.progress import step

RUNS, MESSAGES, BYTES = 3, 800, 2048
WARM = 50  # before each run, not counted: what starts with the first messages is there then
VARIANTS: dict[str, dict[str, Any]] = {"everything on": {}, "filter: false": {"filter": False}}
DOMAIN = "example.com"
LEAST = 0.05  # ms a message; what takes less is counted, and not named
# Microseconds of each service (cgroup-v2), then nanoseconds of each process (proc(5), schedstat) with its name.
_CPU = r"""for file in $(find /sys/fs/cgroup/system.slice -path '*.service/cpu.stat'); do
  unit=${file%/cpu.stat}; echo "service ${unit##*/} $(awk '/^usage_usec/ { print $2 }' "$file")"
done
for process in /proc/[0-9]*; do
  { unit=$(sed -n 's|^0::.*/||p' "$process/cgroup") && read -r used _ <"$process/schedstat" &&
    read -r name <"$process/comm" && echo "process $unit $name $used"; } 2>/dev/null
done
:"""
# What is none of mail's; the host may do it meanwhile.
_OTHERS = ("ssh", "systemd-", "apt-", "dpkg-", "posthaus-watch", "man-db", "cron", "dbus")
# Seconds from the first connection until nothing is left in the queue. smtp-source(1) comes with Postfix.
_SEND = """begun=$(date +%s%N)
smtp-source -s 5 -m {messages} -l {bytes} -f sender@outside.example -t {recipient} 127.0.0.1:25
cd /var/spool/postfix
until [ -z "$(find maildrop incoming active -type f -print -quit)" ]; do sleep 0.1; done
echo $(( ($(date +%s%N) - begun) / 1000000 ))"""
_STOCK = """apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends postfix
postconf -e 'home_mailbox = Maildir/' 'mydestination = {domain}, localhost' 'inet_protocols = all'
for number in $(seq 0 {last}); do useradd --create-home u$number; done
systemctl restart postfix"""


@dataclass(frozen=True)
class Sent:
    """One run: messages a second, and the milliseconds of processors that a message cost, by service and by process.

    A process that ended meanwhile counts with its service alone.
    """

    rate: float
    services: dict[str, float]
    processes: dict[tuple[str, str], float]

    @property
    def whole(self) -> float:
        return sum(self.services.values())


def send(mail_host: MailHost, number: int, store: str) -> Sent:
    """MESSAGES to a mailbox that had none before; all of them have to arrive. ``store``: where it lies."""
    _hand_in(mail_host, number, WARM)
    before = cpu(mail_host)
    seconds = _hand_in(mail_host, number, MESSAGES)
    after = cpu(mail_host)
    there = int(mail_host.run(f"find {store.format(number)} -type f -path '*/new/*' | wc -l").stdout)
    assert there == WARM + MESSAGES, f"{there} of {WARM + MESSAGES} messages were delivered"
    used = {key: (value - before.get(key, 0)) / 1000 / MESSAGES for key, value in after.items()}
    return Sent(
        MESSAGES / seconds,
        {service: value for (service, name), value in used.items() if not name},
        {(service, name): value for (service, name), value in used.items() if name},
    )


def _hand_in(mail_host: MailHost, number: int, messages: int) -> float:
    """Seconds until so many messages are in the mailbox."""
    script = _SEND.format(messages=messages, bytes=BYTES, recipient=f"u{number}@{DOMAIN}")
    return int(mail_host.run("bash", input=script, timeout=900).stdout) / 1000


def cpu(mail_host: MailHost) -> dict[tuple[str, str], int]:
    """Microseconds so far, of each service (service, "") and of all its processes of a name (service, name)."""
    found: dict[tuple[str, str], int] = {}
    for line in mail_host.run("bash", input=_CPU).stdout.splitlines():
        kind, unit, *words = line.split()
        # Debian 13 has postfix.service where 12 has postfix@-.service.
        service, name = unit.removesuffix(".service").partition("@")[0], " ".join(words[:-1])
        if unit.endswith(".service") and (service == "systemd-journald" or not service.startswith(_OTHERS)):
            used = int(words[-1]) // (1000 if kind == "process" else 1)
            found[service, name] = found.get((service, name), 0) + used
    return found


def measure(ours: MailHost, stock: MailHost) -> dict[str, Any]:
    """For each variant the medians of RUNS pairs, alternating."""
    people = {f"u{number}@{DOMAIN}": _mailbox(ours) for number in range(RUNS * len(VARIANTS))}
    base = {**ours.settings, "mailboxes": {**ours.settings["mailboxes"], **people}}
    with step("Stock Postfix"):
        stock.run("bash", input=_STOCK.format(domain=DOMAIN, last=len(people)), timeout=900)
    numbers: Iterator[int] = iter(range(len(people)))
    return {name: _variant(name, ours, stock, {**base, **change}, numbers) for name, change in VARIANTS.items()}


def _mailbox(host: MailHost) -> dict[str, Any]:
    return dict(next(iter(host.settings["mailboxes"].values())), name="U")


def _variant(
    name: str, ours: MailHost, stock: MailHost, settings: dict[str, Any], numbers: Iterator[int]
) -> dict[str, Any]:
    with step(f"Converging: {name}"):
        run = ours.converge(settings)
        assert run.rc == 0, run.output
    pairs = []
    for number in (next(numbers) for _ in range(RUNS)):
        with step(f"{name}: {MESSAGES} messages to stock Postfix, and to ours"):
            pairs.append(
                (send(stock, number, "/home/u{}/Maildir"), send(ours, number, f"/var/mail/vhosts/{DOMAIN}/u{{}}"))
            )
    middle, theirs, mine = statistics.median, [one for one, _ in pairs], [one for _, one in pairs]
    return {
        "rate": round(middle(one.rate for one in mine), 1),
        "stock_rate": round(middle(one.rate for one in theirs), 1),
        "ratio": round(middle(one.rate / stock.rate for stock, one in pairs), 2),
        "cpu_ms": round(middle(one.whole for one in mine), 1),
        "stock_cpu_ms": round(middle(one.whole for one in theirs), 1),
        "cpu_ratio": round(middle(stock.whole / one.whole for stock, one in pairs), 2),
        "by_service": by_service(mine),
        "stock_by_service": by_service(theirs),
    }


def by_service(runs: Sequence[Sent]) -> dict[str, dict[str, float]]:
    """Medians of what each service took, under "" the whole, and under its name each of its processes."""
    medians: dict[str, dict[str, float]] = {}
    for service in sorted({key for one in runs for key in one.services}):
        names = {"", *(name for one in runs for unit, name in one.processes if unit == service)}
        took = {
            name: statistics.median(
                one.processes.get((service, name), 0.0) if name else one.services.get(service, 0.0) for one in runs
            )
            for name in names
        }
        named = sorted((-value, name) for name, value in took.items() if value >= LEAST)
        if took[""] >= LEAST:
            medians[service] = {name: round(-value, 2) for value, name in named}
    return medians


def table(figures: dict[str, dict[str, Any]]) -> str:
    """A row for each variant, then what each service of it takes, and each process of those that have several."""
    lines = [f"{'':<14} {'messages/s':>10} {'stock':>7} {'ratio':>6}  {'CPU ms':>7} {'stock':>6} {'ratio':>6}"]
    for name, one in figures.items():
        lines.append(
            f"{name:<14} {one['rate']:>10} {one['stock_rate']:>7} {one['ratio']:>6}  {one['cpu_ms']:>7}"
            f" {one['stock_cpu_ms']:>6} {one['cpu_ratio']:>6}"
        )
    stock = next(iter(figures.values()))["stock_by_service"]
    for name, services in (("stock", stock), *((name, one["by_service"]) for name, one in figures.items())):
        lines += ["", f"CPU ms a message, {name}"]
        for service, took in services.items():
            processes = ", ".join(f"{process} {used}" for process, used in took.items() if process)
            lines.append(f"  {service:<18} {took.get('', 0.0):>6}" + (f"  {processes}" if len(took) > 2 else ""))
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """The command line of ``script/bench mail``."""
    parser = argparse.ArgumentParser(prog="script/bench mail", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    parser.add_argument("--release", default="debian-13", help="what both hosts run (default: %(default)s)")
    parser.add_argument("--image", help="for ours, an image to start from: a trial's host, converged")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="posthaus-mail.") as state, ExitStack() as stack:
        base = accounts.settings(accounts.passwords(Path(state)), webmail=False)

        def host(name: str, image: str | None) -> MailHost:
            started = lab_host.start(
                engine.ensure(), f"posthaus-mail-{os.getpid()}-{name}", options.release, Path(state), image=image,
                labels=sweep.owner(),
            )  # fmt: skip
            stack.callback(started.remove)
            return MailHost(started, base)

        figures = measure(host("ours", options.image), host("stock", None))
    print(json.dumps(figures) if options.json else table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
