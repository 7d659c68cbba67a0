#!/usr/bin/python3 -IB
"""Tells whoever reads a mailbox that it fills up, or has room again. Dovecot runs it: ``warning WHAT LOGIN``. WHAT is
80 or 95 (per cent, on the way up) or below (95 per cent, on the way down).

The message goes into the INBOX by Dovecot's own deliverer: past the limit, past the person's Sieve script, from nobody,
so that nothing can come back. A mailbox that goes up and down about a mark is told of it once a day.
"""

import json
import os
import subprocess
import sys
import time
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid

WORDS = "/etc/dovecot/quota/words.json"
TOLD = "/var/lib/posthaus-quota"  # a file for each mailbox that was warned: what it was told, and when
DAY = 86400
CLEAN = {"PATH": "/usr/bin:/bin"}  # what Dovecot tells its own services in the environment, others take for theirs
UNITS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB"))


def main() -> int:
    """0, also where nothing has to be said. What else goes wrong is in the journal, and the mailbox goes on."""
    what, login = sys.argv[1:3]
    told = f"{TOLD}/{login}"
    if what not in ("80", "95", "below") or "/" in login:
        return 0
    already = _known(told)
    now = int(time.time())
    if what == "below":
        if "95" not in already:
            return 0
        already = {key: when for key, when in already.items() if key != "95"} | {"room": now}
    elif now - already.get(what, 0) < DAY:
        return 0
    else:
        already = already | {what: now}
    with open(WORDS, encoding="utf-8") as file:
        words = json.load(file)
    used, limit = usage(login)
    if what != "below" and used * 100 < limit * (int(what) - 5):  # somebody made it up, or has made room since
        return 0
    status = deliver(login, compose(what, login, used, limit, words))
    if status == 0:
        with open(f"{told}.new", "w", encoding="utf-8") as file:
            json.dump(already, file)
        os.replace(f"{told}.new", told)
    return status


def _known(path: str) -> dict[str, int]:
    try:
        with open(path, encoding="utf-8") as file:
            return {str(key): int(when) for key, when in json.load(file).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def usage(login: str) -> tuple[int, int]:
    """Bytes used, and the limit (doveadm-quota(1) counts in kibibytes)."""
    asked = ["doveadm", "-f", "tab", "quota", "get", "-u", login]
    said = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60, env=CLEAN).stdout
    rows = [line.split("\t") for line in said.splitlines()]
    used, limit = next(row[2:4] for row in rows if row[1:2] == ["STORAGE"])
    return int(used) << 10, int(limit) << 10


def compose(what: str, login: str, used: int, limit: int, words: dict[str, str]) -> EmailMessage:
    """The message. ``words``: of whoever runs the server (quota/render.py)."""
    address = login if "@" in login else f"{login}@{words['domain']}"
    domain = address.rpartition("@")[2]
    message = EmailMessage(policy=SMTP)
    message["Return-Path"] = "<>"
    message["From"] = Address(words["title"], "postmaster", domain)
    message["To"] = address
    message["Subject"] = "Your mailbox has room again" if what == "below" else f"Your mailbox is {what}% full"
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain=domain)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notice answers it
    message["Precedence"] = "junk"
    holds = f"it holds {in_words(used)} of {in_words(limit)}"
    text = _ROOM if what == "below" else _WARNING
    message.set_content(text.format(address=address, holds=holds, **words), cte="quoted-printable")
    return message


_WARNING = """The mailbox {address} is filling up: {holds}.

When it is full, new messages to it are refused, and those who
write are told that your mailbox is full. To make room:

  1. Open {open}.
  2. Delete what you no longer need. Messages with attachments
     take the most room: sort a folder by size to find them.
     Sent messages count as well.
  3. Empty the folder Trash.

You will be told when there is room again. If you need a larger
mailbox, ask {who}.
"""
_ROOM = """The mailbox {address} has room again: {holds}.

New messages arrive as usual. There is nothing you have to do.
"""


def in_words(size: int) -> str:
    """``1.5 GB``."""
    unit, name = next(((one, word) for one, word in UNITS if size >= one), UNITS[-1])
    return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"


def deliver(login: str, message: EmailMessage) -> int:
    """dovecot-lda(1): ``-e``, it bounces nothing itself."""
    # In Dovecot 2.3 nobody but root may write statistics, and it says so each time.
    command = ["/usr/lib/dovecot/dovecot-lda", "-e", "-d", login, "-f", "", "-o", "stats_writer_socket_path="]
    return subprocess.run(command, input=message.as_bytes(), check=False, timeout=120, env=CLEAN).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, subprocess.SubprocessError) as error:
        sys.exit(f"{' '.join(sys.argv[1:])}: {error}")
