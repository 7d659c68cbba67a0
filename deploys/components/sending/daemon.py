"""Postfix asks here, at the end of each message that somebody hands in after a login, and hears HOLD where the login
has sent too much within the hour (SMTPD_POLICY_README, access(5)). Runs on the host, under its own python3 alone.

Whatever goes wrong here stops nobody's mail: then there is no limit.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deploys.components.sending import notices

COUNTS = "/var/lib/posthaus-sending/counts"
HOUR = 60  # minutes
AGAIN = 60.0  # seconds until what could not be told is tried again
TABLES = """
CREATE TABLE IF NOT EXISTS handed_in (login TEXT, minute INTEGER, messages INTEGER, recipients INTEGER,
    PRIMARY KEY (login, minute)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS excess (login TEXT PRIMARY KEY, last INTEGER, told INTEGER) WITHOUT ROWID;
"""


class Counts:
    """What each login has handed in, minute by minute, and who is beyond the limit; it survives a restart."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute(
            "PRAGMA synchronous = NORMAL"
        )  # no waiting for the disk; whole after a loss of power all the same
        self._db.executescript(TABLES)

    def add(self, login: str, recipients: int, minute: int) -> tuple[int, int]:
        """Count one message; messages and recipients within the hour, with it."""
        self._db.execute("DELETE FROM handed_in WHERE login = ? AND minute <= ?", (login, minute - HOUR))
        self._db.execute(
            "INSERT INTO handed_in VALUES (?, ?, 1, ?) ON CONFLICT (login, minute) DO UPDATE SET"
            " messages = messages + 1, recipients = recipients + excluded.recipients",
            (login, minute, recipients),
        )
        asked = "SELECT sum(messages), sum(recipients) FROM handed_in WHERE login = ?"
        row: tuple[int, int] = self._db.execute(asked, (login,)).fetchone()
        return row

    def exceed(self, login: str, minute: int) -> bool:
        """Note that a message is held; whether it is the first for an hour, so that somebody is to be told."""
        last = self._db.execute("SELECT last FROM excess WHERE login = ?", (login,)).fetchone()
        if last and minute - last[0] < HOUR:
            self._db.execute("UPDATE excess SET last = ? WHERE login = ?", (minute, login))
            return False
        self._db.execute("REPLACE INTO excess VALUES (?, ?, 0)", (login, minute))
        return True

    def untold(self) -> list[tuple[str, int]]:
        """Whose excess has not been told to all, and to how many it has."""
        rows: list[tuple[str, int]] = self._db.execute("SELECT login, told FROM excess WHERE told < 2").fetchall()
        return rows

    def tell(self, login: str, told: int) -> None:
        """So many have been told."""
        self._db.execute("UPDATE excess SET told = ? WHERE login = ?", (told, login))

    def forget(self, login: str) -> None:
        """From now on as if it had sent nothing."""
        self._db.execute("DELETE FROM handed_in WHERE login = ?", (login,))
        self._db.execute("DELETE FROM excess WHERE login = ?", (login,))


class Policy:
    """``settings``: as render.settings() makes them; ``clock``: seconds."""

    def __init__(self, settings: Mapping[str, Any], counts: Counts, clock: Callable[[], float] = time.time) -> None:
        self.settings, self.counts, self._clock = settings, counts, clock

    def limit(self, login: str) -> tuple[int, int] | None:
        """The most messages and recipients of this login."""
        found = self.settings["own"].get(login, self.settings["limit"])
        return (found[0], found[1]) if found else None

    def answer(self, request: Mapping[str, str]) -> str:
        """The action for one question of Postfix's."""
        login, limit = request.get("sasl_username", ""), self.limit(request.get("sasl_username", ""))
        if request.get("request") == "forget":
            self.counts.forget(request.get("login", ""))
            return "DUNNO"
        if not login or not limit or request.get("protocol_state") != "END-OF-MESSAGE":
            return "DUNNO"
        minute = int(self._clock()) // 60
        messages, recipients = self.counts.add(login, int(request.get("recipient_count") or 1), minute)
        if messages <= limit[0] and recipients <= limit[1]:
            return "DUNNO"
        self.counts.exceed(login, minute)
        return f"HOLD {login} has handed in {messages} messages to {recipients} recipients within an hour"


def parse(text: bytes) -> dict[str, str]:
    """Lines ``name=value``."""
    lines = text.decode("utf-8", "replace").splitlines()
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


async def serve(policy: Policy) -> None:
    """Answer until a signal ends it, and tell people meanwhile."""
    news = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = parse(await reader.readuntil(b"\n\n"))
                action = _safely(policy, request)
                if action.startswith("HOLD"):
                    news.set()
                writer.write(f"action={action}\n\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            writer.close()

    path = policy.settings["socket"]
    server = await asyncio.start_unix_server(talk, path)
    shutil.chown(path, group="postfix")
    os.chmod(path, 0o660)
    async with server:
        while True:
            news.clear()
            await _tell(policy)
            waiting = asyncio.ensure_future(news.wait())
            await asyncio.wait({waiting}, timeout=AGAIN)
            waiting.cancel()


def _safely(policy: Policy, request: Mapping[str, str]) -> str:
    try:
        return policy.answer(request)
    except (sqlite3.Error, ValueError) as error:
        print(f"no limit for this one: {error}", file=sys.stderr, flush=True)
        return "DUNNO"


async def _tell(policy: Policy) -> None:
    try:
        for login, told in policy.counts.untold():
            limit = policy.limit(login) or (0, 0)
            messages = notices.messages(login, limit, policy.settings)
            for number, message in enumerate(messages[told:], told + 1):
                await asyncio.to_thread(notices.send, message, policy.settings["hostname"])
                policy.counts.tell(login, 2 if number == len(messages) else number)
    except (OSError, sqlite3.Error) as error:  # smtplib's are OSErrors
        print(f"nobody could be told yet: {error}", file=sys.stderr, flush=True)


def ask(path: str, **attributes: str) -> str:
    """What the service that runs at the socket ``path`` answers."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(path)
        connection.sendall("".join(f"{name}={value}\n" for name, value in attributes.items()).encode() + b"\n")
        return connection.makefile().readline().strip()


def main(arguments: list[str], directory: Path) -> str | None:
    """``serve``; ``ask`` it whether it is there; ``check`` the settings; ``forget LOGIN``. None, or what went wrong."""
    settings = json.loads((directory / "settings.json").read_text(encoding="utf-8"))
    if arguments[0] == "serve":
        asyncio.run(serve(Policy(settings, Counts(COUNTS))))
    if arguments[0] == "check":
        notices.messages("somebody", (1, 1), settings)
        return None
    more = {"request": "forget", "login": arguments[1]} if arguments[0] == "forget" else {"request": "ask"}
    try:
        said = ask(settings["socket"], **more)
    except OSError as error:
        return f"the limits of sending do not answer: {error}"
    return None if said == "action=DUNNO" else f"the limits of sending answer {said!r}"
