"""Whether the key that port 25 shows next may be shown now: RFC 7672, section 8.1, and RFC 7671, section 8.1."""

from __future__ import annotations

from deploys.records.nameservers import Elsewhere, at
from deploys.records.resolver import Answer, Ask


def lacking(
    hostname: str, digest: str, declared_ttl: int, ask: Ask, elsewhere: Elsewhere = at
) -> tuple[list[str], int]:
    """Which name servers of the zone do not publish ``digest`` (hex) for ``hostname``, in sentences; and the seconds
    that others may remember what stood there before: the longest TTL that was declared or is served.

    ``ask``: who the name servers are. ``elsewhere``: how to ask one of them, for a cache proves nothing.
    """
    servers = _name_servers(hostname, ask)
    if not servers:
        return [f"no name server of {hostname} was found (see dns.resolver)"], declared_ttl
    name = f"_25._tcp.{hostname}"
    answers = {server: _asked(server, name, ask, elsewhere) for server in servers}
    missing = [fault for server, answer in answers.items() if (fault := _fault(server, name, answer, digest))]
    return missing, max(declared_ttl, *(answer.ttl for answer in answers.values()))


def _name_servers(hostname: str, ask: Ask) -> list[str]:
    """Those of the zone that holds the name: its nearest ancestor with an NS record of its own."""
    labels = hostname.split(".")
    for cut in range(len(labels) - 1):
        found = ask(".".join(labels[cut:]), "NS")
        if found.state == "found" and not found.alias:
            return sorted(value.rstrip(".").lower() for value in found.values)
    return []


def _asked(server: str, name: str, ask: Ask, elsewhere: Elsewhere) -> Answer:
    """The first answer that one of the server's addresses gives."""
    answer = Answer("failed", reason="has no address")
    for address in (value for kind in ("A", "AAAA") for value in ask(server, kind).values):
        answer = elsewhere(address)(name, "TLSA")
        if answer.state != "failed":
            break
    return answer


def _fault(server: str, name: str, answer: Answer, digest: str) -> str | None:
    if answer.state == "failed":
        return f"{server} does not answer ({answer.reason})"
    wanted = f"3 1 1 {digest}".lower()
    if wanted in (value.lower() for value in answer.values):
        return None
    return f"{server} lacks {name} TLSA {wanted}"
