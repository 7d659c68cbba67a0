"""The first rooms alone, as POSTHAUS_TEST (JSON) says: preflight, packages, directories, people, host, tls."""

import json
import os
from pathlib import Path

from pyinfra import config, host
from pyinfra.api import deploy

from deploys.host.deploy import deploy_host
from deploys.preflight import deploy_preflight
from deploys.tls.deploy import deploy_tls
from deploys.tls.settings import Tls
from facts.machine import Machine
from operations import accounts, directories, packages
from operations.directories import Directory

WORDS = json.loads(os.environ["POSTHAUS_TEST"])
config.TEMP_DIR = "/var/tmp"


@deploy("Foundation")
def deploy_foundation() -> None:
    if "packages" in WORDS:
        packages.installed(
            name="Install packages",
            packages=WORDS["packages"],
            debconf=WORDS.get("debconf", ()),
            wait=WORDS.get("wait", 600),
        )
    if "people" in WORDS:
        accounts.mail_users(name="Give people accounts", passwords=WORDS["people"])
    if "user" in WORDS:
        accounts.system_user(name="Make the user", **WORDS["user"])
    if "directories" in WORDS:
        declared = {path: Directory(*words) for path, words in WORDS["directories"].items()}
        directories.present(name="Make directories", directories=declared)


if WORDS.get("preflight"):
    deploy_preflight(host.data.mail)
deploy_foundation()
if "hostname" in WORDS:
    deploy_host(WORDS["hostname"], host.get_fact(Machine))
if "names" in WORDS:
    given = {word: Path(WORDS[word]) for word in ("certificate", "key") if word in WORDS}
    deploy_tls(Tls(**given), WORDS["names"])
