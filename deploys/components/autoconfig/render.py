"""The pages that mail programs and people ask for. Same options in, same text out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deploys.components.autoconfig.options import SCRIPT
from deploys.components.autoconfig.site import SENDING, Site
from deploys.render import template
from operations.file import File

HERE = Path(__file__).parent


def pages(site: Site, policies: Mapping[str, str], webmail: bool) -> dict[str, File]:
    """Every file below options.DIRECTORY. ``policies``: domain to the text of its MTA-STS policy (RFC 8461, 3.2)."""
    return {
        **{f"autoconfig/{domain}.xml": File(autoconfig(site, domain)) for domain in site.domains},
        **{f"mta-sts/{domain}.txt": File(text) for domain, text in policies.items()},
        "setup/index.html": File(setup(site, webmail)),
        "setup/setup.css": File((HERE / "setup.css").read_text(encoding="utf-8")),
        SCRIPT: File(clients_lua(site)),
    }


def autoconfig(site: Site, domain: str) -> str:
    """What Thunderbird asks for (https://wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat)."""
    return template(HERE / "autoconfig.xml.j2", site=site, domain=domain, sending=SENDING)


def setup(site: Site, webmail: bool) -> str:
    """The page for people."""
    return template(HERE / "setup.html.j2", site=site, servers=(*site.reading, *SENDING), webmail=webmail)


def clients_lua(site: Site) -> str:
    """Outlook's autodiscover ([MS-OXDSCLI]) and Apple's profile, which hold the asker's address."""
    best = (site.reading[0], SENDING[0])
    profile = template(
        HERE / "mobileconfig.xml.j2", site=site, server=best[0], reversed=".".join(reversed(site.hostname.split(".")))
    )
    return template(HERE / "clients.lua.j2", site=site, servers=best, profile=profile)
