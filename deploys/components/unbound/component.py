"""The resolver: names, for the host's mail programs, validated. The host's own resolv.conf stays whoever's it is."""

from __future__ import annotations

from functools import partial

from deploys.components.component import LOCAL_CONF, Component, Context, Local, Run, State, Tree
from deploys.components.unbound import render
from deploys.components.unbound.options import ADDRESS, DIRECTORY
from operations.service import Service, program

# The checker wants the root's key, which only the first start makes (Debian 12's helper, or older ones').
_VALIDATE = """for helper in /usr/libexec/unbound-helper /usr/lib/unbound/package-helper; do
    [ -e /var/lib/unbound/root.key ] || [ ! -x $helper ] || $helper root_trust_anchor_update >/dev/null
done
unbound-checkconf $STAGE/unbound.conf >/dev/null
"""
# A reload keeps old sockets and forwarders.
SERVICE = Service("unbound.service", restart_on=(DIRECTORY, *program("unbound")), trees=(DIRECTORY,))


def component(context: Context) -> Component | None:
    """unbound on the loopback, unless whoever the host asks is asked."""
    mail = context.mail
    if not mail.resolves:
        return None
    return Component(
        "unbound",
        packages=render.packages(),
        units=render.units(),
        auto_restart=(SERVICE.unit,),
        steps=(
            Tree(
                "Write unbound's configuration",
                DIRECTORY,
                partial(render.configuration, mail.resolver, context.machine.ipv6),
                validate=_VALIDATE,
            ),
            Run("Run unbound with its configuration", SERVICE, render.running()),
        ),
        local=(Local(f"{ADDRESS}:53", "names, to Postfix, rspamd and the MTA-STS resolver", udp=True),),
        state=(State(f"{DIRECTORY}/local.conf", LOCAL_CONF, always=False),),
        takeover="unbound",
    )
