"""pyinfra reads this before all else: a ``--data`` that it could only answer with a traceback ends the run here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # first: an installed package called `facts` would win

from deploys import requests

requests.said()
