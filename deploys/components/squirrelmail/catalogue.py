"""Translations as SquirrelMail's own reader takes them: in UTF-8, sorted.

Source: GNU gettext's manual, "The Format of GNU MO Files".
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

MAGIC = 0x950412DE


def recoded(data: bytes, charset: str, further: Mapping[str, str] | None = None) -> bytes:
    """The .mo file ``data``, whose translations are in ``charset``, with all of them in UTF-8, and ``further`` ones.
    Raises ValueError where it is none, or a translation is in another character set."""
    theirs = {original: translated.decode(charset) for original, translated in read(data).items() if original}
    return written({**theirs, **{original.encode(): translated for original, translated in (further or {}).items()}})


def read(data: bytes) -> dict[bytes, bytes]:
    """Originals and translations of a .mo file. Raises ValueError where it is none."""
    try:
        order = next(sign for sign in "<>" if struct.unpack_from(f"{sign}I", data)[0] == MAGIC)
        count, originals, translations = struct.unpack_from(f"{order}3I", data, 8)
        return {
            _text(data, order, originals + 8 * number): _text(data, order, translations + 8 * number)
            for number in range(count)
        }
    except (StopIteration, struct.error):
        raise ValueError("is no compiled catalogue of GNU gettext") from None


def written(texts: dict[bytes, str]) -> bytes:
    """A .mo file of originals and their translations, without those that are empty."""
    entries = {b"": "Content-Type: text/plain; charset=UTF-8\n", **{key: text for key, text in texts.items() if text}}
    rows = sorted((key, text.encode()) for key, text in entries.items())
    start = 28 + 16 * len(rows)
    tables, strings = [b"", b""], b""
    for column in (0, 1):
        for row in rows:
            tables[column] += struct.pack("<2I", len(row[column]), start + len(strings))
            strings += row[column] + b"\0"
    head = struct.pack("<7I", MAGIC, 0, len(rows), 28, 28 + 8 * len(rows), 0, start)
    return head + tables[0] + tables[1] + strings


def _text(data: bytes, order: str, at: int) -> bytes:
    length, offset = struct.unpack_from(f"{order}2I", data, at)
    return data[offset : offset + length]
