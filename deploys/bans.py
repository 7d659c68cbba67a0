"""Who is shut out for wrong logins, and letting somebody in again.

pyinfra inventory.py deploys/bans.py [--data unban=ADDRESS]
"""

from pyinfra import config, host
from pyinfra.api.exceptions import DeployError

from deploys.checks.deploy import only_looks
from deploys.components.bans.operator import deploy_bans
from deploys.config.mailserver import MailServer

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

unban = host.data.get("unban")
if not MailServer.read(host.data.mail).bans:
    raise DeployError("mail.yaml says bans: false, so nobody is shut out")
if unban is None:
    only_looks()
deploy_bans(unban=None if unban is None else str(unban))
