"""What has changed between two states of mail.yaml, in words for the person who changed it. No hash is in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from deploys.config.addresses.options import Mailbox
from deploys.config.mailserver import MailServer
from deploys.values import durations, sizes

Value = TypeVar("Value")
Lines = dict[str, str]  # what is told of each address


def changes(before: MailServer | None, after: MailServer) -> Lines:
    """A line for each mailbox and alias that differs, by its address. None before: the file could not be deployed."""
    old = before.directory if before else None
    told = _mailboxes(old.mailboxes if old else {}, after.directory.mailboxes, after)
    for alias, line in _aliases(dict(before.aliases) if before else {}, dict(after.aliases)):
        told[alias] = f"{told[alias]}\n  {line}" if alias in told else line
    for domain, (was, now) in _different(before.catch_all if before else {}, after.catch_all):
        told[f"@{domain}"] = (
            f"~ @{domain}: mail to nobody there goes to {now or 'nobody'}, no longer to {was or 'nobody'}"
        )
    if before and before.postmaster != after.postmaster:
        told["postmaster"] = f"~ postmaster: {after.postmaster}, no longer {before.postmaster}"
    return told


def _kept(mail: MailServer, address: str) -> str:
    if mail.accounts == "system":
        return f"its messages stay in /home/{address.rpartition('@')[0]}/Maildir on the host"
    for_how_long = f"for {durations.in_words(mail.archive)}" if mail.archive else "for ever"
    return f"with the next run its messages go to the archive on the host, {for_how_long} (deploys/archive.py)"


def _mailboxes(old: Mapping[str, Mailbox], new: Mapping[str, Mailbox], mail: MailServer) -> Lines:
    told = {}
    for address, (was, now) in _different(old, new):
        if now and not was:
            told[address] = f"+ {address}{_said(_of_new(now))}"
        elif was and not now:
            told[address] = f"– {address}: no mailbox any more; {_kept(mail, address)}"
        elif was and now:
            told[address] = f"~ {address}{_said(_of_changed(was, now))}"
    return told


def _of_new(box: Mailbox) -> Iterator[str]:
    yield from (text for text in (box.name, _quota(box) and f"quota {_quota(box)}") if text)
    if not box.login:
        yield "cannot log in"


def _of_changed(was: Mailbox, now: Mailbox) -> Iterator[str]:
    if was.password != now.password:
        yield "a new password" if now.password else "no password of its own any more"
    if was.name != now.name:
        yield f"name {now.name}" if now.name else "no name any more"
    if was.quota != now.quota:
        yield f"quota {_quota(was) or 'the usual'} to {_quota(now) or 'the usual'}"
    if was.login != now.login:
        yield "may log in again" if now.login else "can no longer log in; messages go on arriving"
    others = set(Mailbox.model_fields) - {"password", "name", "quota", "login"}
    yield from sorted(name for name in others if getattr(was, name) != getattr(now, name))


def _quota(box: Mailbox) -> str:
    if box.quota is None:
        return ""
    return sizes.in_words(box.quota) if box.quota else "without limit"


def _aliases(old: Mapping[str, tuple[str, ...]], new: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    for alias, (was, now) in _different(old, new):
        if not was:
            yield alias, f"+ {alias} leads to {', '.join(now or ())}"
        elif not now:
            yield alias, f"– {alias} no longer leads to {', '.join(was)}"
        else:
            added, gone = [one for one in now if one not in was], [one for one in was if one not in now]
            parts = [f"now also leads to {', '.join(added)}"] if added else []
            parts += [f"no longer leads to {', '.join(gone)}"] if gone else []
            yield alias, f"~ {alias} {' and '.join(parts) or 'leads to the same in another order'}"


def _different(
    old: Mapping[str, Value], new: Mapping[str, Value]
) -> Iterator[tuple[str, tuple[Value | None, Value | None]]]:
    for key in dict.fromkeys((*old, *new)):
        if old.get(key) != new.get(key):
            yield key, (old.get(key), new.get(key))


def _said(parts: Iterable[str]) -> str:
    text = ", ".join(parts)
    return f": {text}" if text else ""


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """Columns side by side, the last one as long as it likes."""
    whole = list(rows)
    widths = [max(map(len, column)) for column in zip(*whole, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in whole)
    return "\n".join(lines)
