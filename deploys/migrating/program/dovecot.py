"""Dovecot's own ways to another server (dsync, imapc), with what they have to know in files that root alone may read.

doveadm(1) would take all of it as arguments, which everybody reads in the list of processes. An empty folder is filled
by doveadm-sync(1), so that UIDs, and with them what mail programs have fetched already, stay as they were. What comes
later is copied, message by message: a sync deletes here what was deleted there, and where messages came here meanwhile
it loses or doubles some (docs/decisions/migrating.md).
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from deploys.migrating.program.imap import Failed
from deploys.migrating.program.ledger import ranges

PREFIX = "posthaus-former/"  # under which doveadm, and nobody else, sees the other server
MAIN = "/etc/dovecot/dovecot.conf"
EVERY = 3.0  # seconds between two looks at how far it is
LONGEST = 400  # characters of what doveadm complains of
FULL = re.compile(r"quota exceeded|over ?quota|mailbox is full|no space left", re.IGNORECASE)
_NOISE = re.compile(r"^(doveadm|dsync)[^:]*: (?=Info|Warning|Debug)|^doveconf: Warning", re.IGNORECASE)
_HEAD = re.compile(r"^(doveadm|dsync|doveconf)\S*: (Error|Fatal|Panic): ")


class Full(Failed):
    """There is no room left here."""


class Dovecot:
    """``place``: a new directory; ``about``: as login.elsewhere; ``login``: whose mailbox here; ``series``: 2.3 or 2.4;
    ``cut``: the prefix that all folders have there."""

    def __init__(self, place: Path, series: str, about: Mapping[str, Any], login: str, cut: str) -> None:
        self.login, self.secret = login, str(about["password"])
        place.mkdir(mode=0o711)
        self.sync_conf, self.copy_conf, self.said = place / "sync.conf", place / "copy.conf", place / "said"
        common = settings(series, about, cut)
        for path, text in ((self.sync_conf, common), (self.copy_conf, common + namespace(series))):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)

    def sync(self, folder: str, look: Callable[[], None]) -> None:
        """Fill an empty folder from the one of the same name there; ``look`` is called every few seconds."""
        self._do(self.sync_conf, look, "sync", "-1", "-R", "-u", self.login, "-m", folder, "imapc:")

    def copy(self, seen: str, here: str, uids: Iterable[int]) -> None:
        """Add messages of a folder there to one here: all of them or none. Full: there is no room left."""
        query = ("mailbox", f"{PREFIX}{seen}", "uid", ranges(uids))
        self._do(self.copy_conf, lambda: None, "copy", "-u", self.login, here, *query)

    def _do(self, conf: Path, look: Callable[[], None], *words: str) -> None:
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
        with tempfile.TemporaryFile() as told:
            command = ["doveadm", "-c", str(conf), *words]
            with subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=told
            ) as running:
                while True:
                    try:
                        status = running.wait(EVERY)
                        break
                    except subprocess.TimeoutExpired:
                        look()
            told.seek(0)
            text = told.read().decode("utf-8", "replace")
        if status:
            why = complaint(text, self.secret) or f"doveadm {words[0]} ended with exit status {status}"
            raise (Full if FULL.search(why) else Failed)(why)


def complaint(text: str, secret: str) -> str:
    """What doveadm said went wrong, in one line, without the password."""
    lines = [_HEAD.sub("", line.strip()) for line in text.splitlines() if line.strip() and not _NOISE.match(line)]
    return " / ".join(dict.fromkeys(lines)).replace(secret, "…")[-LONGEST:]


def settings(series: str, about: Mapping[str, Any], cut: str) -> str:
    """A configuration by which doveadm finds the other server, besides all that holds here."""
    new, port = series != "2.3", int(about["port"])
    verified = "yes" if about["ca"] else "no"
    lines = [
        *(("dovecot_config_version = 2.4.0", "dovecot_storage_version = 2.4.0") if new else ()),
        f"!include {MAIN}",
        f"imapc_host = {quoted(series, about['server'])}",
        f"imapc_port = {port}",
        f"imapc_ssl = {'starttls' if port == 143 else 'imaps'}",
        f"{'ssl_client_require_valid_cert' if new else 'imapc_ssl_verify'} = {verified}",
        *((f"ssl_client_ca_file = {about['ca']}",) if about["ca"] else ()),
        f"imapc_user = {quoted(series, about['login'])}",
        f"imapc_password = {quoted(series, about['password'])}",
        *((f"imapc_list_prefix = {quoted(series, cut)}",) if cut else ()),
        # 2.4 does so without being asked
        *(() if new else ("imapc_features = rfc822.size fetch-headers", "mail_prefetch_count = 20")),
    ]
    return "\n".join(lines) + "\n"


def namespace(series: str) -> str:
    """The other server's folders beside one's own."""
    where = (
        "  location = imapc:\n" if series == "2.3" else "  mail_driver = imapc\n  mail_path =\n  mail_inbox_path =\n"
    )
    return f"namespace former {{\n  prefix = {PREFIX}\n  separator = /\n{where}  list = yes\n  subscriptions = no\n}}\n"


def quoted(series: str, value: str) -> str:
    """``value`` as Dovecot reads it: 2.4 would look for variables in it."""
    text = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + (text if series == "2.3" else text.replace("%", "%{literal('%')}")) + '"'
