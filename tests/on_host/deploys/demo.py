"""A deploy as small as can be: one tree of files and the unit that reads them, as POSTHAUS_TEST (JSON) says."""

import json
import os

from pyinfra.api import deploy

from operations import config, unit
from operations.file import File

SETTINGS = json.loads(os.environ["POSTHAUS_TEST"])


@deploy("Demo")
def deploy_demo() -> None:
    files = {path: File(**settings) for path, settings in SETTINGS["files"].items()}
    put = config.tree(
        name="Write the demo's configuration",
        target="/etc/demo",
        files=files,
        validate=SETTINGS.get("validate", "true"),
        copy=SETTINGS.get("copy", True),
    )
    if SETTINGS.get("unit", True):
        unit.converge(
            name="Run the demo with its configuration",
            unit="demo.service",
            **{SETTINGS.get("seen_by", "reload_on"): ["/etc/demo"]},
            trees=["/etc/demo"],
            probe=SETTINGS.get("probe", "true"),
            after=[put],
        )


deploy_demo()
