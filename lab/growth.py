"""What grows with the addresses, and how fast: reading mail.yaml, a converge in which nothing or one mailbox is new,
and an smtpd's memory."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab import accounts, engine, pyinfra, sweep
from lab import host as lab_host
from lab.cost import workstation
from lab.mailhost import MailHost
from lab.progress import step
from lab.pyinfra import ROOT

SIZES = ("10/1", "1000/10", "10000/10", "50000/10")
LABELS = {
    "words_cpu": "script/validate, CPU s",
    "words_megabytes": "script/validate, MB",
    "noop_seconds": "no-op run, s",
    "noop_cpu": "no-op run, CPU s of the workstation",
    "one_more_bytes": "one mailbox more: bytes sent",
    "one_more_seconds": "one mailbox more: s",
    "smtpd_kilobytes": "smtpd's own memory, KB",
}
# An smtpd that has looked its tables up (proc(5), RssAnon in KiB).
_SMTPD = r"""exec 3<>/dev/tcp/127.0.0.1/25
read -r line <&3
for word in 'HELO localhost' 'MAIL FROM:<a@example.org>' 'RCPT TO:<postmaster@example.com>'; do
  printf '%s\r\n' "$word" >&3; read -r -t 30 line <&3
done
for pid in $(pgrep -x smtpd); do awk '/^RssAnon/ { print $2 }' "/proc/$pid/status"; done | sort -n | tail -n 1
"""


def settings(base: dict[str, Any], mailboxes: int, domains: int) -> dict[str, Any]:
    """``base`` with so many mailboxes and domains more, and an alias for each fifth mailbox."""
    names = ["example.com", *(f"d{number}.example.net" for number in range(1, domains))]
    (known,) = list(base["mailboxes"].values())[:1]
    added = {f"p{number}@{names[number % domains]}": dict(known, name=f"P {number}") for number in range(mailboxes)}
    aliases = {f"a{number}@example.com": [f"p{number}@{names[number % domains]}"] for number in range(0, mailboxes, 5)}
    return {**base, "domains": names, "mailboxes": {**base["mailboxes"], **added}, "aliases": aliases}


def measure(mail_host: MailHost, base: dict[str, Any], size: str) -> dict[str, Any]:
    """The figures of one size, MAILBOXES/DOMAINS."""
    mailboxes, domains = map(int, size.split("/"))
    declared = settings(base, mailboxes, domains)
    with step(f"Converge {mailboxes} mailboxes, {domains} domains"):
        _done(mail_host.converge(declared))
    figures = _settings(mail_host.site / "mail.yaml")
    with step("A run in which nothing is new"):
        begun, used = time.monotonic(), workstation()
        _done(mail_host.converge())
        figures |= {"noop_seconds": round(time.monotonic() - begun, 1), "noop_cpu": round(workstation() - used, 1)}
    with step("One mailbox more"):
        sent, begun = _received(mail_host), time.monotonic()
        one = {"new@example.com": next(iter(declared["mailboxes"].values()))}
        _done(mail_host.converge({**declared, "mailboxes": {**declared["mailboxes"], **one}}))
        figures |= {
            "one_more_bytes": _received(mail_host) - sent,
            "one_more_seconds": round(time.monotonic() - begun, 1),
        }
    return {**figures, "smtpd_kilobytes": int(mail_host.run("bash", input=_SMTPD).stdout or 0)}


def _settings(path: Path) -> dict[str, Any]:
    code = "import sys, time; from deploys.site import main; main(sys.argv[1:]); print(time.process_time());"
    code += "print(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"
    told = subprocess.check_output([sys.executable, "-c", code, str(path)], cwd=ROOT, text=True).split()
    return {"words_cpu": round(float(told[-2]), 2), "words_megabytes": int(told[-1]) // 1000}


def _received(mail_host: MailHost) -> int:
    """Bytes that came to the host by its network."""
    return int(mail_host.run("cat /sys/class/net/eth0/statistics/rx_bytes").stdout)


def _done(run: pyinfra.Run) -> None:
    assert run.rc == 0, run.output


def table(figures: dict[str, dict[str, Any]]) -> str:
    """A row for each figure, a column for each size."""
    width = max(map(len, LABELS.values()))
    head = f"{'mailboxes/domains':<{width}}" + "".join(f"{size:>12}" for size in figures)
    rows = (f"{text:<{width}}" + "".join(f"{one[key]:>12}" for one in figures.values()) for key, text in LABELS.items())
    return "\n".join((head, *rows))


def main(arguments: Sequence[str]) -> int:
    """The command line of ``script/bench growth``."""
    parser = argparse.ArgumentParser(prog="script/bench growth", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    parser.add_argument("--release", default="debian-13", help="what the host runs (default: %(default)s)")
    parser.add_argument("--image", help="an image to start from, such as a snapshot of a converged host")
    parser.add_argument("sizes", nargs="*", default=SIZES, help="MAILBOXES/DOMAINS (default: %(default)s)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="posthaus-growth.") as state:
        base = accounts.settings(accounts.passwords(Path(state)), webmail=False)
        started = lab_host.start(
            engine.ensure(), "posthaus-growth", options.release, Path(state), image=options.image, labels=sweep.owner()
        )
        try:
            figures = {size: measure(MailHost(started, base), base, size) for size in options.sizes}
        finally:
            started.remove()
    print(json.dumps(figures) if options.json else table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
