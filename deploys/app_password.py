"""App passwords of one mailbox: list them, make one, revoke one. The person can do it as well, in the webmail.

pyinfra inventory.py deploys/app_password.py --data mailbox=ADDRESS [--data make=LABEL | --data revoke=LABEL]

A new one's secret is printed once, and nobody can tell it again.
"""

from pyinfra import config, host

from deploys.components.account.operator import Request, deploy_app_passwords
from deploys.config.mailserver import MailServer

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

mail = MailServer.read(host.data.mail)
deploy_app_passwords(request=Request.of(mail, *map(host.data.said.get, ("mailbox", "make", "revoke"))))
