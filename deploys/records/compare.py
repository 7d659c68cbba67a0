"""One record expected, one answer found: a result that says whether they are the same, and what to publish."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from dns.rdata import Rdata

from deploys.records.record import Record, comparable, text_of
from deploys.records.resolver import Answer
from deploys.result import Check, CheckResult

GROUP = "dns"
# By the labels of its name, the longer ones first (RFC 7489, 7.1; RFC 6376, 3.6.2.1; RFC 8461, 3.1; RFC 8460, 3).
TXT_PURPOSES = {
    "._report._dmarc.": "dmarc-reports",
    "._dmarc.": "dmarc",
    "._domainkey.": "dkim",
    "._mta-sts.": "mta-sts",
    "._smtp._tls.": "tls-rpt",
}
STARTS_A_TAG_LIST = re.compile(r"\s*v=(DMARC1|STSv1|TLSRPTv1|DKIM1)\b", re.IGNORECASE)


def record_result(record: Record, answer: Answer) -> CheckResult:
    """Whether the DNS holds the record. Further values of the same kind are a fault for TXT, else a warning."""
    about = Check(key(record), GROUP, what(record), "; ".join(shown(value) for value in readable(record)))
    if answer.state == "failed":
        return about.result(f"no answer ({answer.reason})", None, "ask again; see dns.resolver")
    ours = [rdata for rdata in answer.rdatas if record.owns(rdata)]
    if record.type == "TXT" and "._domainkey." in record.name:
        return _dkim_result(record, [text_of(rdata) for rdata in ours])
    wanted, found = {meaning(r) for r in record.rdatas}, {meaning(r) for r in ours}
    seen = "; ".join(shown(_plain(rdata)) for rdata in ours) or "nothing"
    if wanted - found or (record.type == "TXT" and len(ours) > 1):
        return about.result(seen, False, _remedy(record, ours))
    extra = [_plain(rdata) for rdata in ours if meaning(rdata) not in wanted]
    return about.result(seen, True, f"take away {'; '.join(extra)}" if extra else "")


def alias_result(record: Record, answer: Answer, served: Iterable[str], host: Iterable[str]) -> CheckResult:
    """A CNAME of ours. ``served``: the addresses behind the name; a provider that serves the host's own, without a
    CNAME, serves the same purpose."""
    direct = record_result(record, answer)
    found = set(served)
    if direct.ok is False and found and found <= set(host):
        return replace(direct, seen=", ".join(sorted(found)), ok=True, remedy="")
    return direct


def key(record: Record) -> str:
    """``dns.mx.example.com``, ``dns.dmarc._dmarc.example.com``: what the record is for, and its name."""
    name = record.name.rstrip(".")
    return f"dns.{_purpose(name) if record.type == 'TXT' else record.type.lower()}.{name}"


def _purpose(name: str) -> str:
    """What a TXT record of ours says, by where it stands."""
    for mark, purpose in TXT_PURPOSES.items():
        if mark in f".{name}":
            return purpose
    return "spf"


def what(record: Record) -> str:
    """``MX example.com``"""
    return f"{record.type} {record.name.rstrip('.')}"


def publish(record: Record) -> str:
    """What the operator types into the DNS."""
    return "; ".join(f"publish {record.type} {record.name.rstrip('.')} {value}" for value in record.values)


def readable(record: Record) -> tuple[str, ...]:
    """The values without a zone file's quotes."""
    return tuple(_plain(rdata) for rdata in record.rdatas)


def shown(text: str, longest: int = 72) -> str:
    """``text`` short enough for a table, with its length in characters where it was cut."""
    return text if len(text) <= longest else f"{text[: longest - 20]}… ({len(text)} characters)"


def tags(text: str) -> dict[str, str]:
    """``k=v; …`` as DKIM, DMARC, MTA-STS and TLS-RPT write it; blanks do not count."""
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    return {name.strip().lower(): "".join(value.split()) for name, _, value in pairs}


def meaning(rdata: Rdata) -> object:
    """What makes two values the same to those who read them: blanks in TXT do not count."""
    same = comparable(rdata)
    if isinstance(same, str) and STARTS_A_TAG_LIST.match(same):
        return frozenset(tags(same).items())
    return " ".join(same.split()) if isinstance(same, str) else same


def _dkim_result(record: Record, found: list[str]) -> CheckResult:
    about = Check(key(record), GROUP, what(record), shown(record.text))
    seen, fault = _dkim_fault(tags(record.text), found)
    remedy = "" if fault is None else f"{fault}{publish(record)}"
    return about.result(seen, fault is None, remedy)


def _dkim_fault(wanted: dict[str, str], found: list[str]) -> tuple[str, str | None]:
    """What was seen, and, unless it is the host's own key, how the remedy begins."""
    if len(found) != 1:
        return (f"{len(found)} records", "leave one record at the name: ") if found else ("nothing", "")
    has = tags(found[0])
    key = has.get("p", "")
    if (has.get("k", "rsa"), _bytes(key)) == (wanted["k"], _bytes(wanted["p"])):
        return shown(found[0]), None
    if not key:
        return "a revoked key (empty p=)", "the key was withdrawn: "
    if wanted["p"].startswith(key):
        return f"the key cut after {len(key)} of {len(wanted['p'])} characters", "publish it in pieces: "
    return f"another key: {shown(found[0])}", "the host signs with another key: "


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # no base64, or not even ASCII
        return None


def _remedy(record: Record, ours: Sequence[Rdata]) -> str:
    if record.type == "TXT" and len(ours) > 1:
        return f"leave exactly one of them: {publish(record)}"
    return publish(record)


def _plain(rdata: Rdata) -> str:
    same = comparable(rdata)
    return same if isinstance(same, str) else str(rdata)
