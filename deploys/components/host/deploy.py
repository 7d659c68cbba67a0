"""The host knows its name, and keeps it."""

from __future__ import annotations

from collections.abc import Mapping

from pyinfra.api import deploy

from deploys.components.host.options import APT_FILE, CLOUD_INIT_FILE
from deploys.components.host.render import apt_conf, hosts, zz_posthaus_cfg
from facts.machine import MachineState
from operations import config, identity
from operations.file import File

UNITS = "/etc/systemd/system"


@deploy("Units")
def deploy_units(files: Mapping[str, File]) -> None:
    """Units and drop-ins of all components. Each component looks after what it runs."""
    config.tree(name="Write the units of services", target=UNITS, files=files, copy=False)


@deploy("Host")
def deploy_host(hostname: str, machine: MachineState) -> None:
    """Host name, /etc/mailname and /etc/hosts; upgrades leave our files alone; where cloud-init is installed, it
    is told to leave the name alone."""
    files = {"/etc/hostname": f"{hostname}\n", "/etc/mailname": f"{hostname}\n", APT_FILE: apt_conf()}
    if machine.cloud_init:
        files[CLOUD_INIT_FILE] = zz_posthaus_cfg(hostname)
    identity.known(
        name="Set the hostname",
        hostname=hostname,
        files=files,
        rewritten={"/etc/hosts": lambda current: hosts(current, hostname)},
    )
