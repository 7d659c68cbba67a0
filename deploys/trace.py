"""Where a message is: follows it through the logs of Postfix, rspamd and Dovecot. Changes nothing.

pyinfra inventory.py deploys/trace.py --data about=ADDRESS [--data since=3d] [--data last=10]

``about``: a Message-ID, a queue identifier, or an address, of which the last messages are told.
"""

from pyinfra import config, host
from pyinfra.api.exceptions import DeployError
from pyinfra.api.output import echo

from deploys.checks.deploy import only_looks
from deploys.tracing import asked
from facts.maillog import MailLog

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

only_looks()
try:
    about, since = asked.about(host.data.get("about")), asked.since(host.data.get("since") or "3d")
    last = int(host.data.get("last") or asked.LAST)
except ValueError as error:
    raise DeployError(f"\n{error}") from None

lines = host.get_fact(MailLog, needle=about, since=since)
echo(f"\n{asked.answer(host.name, about, since, lines, last)}\n", err=True)
