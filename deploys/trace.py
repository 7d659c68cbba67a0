"""Where a message is: follows it through the logs of Postfix, rspamd and Dovecot. Changes nothing.

pyinfra inventory.py deploys/trace.py --data about=ADDRESS [--data since=3d] [--data last=10]

``about``: a Message-ID, a queue identifier, or an address, of which the last messages are told.
"""

from pyinfra import config, host
from pyinfra.api.output import echo

from deploys.checks.deploy import only_looks
from deploys.tracing import asked
from facts.maillog import MailLog

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

only_looks()
question = asked.Question.of(*map(host.data.said.get, ("about", "since", "last")))
lines = host.get_fact(MailLog, needle=question.about, since=question.since)
echo(f"\n{asked.answer(host.name, question.about, question.since, lines, question.last)}\n", err=True)
