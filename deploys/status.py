"""How each host does: services, queue, disks, mailboxes, certificates, DNS. Changes nothing, sends no message.

pyinfra inventory.py deploys/status.py

Exit code: 0 all is well, 1 something warns, 2 something fails. docs/status.md says what each line means.
"""

from pyinfra import config, host
from pyinfra.api.output import echo, format_text

from deploys.checks.deploy import REPORTS, only_looks
from deploys.checks.exit import by_severity
from deploys.checks.report import table, write
from deploys.checks.status import status
from deploys.config.mailserver import MailServer
from deploys.result import severity

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

only_looks()
report = status(MailServer.read(host.data.mail))
page = write(report, REPORTS)
echo(f"\n{table(report, lambda text, colour: format_text(text, fg=colour, bold=True))}\n{page}\n", err=True)
by_severity(severity(report.results))
