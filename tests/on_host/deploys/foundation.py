"""The first components alone, as POSTHAUS_TEST (JSON) says: preflight, packages, directories, people, host, tls."""

import json
import os
from pathlib import Path

from pyinfra import config, host
from pyinfra.api import deploy

from deploys.components.component import Component
from deploys.components.host.component import named
from deploys.components.tls.component import certificates
from deploys.components.tls.options import Tls
from deploys.converge import converge_component
from deploys.preflight import deploy_preflight
from facts.machine import Machine
from operations import accounts, directories, packages
from operations.directories import Directory

SETTINGS = json.loads(os.environ["POSTHAUS_TEST"])
config.TEMP_DIR = "/var/tmp"


@deploy("Foundation")
def deploy_foundation() -> None:
    if "packages" in SETTINGS:
        packages.installed(
            name="Install packages",
            packages=SETTINGS["packages"],
            debconf=SETTINGS.get("debconf", ()),
            wait=SETTINGS.get("wait", 600),
            background=SETTINGS.get("background", ""),
        )
    if "people" in SETTINGS:
        accounts.mail_users(name="Give people accounts", passwords=SETTINGS["people"])
    if "user" in SETTINGS:
        accounts.system_user(name="Make the user", **SETTINGS["user"])
    if "directories" in SETTINGS:
        declared = {path: Directory(*settings) for path, settings in SETTINGS["directories"].items()}
        directories.present(name="Make directories", directories=declared)


if SETTINGS.get("preflight"):
    deploy_preflight(host.data.mail)
deploy_foundation()
if "hostname" in SETTINGS:
    steps = (named(SETTINGS["hostname"], host.get_fact(Machine).cloud_init),)
    converge_component(Component("Host", steps=steps), {})
if "names" in SETTINGS:
    given = {word: Path(SETTINGS[word]) for word in ("certificate", "key") if word in SETTINGS}
    converge_component(Component("TLS", steps=certificates(Tls(**given), SETTINGS["names"])), {})
