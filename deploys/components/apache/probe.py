"""Apache does its work: it leads http to https, and serves the page by TLS with its certificate.

Runs on the host, under its own python3 alone.
"""

from __future__ import annotations

import http.client
import ssl

from deploys.probes.talk import HERE, SECONDS, Wrong, anybody, shows, stream


def probe(name: str, port: int, leads: str, page: str, sites: list[tuple[str, int, str]]) -> None:
    """``name``, ``port``: of the site; ``leads``: where http must lead; ``page``: a path that must be there.
    ``sites``: (name, port, chain): what must be shown to whoever asks for that name. An empty name: a host that serves
    nothing but a CA's challenges."""
    stream((HERE, 80)).close()
    if not name:
        return
    answer = _ask(http.client.HTTPConnection(HERE, 80, timeout=SECONDS), name, "/")
    if not (answer.getheader("Location") or "").startswith(leads):
        raise Wrong(f"http://{name}/ does not lead to {leads}: {answer.status} {answer.reason}")
    for site, at, chain in sites:
        _tls(site, at, chain).close()
    secure = http.client.HTTPSConnection(HERE, port, timeout=SECONDS)
    secure.sock = _tls(name, port, None)
    answer = _ask(secure, name, page)
    if answer.status != 200:
        raise Wrong(f"https://{name}{page} answers {answer.status} {answer.reason}")
    if not answer.read():
        raise Wrong(f"https://{name}{page} is empty")


def _tls(name: str, port: int, chain: str | None) -> ssl.SSLSocket:
    where = f"port {port} as {name}"
    try:
        sock = anybody().wrap_socket(stream((HERE, port)), server_hostname=name)
    except ssl.SSLError as error:
        raise Wrong(f"{where} does not speak TLS: {error.reason}") from None
    shows(sock, chain, where)
    return sock


def _ask(connection: http.client.HTTPConnection, name: str, path: str) -> http.client.HTTPResponse:
    try:
        connection.request("GET", path, headers={"Host": name, "Connection": "close", "User-Agent": "posthaus-probe"})
        return connection.getresponse()
    except http.client.HTTPException as error:
        raise Wrong(f"{name}{path}: {type(error).__name__} {error}") from None
