"""What the next release of Debian or Ubuntu would change on each host, and what to see to before. Changes nothing.

pyinfra inventory.py deploys/before_upgrade.py [--data release=debian-13]

Exit code: 0 nothing stands in the way, 1 something to see to, 2 something stands in the way. docs/upgrading.md leads
through it.
"""

from pyinfra import config, host
from pyinfra.api.output import echo, format_text

from deploys.checks.deploy import REPORTS, only_looks
from deploys.checks.exit import by_severity
from deploys.checks.report import table, write
from deploys.config.mailserver import MailServer
from deploys.result import severity
from deploys.upgrading.look import look

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

only_looks()
report = look(MailServer.read(host.data.mail), host.data.said.get("release"))
page = write(report, REPORTS)
echo(f"\n{table(report, lambda text, colour: format_text(text, fg=colour, bold=True))}\n{page}\n", err=True)
by_severity(severity(report.results))
