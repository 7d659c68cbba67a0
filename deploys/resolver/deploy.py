"""The resolver: names, for the host's mail programs, validated."""

from __future__ import annotations

from pyinfra.api import deploy

from deploys.resolver import render
from deploys.resolver.services import services
from deploys.resolver.settings import DIRECTORY, ResolverWord
from operations import config, unit

TARGET = DIRECTORY
# The checker wants the root's key, which only the first start makes (Debian 12's helper, or older ones').
_VALIDATE = """for helper in /usr/libexec/unbound-helper /usr/lib/unbound/package-helper; do
    [ -e /var/lib/unbound/root.key ] || [ ! -x $helper ] || $helper root_trust_anchor_update >/dev/null
done
unbound-checkconf $STAGE/unbound.conf >/dev/null
"""


@deploy("The resolver")
def deploy_resolver(word: ResolverWord, ipv6: bool) -> None:
    """unbound on the loopback. The host's own resolv.conf stays whoever's it is."""
    conf = config.tree(
        name="Write the resolver's configuration",
        target=TARGET,
        files=render.configuration(word, ipv6),
        validate=_VALIDATE,
    )
    (service,) = services()
    unit.converge(
        name="Run the resolver with it",
        probe=render.running(),
        after=[conf],
        **service.question,
    )
