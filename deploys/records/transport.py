"""The records by which other servers find us and trust the way: MX, MTA-STS, TLS-RPT, CAA."""

from __future__ import annotations

import hashlib

from deploys.records.host import same_place
from deploys.records.record import Record, record, txt
from deploys.records.senders import mailto
from deploys.records.subject import Subject

MX_PREFERENCE = 10


def mx(subject: Subject) -> tuple[Record, ...]:
    """MX (RFC 5321, section 5): every domain names the one host, whose name the certificate holds."""
    value = f"{MX_PREFERENCE} {subject.hostname}."
    return record(subject.domain, "MX", subject.ttl, [value], "where mail for the domain goes")


def mta_sts_policy(subject: Subject) -> str:
    """The text of https://mta-sts.DOMAIN/.well-known/mta-sts.txt (RFC 8461, section 3.2), from the datum of the MX.

    Raises ValueError where MTA-STS is declared off.
    """
    words = subject.words.mta_sts
    if words is False:
        raise ValueError(f"{subject.domain} declares mta_sts: false, so it has no policy")
    lines = ["version: STSv1", f"mode: {words.mode}", f"mx: {subject.hostname}", f"max_age: {words.remembered}"]
    return "".join(f"{line}\r\n" for line in lines)


def mta_sts(subject: Subject) -> tuple[Record, ...]:
    """The sign that there is a policy. Its id is the policy's own hash: a new one exactly when the policy is new."""
    if subject.words.mta_sts is False:
        return ()
    identity = hashlib.sha256(mta_sts_policy(subject).encode()).hexdigest()[:32]  # RFC 8461: 1 to 32 alphanumerics
    name = f"_mta-sts.{subject.domain}"
    return record(name, "TXT", subject.ttl, [txt(f"v=STSv1; id={identity}")], "MTA-STS: TLS is expected here")


def mta_sts_host(subject: Subject) -> tuple[Record, ...]:
    """Where the policy is read."""
    if subject.words.mta_sts is False:
        return ()
    return same_place(subject, f"mta-sts.{subject.domain}", "MTA-STS: where the policy is read")


def tls_rpt(subject: Subject) -> tuple[Record, ...]:
    """TLS-RPT (RFC 8460): who hears of other servers' trouble with our TLS."""
    words = subject.words.tlsrpt
    if words is False:
        return ()
    readers = words.rua or (f"postmaster@{subject.domain}",)
    text = f"v=TLSRPTv1; rua={mailto(readers)}"
    return record(f"_smtp._tls.{subject.domain}", "TXT", subject.ttl, [txt(text)], "TLS-RPT: who reads TLS reports")


def caa(subject: Subject) -> tuple[Record, ...]:
    """CAA (RFC 8659): who may sign certificates for the domain and all names below it."""
    words = subject.words.caa
    if words is False:
        return ()
    values = [f'0 issue "{authority}"' for authority in words.issue]
    if words.iodef:
        values.append(f'0 iodef "{mailto([words.iodef])}"')
    return record(subject.domain, "CAA", subject.ttl, values, "who may sign certificates for the domain")
