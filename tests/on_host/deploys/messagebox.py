"""A deploy as small as can be: one tree of files and the unit that reads them, as POSTHAUS_TEST (JSON) says."""

import json
import os

from pyinfra.api import deploy

from operations import config, unit
from operations.file import File

SETTINGS = json.loads(os.environ["POSTHAUS_TEST"])


@deploy("Messagebox")
def deploy_messagebox() -> None:
    files = {path: File(**settings) for path, settings in SETTINGS["files"].items()}
    put = config.tree(
        name="Write the messagebox's configuration",
        target="/etc/messagebox",
        files=files,
        validate=SETTINGS.get("validate", "true"),
        copy=SETTINGS.get("copy", True),
    )
    if SETTINGS.get("unit", True):
        unit.converge(
            name="Run the messagebox with it",
            unit="messagebox.service",
            reload_on=["/etc/messagebox"],
            trees=["/etc/messagebox"],
            after=[put],
        )


deploy_messagebox()
