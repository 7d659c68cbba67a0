"""Whether the DNS lets the CA that is declared sign at all: CAA (RFC 8659)."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from dns.rdtypes.ANY.CAA import CAA

from deploys.records.compare import GROUP
from deploys.records.resolver import Answer, Ask
from deploys.result import Check, CheckResult

# By which name in a CAA record a CA knows itself, by the end of its directory's host name.
KNOWN = {
    "letsencrypt.org": "letsencrypt.org",
    "zerossl.com": "sectigo.com",
    "sectigo.com": "sectigo.com",
    "buypass.com": "buypass.com",
    "pki.goog": "pki.goog",
    "ssl.com": "ssl.com",
}


def ca_of(directory: str) -> str | None:
    """The name in CAA records of the CA at an ACME directory; None where it is not known."""
    host = urlsplit(directory).hostname or ""
    return next((name for end, name in KNOWN.items() if host == end or host.endswith(f".{end}")), None)


def caa_result(names: Iterable[str], ca: str, ask: Ask) -> CheckResult:
    """Whether ``ca`` may sign for all ``names``, as it looks it up itself (RFC 8659, section 3)."""
    expected = "may sign for every name"
    about = Check("dns.caa-allows", GROUP, f"CAA for {ca}", expected)
    found = {name: _relevant(name, ask) for name in names}
    if forbidden := {name: where for name, (where, answer) in found.items() if not _allows(answer, ca)}:
        seen = "; ".join(f"{name}: not by the record at {where}" for name, where in forbidden.items())
        at = " and at ".join(sorted(set(forbidden.values())))
        return about.result(seen, False, f'add CAA 0 issue "{ca}" at {at}')
    if silent := [name for name, (_, answer) in found.items() if answer.state == "failed"]:
        return about.result(f"no answer on {', '.join(silent)}", None, "ask again; a CA would refuse")
    return about.result(expected, True)


def _relevant(name: str, ask: Ask) -> tuple[str, Answer]:
    """The nearest CAA at the name or above it, and where it stands."""
    labels = name.split(".")
    answer = Answer("nodata")
    for cut in range(len(labels)):
        where = ".".join(labels[cut:])
        answer = ask(where, "CAA")
        if answer.state in ("found", "failed"):
            return where, answer
    return name, answer


def _allows(answer: Answer, ca: str) -> bool:
    records = [rdata for rdata in answer.rdatas if isinstance(rdata, CAA)]
    issuers = [
        rdata.value.decode("ascii", "replace").partition(";")[0].strip().lower()
        for rdata in records
        if rdata.tag.lower() == b"issue"
    ]
    strange = any(
        rdata.flags & 128 and rdata.tag.lower() not in (b"issue", b"issuewild", b"iodef", b"issuemail", b"issuevmc")
        for rdata in records
    )
    return not strange and (not issuers or ca in issuers)
