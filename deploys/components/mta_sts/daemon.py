"""The distribution's MTA-STS resolver, which steps back where DANE applies. Runs on the host, under its python3.

By itself it answers ``secure …`` for every domain with an enforced policy, and Postfix then looks at no TLSA record:
"senders … MUST NOT allow MTA-STS Policy validation to override a failing DANE validation" (RFC 8461, section 2). So
each such answer waits until the DNS was asked for TLSA, as RFC 7672 (section 2.2) tells senders to, and becomes
``dane`` where a mail server of the domain has one.
"""

from __future__ import annotations

import asyncio
import sys

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.name
import dns.resolver

USABLE = (2, 3)  # DANE-TA and DANE-EE; SMTP knows no others (RFC 7672, section 3.1.3)


async def dane_applies(domain: str, resolver: dns.asyncresolver.Resolver) -> bool:
    """Whether some mail server of ``domain`` has a TLSA record that Postfix can use, every step of the way signed.

    Raises DNSException where the DNS does not say. (Whoever can silence it could else take DANE away.)
    """
    mx = await _ask(resolver, dns.name.from_text(domain), "MX")
    if mx is None or not _signed(mx):
        return False
    hosts = [row.exchange for row in mx.rrset] if mx.rrset else [mx.qname]
    found = await asyncio.gather(*(_has_tlsa(host, resolver) for host in hosts), return_exceptions=True)
    failures = [one for one in found if isinstance(one, BaseException)]
    if True not in found and failures:
        raise failures[0]
    return True in found


async def _has_tlsa(host: dns.name.Name, resolver: dns.asyncresolver.Resolver) -> bool:
    """Of a host with unsigned addresses nothing is asked: name servers of such zones may not know TLSA at all."""
    try:
        addresses = await _ask(resolver, host, "A")
        if addresses is not None and not addresses.rrset:
            addresses = await _ask(resolver, host, "AAAA")
    except dns.exception.DNSException:
        return False  # nor does Postfix find the way to it
    if addresses is None or not addresses.rrset or not _signed(addresses):
        return False
    for name in dict.fromkeys((addresses.canonical_name, host)):
        tlsa = await _ask(resolver, dns.name.from_text("_25._tcp", None) + name, "TLSA")
        if tlsa and tlsa.rrset and _signed(tlsa) and any(row.usage in USABLE for row in tlsa.rrset):
            return True
    return False


async def _ask(resolver: dns.asyncresolver.Resolver, name: dns.name.Name, kind: str) -> dns.resolver.Answer | None:
    """The answer, which may be empty; None where there is no such name."""
    try:
        return await resolver.resolve(name, kind, raise_on_no_answer=False, search=False)
    except dns.resolver.NXDOMAIN:
        return None


def _signed(answer: dns.resolver.Answer) -> bool:
    return bool(answer.response.flags & dns.flags.AD)


def asking() -> dns.asyncresolver.Resolver:
    """Whoever resolv.conf names, asked to say what it has validated."""
    resolver = dns.asyncresolver.Resolver()
    resolver.set_flags(dns.flags.RD | dns.flags.AD)
    return resolver


def main() -> int:
    """``--check FILE`` reads the configuration and ends; all else is as mta-sts-daemon(1) has it."""
    from postfix_mta_sts_resolver import daemon, netstring, responder, utils

    class Responder(responder.STSSocketmapResponder):
        _dns = asking()

        async def process_request(self, raw_req: bytes) -> bytes:
            answer: bytes = await super().process_request(raw_req)
            if b":OK secure " not in answer:
                return answer
            domain = utils.filter_domain(raw_req.decode().partition(" ")[2])
            try:
                return netstring.encode(b"OK dane") if await dane_applies(domain, self._dns) else answer
            except dns.exception.DNSException as error:
                return netstring.encode(f"TEMP DANE of {domain}: {type(error).__name__}".encode())

    if sys.argv[1] == "--check":
        utils.load_config(sys.argv[2])
        return 0
    daemon.STSSocketmapResponder = Responder
    asyncio.set_event_loop(asyncio.new_event_loop())  # Python 3.14 makes none by itself
    return daemon.main() or 0


if __name__ == "__main__":
    sys.exit(main())
