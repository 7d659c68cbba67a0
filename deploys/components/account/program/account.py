"""One mailbox's own password and app passwords, for whoever knows its password. Runs on the host."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from deploys.components.account.program import passwords, rows, sessions, webmail

LONGEST = 128  # characters
MOST_APPS = 32
LONGEST_LABEL = 40
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # no l, o, 0, 1, which people take for one another
_CACHED = 1.1  # seconds: Dovecot 2.4 looks at a file once a second at most
_LATEST = 3


class RefusedError(Exception):
    """Why not, as a sentence for the person."""


@dataclass
class Account:
    """``address`` is the mailbox, ``password`` the one that opened it."""

    address: str
    password: str

    def change(self, new: str) -> None:
        """Make ``new`` the password, once Dovecot takes it. RefusedError: the old one goes on."""
        if flaw := flaw_of(new, self.password, self.address):
            raise RefusedError(flaw)
        fresh = passwords.hashed(new)
        with rows.locked():
            mark = _mark(self.address)
            if passwords.login(self.address, self.password) != self.address:  # somebody else was faster
                raise RefusedError("The current password is wrong: it has just been changed elsewhere")
            before = rows.chosen(self.address)
            rows.choose(self.address, mark, fresh)
            try:
                webmail.end(self.address)
                _taken(self.address, new)
            except BaseException:
                rows.restore(self.address, before)
                raise
        self.password = new
        sessions.end(self.address)

    def session(self) -> str:
        """The secret of a session of the webmail, which Dovecot takes in the password's place until that is changed."""
        with rows.locked():  # nobody changes it meanwhile
            found = passwords.opened(self.address, self.password)
            if not found or found[0] != self.address or not found[1]:
                raise RefusedError("The current password is wrong: it has just been changed elsewhere")
            secret = webmail.added(*found)
        for seconds in (0.0, *[_CACHED] * _LATEST):
            time.sleep(seconds)
            if passwords.login(self.address, secret, webmail.SERVICE) == self.address:
                return secret
        webmail.forgotten(secret)
        raise passwords.UnavailableError("Dovecot does not take the session")

    def apps(self) -> list[rows.App]:
        """Its app passwords."""
        mark = rows.declared().get(self.address)
        return rows.apps(self.address, mark) if mark else []

    def make_app(self, label: str) -> str:
        """The secret of a new app password, which nobody can tell again."""
        return make_app(self.address, label)

    def drop_app(self, label: str) -> None:
        """That app password opens nothing any more."""
        drop_app(self.address, label)


def make_app(address: str, label: str) -> str:
    """As Account.make_app, for whoever needs no password: the host's root."""
    if flaw := flaw_of_label(label):
        raise RefusedError(flaw)
    with rows.locked():
        mark = _mark(address)
        there = rows.apps(address, mark)
        if any(app.label == label for app in there):
            raise RefusedError(f"There is an app password {label} already: revoke it, or take another name")
        if len(there) >= MOST_APPS:
            raise RefusedError(f"{MOST_APPS} app passwords are the most that a mailbox can have: revoke one")
        secret = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))  # 100 bits
        rows.add(address, mark, label, secret)
        try:
            _taken(address, secret, "imap")
        except BaseException:
            rows.drop(address, mark, label)
            raise
    return secret


def drop_app(address: str, label: str) -> None:
    """As Account.drop_app."""
    with rows.locked():
        mark = _mark(address)
        if not any(app.label == label for app in rows.apps(address, mark)):
            raise RefusedError("There is no app password of this name")
        rows.drop(address, mark, label)
    time.sleep(_CACHED)
    sessions.end(address)  # which of them came by this app password, Dovecot does not tell


def flaw_of(new: str, old: str, address: str) -> str:
    """Why ``new`` will not do; empty: it will."""
    from deploys.values import strength  # its library takes a while to load, and few need it

    if len(new) > LONGEST:
        return f"The new password is too long: at most {LONGEST} characters"
    if any(ord(char) < 32 or ord(char) == 127 for char in new):
        return "The new password holds a character that cannot be typed"
    if new == old:
        return "The new password is the current one"
    if why := strength.weakness(new, address):
        return f"The new password {why}"
    return ""


def flaw_of_label(label: str) -> str:
    """Why no app password can be called that; empty: one can."""
    if not 1 <= len(label) <= LONGEST_LABEL or not label.isprintable() or ":" in label or label != label.strip():
        return f"The name of an app password is 1 to {LONGEST_LABEL} printable characters, none of them a colon"
    return ""


def _mark(address: str) -> str:
    mark = rows.declared().get(address)
    if not mark:
        raise RefusedError("This mailbox has no password that could be changed here")
    return mark


def _taken(address: str, password: str, service: str = passwords.SERVICE) -> None:
    """Return once Dovecot lets ``password`` in."""
    for _ in range(_LATEST):
        time.sleep(_CACHED)
        if passwords.login(address, password, service) == address:
            return
    raise passwords.UnavailableError("Dovecot does not take the new password")
