"""The host knows its name, and keeps it; upgrades leave our files alone."""

from __future__ import annotations

from functools import partial

from deploys.components.component import Component, Context, Look, Step
from deploys.components.host.options import APT_FILE, CLOUD_INIT_FILE, VERSION_FILE
from deploys.components.host.render import apt_conf, hosts, packages, zz_posthaus_cfg
from deploys.values.version import version
from operations import identity


def component(context: Context) -> Component:
    """Host name, /etc/mailname and /etc/hosts; where cloud-init is installed, it is told to leave the name alone. And
    which version of Posthaus was here."""
    hostname = context.mail.hostname
    return Component(
        "Host",
        packages=packages(),
        steps=(named(hostname, context.machine.cloud_init), noted(hostname)),
        looks=tuple(map(Look, ("reboot", "security updates", "clock", "logins", "bans"))),
    )


def named(hostname: str, cloud_init: bool) -> Step:
    """The name in all places that hold it, and what keeps it there. ``cloud_init``: it is installed."""
    files = {"/etc/hostname": f"{hostname}\n", "/etc/mailname": f"{hostname}\n", APT_FILE: apt_conf()}
    if cloud_init:
        files[CLOUD_INIT_FILE] = zz_posthaus_cfg(hostname)
    arguments = {
        "hostname": hostname,
        "files": files,
        "rewritten": {"/etc/hosts": partial(hosts, hostname=hostname)},
    }
    return Step("Set the hostname", identity.known, arguments)


def noted(hostname: str) -> Step:
    """Which Posthaus was here last: a file, asked for and written as those that hold the name are."""
    return Step(
        "Note the version of Posthaus",
        identity.known,
        {"hostname": hostname, "files": {VERSION_FILE: f"{version()}\n"}, "rewritten": {}},
    )
