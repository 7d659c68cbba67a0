"""Lines of Dovecot's configuration that its next generation refuses. Pure: no host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

FROM, TO = "2.3", "2.4"
_KNOWN = Path(__file__).parent / f"dovecot-{FROM}.txt"
_WITHIN = ("protocol", "remote", "local", "local_name")  # blocks that hold whatever may stand outside of them, too


@cache
def settings() -> Mapping[str, bool]:
    """What Dovecot 2.3 lets one set, as ``block/…/name``, to whether 2.4 takes it."""
    lines = _KNOWN.read_text(encoding="utf-8").splitlines()
    return {line[2:]: not line.startswith("-") for line in lines if not line.startswith("#")}


def refused_lines(lines: Iterable[str]) -> dict[int, str]:
    """Line number to what stands there that 2.4 refuses, of a file such as local.conf. Of a block that is refused the
    first line alone counts."""
    found: dict[int, str] = {}
    blocks: list[str] = []
    refused_in = 0
    for number, line in enumerate(lines, 1):
        word, *rest = line.split("#")[0].split() or [""]
        if word == "}":
            refused_in = 0 if len(blocks) == refused_in else refused_in
            blocks[-1:] = []
            continue
        name = "/".join([*(one for one in blocks if one not in _WITHIN), word.rstrip("={")])
        opens = bool(rest and rest[-1] == "{") or word.endswith("{")
        # passdb and userdb have to have names of their own now
        named = opens and len(rest) > 1
        if not refused_in and not settings().get(name, True) and not named:
            found[number] = name.rpartition("/")[2]
            refused_in = len(blocks) + 1 if opens else 0
        if opens:
            blocks.append(word.rstrip("{"))
    return found


def refused_settings(names: Iterable[str]) -> list[str]:
    """Those of mail.yaml's ``dovecot.settings`` that 2.4 refuses, such as ``service imap-login/service_count``."""
    return [name for name in names if not _takes([part.split()[0] for part in name.split("/")])]


def _takes(parts: list[str]) -> bool:
    inner = [part for part in parts if part not in _WITHIN]
    return all(settings().get("/".join(inner[:upto]), True) for upto in range(1, len(inner) + 1))
