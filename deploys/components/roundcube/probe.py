"""Roundcube does its work: asked as Apache asks it, it lets the probe in and shows the list of its messages.

Runs on the host, under its own python3 alone.
"""

from __future__ import annotations

import re
import urllib.parse

from deploys.probes.fastcgi import Answer, ask
from deploys.probes.talk import Wrong, secret

SECONDS = 9.0  # the first page after a start is slow, and unit.converge ends the whole


def probe(entrance: str, socket: str, page: str, address: str) -> None:
    """``entrance``, ``socket``: PHP's; ``page``: Roundcube's index.php; ``address``: the probe's mailbox."""
    cookies: dict[str, str] = {}
    form = _page(entrance, page, "/?_task=login", cookies)
    token = re.search(rb'name="_token" value="([^"]+)"', form.body)
    if not token or b"rcmloginuser" not in form.body:
        raise Wrong(f"Roundcube does not make its login page: {form.said}")
    fields = {"_token": token[1].decode(), "_task": "login", "_action": "login", "_user": address, "_pass": secret()}
    answer = _page(entrance, page, "/?_task=login", cookies, urllib.parse.urlencode(fields).encode())
    if not any("_task=mail" in one for one in answer.headers("Location")):
        said = re.search(rb'display_message\("((?:[^"\\]|\\.)*)"', answer.body)
        raise Wrong(f"Roundcube does not let the probe in: {said[1].decode() if said else answer.said}")
    listed = _page(socket, page, "/?_task=mail&_mbox=INBOX", cookies)
    ends = re.search(rb'"request_token":"([^"]+)"', listed.body)
    if not ends or b'id="messagelist"' not in listed.body:
        raise Wrong(f"Roundcube does not list the probe's messages: {listed.said}")
    _page(socket, page, f"/?_task=logout&_token={ends[1].decode()}", cookies)


def _page(at: str, page: str, uri: str, cookies: dict[str, str], form: bytes | None = None) -> Answer:
    """One page, asked with ``cookies``, which those that it sets join."""
    sent = "; ".join(f"{name}={value}" for name, value in cookies.items())
    answer = ask(at, page, uri, form, {"HTTP_COOKIE": sent, "HTTP_HOST": "localhost"}, SECONDS)
    if answer.status >= 400:
        raise Wrong(f"Roundcube answers {answer.status} to {uri.partition('&_token')[0]}: {answer.said}")
    for line in answer.headers("Set-Cookie"):
        name, _, value = line.partition(";")[0].partition("=")
        cookies[name] = value
    return answer
