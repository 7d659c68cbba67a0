"""Logins that failed, and whom the firewall keeps out for it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator

from deploys.components.watch.program.amounts import count
from deploys.components.watch.program.measures import Measure
from deploys.components.watch.program.shell import Unanswered, said
from deploys.result import Check, CheckResult

GROUP = "logins"
MANY = 1000  # a day
TABLE = "posthaus_bans"
# imap-login: Login aborted: … (auth failed, 3 attempts in 6 secs): user=<a>, method=PLAIN, rip=192.0.2.7, lip=…
_DOVECOT = re.compile(r"\(auth failed, (\d+) attempts.*? rip=([0-9A-Fa-f.:]+)")
# warning: unknown[192.0.2.7]: SASL LOGIN authentication failed: …
_POSTFIX = re.compile(r"\[([0-9A-Fa-f.:]+)\]: SASL \S+ authentication failed")


def failures() -> Iterator[CheckResult | Measure]:
    """Wrong passwords and names of the last 24 hours, by the addresses they came from."""
    units = ("-u", "dovecot.service", "-u", "postfix*")
    grep = ("--grep", "auth failed|authentication failed")
    text = said("journalctl", "-q", "--no-pager", "-o", "cat", "--since", "-24h", *units, *grep, check=False)
    found = addresses(text)
    yield result(found)
    yield Measure("failed_logins", found.total())
    yield Measure("failed_login_addresses", len(found))


def addresses(text: str) -> Counter[str]:
    """Failures by address, from lines of Dovecot and Postfix."""
    found: Counter[str] = Counter()
    for line in text.splitlines():
        if told := _DOVECOT.search(line):
            found[told[2]] += int(told[1])
        elif told := _POSTFIX.search(line):
            found[told[1]] += 1
    return found


def result(found: Counter[str]) -> CheckResult:
    """``found``: failures by address."""
    about = Check("logins.failed", GROUP, "failed logins", f"fewer than {MANY:,} in 24 h")
    if not found:
        return about.result("none in 24 h", True)
    most = ", ".join(f"{address} {times:,}" for address, times in found.most_common(3))
    seen = f"{found.total():,} in 24 h from {count(len(found), 'address')} (most: {most})"
    remedy = "somebody guesses: see that all passwords are strong, and that nobody's login is used from there"
    return about.result(seen, True, remedy if found.total() >= MANY else "")


def bans() -> Iterator[CheckResult | Measure]:
    """How many addresses are kept out; nothing where there is no such table (nft(8))."""
    try:
        table = said("nft", "-j", "list", "table", "inet", TABLE)
    except Unanswered:
        return
    number = _banned(table)
    about = Check("logins.bans", GROUP, "banned addresses", "those that guess")
    yield about.result(count(number, "address"), True)
    yield Measure("banned_addresses", number)


def _banned(table: str) -> int:
    sets = [one["set"] for one in json.loads(table)["nftables"] if "set" in one]
    return sum(len(one.get("elem", ())) for one in sets)
