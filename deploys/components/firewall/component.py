"""The firewall: open to the ports that the other components declare and to the operator's own, and to no others."""

from __future__ import annotations

from deploys.components.component import Component, Context, Run, Step, Tree
from deploys.components.firewall import render
from deploys.components.firewall.options import DIRECTORY, RULES, UNIT
from facts.firewall import TABLE
from operations import firewall
from operations.file import File
from operations.service import Service

# Where it is the kernel that does not take them, nothing has been changed yet.
_VALIDATE = (
    f"nft --check -f $STAGE/{RULES} || {{ nft list tables >/dev/null 2>&1 || echo"
    " 'This kernel sets up no firewall here (nf_tables). Load it where the machine is run: modprobe nf_tables; or write"
    " firewall: false, where something in front of this host keeps ports shut.' >&2; false; }"
)
SERVICE = Service(UNIT, reload_on=(DIRECTORY,), trees=(DIRECTORY,))


def component(context: Context) -> Component | None:
    """Made of what the others declare: ``context`` tells their listeners."""
    if context.mail.firewall == "ufw":
        ports = [f"{number}/{protocol}" for protocol, number in render.opened(context)]
        step = Step("Have ufw open the ports", firewall.ufw, {"ports": ports})
        return Component("Firewall", packages=("ufw",), steps=(step,))
    if not context.mail.firewall:
        return _without(context)
    return Component(
        "Firewall",
        packages=("nftables",),
        units=render.units(),
        steps=(
            Tree(
                "Write the firewall's rules",
                DIRECTORY,
                lambda: {RULES: File(render.rules(context))},
                validate=_VALIDATE,
            ),
            Run(
                "Load the firewall's rules, and come in anew",
                SERVICE,
                f"nft list table {TABLE} >/dev/null",
                way=firewall.converge,
            ),
        ),
    )


def ended() -> tuple[str, ...]:
    """The unit that says by its file how its rules go, so it is stopped while that file is there."""
    return (UNIT,)


def _without(context: Context) -> Component | None:
    """Nothing of ours stays: units and files that nothing declares go anyway; ufw is told."""
    if "ufw" not in context.machine.firewalls:
        return None
    return Component("Firewall", steps=(Step("Have ufw forget our ports", firewall.ufw, {"ports": []}),))
