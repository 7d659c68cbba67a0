"""Who is shut out for wrong logins, and letting somebody in again.

pyinfra inventory.py deploys/bans.py [--data unban=ADDRESS]
"""

from pyinfra import config, host

from deploys.checks.deploy import only_looks
from deploys.components.bans.operator import deploy_bans, judged
from deploys.config.mailserver import MailServer

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

unban = host.data.said.get("unban")
judged(MailServer.read(host.data.mail), unban)
if unban is None:
    only_looks()
deploy_bans(unban=unban)
