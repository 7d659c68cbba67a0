"""What runs for SRS, and what it must have read: for the run and for verify alike."""

from __future__ import annotations

from deploys.components.postsrsd.render import configuration, target
from operations.service import Service, program


def services(series: str) -> tuple[Service, ...]:
    """postsrsd of that ``series`` ("1", "2"). Its target is a directory of many programs: only its own file counts."""
    files = configuration(series, ["example.com"])
    return (
        Service(
            "postsrsd.service",
            restart_on=(*(f"{target(series)}/{name}" for name in files), *program("postsrsd")),
            trees=(target(series),),
        ),
    )
