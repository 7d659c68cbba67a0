"""A backup of one box, restored whole on another, where a login reads by IMAP what was written on the first."""

from __future__ import annotations

import imaplib
import re
import secrets
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.mailhost import MailHost

REPOSITORY = "/srv/backups"
FILE = "backup.password"  # beside mail.yaml
BACKUP = {"repository": REPOSITORY, "password": {"file": FILE}}
WHO = "iqbal@example.com"
MESSAGES = 20
_PASSWORD = secrets.token_hex(16)


def password(host: MailHost) -> None:
    """Put what backups are encrypted with beside the host's mail.yaml."""
    host.site.mkdir(mode=0o700, parents=True, exist_ok=True)
    (host.site / FILE).write_text(f"{_PASSWORD}\n")


def restored(first: MailHost, second: Callable[[], MailHost], report: Path) -> dict[str, Any]:
    """Back ``first`` up, and restore that on a bare host that ``second`` starts. Exit statuses, how many messages
    Dovecot opened of the sample that the first host restored by itself, and how many of all a login read."""
    subjects = write(first)
    codes = {"backup": first.pyinfra("deploys/backup.py", "-y").kept(report / "backup.log").rc}
    proved = first.run("cat /var/lib/posthaus/backup/last.json", check=False).stdout
    opened = int((re.findall(r'"opened": (\d+)', proved) or ["0"])[0])
    first.run(f"tar -C {REPOSITORY} -cf /root/backups.tar .")
    saved = first.read("/root/backups.tar")
    other = second()
    other.run(f"mkdir -p {REPOSITORY} && tar -C {REPOSITORY} -xf -", input=saved)
    codes["bare"] = other.converge().kept(report / "bare.log").rc
    codes["restore"] = other.pyinfra("deploys/restore.py", "-y").kept(report / "restore.log").rc
    codes["after"] = other.converge().kept(report / "after.log").rc
    read = len(subjects & read_by_imap(other)) if not any(codes.values()) else 0
    passed = not any(codes.values()) and opened > 0 and read == len(subjects)
    return {"passed": passed, "exit_codes": codes, "opened_by_dovecot": opened, "read": read, "written": len(subjects)}


def write(host: MailHost) -> set[str]:
    """Put messages into the mailbox of WHO, by IMAP; their subjects."""
    subjects = {secrets.token_hex(16) for _ in range(MESSAGES)}
    with _login(host) as client:
        for number, subject in enumerate(sorted(subjects)):
            flags = r"(\Seen \Flagged)" if number % 2 else ""
            client.append("INBOX", flags, "", f"Subject: {subject}\r\n\r\nA message.\r\n".encode())
    return subjects


def read_by_imap(host: MailHost) -> set[str]:
    """The subjects of all messages in the INBOX of WHO."""
    with _login(host) as client:
        client.select("INBOX", readonly=True)
        found = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
    lines = [part[1].decode() for part in found if isinstance(part, tuple)]
    return {line.partition(":")[2].strip() for line in lines}


def _login(host: MailHost) -> imaplib.IMAP4_SSL:
    context = ssl.create_default_context(cafile=str(host.ca))
    context.check_hostname = False  # we connect by address
    client = imaplib.IMAP4_SSL(host.address, 993, ssl_context=context, timeout=60)
    client.login(WHO, host.password(WHO))
    return client
