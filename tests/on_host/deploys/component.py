"""One component alone, as the host's settings and POSTHAUS_TEST (JSON) say; ``edit``: {file: [text, another text]}."""

import json
import os
from typing import Any

from pyinfra import config as pyinfra_config
from pyinfra import host

from deploys.components.all import declared
from deploys.components.component import Context
from deploys.config.mailserver import MailServer
from deploys.converge import converge_component
from facts.machine import Machine
from operations import config
from operations.file import File

SETTINGS = json.loads(os.environ["POSTHAUS_TEST"])
pyinfra_config.TEMP_DIR = "/var/tmp"
context = Context(MailServer.read(host.data.mail), host.get_fact(Machine))
tree = config.tree


def edited(**arguments: Any) -> Any:
    """config.tree with files that no settings of ours would make."""
    for path, (old, new) in SETTINGS.get("edit", {}).items():
        if path in arguments["files"]:
            file = arguments["files"][path]
            text = file.data.decode()
            assert old in text, f"{path} has no {old!r}"
            changed = File(text.replace(old, new), file.mode, file.user, file.group)
            arguments["files"] = {**arguments["files"], path: changed}
    return tree(**arguments)


config.tree = edited
for part in declared(context):
    if part.name == SETTINGS["component"]:
        converge_component(part, {})
