"""Unix users who get mail on a server made by hand. Pure: no host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from deploys.adopting import stores
from deploys.adopting.description import FoundAlias, FoundMailbox
from deploys.adopting.doveconf import Block
from deploys.adopting.look import There, Told
from deploys.adopting.postfix import Postfix
from deploys.adopting.stores import Box

FIRST_HUMAN, LAST_HUMAN = 1000, 59999


@dataclass(frozen=True)
class Person:
    """A Unix user who may be meant: ``password``: whether there is one."""

    name: str
    home: str
    full_name: str
    password: bool


def _people(told: Told) -> list[Person]:
    passwords = dict(line.split(" ", 1) for line in told.words.get("passwords", "").splitlines() if " " in line)
    cells = (line.split(":") for line in told.words.get("passwd", "").splitlines())
    return [
        Person(row[0], row[5], row[4].partition(",")[0], passwords.get(row[0]) == "yes")
        for row in cells
        if len(row) == 7 and FIRST_HUMAN <= int(row[2]) <= LAST_HUMAN and row[0] != "vmail"
    ]


def system(told: Told, mail: Postfix, conf: Block) -> tuple[list[Box], list[str]]:
    """Whoever may be meant, and sentences. Beside virtual mailboxes they become such, with the password that they
    have; then Dovecot's configuration may speak of the others alone, so the usual places are looked at, too."""
    boxes, not_understood = [], []
    for person in _people(told):
        said = stores.store(conf, person.name, person.home)
        if said.why:
            not_understood.append(f"{person.name}: where the messages lie: {said.why}")
        places = [said.location] if said.location else []
        if mail.virtual or not places:
            places += stores.usual(person.name, person.home)
        found = FoundMailbox(
            f"{person.name}@{mail.local[0]}",
            _unix_hash(told, person.name) if mail.virtual else None,
            name=person.full_name,
            source="Unix users",
        )
        scripts = tuple(stores.sieves(conf, person.name, person.home)) if mail.virtual else ()
        beside_it = (f"{person.home}/.forward", f"{person.home}/.procmailrc")
        boxes.append(Box(found, tuple(places), scripts, person.home, beside_it))
    return boxes, not_understood


def _unix_hash(told: Told, name: str) -> str | None:
    """As shadow(5) has it."""
    hashes = dict(line.partition(":")[::2] for line in told.files.get("/etc/shadow", "").splitlines())
    found = hashes.get(name)
    return f"{{CRYPT}}{found}" if found and not found.startswith("$") else found


def now_virtual(boxes: Iterable[FoundMailbox]) -> str:
    """What that means for them."""
    return (
        "Unix users and virtual mailboxes on one host: all become virtual mailboxes. These log in by their whole"
        " address from now on, with the password that they have, and have to tell their mail programs so; passwd"
        " changes it no more:"
        f" {', '.join(box.address for box in boxes)}"
    )


def with_mail_or_password(
    boxes: Sequence[FoundMailbox], told: Told, known: Sequence[Box], there: There, not_understood: list[str]
) -> Iterator[FoundMailbox]:
    """Whoever has neither messages nor a password reads no mail here."""
    passwords = {person.name: person.password for person in _people(told)}
    left = []
    for box, before in zip(boxes, known, strict=True):
        name = box.address.partition("@")[0]
        if passwords[name] or any(stores.is_there(place, there) for place in before.places):
            yield box
        else:
            left.append(name)
    for box, before in zip(boxes, known, strict=True):
        if box.messages and (more := _more(box.messages, before, there)):
            not_understood.append(f"{box.address}: more messages lie at {', '.join(more)}, and stay there")
        for file in before.beside:
            if there.has(file):
                not_understood.append(
                    f"{box.address}: {file} says what becomes of the mail, and is read no more; write an alias, or a"
                    " filter in the webmail"
                )
    if left:
        not_understood.append(f"Unix users with neither messages nor a password are left out: {', '.join(left)}")


def _more(taken: str, box: Box, there: There) -> list[str]:
    """What lies at other places of theirs; several of these share one inbox."""
    known = stores.paths(taken)
    return [path for place in box.places for path in stores.paths(place) if path not in known and there.has(path)]


def further_domains(mail: Postfix, boxes: Iterable[FoundMailbox]) -> list[FoundAlias]:
    """Each Unix user receives in every domain of theirs; a mailbox has one address."""
    return [
        FoundAlias(f"{box.address.partition('@')[0]}@{domain}", (box.address,), "Unix users receive in every domain")
        for domain in mail.local[1:]
        for box in boxes
    ]
