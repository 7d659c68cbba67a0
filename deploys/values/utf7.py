"""Names of folders as IMAP and a Maildir write them: modified UTF-7 (RFC 3501, 5.1.3)."""

from __future__ import annotations

import base64
import re
from itertools import groupby

_SHIFTED = re.compile("&([A-Za-z0-9+,]*)-")


def decoded(name: str) -> str:
    """A folder as people name it. What is no modified UTF-7 stays as it is: others' programs write such names, too."""
    return _SHIFTED.sub(lambda found: _text(found[1], found[0]), name)


def encoded(name: str) -> str:
    """The reverse of ``decoded``."""
    parts = ((plain, "".join(part)) for plain, part in groupby(name, lambda one: " " <= one <= "~"))
    return "".join(text.replace("&", "&-") if plain else _shifted(text) for plain, text in parts)


def _shifted(text: str) -> str:
    wide = base64.b64encode(text.encode("utf-16-be", "surrogatepass"), b"+,")
    return f"&{wide.decode().rstrip('=')}-"


def _text(wide: str, whole: str) -> str:
    if not wide:
        return "&"
    try:
        return base64.b64decode(wide + "=" * (-len(wide) % 4), b"+,").decode("utf-16-be")
    except ValueError:
        return whole
