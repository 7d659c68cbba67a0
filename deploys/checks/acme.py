"""The certificate that an ACME CA issues: whether it came, what kept it away, and whether it will come again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta

from deploys.checks.certificates import GROUP
from deploys.components.tls.acme import Acme
from deploys.result import CONVERGE, Check, CheckResult
from facts.acme import AcmeState

LATE = timedelta(days=2)  # the distribution's timer goes off twice a day


def results(
    there: AcmeState | None, acme: Acme | None, now: datetime, left: timedelta | None = None
) -> list[CheckResult]:
    """Two results where ``acme`` is declared. ``left``: for how long the served certificate is good."""
    return [_result(there, acme, left), *([_timer(there, now)] if there else [])] if acme else []


def _result(there: AcmeState | None, acme: Acme, left: timedelta | None) -> CheckResult:
    about = Check("certificates.acme", GROUP, "certificate by ACME", f"from {acme.directory.split('/')[2]}")
    if there is None:
        return about.result("not looked at", None)
    if there.server != acme.directory or not there.served:
        why = there.failure or "not ordered yet"
        fix = f"fix that, then {CONVERGE}" if there.failure else CONVERGE
        return about.result(f"another one is served: {why}", False, fix)
    lasts = "served" if left is None else f"served, {left.days} days left"
    if there.failure:
        return about.result(f"{lasts}; the last order failed: {there.failure}", True, CONVERGE)
    if there.unrenewed:
        return about.result(f"{lasts}; the last renewal failed: {there.unrenewed}", True, CONVERGE)
    if not there.renews:
        return about.result("served, but certbot does not renew it for the same key", False, CONVERGE)
    return about.result("served, and certbot renews it", True)


def _timer(there: AcmeState, now: datetime) -> CheckResult:
    about = Check("certificates.timer", GROUP, "renewal by certbot.timer", "enabled, went off in the last 2 days")
    if not there.timer:
        return about.result("not enabled, or stopped: nothing renews", False, CONVERGE)
    if there.ran is None:
        return about.result("enabled; has not gone off yet", True)
    ran = datetime.fromtimestamp(there.ran, UTC)
    seen = f"enabled; went off {ran:%Y-%m-%d %H:%M} UTC"
    late = "see why on the host: systemctl status certbot.timer" if now - ran > LATE else ""
    return about.result(seen, True, late)


def uncovered(there: AcmeState | None, names: Iterable[str], promised: Collection[str]) -> list[CheckResult]:
    """One result where the certificate lacks any of the optional ``names``: red where one of them is ``promised``."""
    lacking = [name for name in names if there and name not in there.names]
    if not lacking:
        return []
    broken = [name for name in lacking if name in promised]
    seen = f"lacks {', '.join(lacking)}"
    remedy = f"publish their addresses (deploys/dns.py prints the records), then {CONVERGE}"
    if broken:
        remedy += f"; a policy is published, and {', '.join(broken)} cannot be read"
    about = Check("certificates.pages", GROUP, "names of the pages", "in the certificate")
    return [about.result(seen, False if broken else None, remedy)]
