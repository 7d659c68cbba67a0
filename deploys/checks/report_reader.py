"""Messages of strangers, read in a process of its own: whatever they hold, it costs a bounded time and memory.

Standard input: each message after a line with its length in bytes. Standard output: a line of JSON for each, ``null``
where it is no report that can be read. Dies of one that no program should be asked to read.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import logging
import resource
import signal
import sys
from collections import Counter
from typing import Any, BinaryIO

MEMORY = 1_000_000_000  # bytes of address space; parsedmarc and its libraries take 300 MB of it
SECONDS = 5  # of a processor for one message: a busy workstation is no fault of its
LARGEST = 5_000_000  # bytes of one message
MOST_SESSIONS = 10**12
LONGEST = 60  # characters of a name


def main() -> None:
    """Read all of standard input."""
    logging.disable()  # parsedmarc tells of what it cannot read, in strangers' words
    for kind, limit in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):  # macOS knows no such limit
            resource.setrlimit(kind, (limit, limit))
    signal.signal(signal.SIGPROF, _too_long)
    import parsedmarc  # noqa: F401 - half a second, which is no message's; and only who wants reports has it

    while size := sys.stdin.buffer.readline():
        print(json.dumps(_in_time(sys.stdin.buffer, int(size))), flush=True)


def _in_time(stream: BinaryIO, size: int) -> dict[str, Any] | None:
    message = stream.read(size)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        return read(message)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _too_long(*_: object) -> None:
    raise TimeoutError


def read(message: bytes) -> dict[str, Any] | None:
    """What counts of one message; None if it is no report, or one that breaks its own rules.

    ``kind`` dmarc: ``who``, ``number``, ``domain``, ``rows`` of [address, messages, whether they pass]. ``kind`` tls:
    ``who``, ``number``, ``policies`` of [domain, sessions, {kind of failure: sessions}]. ``kind`` other: one message's.
    """
    import parsedmarc

    if len(message) > LARGEST:
        return None
    try:
        parsed: Any = parsedmarc.parse_report_email(message, offline=True)
        return _reduced(parsed["report_type"], parsed["report"])
    except Exception:  # whatever a stranger could think of
        return None


def _reduced(kind: str, report: Any) -> dict[str, Any]:
    if kind == "aggregate":
        about, rows = report["report_metadata"], Counter[tuple[str, bool]]()
        for row in report["records"]:
            address = str(ipaddress.ip_address(row["source"]["ip_address"]))
            rows[address, bool(row["alignment"]["dmarc"])] += _count(row["count"])
        domain = _name(report["policy_published"]["domain"]).lower()
        found = [[address, count, passes] for (address, passes), count in rows.items()]
        return {"kind": "dmarc", **_whose(about["org_name"], about["report_id"]), "domain": domain, "rows": found}
    if kind == "smtp_tls":
        policies = [_policy(policy) for policy in report["policies"]]
        return {"kind": "tls", **_whose(report["organization_name"], report["report_id"]), "policies": policies}
    return {"kind": "other"}


def _policy(policy: Any) -> list[Any]:
    broken: Counter[str] = Counter()
    for detail in policy.get("failure_details") or ():
        broken[_name(detail["result_type"])] += _count(detail["failed_session_count"])
    sessions = _count(policy["successful_session_count"]) + _count(policy["failed_session_count"])
    return [_name(policy["policy_domain"]).lower(), sessions, dict(broken.most_common(20))]


def _whose(who: object, number: object) -> dict[str, str]:
    return {"who": _name(who), "number": _name(number)}


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value <= MOST_SESSIONS:
        raise ValueError("no count")
    return value


def _name(value: object) -> str:
    """What a stranger calls something, short and without what moves a cursor."""
    if not isinstance(value, str):
        raise ValueError("no name")
    return "".join(one for one in value if one.isprintable())[:LONGEST]


if __name__ == "__main__":
    main()
