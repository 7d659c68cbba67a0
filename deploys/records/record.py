"""Record, one line of a zone, typed, and what it is for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rdtypes.ANY.TXT import TXT

RecordType = Literal["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SRV", "TLSA", "TXT"]
LONGEST_STRING = 255  # bytes; RFC 1035, section 3.3


@dataclass(frozen=True)
class Record:
    """``name`` ends in a dot. ``values``: the record's data as a zone file writes it (RFC 1035, section 5), every name
    in it absolute. ``ttl`` in seconds. ``why``: one line for the person who publishes it."""

    name: str
    type: RecordType
    ttl: int
    values: tuple[str, ...]
    why: str

    @cached_property
    def rdatas(self) -> tuple[dns.rdata.Rdata, ...]:
        """The values, parsed; raises dns.exception.SyntaxError for one that the DNS cannot hold."""
        kind = dns.rdatatype.from_text(self.type)
        return tuple(dns.rdata.from_text(dns.rdataclass.IN, kind, value) for value in self.values)

    @property
    def text(self) -> str:
        """A TXT record's only value as programs read it: its strings joined, without quotes."""
        return text_of(self.rdatas[0])

    def owns(self, rdata: dns.rdata.Rdata) -> bool:
        """Whether a value found at the same name and type stands in this record's place.

        TXT is shared: beside SPF there may be any number of other programs' lines, which are none of our business.
        """
        if self.type != "TXT" or "._domainkey." in self.name:
            return True
        return _version(text_of(rdata)) == _version(self.text)


def record(
    name: str, type: RecordType, ttl: int, values: Iterable[str], why: str
) -> tuple[Record, ...]:  # a tuple, so that a kind with nothing to say is the empty one
    """The record of these values under ``name`` (without its final dot); none where there are no values."""
    kept = tuple(values)
    return (Record(absolute(name), type, ttl, kept, why),) if kept else ()


def txt(text: str) -> str:
    """ASCII ``text`` as one TXT value: quoted strings of at most 255 bytes (RFC 1035; RFC 7208, section 3.3)."""
    pieces = [text[at : at + LONGEST_STRING] for at in range(0, len(text), LONGEST_STRING)] or [""]
    return " ".join('"' + re.sub(r'(["\\])', r"\\\1", piece) + '"' for piece in pieces)


def text_of(rdata: dns.rdata.Rdata) -> str:
    """A TXT value's strings, joined."""
    assert isinstance(rdata, TXT)
    return b"".join(rdata.strings).decode("latin-1")


def comparable(rdata: dns.rdata.Rdata) -> object:
    """What makes two values equal: a TXT's text, however it is cut into strings; else the data."""
    return text_of(rdata) if isinstance(rdata, TXT) else rdata


def absolute(name: str) -> str:
    """``example.com.`` for ``example.com``."""
    return name.rstrip(".").lower() + "."


def is_below(name: str, zone: str) -> bool:
    """Whether ``name`` is ``zone`` or inside it (both with or without a final dot)."""
    return f".{absolute(name)}".endswith(f".{absolute(zone)}")


def _version(text: str) -> str:
    return re.split(r"[;\s]", text.strip(), maxsplit=1)[0].lower()
