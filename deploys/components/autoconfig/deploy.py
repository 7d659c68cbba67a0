"""Files that Apache serves to mail programs, people and other servers."""

from __future__ import annotations

from collections.abc import Mapping

from pyinfra.api import deploy

from deploys.components.autoconfig import render
from deploys.components.autoconfig.site import Site
from operations import config

TARGET = render.DIRECTORY


@deploy("Pages for mail programs")
def deploy_clients(site: Site, policies: Mapping[str, str], webmail: bool) -> None:
    """As for ``render.pages``."""
    config.tree(
        name="Write the pages for mail programs", target=TARGET, files=render.pages(site, policies, webmail), copy=False
    )
