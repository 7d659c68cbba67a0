"""A server made by hand, put together from what was looked at. Pure: no host."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from deploys.adopting import beside, stores, users
from deploys.adopting.description import Found, FoundAlias, FoundMailbox, merged
from deploys.adopting.doveconf import Block, parsed
from deploys.adopting.look import There, Told
from deploys.adopting.postfix import Postfix, local_aliases, postfix

Look = Callable[[Iterable[str], Iterable[str]], There]
_KNOWN_DRIVERS = ("passwd-file", "pam", "passwd", "shadow", "static", "prefetch", "passwd_file", "")
_ENCRYPTS = re.compile(r"mail_plugins *=.*\bmail_crypt\b|^ *mail_crypt = yes", re.MULTILINE)
FIRST_HUMAN, LAST_HUMAN = 1000, 59999


@dataclass(frozen=True)
class Person:
    """A Unix user who may be meant: ``password``: whether there is one."""

    name: str
    home: str
    full_name: str
    password: bool


@dataclass(frozen=True)
class Box:
    """A mailbox before it is known what is there: places for its messages and its script, the likeliest first."""

    found: FoundMailbox
    places: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    home: str = ""


def server(told: Told, look: Look, vmail: tuple[int, int] | None, database: Found | None = None) -> Found:
    """``look``: asks the host which paths are there, and what stands in some. ``vmail``: as Found has it. ``database``:
    what databases say of mailboxes and aliases, if they say anything."""
    mail, conf = postfix(told), parsed(told.words.get("doveconf", ""))
    conf.settings["mailbox_list_layout"] = told.words.get("layout", "").strip()
    if database:  # then nobody is a Unix user
        mail.local, mail.virtual = [], list(dict.fromkeys([*database.domains, *mail.virtual]))
    system = bool(mail.local) and not mail.virtual
    boxes, not_understood = _system(told, mail, conf) if system else _virtual(told, mail, conf)
    keys = beside.keys(told, mail.domains)
    there = look(
        (path for box in boxes for path in _paths(box)),
        (key.path for key in keys),
    )
    mailboxes = [_placed(box, there, system, not_understood) for box in boxes]
    if system:
        mailboxes = list(_with_mail_or_password(mailboxes, told, boxes, there, not_understood))
    aliases = [*mail.aliases, *(local_aliases(mail, told) if mail.local else ())]
    if system:
        aliases += _further_domains(mail, mailboxes)
    if _ENCRYPTS.search(told.words.get("doveconf", "")):
        not_understood.append(
            "Dovecot's mail_crypt: messages that it encrypted are not copied, and the run names whose;"
            " docs/adopting.md says how this Dovecot writes plain ones"
        )
    webmail, program, site = beside.webmail(told)
    if site:
        not_understood.append(
            f"webmail: {webmail} is the name of a web site ({site}), and stays it until you take that away (a2dissite)"
        )
    return Found(
        hostname=_hostname(mail, told),
        domains=mail.domains,
        mailboxes=tuple(mailboxes),
        aliases=merged(Found(aliases=tuple(aliases))).aliases,
        catch_all=mail.catch_all,
        postmaster=mail.root,
        accounts="system" if system else "virtual",
        message_size=mail.message_size,
        quota=users.everybodys_quota(conf),
        relayhost=mail.relayhost,
        keys=tuple(replace(key, key=there.texts.get(key.path, "")) for key in keys),
        acme=_acme(told, mail),
        webmail=webmail,
        program=program,
        vmail=vmail,
        not_understood=tuple(dict.fromkeys([*mail.not_understood, *not_understood, *_dovecot_rest(conf)])),
    )


def _hostname(mail: Postfix, told: Told) -> str:
    return mail.hostname if "." in mail.hostname else told.words.get("fqdn", "").strip().lower()


def _acme(told: Told, mail: Postfix) -> str:
    covered, contact = beside.acme(told, _hostname(mail, told))
    return (contact or f"postmaster@{mail.domains[0]}") if covered and mail.domains else ""


def _people(told: Told) -> list[Person]:
    passwords = dict(line.split(" ", 1) for line in told.words.get("passwords", "").splitlines() if " " in line)
    cells = (line.split(":") for line in told.words.get("passwd", "").splitlines())
    return [
        Person(row[0], row[5], row[4].partition(",")[0], passwords.get(row[0]) == "yes")
        for row in cells
        if len(row) == 7 and FIRST_HUMAN <= int(row[2]) <= LAST_HUMAN and row[0] != "vmail"
    ]


def _system(told: Told, mail: Postfix, conf: Block) -> tuple[list[Box], list[str]]:
    boxes, not_understood = [], []
    for person in _people(told):
        said = stores.store(conf, person.name, person.home)
        if said.why:
            not_understood.append(f"{person.name}: where the messages lie: {said.why}")
        places = [said.location] if said.location else stores.usual(person.name, person.home)
        found = FoundMailbox(f"{person.name}@{mail.local[0]}", name=person.full_name, source="Unix users")
        boxes.append(Box(found, tuple(places), home=person.home))
    return boxes, not_understood


def _with_mail_or_password(
    boxes: Iterable[FoundMailbox], told: Told, known: Iterable[Box], there: There, not_understood: list[str]
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
    if left:
        not_understood.append(f"Unix users with neither messages nor a password are left out: {', '.join(left)}")


def _further_domains(mail: Postfix, boxes: Iterable[FoundMailbox]) -> list[FoundAlias]:
    """Each Unix user receives in every domain of theirs; a mailbox has one address."""
    return [
        FoundAlias(f"{box.address.partition('@')[0]}@{domain}", (box.address,), "Unix users receive in every domain")
        for domain in mail.local[1:]
        for box in boxes
    ]


def _virtual(told: Told, mail: Postfix, conf: Block) -> tuple[list[Box], list[str]]:
    not_understood: list[str] = []
    listed = {row.user: row for row in users.rows(conf, told)}
    first = next(iter(mail.virtual or mail.domains), "")
    known = {(name if "@" in name else f"{name}@{first}"): row for name, row in listed.items()}
    names = dict.fromkeys([*known, *(key.lower() for key in mail.boxes if not key.startswith("@"))])
    boxes, own = [], told.parameters.get("virtual_transport", "virtual").partition(":")[0] == "virtual"
    for address in names:
        row = known.get(address)
        home = users.home_of(conf, address, row.home if row else "")
        said = stores.store(conf, address, home or "", row.mail if row else "")
        places = [said.location] if said.location and (home or not _needs_home(said.location)) else []
        if own and address in mail.boxes:
            places.append(stores.by_postfix(told.parameters.get("virtual_mailbox_base", ""), mail.boxes[address]))
        if not places:
            not_understood.append(f"{address}: where the messages lie is not understood ({said.why or 'no path'})")
        password = _hash(row, conf) if row else None
        source = row.source if row else "virtual_mailbox_maps"
        found = FoundMailbox(address, password, row.quota if row else None, source=source)
        boxes.append(Box(found, tuple(places), tuple(stores.sieves(conf, address, home or ""))))
    return boxes, not_understood


def _needs_home(location: str) -> bool:
    return not location.partition(":")[2].startswith("/")


def _hash(row: users.Row, conf: Block) -> str:
    if row.password.startswith("{") or not users.is_clear(conf):
        return row.password
    return f"{{PLAIN}}{row.password}"


def _paths(box: Box) -> Iterator[str]:
    for place in box.places:
        yield from (*stores.paths(place), *stores.odd_paths(place))
    yield from box.scripts


def _placed(box: Box, there: There, system: bool, not_understood: list[str]) -> FoundMailbox:
    """With the place where its messages are. What lies in a Unix user's ~/Maildir stays, and is served from there."""
    place = next((stores.with_inbox(one, there) for one in box.places if stores.is_there(one, there)), "")
    script = stores.first(box.scripts, there)
    if system:
        return replace(box.found, messages="" if place == f"maildir:{box.home}/Maildir" else place)
    if box.places and not place:
        not_understood.append(f"{box.found.address}: there are no messages yet at {box.places[0]}")
    if script and not place:
        not_understood.append(f"{box.found.address}: its Sieve script {script} is not copied, since no messages are")
    return replace(box.found, messages=place, sieve=script if place else "")


def _dovecot_rest(conf: Block) -> Iterator[str]:
    for kind in ("passdb", "userdb"):
        for block in conf.of(kind):
            driver = block.get("driver", block.name)
            if driver not in _KNOWN_DRIVERS:
                yield f"Dovecot's {kind} {driver}: what it answers was not read (docs/adopting.md: databases)"
    for block in conf.of("namespace"):
        if (
            block.get("type", "private") != "private"
            or block.get("inbox", "yes" if block.name == "inbox" else "no") != "yes"
        ):
            yield f"Dovecot's namespace {block.name or block.get('prefix')}: only the one of the inbox is taken over"
    for block in conf.of("protocol"):
        if "mail_location" in block.settings:
            yield f"Dovecot's mail_location for {block.name} alone is not taken over"
