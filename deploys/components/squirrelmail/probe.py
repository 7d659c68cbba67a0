"""PHP does its work: asked as Apache asks it (FastCGI 1.0), it makes SquirrelMail's login page.

Runs on the host, under its own python3 alone.
"""

from __future__ import annotations

from deploys.probes.fastcgi import ask
from deploys.probes.talk import Wrong


def probe(paths: list[str], page: str) -> None:
    """``paths``: PHP's sockets; ``page``: the PHP file that must make a page by each."""
    for path in paths:
        answer = ask(path, page, f"/src/{page.rpartition('/')[2]}")
        if answer.status >= 400 or b"<html" not in answer.body.lower():
            raise Wrong(f"PHP does not make the login page {page}: {answer.said}")
