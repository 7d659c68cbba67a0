"""Verification: messages through the converged host, listeners, units, certificates. Changes nothing.

pyinfra inventory.py deploys/verify.py
"""

from pyinfra import config, host

from deploys.checks.deploy import deploy_verify
from deploys.config.mailserver import MailServer

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

deploy_verify(mail=MailServer.read(host.data.mail))
