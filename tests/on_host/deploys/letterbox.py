"""A deploy as small as can be: one tree of files and the unit that reads them, as POSTHAUS_TEST (JSON) says."""

import json
import os

from pyinfra.api import deploy

from operations import config, unit
from operations.file import File

WORDS = json.loads(os.environ["POSTHAUS_TEST"])


@deploy("Letterbox")
def deploy_letterbox() -> None:
    files = {path: File(**words) for path, words in WORDS["files"].items()}
    put = config.tree(
        name="Write the letterbox's configuration",
        target="/etc/letterbox",
        files=files,
        validate=WORDS.get("validate", "true"),
        copy=WORDS.get("copy", True),
    )
    if WORDS.get("unit", True):
        unit.converge(
            name="Run the letterbox with it",
            unit="letterbox.service",
            reload_on=["/etc/letterbox"],
            trees=["/etc/letterbox"],
            after=[put],
        )


deploy_letterbox()
