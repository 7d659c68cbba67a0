"""What a day's outgoing messages met, by Postfix's own log (journalctl(1)), and how Postfix sees names (nsenter(1))."""

from __future__ import annotations

import collections
import json
import pathlib
import re
import subprocess

DAY = ["journalctl", "-q", "-o", "cat", "--no-pager", "--since", "-24h", "-n", "20000", "-t", "postfix/smtp"]
PATIENCE = 20  # seconds for any of these programs
LONGEST, MOST = 200, 20  # characters of an answer, and how many different ones
MASTER = pathlib.Path("/var/spool/postfix/pid/master.pid")


def outgoing() -> tuple[int, str]:
    """How many messages left by the network, and as JSON: how many of them by TLS, and what refusals said, each with
    how often. Nobody's address is in it."""
    log = subprocess.run(DAY, capture_output=True, timeout=PATIENCE, check=True).stdout.decode("utf-8", "replace")
    return summed(log.splitlines())


def summed(log: list[str]) -> tuple[int, str]:
    """As ``outgoing``, of these lines."""
    secure, sent, by_tls = set(), 0, 0
    said: collections.Counter[str] = collections.Counter()
    for line in log:
        if met := re.search(r"TLS connection established to (\S+):", line):
            secure.add(met[1])
        elif met := re.search(r"relay=(\S+?), .*?status=(\w+) \((.*)\)$", line):
            relay, status, words = met.groups()
            sent += status == "sent"
            by_tls += status == "sent" and relay in secure
            if status != "sent" and " said: " in words:
                answer = words.split(" said: ", 1)[1]
                said[re.sub(r"\S+@\S+", "<address>", answer)[:LONGEST]] += 1
    return sent, json.dumps({"tls": by_tls, "said": dict(said.most_common(MOST))})


def names(name: str) -> tuple[int | None, str]:
    """1 if Postfix, as it runs, finds an address in the DNS for ``name``; 0 if only the rest of the host does."""
    ask = ["getent", "-s", "dns", "ahosts", name]
    inside = ["nsenter", "-t", MASTER.read_text(encoding="utf-8").strip(), "-m", "--", *ask]
    postfix, others = (_answers(command) for command in (inside, ask))
    if postfix:
        return 1, f"Postfix finds {name}"
    return (0, "Postfix does not, the host does") if others else (None, f"the DNS has no {name} for this host")


def _answers(command: list[str]) -> bool:
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    return done.returncode == 0 and bool(done.stdout)
