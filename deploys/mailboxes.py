"""Who keeps how much mail, and how full each mailbox is. Changes nothing.

pyinfra inventory.py deploys/mailboxes.py
"""

from pyinfra import config, host
from pyinfra.api.output import echo

from deploys.checks.deploy import only_looks
from deploys.config.mailserver import MailServer
from deploys.tracing import usage
from facts.mailboxes import Mailboxes, Usage

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

only_looks()
mail = MailServer.read(host.data.mail)
found: dict[str, Usage] = host.get_fact(Mailboxes)
echo(f"\n{host.name}\n{usage.table(found, mail.directory)}\n", err=True)
