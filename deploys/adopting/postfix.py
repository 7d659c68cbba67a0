"""What a Postfix that somebody set up by hand does, by its parameters and the tables that are files. Pure: no host."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from deploys.adopting.description import FoundAlias, FoundRelayhost
from deploys.adopting.look import Told
from deploys.adopting.routes import routes
from deploys.adopting.tables import aliases, listed, lookup, names, targets
from deploys.takeover.untouched import destinations

# Parameters that name tables or places, which mail.yaml cannot take over: what each is for.
_OTHERS = {
    "transport_maps": "which server gets the mail of single domains",
    "sender_dependent_relayhost_maps": "relayhosts of single senders (mail.yaml: domains.DOMAIN.relayhost)",
    "sender_bcc_maps": "copies of what people send",
    "recipient_bcc_maps": "copies of what arrives (mail.yaml: an alias that leads to both)",
    "canonical_maps": "addresses that are rewritten",
    "recipient_canonical_maps": "addresses that are rewritten",
    "sender_canonical_maps": "senders that are rewritten",
    "luser_relay": "who gets the mail to unknown names (mail.yaml: catch_all)",
    "relay_domains": "domains whose mail it passes on to other servers",
    "always_bcc": "a copy of all mail",
    "content_filter": "a filter that all mail passes",
    "relocated_maps": "people who have moved away",
    "smtp_generic_maps": "senders that are rewritten on their way out",
}
_SYSTEM = ("postmaster", "mailer-daemon", "abuse", "root")  # what every domain of ours has, or bounces come from


@dataclass
class Postfix:
    """``local``: domains whose addresses are Unix users, the one that others are called by first; ``virtual``: those of
    virtual mailboxes; ``aliased``: of aliases alone. ``boxes``: the keys and values of virtual_mailbox_maps; ``own``:
    what the host calls itself; ``former``: domains to the one that their mail is for."""

    hostname: str = ""
    local: list[str] = field(default_factory=list)
    virtual: list[str] = field(default_factory=list)
    aliased: list[str] = field(default_factory=list)
    boxes: dict[str, str] = field(default_factory=dict)
    own: list[str] = field(default_factory=list)
    former: dict[str, str] = field(default_factory=dict)
    aliases: list[FoundAlias] = field(default_factory=list)
    catch_all: dict[str, str] = field(default_factory=dict)
    root: str = ""
    relayhost: FoundRelayhost | None = None
    message_size: int | None = None
    not_understood: list[str] = field(default_factory=list)

    @property
    def domains(self) -> tuple[str, ...]:
        """All, in the order in which they were found."""
        return tuple(dict.fromkeys([*self.local, *self.virtual, *self.aliased]))


def postfix(told: Told) -> Postfix:
    """What ``told`` says of it."""
    get = told.parameters.get
    made = Postfix(hostname=get("myhostname", "").lower())
    own = made.own = [made.hostname, told.words.get("fqdn", "").strip(), told.words.get("mailname", "").strip()]
    virtual, unread_virtual = names(get("virtual_mailbox_domains", ""), told.files)
    aliased, unread_aliased = names(get("virtual_alias_domains", ""), told.files)
    table, unread = lookup(get("virtual_alias_maps", ""), told.files)
    made.boxes, unread_boxes = lookup(get("virtual_mailbox_maps", ""), told.files)
    _unread(made, {"virtual_mailbox_domains": unread_virtual, "virtual_alias_domains": unread_aliased})
    _unread(made, {"virtual_alias_maps": unread, "virtual_mailbox_maps": unread_boxes})
    made.virtual = [name for name in virtual if "." in name]
    made.aliased = [name for name in aliased if "." in name and "@" not in name]  # by default all that maps have
    made.local = _local(told, own, made.virtual)
    _virtual_aliases(made, table, get("myorigin", "") or made.hostname)
    _relay(made, told)
    _rest(made, told)
    return made


def _local(told: Told, own: Iterable[str], virtual: list[str]) -> list[str]:
    said, _ = names(told.parameters.get("mydestination", ""), told.files)
    found = [name for name in destinations(" ".join(said), own) if name not in virtual]
    origin = told.parameters.get("myorigin", "").lower()
    if not found and not virtual:  # people receive under the host's own name, or not at all
        found = [one for one in (origin, told.parameters.get("myhostname", "").lower()) if "." in one and one in said][
            :1
        ]
    return sorted(found, key=lambda one: one != origin)


def _unread(made: Postfix, kinds: dict[str, list[str]]) -> None:
    for parameter, tables in kinds.items():
        for table in tables:
            made.not_understood.append(f"{parameter}: what {table} answers was not read; write it down by hand")


def _virtual_aliases(made: Postfix, table: dict[str, str], origin: str) -> None:
    """virtual(5): addresses, bare names (of the host's own domains), @domain, and the domains themselves."""
    rows: list[tuple[str, list[str]]] = []
    for key, value in ((key.lower(), value) for key, value in table.items()):
        to = [_whole(one, _home(made, origin)) for one in targets(re.sub(r"\s+", ",", value))]
        _, at, domain = key.rpartition("@")
        if at:
            rows.append((key, to))
            if domain not in made.domains and "." in domain:
                made.not_understood.append(f"virtual_alias_maps: {key} is in none of its domains")
        elif "." in key and (key in made.aliased or not made.local):
            made.aliased.append(key)  # it only says that the domain is one (virtual(5))
        else:
            rows += [(f"{key}@{one}", to) for one in made.local]
    found = routes(rows, [key.lower() for key in made.boxes], "virtual_alias_maps")
    made.aliases += found.aliases
    made.catch_all, made.former = found.catch_all, found.former_domains
    made.not_understood += found.not_understood


def _home(made: Postfix, origin: str) -> str:
    return made.local[0] if made.local else origin.lower()


def local_aliases(made: Postfix, told: Told) -> Iterator[FoundAlias]:
    """/etc/aliases, for each domain of Unix users; who reads root's mail is noted as such."""
    found: dict[str, tuple[str, ...]] = {}
    for word in listed(told.parameters.get("alias_maps", "")):
        found = {**aliases(told.files.get(word.partition(":")[2], "")), **found}
    if not made.local:
        return
    home = made.local[0]
    root = [one for one in found.get("root", ()) if _is_address(one)]
    if root:
        made.root = _whole(root[0], home)
    for name, to in found.items():
        good = [_whole(one, home) for one in to if _is_address(one)]
        for one in to:
            if not _is_address(one):
                what = "a program" if one.strip('"').startswith("|") else "a file or a list"
                made.not_understood.append(f"/etc/aliases: {name} leads to {what}, which mail.yaml cannot say")
        if name in _SYSTEM or not good or to == ("root",) or set(to) & set(_SYSTEM):
            continue
        yield from (FoundAlias(f"{name}@{domain}", tuple(good), "/etc/aliases") for domain in made.local)


def _is_address(text: str) -> bool:
    return bool(re.fullmatch(r"\\?[\w.+-]+(@[\w.-]+)?", text))


def _whole(target: str, home: str) -> str:
    plain = target.removeprefix("\\")
    return f"{plain}@{home}" if _is_address(plain) and "@" not in plain else plain


def _relay(made: Postfix, told: Told) -> None:
    value = told.parameters.get("relayhost", "")
    match = re.fullmatch(r"\[?([^\]:]+)\]?(?::(\w+))?", value)
    if not value:
        return
    if not match:
        made.not_understood.append(f"relayhost = {value} was not understood")
        return
    port = {"submission": 587, "smtps": 465, "submissions": 465, "smtp": 25}.get(match[2] or "smtp")
    number = port or (int(match[2]) if match[2].isdigit() else 25)
    maps = told.parameters.get("smtp_sasl_password_maps", "")
    passwords, _ = lookup(maps, told.files)
    everywhere = maps.removeprefix("static:") if maps.startswith("static:") else ""
    login = passwords.get(value) or passwords.get(match[1]) or everywhere
    known = told.parameters.get("smtp_sasl_auth_enable") == "yes"
    user, _, password = login.partition(":") if known else ("", "", "")
    implicit = told.parameters.get("smtp_tls_wrappermode") == "yes" or number == 465
    made.relayhost = FoundRelayhost(match[1], number, user, password, implicit)
    if known and not login:
        made.not_understood.append("relayhost: smtp_sasl_password_maps has no login for it that could be read")


def _rest(made: Postfix, told: Told) -> None:
    get = told.parameters.get
    for parameter, what in _OTHERS.items():
        value = get(parameter, "")
        if value and not (parameter == "relay_domains" and value in ("$mydestination", get("mydestination"))):
            made.not_understood.append(f"{parameter} = {value}: {what}")
    strangers = [one for one in listed(get("mynetworks", "")) if not re.match(r"127\.|\[::1\]|\[::ffff:127\.", one)]
    if strangers and "mynetworks" in told.words.get("postconf", ""):
        made.not_understood.append(
            f"mynetworks: {', '.join(strangers)} may send without a password; if that is meant: trusted_networks"
        )
    command = get("mailbox_command", "")
    if command and "dovecot" not in command:
        made.not_understood.append(
            f"mailbox_command = {command}: it delivers Unix users' mail; filters in the webmail take its place"
        )
    if (delimiter := get("recipient_delimiter", "")) not in ("", "+"):
        made.not_understood.append(
            f"recipient_delimiter = {delimiter}: here it is +, so mail to tito{delimiter[0]}shop@ is refused unless"
            " an alias has that address"
        )
    size = get("message_size_limit", "")
    if "message_size_limit" in told.words.get("postconf", "") and size.isdigit() and int(size):
        made.message_size = int(size)
