"""What stands on a host that Posthaus did not write, in terms of mail. Pure: no host."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deploys.takeover.options import Component
from deploys.takeover.untouched import (
    changed_parameters,
    changed_services,
    destinations,
    other_aliases,
    own_names,
    parameters,
)
from facts.foreign import ForeignState

MOST = 8  # names that one sentence lists
_DOMAINS = ("virtual_alias_domains", "virtual_mailbox_domains", "relay_domains")


@dataclass(frozen=True)
class Existing:
    """``what``: the sentence's beginning, ``ends``: what of it no longer works once it is replaced."""

    component: Component
    what: str
    ends: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Both, as one sentence."""
        return f"{self.what}: {'; '.join(self.ends)}" if self.ends else self.what


def existing(state: ForeignState, host_names: Iterable[str], domains: Iterable[str], system: bool) -> list[Existing]:
    """Everything that a run would replace, component by component.

    ``host_names``: what the host calls itself, and shall; ``domains``: those that mail.yaml declares; ``system``:
    Unix users keep their mail in their own homes.
    """
    names = own_names(parameters(state.main_cf), host_names)
    found = [_postfix(state, names, set(domains), system), _dovecot(state, system)]
    for component in ("rspamd", "unbound", "files"):
        if files := state.files.get(component):
            what = "files that nobody's package brought lie where ours go" if component == "files" else component
            found.append(Existing(component, f"{what}: {listed(files)}", ("ours take their place",)))
    return [one for one in found if one]


def _postfix(state: ForeignState, host_names: tuple[str, ...], declared: set[str], system: bool) -> Existing | None:
    reached = parameters(state.main_cf).get("inet_interfaces") != "loopback-only"
    strange = [
        name
        for name in changed_parameters(state.main_cf, host_names)
        if reached or name not in ("mydestination", "myhostname")
    ]
    services = changed_services(state.master_cf, state.master_dist)
    aliases = other_aliases(state.aliases)
    if not state.main_cf or not (strange or services or aliases):
        return None
    where = [
        *([f"main.cf sets {listed(strange)}"] if strange else []),
        *([f"master.cf has {listed(services)}"] if services else []),
        *([f"/etc/aliases leads {listed(aliases)}"] if aliases else []),
    ]
    ends = [*_mail_that_ends(state, host_names, declared, aliases), *([] if state.dovecot else _people(state, system))]
    return Existing("postfix", f"Postfix is set up by somebody else ({', '.join(where)})", tuple(ends))


def _mail_that_ends(
    state: ForeignState, host_names: tuple[str, ...], declared: set[str], aliases: Sequence[str]
) -> Iterable[str]:
    taken = mail_domains(state, host_names)
    if lacking := [domain for domain in taken if domain not in declared]:
        yield f"it takes mail for {listed(lacking)}, which mail.yaml does not declare"
    if both := [domain for domain in taken if domain in declared]:
        yield f"it takes mail for {listed(both)}, as mail.yaml does"
    boxes = state.tables.get("virtual_mailbox_maps", ())
    if boxes:
        yield f"it has {_count(boxes, 'mailbox', 'mailboxes')} ({listed(boxes)})"
    aliased = (*(name for name in state.tables.get("virtual_alias_maps", ()) if "@" in name), *aliases)
    if aliased:
        yield f"it has {_count(aliased, 'alias', 'aliases')} ({listed(aliased)})"
    for name in ("relayhost", "sender_dependent_relayhost_maps", "transport_maps"):
        if value := state.parameters.get(name, ""):
            yield f"it sends mail on by {name} = {value}"
    elsewhere = [name for name in (*_DOMAINS, "virtual_alias_maps", "virtual_mailbox_maps") if _database(state, name)]
    if elsewhere:
        yield f"more stands in what {listed(elsewhere)} ask{'s' if len(elsewhere) == 1 else ''}"


def mail_domains(state: ForeignState, host_names: Iterable[str]) -> tuple[str, ...]:
    """The domains that Postfix takes mail for, sorted, less what the host calls itself."""
    names = tuple(host_names)
    found = set(destinations(state.parameters.get("mydestination", ""), names))
    for parameter in _DOMAINS:
        found |= {word for word in _settings(state, parameter) if "." in word and not re.search("[:/$]", word)}
    for table in (*_DOMAINS, "virtual_alias_maps", "virtual_mailbox_maps", "mydestination"):
        found |= {key.rpartition("@")[2].lower() for key in state.tables.get(table, ())}
    return tuple(sorted(found & {one for one in found if "." in one} - {name.lower() for name in names}))


def _settings(state: ForeignState, parameter: str) -> list[str]:
    return [word.lower() for word in re.split(r"[,\s]+", state.parameters.get(parameter, "")) if word]


def _database(state: ForeignState, parameter: str) -> bool:
    kinds = r"(?:proxy:)?(?:mysql|pgsql|ldap|sqlite|tcp|socketmap|memcache)\b"
    return any(re.match(kinds, word) for word in _settings(state, parameter))


def _dovecot(state: ForeignState, system: bool) -> Existing | None:
    files = state.files.get("dovecot", ())
    if not files:
        return None
    where = next(
        (line.partition("=")[2].strip() for line in state.dovecot if re.match("mail_(location|path)", line)), ""
    )
    ends = [f"it reads messages at {where}"] if where else []
    return Existing(
        "dovecot", f"Dovecot is set up by somebody else ({listed(files)})", (*ends, *_people(state, system))
    )


def _people(state: ForeignState, system: bool) -> Iterable[str]:
    if state.people:
        kept = [f"{name} ({place})" for name, place in sorted(state.people.items())]
        orphaned = "" if system else ", and nobody serves them (`accounts: system` does, from ~/Maildir)"
        count = _count(kept, "Unix user has", "Unix users have")
        yield f"{count} messages: {listed(kept)}; they stay there{orphaned}"


def _count(things: Sequence[str], one: str, many: str) -> str:
    return f"{len(things)} {one if len(things) == 1 else many}"


def listed(things: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(things) - MOST} more" if len(things) > MOST else ""
    return ", ".join(things[:MOST]) + more
