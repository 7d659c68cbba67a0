"""The records as a person copies them into a DNS provider's form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deploys.records.record import LONGEST_STRING, Record, absolute

HEADINGS = ("Name", "Type", "Priority", "TTL", "Value")
LONG = """\
Where a value stands in several forms, take the first one that the form accepts:
  one line   for forms that cut a long text themselves (most do)
  pieces     for forms that want strings of at most 255 bytes, each in quotes
  zone file  for a file, with the name before it"""


def table(zone: str, records: Sequence[Record]) -> str:
    """Name (relative to ``zone``, @ for itself), type, priority, TTL in seconds, value; long texts in three forms."""
    rows = [row for one in records for value in range(len(one.values)) for row in _rows(zone, one, value)]
    widths = [max(len(row[column]) for row in [HEADINGS, *rows]) for column in range(4)]
    text = "\n".join(_line(row, widths) for row in [HEADINGS, *rows])
    return f"{text}\n\n{LONG}\n" if any(_is_long(one) for one in records) else f"{text}\n"


def _rows(zone: str, record: Record, index: int) -> list[tuple[str, ...]]:
    priority, value = _split(record, index)
    forms = _forms(record) if _is_long(record) else [value]
    first = (_relative(record.name, zone), record.type, priority, str(record.ttl), forms[0])
    return [first, *(("", "", "", "", form) for form in forms[1:])]


def _split(record: Record, index: int) -> tuple[str, str]:
    rdata: Any = record.rdatas[index]
    if record.type == "MX":
        return str(rdata.preference), rdata.exchange.to_text()
    if record.type == "SRV":
        return str(rdata.priority), f"weight {rdata.weight}, port {rdata.port}, target {rdata.target.to_text()}"
    if record.type == "CAA":
        return "", f"flags {rdata.flags}, tag {rdata.tag.decode()}, value {rdata.value.decode()}"
    return "", record.text if record.type == "TXT" else record.values[index]


def _forms(record: Record) -> list[str]:
    return [
        f"one line:  {record.text}",
        f"pieces:    {record.values[0]}",
        f"zone file: {record.name} {record.ttl} IN TXT ( {record.values[0]} )",
    ]


def _is_long(record: Record) -> bool:
    return record.type == "TXT" and len(record.text) > LONGEST_STRING


def _relative(name: str, zone: str) -> str:
    if not zone:
        return name  # in nobody's zone: the whole name
    return name.removesuffix(absolute(zone)).rstrip(".") or "@"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
    return "  ".join([*padded, row[4]]).rstrip()
