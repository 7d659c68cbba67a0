"""Keep what a run is about to replace."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from pyinfra import host, logger
from pyinfra.api import deploy

from deploys.components.component import Context
from deploys.takeover.existing import Existing, listed
from deploys.takeover.look import directories, found
from deploys.takeover.problems import KEPT, site_names
from operations import keep

# Further files of the host that a run writes, or that the programs of before read.
_MORE = ("/etc/aliases", "/etc/aliases.db", "/etc/mailname", "/etc/hostname", "/etc/hosts", "/etc/default/dovecot")
_SITES = ("/etc/apache2", "/etc/php")


@deploy("What is there from before")
def deploy_keeping(context: Context) -> None:
    """Say what is replaced, and keep it on the host. Nothing where all is ours, or as its package brought it."""
    state, there = context.foreign, found(context)
    if names := site_names(state):
        logger.info("    %s: Apache goes on serving %s, as well as our sites", host.name, listed(names))
    if not there:
        return
    for one in there:
        logger.warning("    %s: is replaced, as takeover says: %s", host.name, one.sentence)
    keep.before(name="Keep what is there from before", place=place(), paths=list(paths(context, there)))


def place() -> str:
    """Where it is kept: a directory named by the second in which the run asks for it (UTC)."""
    return f"{KEPT}/{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}"


def paths(context: Context, there: Iterable[Existing]) -> Iterable[str]:
    """What is kept: whole directories."""
    known = directories(context)
    yield from (known[one.component] for one in there if one.component in known)
    yield from context.foreign.files.get("files", ())
    yield from _MORE
    yield from _SITES
