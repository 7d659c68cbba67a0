"""Whose contacts come from where: what was said on the command line. All errors at once, before any host is asked."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pyinfra.api.exceptions import DeployError

from deploys.addressbooks import abooks, vcards
from deploys.addressbooks.contact import Wrong
from deploys.components.roundcube import options as roundcube
from deploys.components.squirrelmail import options as squirrelmail
from deploys.config.mailserver import MailServer

WORDS = ("mailbox", "from", "squirrelmail", "charset")
WAYS = "--data mailbox=ADDRESS --data from=contacts.vcf, or --data squirrelmail=DIRECTORY"


@dataclass(frozen=True)
class Request:
    """What the host's program shall do; ``nobodys``: files that are of nobody who has a mailbox here."""

    name: str
    plan: Mapping[str, Any] = field(repr=False)
    nobodys: tuple[str, ...] = ()

    @classmethod
    def of(cls, mail: MailServer, said: Mapping[str, object]) -> Request:
        """DeployError says all that is wrong with what was said (by WORDS, None for what was not)."""
        problems = _contradictions(said)
        kept = abooks.Kept()
        if not mail.webmail:
            problems.append("mail.yaml has no webmail (webmail: false), so there is no address book here")
        try:
            if said.get("from") is not None:
                kept.books = {str(said.get("mailbox")).lower(): vcards.read(str(said["from"]))}
            elif said.get("squirrelmail") is not None:
                charset = _charset(said.get("charset"), problems)
                kept = abooks.read(str(said["squirrelmail"]), charset, mail.directory)
        except Wrong as why:
            problems.append(str(why))
        whose = said.get("mailbox")
        if said.get("from") is not None and whose is not None and str(whose).lower() not in mail.directory.mailboxes:
            problems.insert(0, f"mailbox: {whose} is none of mail.yaml's mailboxes; declare it first")
        if problems or not mail.webmail:
            raise DeployError("\n" + "\n".join(problems))
        plan = {
            "program": mail.webmail.program,
            "preferences": squirrelmail.PREFERENCES,
            "database": roundcube.DATABASE,
            "books": [
                {"address": address, "contacts": [asdict(one) for one in contacts]}
                for address, contacts in kept.books.items()
            ],
            "people": [{"address": address, **asdict(one)} for address, one in kept.people.items()],
        }
        number = len(kept.books)
        return cls(f"Fill {number:,} address book{'s' if number != 1 else ''}", plan, tuple(kept.nobodys))


def _contradictions(said: Mapping[str, object]) -> list[str]:
    has = {word for word in WORDS if said.get(word) is not None}
    if not has & {"from", "squirrelmail"} or {"from", "squirrelmail"} <= has:
        return [f"say where contacts come from, one of the two: {WAYS}"]
    if "from" in has and "mailbox" not in has:
        return [f"say whose they are: {WAYS}"]
    if "squirrelmail" in has and "mailbox" in has:
        return ["mailbox: stands beside squirrelmail; each file there tells by its name whose it is"]
    return ["charset: is for squirrelmail alone; a vCard says it itself"] if {"from", "charset"} <= has else []


def _charset(text: object, problems: list[str]) -> str:
    try:
        return codecs.lookup(str(text)).name if text is not None else ""
    except LookupError:
        problems.append(f"charset: {text} is not known; write one such as iso-8859-1, iso-8859-2 or windows-1252")
        return ""
