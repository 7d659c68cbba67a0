"""Certificates, as they lie on the host."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

from facts.record import Record

_TEXT = "openssl x509 -noout -subject -issuer -serial -dates -fingerprint -sha256 -ext subjectAltName -nameopt RFC2253"

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class CertificateText(Record):
    """A certificate's own data: ``subject`` and ``issuer`` as RFC 2253 writes them, ``names`` from subjectAltName
    (DNS names and IP addresses), times in UTC, ``fingerprint`` (SHA-256) and ``serial`` in hexadecimal."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    fingerprint: str
    serial: str


class _OfCertificate(FactBase[CertificateText | None]):
    @override
    def process(self, output: list[str]) -> CertificateText | None:
        words = dict(line.split("=", 1) for line in output if "=" in line and not line.startswith(" "))
        if "notAfter" not in words:
            return None
        fingerprint = next(value for key, value in words.items() if key.lower().startswith("sha256"))
        return CertificateText(
            subject=words["subject"].strip(),
            issuer=words["issuer"].strip(),
            names=tuple(_names(output)),
            not_before=_time(words["notBefore"]),
            not_after=_time(words["notAfter"]),
            fingerprint=fingerprint.replace(":", "").lower(),
            serial=words["serial"].lower(),
        )


class Certificate(_OfCertificate):
    """The first certificate of a PEM file on the host; None where there is none.

    ``pyinfra inventory.py fact facts.certificate.Certificate path=/etc/ssl/posthaus/fullchain.pem``
    """

    @override
    def requires_command(self, path: str) -> str:
        return "openssl"

    @override
    def command(self, path: str) -> StringCommand:
        return StringCommand(_TEXT, "-in", QuoteString(path), "2>/dev/null || true")


def _names(output: list[str]) -> list[str]:
    entries = next((line for line in output if line.startswith(" ") and ("DNS:" in line or "IP Address:" in line)), "")
    return [entry.partition(":")[2] for entry in entries.strip().split(", ") if entry]


def _time(text: str) -> datetime:
    # "Dec 27 04:50:00 2027 GMT" in every locale; strptime would read month names by the workstation's.
    month, day, clock, year, _ = text.split()
    hour, minute, second = map(int, clock.split(":"))
    return datetime(int(year), _MONTHS.index(month) + 1, int(day), hour, minute, second, tzinfo=UTC)
