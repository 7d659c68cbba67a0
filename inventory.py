"""Who: the hosts of the site (see deploys/site.py). Write yours in site/inventory.py; this file only finds them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # first: an installed package called `facts` would win

from deploys import site

globals().update(site.groups())
