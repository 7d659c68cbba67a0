"""Others' MTA-STS policies (RFC 8461), found and kept by postfix-mta-sts-resolver. Same options in, same text out."""

from __future__ import annotations

import shlex
from pathlib import Path

from deploys.components.mta_sts.options import PORT
from deploys.components.unbound.options import FOR_POSTFIX, RESOLV_CONF
from operations.file import File

HERE = Path(__file__).parent
DIRECTORY = "/etc/mta-sts-daemon"  # of its own: one file in /etc itself would be nobody's target
UNITS = "/etc/systemd/system"
UNIT = "postfix-mta-sts-resolver.service"
DROP_IN = f"{UNIT}.d/posthaus.conf"  # below UNITS
_CONF = f"""# Written by Posthaus: the next run undoes changes made here (mta-sts-daemon.yml(5)).
host: 127.0.0.1
port: {PORT}
# Postfix keeps its connections: a restart waits for nobody.
shutdown_timeout: 1
# A policy that was seen once holds until it expires, whatever an attacker hides, and over a restart.
cache:
  type: sqlite
  options:
    filename: /var/lib/mta-sts/cache.db
# Asked anew each day, also for domains that nobody writes to (RFC 8461, section 10.2).
proactive_policy_fetching:
  enabled: true
default_zone:
  # "testing" is what it says: the message goes out all the same.
  strict_testing: false
  timeout: 4
"""
# Postfix defers every message to another host while nobody answers here, so it comes up again whatever ended it.
_UNIT = f"""# Written by Posthaus. {DIRECTORY}/daemon.py says why it is started by way of that.
[Unit]
Wants=unbound.service
After=unbound.service
StartLimitIntervalSec=0

[Service]
ExecStart=
ExecStart=/usr/bin/python3 -I {DIRECTORY}/daemon.py --disable-uvloop --config {DIRECTORY}/mta-sts-daemon.yml
BindReadOnlyPaths={FOR_POSTFIX}:{RESOLV_CONF}
Restart=always
RestartSec=1
TimeoutStopSec=3
"""


def packages() -> tuple[str, ...]:
    """The resolver, and what asks for TLSA."""
    return ("postfix-mta-sts-resolver", "python3-dnspython")


def configuration() -> dict[str, File]:
    """Every file below /etc/mta-sts-daemon."""
    program = (HERE / "daemon.py").read_text(encoding="utf-8")
    return {"mta-sts-daemon.yml": File(_CONF), "daemon.py": File(program)}


def units() -> dict[str, File]:
    """systemd's drop-in, below /etc/systemd/system."""
    return {DROP_IN: File(_UNIT)}


def running() -> str:
    """A shell command that succeeds where it answers; it asks nobody about a parent domain."""
    question = "postfix .invalid"
    talk = (
        f"exec 3<>/dev/tcp/127.0.0.1/{PORT} && printf %s '{len(question)}:{question},' >&3"
        " && read -r -N 10 -u 3 said && [[ $said = 9:NOTFOUND ]]"
    )
    return f"timeout 5 bash -c {shlex.quote(talk)}"
