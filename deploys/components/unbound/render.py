"""The text that unbound reads (unbound.conf(5)), and how Postfix is pointed to it. Same options in, same text out."""

from __future__ import annotations

from pathlib import Path

from deploys.components.unbound import probe
from deploys.components.unbound.options import ADDRESS, FOR_POSTFIX, RESOLV_CONF, Forward, ResolverOption
from deploys.probes.program import program
from deploys.render import template
from operations.file import File

HERE = Path(__file__).parent
# The unit that really runs Postfix: an instance of a template up to Debian 12 and Ubuntu 24.04, later itself.
DROP_INS = tuple(f"postfix{kind}.service.d/posthaus-resolver.conf" for kind in ("", "@"))
_DROP_IN = f"""# Written by Posthaus. Postfix asks the resolver on this host. For all other programs {RESOLV_CONF}
# stays as it is, and whoever keeps it (DHCP, cloud-init, netplan) keeps it.
[Service]
BindReadOnlyPaths={FOR_POSTFIX}:{RESOLV_CONF}

[Unit]
Wants=unbound.service
After=unbound.service
"""


def packages() -> tuple[str, ...]:
    """unbound, and the root's addresses and key."""
    return ("dns-root-data", "unbound")


def configuration(option: ResolverOption, ipv6: bool) -> dict[str, File]:
    """Every file of ours below /etc/unbound."""
    forward = option.forward if isinstance(option, Forward) else ()
    text = template(HERE / "unbound.conf.j2", forward=forward, ipv6=ipv6)
    return {"unbound.conf": File(text), Path(FOR_POSTFIX).name: File(resolv_conf())}


def resolv_conf() -> str:
    """resolv.conf(5) as Postfix sees it: it trusts the answers to be validated, which DANE asks for (RFC 7672, 2.2)."""
    return f"# Written by Posthaus, for Postfix alone.\nnameserver {ADDRESS}\noptions edns0 trust-ad\n"


def units() -> dict[str, File]:
    """systemd's drop-ins, below /etc/systemd/system."""
    return {path: File(_DROP_IN) for path in DROP_INS}


def running() -> str:
    """A shell command that succeeds where the resolver answers."""
    return program(probe, address=ADDRESS)
