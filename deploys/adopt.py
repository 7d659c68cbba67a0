"""Describe a mail server that somebody set up by hand, as the mail.yaml that makes it ours. Changes nothing there.

pyinfra inventory.py deploys/adopt.py [--data overwrite=yes]

Writes adopted-HOST.yaml beside the site's files; docs/adopting.md leads through it. No mail.yaml is needed.
"""

from pyinfra import config, host

from deploys import site
from deploys.adopting.deploy import adopt
from deploys.checks.deploy import only_looks

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

only_looks()
adopt(site.directory() or site.ROOT, host.data.get("overwrite"))
