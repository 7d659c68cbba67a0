"""The records by which other servers find us and trust the way: MX, MTA-STS, TLS-RPT, CAA."""

from __future__ import annotations

import hashlib

from deploys.records.context import DomainContext
from deploys.records.host import same_place
from deploys.records.record import Record, record, txt
from deploys.records.senders import mailto

MX_PREFERENCE = 10


def mx(context: DomainContext) -> tuple[Record, ...]:
    """MX (RFC 5321, section 5): every domain names the one host, whose name the certificate holds."""
    value = f"{MX_PREFERENCE} {context.hostname}."
    return record(context.domain, "MX", context.ttl, [value], "where mail for the domain goes")


def mta_sts_policy(context: DomainContext) -> str:
    """The text of https://mta-sts.DOMAIN/.well-known/mta-sts.txt (RFC 8461, section 3.2), from the datum of the MX.

    Raises ValueError where MTA-STS is declared off.
    """
    settings = context.settings.mta_sts
    if settings is False:
        raise ValueError(f"{context.domain} declares mta_sts: false, so it has no policy")
    lines = ["version: STSv1", f"mode: {settings.mode}", f"mx: {context.hostname}", f"max_age: {settings.remembered}"]
    return "".join(f"{line}\r\n" for line in lines)


def mta_sts(context: DomainContext) -> tuple[Record, ...]:
    """The sign that there is a policy. Its id is the policy's own hash: a new one exactly when the policy is new."""
    if context.settings.mta_sts is False:
        return ()
    identity = hashlib.sha256(mta_sts_policy(context).encode()).hexdigest()[:32]  # RFC 8461: 1 to 32 alphanumerics
    name = f"_mta-sts.{context.domain}"
    return record(name, "TXT", context.ttl, [txt(f"v=STSv1; id={identity}")], "MTA-STS: TLS is expected here")


def mta_sts_host(context: DomainContext) -> tuple[Record, ...]:
    """Where the policy is read."""
    if context.settings.mta_sts is False:
        return ()
    return same_place(context, f"mta-sts.{context.domain}", "MTA-STS: where the policy is read")


def tls_rpt(context: DomainContext) -> tuple[Record, ...]:
    """TLS-RPT (RFC 8460): who hears of other servers' trouble with our TLS."""
    settings = context.settings.tlsrpt
    if settings is False:
        return ()
    readers = settings.rua or (f"postmaster@{context.domain}",)
    text = f"v=TLSRPTv1; rua={mailto(readers)}"
    return record(f"_smtp._tls.{context.domain}", "TXT", context.ttl, [txt(text)], "TLS-RPT: who reads TLS reports")


def caa(context: DomainContext) -> tuple[Record, ...]:
    """CAA (RFC 8659): who may sign certificates for the domain and all names below it."""
    settings = context.settings.caa
    if settings is False:
        return ()
    values = [f'0 issue "{ca}"' for ca in settings.issue]
    if settings.iodef:
        values.append(f'0 iodef "{mailto([settings.iodef])}"')
    return record(context.domain, "CAA", context.ttl, values, "who may sign certificates for the domain")
