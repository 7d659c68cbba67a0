"""What a webmail says and hears: poppassd's dialogue, with app passwords. On the host, one process a connection."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable

from deploys.components.account.program import pace, passwords, webmail
from deploys.components.account.program.account import Account, RefusedError

LINE = 1024  # bytes
FIRST_SECONDS = 5.0  # to say who it is: whoever says nothing keeps nobody else away for longer
SECONDS = 20.0


class GoneError(Exception):
    """The other end says nothing, or nothing that we understand."""


class Line:
    """The connection, line by line (UTF-8, CRLF)."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.read = connection.makefile("rb")

    def hear(self, seconds: float = SECONDS) -> tuple[str, str]:
        """A command in small letters, and what follows it, blanks and all."""
        self.connection.settimeout(seconds)
        said = self.read.readline(LINE)
        if not said:
            raise GoneError("Nobody is there")
        if not said.endswith(b"\n"):
            raise GoneError("The line is too long")
        try:
            text = said.decode("utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise GoneError("The line is not UTF-8") from None
        if "\0" in text or "\r" in text:
            raise GoneError("The line holds a control character")
        word, _, rest = text.partition(" ")
        return word.lower(), rest

    def say(self, text: str, code: int = 200, more: tuple[str, ...] = ()) -> None:
        """One answer, with the lines that belong to it."""
        lines = "".join(f"{line}\r\n" for line in (f"{code} {text}", *more))
        self.connection.sendall(lines.encode())


def serve(connection: socket.socket) -> None:
    """Talk until the other end has done. What goes to stderr is the journal's; no secret is among it."""
    line = Line(connection)
    try:
        line.say("Posthaus: your own password")
        account = _who(line, *line.hear(FIRST_SECONDS))
        while account and _one(line, account):
            pass
    except GoneError as gone:
        line.say(str(gone), 500)
    except pace.CrowdedError:
        line.say("Others are trying passwords of this mailbox. Please try again in a minute", 500)
    except TimeoutError:
        line.say("That took too long", 500)


def _who(line: Line, word: str, rest: str) -> Account | None:
    """Whoever logs in. A session of the webmail says its own secret, and needs nobody's password to go on or to end."""
    if word in SESSION:
        SESSION[word](line, rest)
        return None
    if word != "user":
        raise GoneError("USER comes next")
    name = rest.strip().lower()
    line.say("And the password?")
    password = _needs(line, "pass", FIRST_SECONDS)
    with pace.turn(name):
        address = passwords.login(name, password) if name and password else None
    if not address:
        log(f"wrong password for {name!a}")
        line.say("The current password is wrong", 500)
        return None
    line.say("What shall be done?")
    return Account(address, password)


def _needs(line: Line, word: str, seconds: float) -> str:
    said, rest = line.hear(seconds)
    if said != word:
        raise GoneError(f"{word.upper()} comes next")
    return rest


def _one(line: Line, account: Account) -> bool:
    """Do one command; False: it was the last."""
    word, rest = line.hear()
    if word == "quit":
        line.say("Bye")
        return False
    try:
        COMMANDS[word](line, account, rest)
    except KeyError:
        line.say("There are newpass, apps, newapp, dropapp, session and quit", 500)
    except RefusedError as why:
        line.say(str(why), 500)
    return True


def _newpass(line: Line, account: Account, new: str) -> None:
    account.change(new)
    log(f"{account.address} has chosen a password")
    line.say("The password is changed")


def _apps(line: Line, account: Account, _: str) -> None:
    found = account.apps()
    line.say(str(len(found)), more=tuple(f"{app.made} {app.label}" for app in found))


def _newapp(line: Line, account: Account, label: str) -> None:
    secret = account.make_app(label)
    log(f"{account.address} has made an app password")
    line.say(secret)


def _dropapp(line: Line, account: Account, label: str) -> None:
    account.drop_app(label)
    log(f"{account.address} has revoked an app password")
    line.say("The app password is revoked")


def _session(line: Line, account: Account, _: str) -> None:
    line.say(account.session())


def _renew(line: Line, secret: str) -> None:
    if webmail.renewed(secret):
        line.say("The session goes on")
    else:
        line.say("There is no such session", 500)


def _forget(line: Line, secret: str) -> None:
    webmail.forgotten(secret)
    line.say("The session has ended")


SESSION: dict[str, Callable[[Line, str], None]] = {"renew": _renew, "forget": _forget}
COMMANDS: dict[str, Callable[[Line, Account, str], None]] = {
    "newpass": _newpass,
    "apps": _apps,
    "newapp": _newapp,
    "dropapp": _dropapp,
    "session": _session,
}


def log(text: str) -> None:
    """To the journal."""
    print(text, file=sys.stderr, flush=True)
