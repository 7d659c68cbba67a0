"""Converge: make each host the mail server that mail.yaml declares.

pyinfra inventory.py deploys/mail.py [--data confirm=WORD]
"""

from pyinfra import config, host

from deploys.components.all import components
from deploys.config.mailserver import MailServer
from deploys.converge import converge
from deploys.preflight.deploy import deploy_preflight
from deploys.summary.deploy import deploy_summary, foresee
from deploys.takeover.deploy import deploy_keeping

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

context = deploy_preflight(MailServer.read(host.data.mail))  # what stands in the way is said before anything changes
found = components(context)
deploy_summary(context, [one for one in found if one])  # and so is what would be taken away
deploy_keeping(context)
converge(context, found)
foresee()
