"""The files, directories and keys that a run with these options leaves on a host, and results on those that differ.

Rendered by the run's own functions, here on the workstation: the host gets digests, and says nothing of any content.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

from deploys.checks.observation import Observation
from deploys.components import all as every
from deploys.components.component import Component
from deploys.components.squirrelmail.options import HOME
from deploys.components.squirrelmail.source import squirrelmail_tree
from deploys.config.mailserver import MailServer
from deploys.result import CONVERGE, Check, CheckResult
from facts.archive import STAMP

GROUP = "files"
NOTHING: dict[str, Any] = {"files": {}, "directories": {}, "keys": {}, "code": {}}


def code(mail: MailServer) -> dict[str, Any]:
    """SquirrelMail's files as they are pinned. Raises DownloadError where this workstation has not got them."""
    if not mail.webmail or mail.webmail.program != "squirrelmail":
        return {}
    with tarfile.open(fileobj=io.BytesIO(squirrelmail_tree(mail.webmail))) as archive:
        packed = {one.name: archive.extractfile(one) for one in archive if one.isreg()}
        digests = {path: hashlib.sha256(file.read()).hexdigest() for path, file in packed.items() if file}
    return {"top": HOME, "files": digests, "ours": [STAMP, "config/config_local.php"]}


def wanted(parts: Sequence[Component]) -> dict[str, Any]:
    """All of it as remote/disk.py compares it."""
    files = {f"{tree.target}/{path}": file for tree in every.trees(parts) for path, file in tree.files.items()}
    return NOTHING | {
        "files": {path: [one.mode, one.user, one.group, one.sha256] for path, one in files.items()},
        "directories": {path: [one.mode, one.user, one.group] for path, one in every.directories(parts).items()},
        "keys": {one.path: [one.mode, one.user, one.group] for one in every.secrets(parts)},
    }


def results(seen: Sequence[Observation], asked: Mapping[str, Any]) -> list[CheckResult]:
    """A result for all that is as it should be, one for each path that is not. ``asked``: see ``wanted``."""
    found = {one.check: one for one in seen}
    number = sum(len(asked[kind]) for kind in ("files", "directories", "keys"))
    remedies = {
        "disk-wrong": CONVERGE,
        "disk-code-wrong": f"touch {HOME}/, then {CONVERGE}, which installs all of it anew",
    }
    wrong = [
        Check(f"files.{one.name}", GROUP, one.name, "as declared").result(one.seen, False, remedies[one.check])
        for one in seen
        if one.check in remedies
    ]
    declared = Check("files.declared", GROUP, "configuration, keys, directories", "as mail.yaml makes them")
    pinned = Check("files.code", GROUP, "SquirrelMail's code", "as pinned")
    good = [
        *_summary(declared, found.get("disk"), f"{number} paths"),
        *(_summary(pinned, found.get("disk-code"), f"{len(asked['code']['files'])} files") if asked["code"] else []),
    ]
    return [*good, *wrong]


def _summary(about: Check, one: Observation | None, all_of_them: str) -> list[CheckResult]:
    if one is None or one.code is None:
        return [about.result(one.seen if one else "not looked at", None)]
    if one.code == 0:
        return [about.result(f"{all_of_them}: contents, owners, modes", True)]
    more = f"; {one.seen}" if one.seen else ""
    return [about.result(f"{one.code} of {all_of_them} are not{more}", False, CONVERGE)]
