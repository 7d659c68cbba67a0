"""Bring back what a backup holds: all of a host, or one mailbox beside the present one. Overwrites nothing.

pyinfra inventory.py deploys/restore.py [--data at=2026-11-20] [--data newer=keep] [--data same=yes]
pyinfra inventory.py deploys/restore.py --data mailbox=ADDRESS [--data folder=NAME] [--data at=DAY] [--data same=yes]
pyinfra inventory.py deploys/restore.py --data look=yes [with any of the above: what it would do]

docs/backup.md leads through it.
"""

from pyinfra import config, host

from deploys.components.backup.operator import Request, deploy_request
from deploys.config.mailserver import MailServer

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

mail = MailServer.read(host.data.mail)
said = map(host.data.said.get, ("mailbox", "at", "folder", "newer", "look", "same"))
deploy_request(request=Request.of_restore(mail, *said))
