"""The resolver: names, for the host's mail programs, validated."""

from __future__ import annotations

from pyinfra.api import deploy

from deploys.components.unbound import render
from deploys.components.unbound.options import DIRECTORY, ResolverOption
from deploys.components.unbound.services import services
from operations import config, unit

TARGET = DIRECTORY
# The checker wants the root's key, which only the first start makes (Debian 12's helper, or older ones').
_VALIDATE = """for helper in /usr/libexec/unbound-helper /usr/lib/unbound/package-helper; do
    [ -e /var/lib/unbound/root.key ] || [ ! -x $helper ] || $helper root_trust_anchor_update >/dev/null
done
unbound-checkconf $STAGE/unbound.conf >/dev/null
"""


@deploy("The resolver")
def deploy_resolver(option: ResolverOption, ipv6: bool) -> None:
    """unbound on the loopback. The host's own resolv.conf stays whoever's it is."""
    conf = config.tree(
        name="Write unbound's configuration",
        target=TARGET,
        files=render.configuration(option, ipv6),
        validate=_VALIDATE,
    )
    (service,) = services()
    unit.converge(
        name="Run unbound with it",
        probe=render.running(),
        after=[conf],
        **service.question,
    )
