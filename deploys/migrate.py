"""Take mailboxes over from other servers, by IMAP: what is there and not here is added, nothing here is taken away.

pyinfra inventory.py deploys/migrate.py --data people=people.csv [--data server=HOST]
pyinfra inventory.py deploys/migrate.py --data mailbox=ADDRESS --data server=HOST --data password_file=FILE
pyinfra inventory.py deploys/migrate.py … [--data login=NAME --data at_once=4 --data ca=FILE | --data tls=unverified]

docs/moving.md leads through it.
"""

from pyinfra import config, host

from deploys.config.mailserver import MailServer
from deploys.migrating.deploy import Request, deploy_request

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

mail = MailServer.read(host.data.mail)
deploy_request(request=Request.of(mail, host.data.said))
