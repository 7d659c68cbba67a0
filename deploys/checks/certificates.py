"""Certificates: the one on disk, and those that each port serves."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509  # paramiko, which carries pyinfra's SSH, brings it

from deploys.checks.observation import Observation
from deploys.result import CONVERGE, Check, CheckResult

GROUP = "certificates"
WARN = timedelta(days=14)
FAIL = timedelta(days=3)


@dataclass(frozen=True)
class Leaf:
    """What verify needs to know of a certificate."""

    serial: int
    names: tuple[str, ...]
    not_after: datetime

    def covers(self, name: str) -> bool:
        """RFC 6125: a wildcard stands for one whole left-most label."""
        return name in self.names or f"*.{name.partition('.')[2]}" in self.names


def leaf(der: str) -> Leaf:
    """A certificate given as base64 of DER (RFC 5280)."""
    certificate = x509.load_der_x509_certificate(base64.b64decode(der))
    try:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(name.lower() for name in alternative.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        names = ()
    return Leaf(certificate.serial_number, names, certificate.not_valid_after_utc)


def results(
    seen: Sequence[Observation], names: Iterable[str], now: datetime, sni: Collection[str] = ()
) -> list[CheckResult]:
    """A result for the file, and one for each group of ports that serve the same in the same way. ``sni``: names with
    certificates of their own."""
    disk = next((one for one in seen if one.check == "disk"), None)
    on_disk = leaf(disk.der) if disk and disk.der else None
    groups: dict[tuple[str, bool | None, str], list[int]] = {}
    for one in seen:
        if one.check == "certificate" and one.code is not None:
            groups.setdefault(_served(one, None if one.name in sni else on_disk), []).append(one.code)
    return [
        _file(disk, on_disk, names, now),
        *[_group(ports, found, ok, remedy) for (found, ok, remedy), ports in groups.items()],
    ]


def left(seen: Sequence[Observation], now: datetime) -> timedelta | None:
    """For how long the certificate on disk is good; None where nobody could look."""
    disk = next((one for one in seen if one.check == "disk" and one.der), None)
    return leaf(disk.der).not_after - now if disk and disk.der else None


def _file(disk: Observation | None, on_disk: Leaf | None, names: Iterable[str], now: datetime) -> CheckResult:
    about = Check("certificates.file", GROUP, "certificate on disk", f"our names, {WARN.days} days left")
    if not on_disk:
        return about.result(disk.seen if disk else "not looked at", False if disk else None, CONVERGE)
    left = on_disk.not_after - now
    days = f"{left.days} days left" if left > timedelta(0) else f"expired {on_disk.not_after:%Y-%m-%d}"
    uncovered = [name for name in names if not on_disk.covers(name)]
    if uncovered:
        return about.result(f"does not cover {', '.join(uncovered)}", False, CONVERGE)
    renew = f"renew it, then {CONVERGE}" if left < WARN else ""
    return about.result(f"{days}: {', '.join(names)}", left >= FAIL, renew)


def _served(one: Observation, on_disk: Leaf | None) -> tuple[str, bool | None, str]:
    """What a port serves in a sentence, whether that is right, and what fixes it."""
    if one.seen.startswith("ConnectionRefusedError"):
        return "cannot know: nothing listens", None, ""
    if not one.der:
        return f"no certificate: {one.seen}", False, CONVERGE
    served = leaf(one.der)
    if on_disk and served.serial != on_disk.serial:
        seen = f"{_serial(served)}, on disk {_serial(on_disk)}"
        return seen, False, f"{CONVERGE}, which reloads the service"
    if not served.covers(one.name):
        return f"is not for {one.name}", False, CONVERGE
    if one.seen:
        return f"clients refuse it: {one.seen}", False, f"renew it, then {CONVERGE}"
    return _serial(served), True, ""


def _group(ports: list[int], seen: str, ok: bool | None, remedy: str) -> CheckResult:
    where = f"on {' '.join(map(str, sorted(set(ports))))}"
    about = Check("certificates.served", GROUP, "certificates served", "trusted, as on disk")
    if ok:
        return about.result(f"{where}: {seen}", ok, remedy)
    key = f"{about.key}.{'-'.join(map(str, sorted(set(ports))))}"
    return replace(about, key=key, what=f"certificate {where}").result(seen, ok, remedy)


def _serial(certificate: Leaf) -> str:
    """Enough of it to tell two apart."""
    return f"serial {certificate.serial:x}"[:19] + "…"
