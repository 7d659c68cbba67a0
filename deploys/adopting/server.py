"""A server made by hand, put together from what was looked at. Pure: no host."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from deploys.adopting import beside, stores, unixusers, users
from deploys.adopting.description import Found, FoundAlias, FoundMailbox, merged
from deploys.adopting.doveconf import Block, parsed
from deploys.adopting.look import There, Told
from deploys.adopting.postfix import Postfix, local_aliases, postfix
from deploys.adopting.stores import Box

Look = Callable[[Iterable[str], Iterable[str]], There]
_KNOWN_DRIVERS = ("passwd-file", "pam", "passwd", "shadow", "static", "prefetch", "passwd_file", "")
_ENCRYPTS = re.compile(r"mail_plugins *=.*\bmail_crypt\b|^ *mail_crypt = yes", re.MULTILINE)


def server(told: Told, look: Look, vmail: tuple[int, int] | None, database: Found | None = None) -> Found:
    """``look``: asks the host which paths are there, and what stands in some. ``vmail``: as Found has it. ``database``:
    what databases say of mailboxes and aliases, if they say anything."""
    mail, conf = postfix(told), parsed(told.words.get("doveconf", ""))
    conf.settings["mailbox_list_layout"] = told.words.get("layout", "").strip()
    if database:  # the host's own name makes nobody a Unix user then
        mail.local = [one for one in mail.local if one not in (*mail.own, *database.domains)]
        mail.virtual = list(dict.fromkeys([*database.domains, *mail.virtual]))
    system = bool(mail.local) and not mail.virtual
    people, not_understood = unixusers.system(told, mail, conf) if mail.local else ([], [])
    boxes, more = ([], []) if system else _virtual(told, mail, conf)
    not_understood += more
    keys = beside.keys(told, mail.domains)
    there = look(
        (path for box in (*boxes, *people) for path in _paths(box)),
        (key.path for key in keys),
    )
    mailboxes = [_placed(box, there, False, not_understood) for box in boxes]
    placed = [_placed(box, there, system, []) for box in people]
    unix = list(unixusers.with_mail_or_password(placed, told, people, there, not_understood))
    if unix and not system:
        not_understood.insert(0, unixusers.now_virtual(unix))
    mailboxes += unix
    aliases = [*mail.aliases, *(local_aliases(mail, told) if mail.local else ())]
    aliases += unixusers.further_domains(mail, unix)
    _keep_domains(mail, [*mailboxes, *aliases])
    not_understood += [f"{one}: it has more than 50 MB, and only its beginning was read" for one in told.cut]
    if failed := told.words.get("doveconf-error", "").strip():
        not_understood.append(f"Dovecot's configuration cannot be read: {' '.join(failed.split())}")
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
        former_domains=mail.former,
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


def _keep_domains(mail: Postfix, rows: Iterable[FoundMailbox | FoundAlias]) -> None:
    """A domain whose mail is for another one (@old @new) is none of its own, unless it has addresses of its own."""
    own = {row.address.lower().rpartition("@")[2] for row in rows} | set(mail.catch_all)
    for old in [one for one in mail.former if one in own]:
        mail.not_understood.append(
            f"virtual_alias_maps: @{old} leads to @{mail.former.pop(old)}, but {old} has addresses of its own; write"
            " the others into aliases"
        )
    for kind in (mail.local, mail.virtual, mail.aliased):
        kind[:] = [one for one in kind if one not in mail.former]


def _virtual(told: Told, mail: Postfix, conf: Block) -> tuple[list[Box], list[str]]:
    not_understood: list[str] = []
    listed = {row.user: row for row in users.rows(conf, told)}
    realm = conf.get("auth_default_realm").lower()
    first = realm if realm in mail.domains else next(iter(mail.virtual or mail.domains), "")
    denied = {_address(name, first) for name in users.refused(conf, told)}
    if masters := users.masters(conf, told):
        not_understood.append(
            f"Dovecot's master users may read everybody's mail; they are left out: {', '.join(masters)}"
        )
    known = {_address(name, first): row for name, row in listed.items()}
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
        if row and row.nets:
            not_understood.append(f"{address}: it might log in from {row.nets} alone; now it may from everywhere")
        active = address not in denied and (not row or row.active)
        found = FoundMailbox(address, password, row.quota if row else None, active=active, source=source)
        boxes.append(Box(found, tuple(places), tuple(stores.sieves(conf, address, home or ""))))
    return boxes, not_understood


def _address(name: str, domain: str) -> str:
    return name if "@" in name else f"{name}@{domain}"


def _needs_home(location: str) -> bool:
    return not location.partition(":")[2].startswith("/")


def _hash(row: users.Row, conf: Block) -> str:
    if row.password.startswith("{") or not users.is_clear(conf):
        return row.password
    return f"{{PLAIN}}{row.password}"


def _paths(box: Box) -> Iterator[str]:
    for place in box.places:
        yield from (*stores.paths(place), *stores.odd_paths(place))
    yield from (*box.scripts, *box.beside)


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
