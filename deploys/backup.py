"""Make a backup now, or say which there are.

pyinfra inventory.py deploys/backup.py [--data begin=yes]
pyinfra inventory.py deploys/backup.py --data list=yes [--data mailbox=ADDRESS]

docs/backup.md leads through it.
"""

from pyinfra import config, host

from deploys.components.backup.operator import Request, deploy_request
from deploys.config.mailserver import MailServer

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

mail = MailServer.read(host.data.mail)
deploy_request(request=Request.of_backup(mail, *map(host.data.said.get, ("list", "begin", "mailbox"))))
