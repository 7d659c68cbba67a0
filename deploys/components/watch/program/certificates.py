"""How long certificates are good for."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator

from deploys.components.watch.program.amounts import DAY, span
from deploys.components.watch.program.measures import Measure
from deploys.components.watch.program.shell import Unanswered, said
from deploys.result import Check, CheckResult

GROUP = "certificates"
WARN, FAIL = 14, 3  # days, as verify has them


def certificate(name: str, path: str, remedy: str) -> Iterator[CheckResult | Measure]:
    """The one whose chain lies at ``path``, shown as ``name``; ``remedy``: what renews it."""
    about = Check(f"certificates.{name}", GROUP, f"certificate of {name}", f"good for {WARN} days")
    try:
        text = said("openssl", "x509", "-noout", "-enddate", "-in", path)
    except Unanswered as why:
        yield about.result(str(why), False, remedy)
        return
    yield result(about, text, remedy, time.time())
    yield Measure("certificate_expiry_timestamp_seconds", _end(text), {"name": name})


def result(about: Check, text: str, remedy: str, now: float) -> CheckResult:
    """``text``: ``notAfter=Dec 27 04:50:00 2027 GMT``, as openssl-x509(1) prints it; ``now``: seconds."""
    left = _end(text) - now
    if left <= 0:
        return about.result(f"expired {span(-left)} ago", False, remedy)
    return about.result(f"{span(left)} left", left >= FAIL * DAY, remedy if left < WARN * DAY else "")


def _end(text: str) -> int:
    return ssl.cert_time_to_seconds(text.strip().partition("=")[2])
