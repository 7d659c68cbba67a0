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
VARIANTS: dict[str, dict[str, Any]] = {"everything on": {}, "filter: false": {"filter": False}}
SERVICES = ("postfix@-", "postfix", "dovecot", "rspamd", "posthaus-mime", "posthaus-redis", "systemd-journald")
DOMAIN = "example.com"
# Debian 13 has postfix.service where 12 has postfix@-.service; what is not there counts nothing.
_CPU = (
    "for unit in " + " ".join(SERVICES) + "; do"
    " for file in /sys/fs/cgroup/system.slice/$unit.service/cpu.stat"
    " /sys/fs/cgroup/system.slice/*/$unit.service/cpu.stat; do"
    ' [ ! -e "$file" ] || echo "$unit $(awk \'/^usage_usec/ { print $2 }\' "$file")"; done; done'
)
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
    """One run: messages a second, and the milliseconds of processors that a message cost each service."""

    rate: float
    cost: dict[str, float]

    @property
    def whole(self) -> float:
        return sum(self.cost.values())


def send(mail_host: MailHost, number: int, store: str) -> Sent:
    """MESSAGES to a mailbox that had none before; all of them have to arrive. ``store``: where it lies."""
    before = _cpu(mail_host)
    script = _SEND.format(messages=MESSAGES, bytes=BYTES, recipient=f"u{number}@{DOMAIN}")
    seconds = int(mail_host.run("bash", input=script, timeout=900).stdout) / 1000
    after = _cpu(mail_host)
    there = int(mail_host.run(f"find {store.format(number)} -type f -path '*/new/*' | wc -l").stdout)
    assert there == MESSAGES, f"{there} of {MESSAGES} messages were delivered"
    cost = {name: (used - before.get(name, 0)) / 1000 / MESSAGES for name, used in after.items()}
    return Sent(MESSAGES / seconds, cost)


def _cpu(mail_host: MailHost) -> dict[str, int]:
    """Microseconds by service, so far."""
    found: dict[str, int] = {}
    for line in mail_host.run(_CPU).stdout.splitlines():
        name, used = line.split()
        name = name.partition("@")[0]
        found[name] = found.get(name, 0) + int(used)
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
    middle = statistics.median
    services = dict.fromkeys(key for _, one in pairs for key in one.cost)
    return {
        "rate": round(middle(one.rate for _, one in pairs), 1),
        "stock_rate": round(middle(one.rate for one, _ in pairs), 1),
        "ratio": round(middle(mine.rate / theirs.rate for theirs, mine in pairs), 2),
        "cpu_ms": round(middle(one.whole for _, one in pairs), 1),
        "stock_cpu_ms": round(middle(one.whole for one, _ in pairs), 1),
        "cpu_ratio": round(middle(theirs.whole / mine.whole for theirs, mine in pairs), 2),
        "by_service": {key: round(middle(one.cost.get(key, 0.0) for _, one in pairs), 1) for key in services},
    }


def table(figures: dict[str, dict[str, Any]]) -> str:
    """A row for each variant, and below it what each service takes."""
    lines = [f"{'':<14} {'messages/s':>10} {'stock':>7} {'ratio':>6}  {'CPU ms':>7} {'stock':>6} {'ratio':>6}"]
    for name, one in figures.items():
        lines.append(
            f"{name:<14} {one['rate']:>10} {one['stock_rate']:>7} {one['ratio']:>6}  {one['cpu_ms']:>7}"
            f" {one['stock_cpu_ms']:>6} {one['cpu_ratio']:>6}"
        )
        lines.append("  CPU ms a message: " + ", ".join(f"{key} {used}" for key, used in one["by_service"].items()))
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
