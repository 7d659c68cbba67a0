"""What script/docs writes: the pages and the schema that say what the code says."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from deploys.components.tables import ports_text
from deploys.config.reference import reference_text, schema_text

ROOT = Path(__file__).resolve().parents[1]
SCHEMA, REFERENCE, PORTS = "group_data/mail.schema.json", "docs/reference.md", "docs/ports.md"
PAGES: dict[str, Callable[[], str]] = {SCHEMA: schema_text, REFERENCE: reference_text, PORTS: ports_text}


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Write what is stale; with ``--check`` only say what is, and return 1 if anything is."""
    texts = {root / path: text() for path, text in PAGES.items()}
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if "--check" in arguments:
            print(f"{path.relative_to(root)} is stale; run script/docs", file=sys.stderr)
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(texts[path], encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
