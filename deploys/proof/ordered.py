"""The certificate that an ACME authority issues: whether it came, and what kept it away."""

from __future__ import annotations

from deploys.proof.certificates import ROOM
from deploys.proof.line import CONVERGE, Line
from deploys.tls.acme import Acme
from facts.acme import Ordered


def lines(there: Ordered | None, acme: Acme | None) -> list[Line]:
    """One line where ``acme`` is declared."""
    return [_line(there, acme)] if acme else []


def _line(there: Ordered | None, acme: Acme) -> Line:
    what, expected = "certificate by ACME", f"from {acme.directory.split('/')[2]}"
    if there is None:
        return Line(ROOM, what, expected, "not looked at", None)
    if there.server != acme.directory or not there.served:
        why = there.failure or "not ordered yet"
        mend = f"mend that, then {CONVERGE}" if there.failure else CONVERGE
        return Line(ROOM, what, expected, f"another one is served: {why}", False, mend)
    if there.failure:
        return Line(ROOM, what, expected, f"served; the last order failed: {there.failure}", True, CONVERGE)
    if not there.renews:
        return Line(ROOM, what, expected, "served, but certbot does not renew it for the same key", False, CONVERGE)
    return Line(ROOM, what, expected, "served, and certbot renews it", True)
