"""Servers of other projects, read from a copy of their configuration on the workstation. Each module reads one kind."""

from __future__ import annotations

from pathlib import Path

from deploys.adopting.description import Found
from deploys.adopting.exports import dockermailserver, mailcow, mailinabox
from deploys.adopting.exports.places import NotAnExportError
from deploys.values import locations

KINDS = {"docker-mailserver": dockermailserver.read, "mail-in-a-box": mailinabox.read, "mailcow": mailcow.read}


def read(kind: str, directory: str, messages: str = "") -> Found:
    """What an export says. ``kind``: one of KINDS; ``directory``: where it lies here; ``messages``: the directory on
    the new host that the messages were copied to, "" where they are not brought along so.

    NotAnExportError with what would be right.
    """
    if kind not in KINDS:
        *most, last = KINDS
        raise NotAnExportError(f"from={kind} is nothing that is read here; write {', '.join(most)} or {last}")
    if not directory:
        raise NotAnExportError(f"from={kind} needs directory=PATH, where its export lies on this machine")
    if messages:
        try:
            locations.absolute(messages)
        except ValueError:
            raise NotAnExportError(
                f"messages={messages} is no whole path on the host; write it from / on, without blanks and quotes"
            ) from None
    return KINDS[kind](Path(directory).expanduser(), messages)
