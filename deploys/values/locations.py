"""Where a mailbox's messages lie, as Dovecot says it in one line: ``maildir:/path``, ``mbox:/path:INBOX=/path``."""

from __future__ import annotations

import re

DRIVERS = ("maildir", "mbox", "sdbox", "mdbox")
# What may follow, of mail_location (2.3); 2.4 has a setting for each.
WORDS = ("INBOX", "INDEX", "CONTROL", "ALT")
LAYOUT = "LAYOUT=fs"  # of a Maildir, for folders that lie in one another
_OWN_LAYOUT = {"maildir": "maildir++", "mbox": "fs", "sdbox": "fs", "mdbox": "fs"}
_OF_NO_MESSAGES = ("VOLATILEDIR", "LISTINDEX", "ITERINDEX", "NO-NOSELECT", "INDEXPVT")
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
        if word == LAYOUT and driver == "maildir":
            continue
        key, _, value = word.partition("=")
        if key not in WORDS or not re.fullmatch(_PATH, value):
            raise ValueError(
                f"has {key or 'nothing'} after the path; only {', '.join(WORDS)} may stand there, as KEY=/path,"
                f" and for a Maildir {LAYOUT}"
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


def understood(text: str, layout: str = "") -> tuple[str, str]:
    """A place as a Dovecot's own configuration says it, less what is of no account to who reads its messages; and the
    word in it, if any, that says something else of them. ``layout``: 2.4's mailbox_list_layout."""
    driver, _, rest = text.partition(":")
    driver, (place, *words) = driver.lower(), rest.split(":")
    kept = []
    for word in [*words, *([f"LAYOUT={layout}"] if layout else [])]:
        key, _, value = word.partition("=")
        if key == "LAYOUT":
            if value.lower() == _OWN_LAYOUT.get(driver):
                continue
            if word.lower() != LAYOUT.lower() or driver != "maildir":
                return text, word
            kept.append(LAYOUT)
        elif key in WORDS and value != "MEMORY":
            kept.append(word)
        elif key not in (*WORDS, *_OF_NO_MESSAGES):
            return text, word
    return ":".join([driver, place.rstrip("/"), *dict.fromkeys(kept)]), ""
