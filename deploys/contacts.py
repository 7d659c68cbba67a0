"""Put contacts into the webmail's address books: what is lacking there is added, nothing there is changed.

pyinfra inventory.py deploys/contacts.py --data mailbox=ADDRESS --data from=contacts.vcf
pyinfra inventory.py deploys/contacts.py --data squirrelmail=DIRECTORY [--data charset=iso-8859-1]

docs/moving.md leads through it.
"""

from pyinfra import config, host

from deploys.addressbooks.deploy import deploy_request
from deploys.addressbooks.request import Request
from deploys.config.mailserver import MailServer

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

mail = MailServer.read(host.data.mail)
deploy_request(request=Request.of(mail, host.data.said))
