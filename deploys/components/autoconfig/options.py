"""Under which names the pages for mail programs are asked for."""

from __future__ import annotations


def page_names(domain: str, policy: bool = True) -> tuple[str, ...]:
    """The host names under which a domain's pages are asked for. ``policy``: it has one of MTA-STS (RFC 8461)."""
    services = (*(("mta-sts",) if policy else ()), "autoconfig", "autodiscover")
    return tuple(f"{service}.{domain}" for service in services)
