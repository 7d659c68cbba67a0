"""The guard says yes. Runs on the host, under its own python3 alone."""

from __future__ import annotations

import http.client
import json

from deploys.probes.talk import Silent, Wrong


def probe(port: int) -> None:
    """Ask as Dovecot does, about a login from the loopback, which is never shut out."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("POST", "/?command=allow", json.dumps({"login": "posthaus", "remote": "127.0.0.1"}))
        answer = connection.getresponse()
        said = answer.read().decode()
    except (OSError, http.client.HTTPException):
        raise Silent("the guard against guessed passwords does not answer") from None
    finally:
        connection.close()
    if answer.status != 200 or json.loads(said).get("status") != 0:
        raise Wrong(f"the guard against guessed passwords answers {answer.status} {said}")
