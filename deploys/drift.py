"""Drift: what somebody changed by hand on each host since it was converged. Changes nothing.

pyinfra inventory.py deploys/drift.py
"""

from pyinfra import config, host

from deploys.config.mailserver import MailServer
from deploys.drifting.deploy import deploy_drift

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

deploy_drift(mail=MailServer.read(host.data.mail))
