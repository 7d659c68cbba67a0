"""What somebody else configured, kept on the host before anything of it is replaced."""

from __future__ import annotations

from collections.abc import Iterable

from pyinfra import host, logger

from facts.survey import Question
from operations.script import script
from operations.survey import looks


def _nothing(**_: object) -> list[Question[None]]:
    return []


@looks(_nothing, is_idempotent=False)
def before(place: str, paths: Iterable[str]):  # type: ignore[no-untyped-def]
    """
    Copy ``paths`` whole, with owners, modes and links, below ``place``, which only root may enter.

    + place: a directory that does not exist yet; it is complete, or not there
    + paths: absolute; one that does not exist is passed over
    """
    logger.info("    %s: what is replaced is kept in %s; docs/taking-over.md says how to go back", host.name, place)
    yield script("keep.sh", place, *paths)
