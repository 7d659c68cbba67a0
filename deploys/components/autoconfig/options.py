"""Where the pages for mail programs lie, and under which names they are asked for."""

from __future__ import annotations

DIRECTORY = "/usr/share/posthaus/pages"
SCRIPT = "clients.lua"  # below it: run by Apache, served to nobody


def page_names(domain: str, policy: bool = True) -> tuple[str, ...]:
    """The host names under which a domain's pages are asked for. ``policy``: it has one of MTA-STS (RFC 8461)."""
    services = (*(("mta-sts",) if policy else ()), "autoconfig", "autodiscover")
    return tuple(f"{service}.{domain}" for service in services)
