"""Who: the hosts of the site (see deploys/site.py). Write yours in site/inventory.py; this file only finds them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # first: an installed package called `facts` would win

from deploys import site
from deploys.access import connector

connector.use()
globals().update(site.groups())
