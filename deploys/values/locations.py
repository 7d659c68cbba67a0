"""Where a mailbox's messages lie, as Dovecot says it in one line: ``maildir:/path``, ``mbox:/path:INBOX=/path``."""

from __future__ import annotations

import re

DRIVERS = ("maildir", "mbox", "sdbox", "mdbox")
# What may follow, of mail_location (2.3); 2.4 has a setting for each.
WORDS = ("INBOX", "INDEX", "CONTROL")
EXAMPLE = "maildir:/var/vmail/example.org/tito"
_PATH = r"/[^\x00-\x20:%~\"'\\$]*"


def location(text: str) -> str:
    """``text``, when it is a place on the host that Dovecot can read. ValueError: what would be right."""
    driver, _, rest = text.partition(":")
    if driver not in DRIVERS:
        raise ValueError(f"is no place of messages; write {' or '.join(DRIVERS)} before the path, such as {EXAMPLE}")
    place, *more = rest.split(":")
    absolute(place)
    for word in more:
        key, _, value = word.partition("=")
        if key not in WORDS or not re.fullmatch(_PATH, value):
            raise ValueError(
                f"has {key or 'nothing'} after the path; only {', '.join(WORDS)} may stand there, as KEY=/path"
            )
    return text


def absolute(text: str) -> str:
    """``text``, when it is the whole path of something on the host. ValueError: what would be right."""
    if not re.fullmatch(_PATH, text) or "/../" in f"{text}/":
        raise ValueError(f"is not a whole path on the host, without blanks and quotes; write one such as {EXAMPLE}")
    return text


def parts(text: str) -> dict[str, str]:
    """The driver (``DRIVER``), the path (``PATH``) and what follows it, by its key."""
    driver, place, *more = text.split(":")
    return {"DRIVER": driver, "PATH": place, **dict(word.partition("=")[::2] for word in more)}
