"""Whether those who are asked for names are fit for it, as sentences. Pure: no host, no clock."""

from __future__ import annotations

from collections.abc import Iterable

from facts.resolvers import Answers, Heard

ANOTHER = "name one that does, or write `resolver: local` (it asks the world itself) or `resolver: host`"


def faults(forward: Iterable[str], answers: Answers) -> dict[str, str]:
    """``{address: what is wrong}`` of those forwarders through which unbound cannot validate (RFC 4035, 3.2)."""
    if answers.told:
        return {}
    found = {address: _fault(answers.heard.get(address, Heard())) for address in forward}
    return {address: fault for address, fault in found.items() if fault}


def unfit(forward: Iterable[str], answers: Answers) -> dict[str, str]:
    """Those ``faults`` that keep names from being found: one that is silent does so only if all are, for unbound goes
    on to the next; one that answers without signatures always does."""
    addresses = tuple(forward)
    wrong = faults(addresses, answers)
    silent = {address for address in wrong if not answers.heard.get(address, Heard()).said}
    return wrong if len(silent) == len(addresses) else {key: fault for key, fault in wrong.items() if key not in silent}


def _fault(heard: Heard) -> str:
    if not heard.said:
        return "does not answer this host at port 53"
    if heard.said != "NOERROR":
        return f"answers {heard.said} when asked about the root"
    if not heard.signed:
        return "passes on no DNSSEC signatures, so the resolver here would believe none of its answers"
    return ""
