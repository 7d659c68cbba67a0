"""What runs for the filter, and what it must have read: for the run and for verify alike."""

from __future__ import annotations

from deploys.components.rspamd import antivirus
from deploys.components.rspamd.options import Filter
from deploys.components.rspamd.render import DIRECTORY, DROP_IN, MIME, MIME_PROGRAM, REDIS, UNITS
from operations.service import Service, program

RSPAMD = Service(
    "rspamd.service", reload_on=(DIRECTORY,), restart_on=(f"{UNITS}/{DROP_IN}", *program("rspamd")), trees=(DIRECTORY,)
)
MIME_LIMITS = Service(MIME, restart_on=(f"{UNITS}/{MIME}", f"{DIRECTORY}/{MIME_PROGRAM}"))
REDIS_FOR_IT = Service(f"{REDIS}.service", restart_on=(f"{UNITS}/{REDIS}.service", *program("redis-tools")))
ANTIVIRUS = Service(
    antivirus.UNIT, restart_on=(f"{UNITS}/{antivirus.UNIT}",), brings=(antivirus.FETCHER, antivirus.SCANNER)
)


def services(settings: Filter) -> tuple[Service, ...]:
    """Redis where it learns, ClamAV where it is asked for, rspamd, which asks both, and what
    looks at a message before it."""
    return (
        *((REDIS_FOR_IT,) if settings.learn else ()),
        *((ANTIVIRUS,) if settings.antivirus else ()),
        RSPAMD,
        MIME_LIMITS,
    )
