"""What the program can be asked for. Runs on the host: ``python3 -I -B DIRECTORY [WORD …]``."""

from __future__ import annotations

import os
import socket
import sys

from deploys.components.account.program import conversation, passwords, sessions
from deploys.components.account.program.account import Account, RefusedError, drop_app, make_app
from deploys.components.account.program.settle import settle


def main(words: list[str]) -> int:
    """Without words: one conversation on stdin, which is the connection (systemd.socket(5), Accept=yes)."""
    os.umask(0o027)
    if not words:
        return _conversation()
    try:
        return _asked(words[0], words[1:])
    except RefusedError as why:
        print(why, file=sys.stderr)
        return 1


def _asked(word: str, rest: list[str]) -> int:
    """The host's root asks. Labels come by stdin: a process list shows words to everybody."""
    if word == "settle":
        for line in settle(rest[0]):
            print(line)
    elif word == "sessions":
        sessions.end_asked()
    elif word == "apps":
        for app in Account(rest[0], "").apps():
            print(app.made, app.label)
    elif word == "newapp":
        print(make_app(rest[0], sys.stdin.readline().rstrip("\n")))
    elif word == "dropapp":
        drop_app(rest[0], sys.stdin.readline().rstrip("\n"))
    else:
        return 2
    return 0


def _conversation() -> int:
    connection = socket.socket(fileno=0)
    try:
        conversation.serve(connection)
    except ConnectionError:
        pass  # the other end has gone
    except (OSError, passwords.UnavailableError) as error:  # the other end hears nothing of the inside
        conversation.log(f"{type(error).__name__}: {error}")
        conversation.Line(connection).say("This cannot be done now. Please try again later", 500)
    return 0
