"""Messages that are held since somebody has sent too much (the option sending), by login; and what becomes of them.

pyinfra inventory.py deploys/held.py
pyinfra inventory.py deploys/held.py --data release=LOGIN
pyinfra inventory.py deploys/held.py --data drop=LOGIN --data confirm=NUMBER
"""

from datetime import UTC, datetime

from pyinfra import config, host
from pyinfra.api.output import echo

from deploys.checks.deploy import only_looks
from deploys.components.sending.operator import Request, deploy_held, table
from deploys.config.mailserver import MailServer
from facts.held import HeldMessages

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

mail = MailServer.read(host.data.mail)
found = host.get_fact(HeldMessages)
request = Request.of(mail, found, *map(host.data.said.get, ("release", "drop", "confirm")))
if request:
    deploy_held(request=request)
else:
    only_looks()
    echo(f"\n{host.name}\n{table(mail, found, datetime.now(UTC))}\n", err=True)
