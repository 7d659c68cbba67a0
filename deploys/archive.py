"""Mailboxes that mail.yaml has no more: which are kept, and bringing one back. Overwrites nothing.

pyinfra inventory.py deploys/archive.py
pyinfra inventory.py deploys/archive.py --data back=ADDRESS [--data at=2026-11-20]
pyinfra inventory.py deploys/archive.py --data back=ADDRESS --data to=ANOTHER [--data folder=NAME]

docs/administration.md leads through it.
"""

from pyinfra import config, host

from deploys.components.archive.operator import Request, deploy_archive
from deploys.config.mailserver import MailServer

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

mail = MailServer.read(host.data.mail)
deploy_archive(request=Request.of(mail, *map(host.data.said.get, ("back", "to", "at", "folder"))))
