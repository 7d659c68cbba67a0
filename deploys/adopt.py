"""Describe a mail server that somebody set up by hand, as the mail.yaml that makes it ours. Changes nothing there.

pyinfra inventory.py deploys/adopt.py [--data overwrite=yes]
pyinfra inventory.py deploys/adopt.py --data from=KIND --data directory=PATH [--data messages=PATH --data hostname=NAME]

The second describes, in the host's place, a server of another project by an export of it that lies on this machine:
KIND is docker-mailserver, mail-in-a-box or mailcow; ``messages`` is where theirs were copied to on the host.

Writes adopted-HOST.yaml beside the site's files; docs/adopting.md leads through it. No mail.yaml is needed.
"""

from pyinfra import config, host

from deploys import site
from deploys.adopting.deploy import adopt
from deploys.adopting.sources import Export
from deploys.checks.deploy import only_looks

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

only_looks()
export = Export.said(*map(host.data.said.get, ("from", "directory", "messages", "hostname")))
adopt(site.directory() or site.ROOT, host.data.said.get("overwrite"), export)
