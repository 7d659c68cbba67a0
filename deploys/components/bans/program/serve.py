"""The guard, as Dovecot's auth policy server (https://doc.dovecot.org/main/core/config/auth/policy.html). On the host.

Dovecot asks before it looks at a password (``allow``), and reports what came of it (``report``), of every attempt in
every protocol, Postfix's among them. Where nobody answers it goes on without.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from queue import SimpleQueue
from socketserver import ThreadingTCPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from deploys.components.bans.program import memory, shut
from deploys.components.bans.program.count import Attempt, Count, Net, Suspect

LARGEST = 64 << 10  # bytes of one question


class Guard:
    """One for all connections. The kernel is asked and told in a thread of its own: Dovecot waits two seconds for an
    answer, and what it could not say by then is lost, so nobody waits for nft(8)."""

    def __init__(self, count: Count, ports: list[int], table: str):
        self.count, self.ports, self.table = count, ports, table
        self._lock = threading.Lock()
        self._suspects: SimpleQueue[Suspect] = SimpleQueue()
        threading.Thread(target=self._shut_out, daemon=True).start()

    def answer(self, command: str, said: dict[str, Any]) -> dict[str, Any]:
        """What Dovecot is told: 0 is "go on", a number of seconds "later"."""
        login, remote, now = str(said.get("login") or ""), str(said.get("remote") or ""), time.time()
        with self._lock:
            if command == "allow":
                return {"status": self.count.wait(login, remote, now), "msg": ""}
            suspect = self.count.report(_attempt(said), now) if command == "report" and _counts(said) else None
        if suspect:
            self._suspects.put(suspect)
        return {"status": 0, "msg": ""}

    def tidy(self, path: str) -> None:
        """Forget what is old, and write down what shall outlive the guard."""
        with self._lock:
            self.count.forget(time.time())
            memory.write(path, self.count)

    def _shut_out(self) -> None:
        while True:
            self._ban(self._suspects.get())

    def _ban(self, suspect: Suspect) -> None:
        who, protocols = suspect.who, suspect.protocols
        what = f"{len(protocols)} wrong logins ({', '.join(sorted(set(protocols)))})"
        try:
            if is_shut(who):  # what was on its way when the ban came
                return
            with self._lock:
                seconds = self.count.sentence(who, time.time())
            shut.shut(who, seconds, self.table)
            log(f"{named(who)} is shut out for {seconds} s: {what}")
            shut.cut(who, self.ports)
        except Exception as error:  # the next ten will try again
            log(f"{named(who)} should be shut out ({what}), and is not: {error}")


def is_shut(who: Net) -> bool:
    """Whether nothing needs to be done about it: it is out already, or the host itself."""
    return shut.is_own(who) or shut.is_shut(who)


def named(who: Net) -> str:
    """As people write it."""
    return str(who.network_address) if who.version == 4 else str(who)


def _counts(said: dict[str, Any]) -> bool:
    """Whether a password was right or wrong: not where Dovecot itself failed (``fail_type``: Dovecot 2.4)."""
    return bool(said.get("success")) or said.get("fail_type") not in ("internal", "policy")


def _attempt(said: dict[str, Any]) -> Attempt:
    login, remote, protocol, guess = (str(said.get(word) or "") for word in ("login", "remote", "protocol", "pwhash"))
    return Attempt(login, remote, protocol, guess, bool(said.get("success")))


def log(text: str) -> None:
    """Into the journal."""
    print(text, file=sys.stderr, flush=True)


class Handler(BaseHTTPRequestHandler):
    """Questions by POST, one after another on one connection."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    server: Server

    def do_POST(self) -> None:
        try:
            length = int(self.headers.get("Content-Length") or 0)
            if not 0 <= length <= LARGEST:
                self.close_connection = True
                return self.send_error(413)
            said = json.loads(self.rfile.read(length) or b"{}")
            command = parse_qs(urlsplit(self.path).query).get("command", [""])[0]
            answer = self.server.guard.answer(command, said if isinstance(said, dict) else {})
        except (ValueError, RecursionError):
            return self.send_error(400)
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def log_message(self, *_: object) -> None:
        """Dovecot's log has every attempt."""


class Server(ThreadingTCPServer):
    """On loopback alone."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, guard: Guard):
        self.guard = guard
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, *_: object) -> None:
        """The other end has gone."""
