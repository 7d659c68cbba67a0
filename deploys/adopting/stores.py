"""Where a server made by hand keeps each mailbox's messages and Sieve script. Pure: no host."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from deploys.adopting.description import FoundMailbox
from deploys.adopting.doveconf import Block, expanded
from deploys.adopting.look import There
from deploys.values import locations

_MAILDIR = "~/Maildir"


@dataclass(frozen=True)
class Store:
    """``location``: as Dovecot says it in one line, "" where no rule says it; ``why``: why it cannot be said."""

    location: str = ""
    why: str = ""


@dataclass(frozen=True)
class Box:
    """A mailbox before it is known what is there: places for its messages and its script, the likeliest first; and
    files that send a Unix user's mail elsewhere."""

    found: FoundMailbox
    places: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    home: str = ""
    beside: tuple[str, ...] = ()


def store(conf: Block, user: str, home: str, own: str = "") -> Store:
    """Where ``user``'s messages lie by Dovecot's configuration. ``own``: as the user's row says it."""
    text = own or _configured(conf)
    if not text:
        return Store()
    full = expanded(text, user, home)
    if full is None:
        return Store(why=f"{text} has a variable that is not understood")
    location, odd = locations.understood(full, conf.get("mailbox_list_layout"))
    return Store(why=f"{text} has {odd}, which is not understood") if odd else Store(location)


def _configured(conf: Block) -> str:
    """mail_location, of the namespace of the inbox before that of all; of 2.4 its settings in that form."""
    inboxes = [one for one in conf.of("namespace") if one.get("inbox") == "yes" or one.name == "inbox"]
    for block in (*inboxes, conf):
        if said := block.get("location") or block.get("mail_location"):
            return said
    for block in (*inboxes, conf):
        driver, path = conf.get("mail_driver"), block.get("mail_path")
        if path:
            words = (("INBOX", "mail_inbox_path"), ("CONTROL", "mail_control_path"), ("INDEX", "mail_index_path"))
            more = [f"{key}={block.get(name)}" for key, name in words if block.get(name)]
            same = f"INBOX={path}"
            return ":".join(
                [block.get("mail_driver") or driver or "maildir", path, *(one for one in more if one != same)]
            )
    return ""


def usual(user: str, home: str) -> list[str]:
    """Where Dovecot looks by itself, and Postfix delivers, the first that is there (mail_location, auto)."""
    inbox = f"/var/mail/{user}"
    return [f"maildir:{home}/Maildir", f"mbox:{home}/mail:INBOX={inbox}", f"mbox:{home}/Mail:INBOX={inbox}"]


def by_postfix(base: str, value: str) -> str:
    """Where Postfix's own virtual(8) delivers: a Maildir where the path ends in a slash, else a file of type mbox."""
    path = f"{base.rstrip('/')}/{value.lstrip('/')}" if base else value
    return f"maildir:{path.rstrip('/')}" if path.endswith("/") else f"mbox:{path.rpartition('/')[0]}:INBOX={path}"


def paths(location: str) -> list[str]:
    """What has to be there of ``location``."""
    parts = locations.parts(location)
    return [parts["PATH"], *(parts[key] for key in ("INBOX",) if key in parts)]


def odd_paths(location: str) -> list[str]:
    """Where Dovecot 2.4 keeps the inbox of a Maildir whose mail_inbox_path was set to nothing, and where it is else."""
    parts = locations.parts(location)
    root = parts["PATH"]
    return [f"{root}/cur", f"{root}/.INBOX/cur"] if parts["DRIVER"] == "maildir" and "INBOX" not in parts else []


def with_inbox(location: str, there: There) -> str:
    """``location`` with the inbox, where that is not the Maildir itself."""
    usual, odd = odd_paths(location) or ("", "")
    return f"{location}:INBOX={odd.removesuffix('/cur')}" if there.has(odd) and not there.has(usual) else location


def is_there(location: str, there: There) -> bool:
    """Whether any of it is."""
    return any(there.has(path) for path in paths(location))


def sieves(conf: Block, user: str, home: str) -> list[str]:
    """Where the active Sieve script may lie."""
    said = [one.get("sieve") for one in (conf, *conf.of("plugin"))]
    said += [one.get("active_path") or one.get("sieve_script_active_path") for one in conf.of("sieve_script")]
    found = []
    for text in filter(None, said):
        active = re.search(r";active=([^;]+)", text)
        full = expanded(active[1] if active else text.removeprefix("file:").partition(";")[0], user, home)
        if full and full.startswith("/"):
            found.append(full)
    return [*found, f"{home}/.dovecot.sieve"] if home else found


def first(candidates: Iterable[str], there: There) -> str:
    """The first path that is there, or ""."""
    return next((one for one in candidates if one in there.files), "")
