"""Bans by the operator's hand: who is shut out, and letting one in again."""

from __future__ import annotations

from collections.abc import Mapping

from pyinfra import host
from pyinfra.api import StringCommand, deploy, operation
from pyinfra.api.exceptions import DeployError
from pyinfra.api.output import echo

from deploys.components.bans.program.count import source
from deploys.components.bans.program.serve import named
from deploys.components.bans.program.shut import FAMILY, TABLE, name_of
from deploys.config.mailserver import MailServer
from facts.bans import TABLE as IN_KERNEL
from facts.bans import Bans, BanState

_FLUSHED = f"the host has no table {IN_KERNEL}; run deploys/mail.py"


@deploy("Bans")
def deploy_bans(unban: str | None) -> None:
    """Print who is shut out; with ``unban``, let that address in first."""
    found: BanState = host.get_fact(Bans)
    if found.banned is None:
        raise DeployError(_FLUSHED)
    if unban is None:
        echo(f"\n{host.name}\n{table(found.banned)}\n", err=True)
        return
    address = member(unban)
    if address not in found.banned:
        echo(f"\n{host.name}: {address} is not shut out.\n{table(found.banned)}\n", err=True)
    lifted(name=f"Let {address} in again", address=address, banned=list(found.banned))


def judged(mail: MailServer, unban: str | None) -> None:
    """DeployError says all that is wrong with what was said."""
    problems = [] if mail.bans else ["mail.yaml says bans: false, so nobody is shut out"]
    try:
        if unban is not None:
            member(unban)
    except DeployError as why:
        problems.append(str(why))
    if problems:
        raise DeployError("\n".join(problems))


def member(text: str) -> str:
    """The address as the kernel has it, or the /64 that it is in. DeployError where it is none."""
    who = source(text.partition("/")[0].strip())
    if who is None:
        raise DeployError(f"unban: {text!r} is no address; write one such as 203.0.113.7 or 2001:db8::7")
    return named(who)


@operation()
def lifted(address: str, banned: list[str]):  # type: ignore[no-untyped-def]
    """
    Take ``address`` out of the kernel's set.

    + address: as facts.bans has it
    + banned: all that are shut out
    """
    if address not in banned:
        host.noop(f"{address} is not shut out")
        return
    who = source(address.partition("/")[0])
    assert who
    yield StringCommand(f"nft delete element {FAMILY} {TABLE} {name_of(who)} '{{ {who.network_address} }}'")


def table(banned: Mapping[str, int]) -> str:
    """Who leaves first stands first."""
    if not banned:
        return "Nobody is shut out."
    width = max(map(len, banned))
    lines = [f"{who:<{width}}  {_left(left)}" for who, left in sorted(banned.items(), key=lambda one: (one[1], one[0]))]
    return "\n".join([*lines, f"{len(banned)} shut out; one is let in again by --data unban=ADDRESS"])


def _left(seconds: int) -> str:
    hours, rest = divmod(max(seconds, 0) + 59, 3600)
    minutes = rest // 60
    return f"{hours} h {minutes} min left" if hours else f"{minutes} min left"
