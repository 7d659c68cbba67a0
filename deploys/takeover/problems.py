"""What of somebody else's stands in the way of a run, as sentences with their remedies. Pure: no host."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from deploys.config.addresses.options import Owner
from deploys.takeover.existing import Existing, listed
from deploys.takeover.options import Component
from facts.foreign import Entry, ForeignState
from facts.mailboxes import STORE

KEPT = "/var/backups/posthaus"
SHELL = "/usr/sbin/nologin"  # as the account is made, deploys/components/dovecot
GROUP = "mailusers"


def not_allowed(found: Iterable[Existing], takeover: Iterable[Component]) -> list[str]:
    """What would be replaced without the administrator's consent."""
    allowed = set(takeover)
    left = [one for one in found if one.component not in allowed]
    if not left:
        return []
    wanted = ", ".join(sorted({*allowed, *(one.component for one in left)}))
    remedy = (
        f"to take this host over, put into mail.yaml what shall go on, and `takeover: [{wanted}]`; what is there now"
        f" is kept below {KEPT} first (docs/taking-over.md)"
    )
    return [*(one.sentence for one in left), remedy]


def account_problems(state: ForeignState, owner: Owner, people: Iterable[str] | None) -> list[str]:
    """Whether the user that owns virtual mail can be made, or used. ``people``: the Unix users that mail.yaml declares,
    where it serves any."""
    found = list(_owner_problems(state, owner))
    group = state.accounts.get("mailusers")
    if people is not None and group and "dovecot" not in state.ours:
        others = sorted(set(group.members) - set(people))
        if others:
            found.append(
                f"the group {GROUP} exists, with {listed(others)}, and would hold the people of mail.yaml alone: give"
                f" it another name (`groupmod -n NAME {GROUP}`), or delete it"
            )
    return found


def _owner_problems(state: ForeignState, owner: Owner) -> Iterable[str]:
    named, numbered = state.accounts.get("name"), state.accounts.get("id")
    group, group_numbered = state.accounts.get("group"), state.accounts.get("gid")
    if named:
        yield from _existing(state, owner, named, group)
        return
    if numbered:
        yield (
            f"uid {owner.uid}, which the owner of virtual mail ({owner.name}) would get, is {numbered.name}'s: write"
            " another, such as `vmail: {uid: 5001}`"
        )
    if group and group.gid != owner.group_id:
        yield (
            f"the group {owner.name} exists with gid {group.gid}, not {owner.group_id}: write `vmail: {{uid:"
            f" {owner.uid}, gid: {group.gid}}}` if it is meant, or another name, `vmail: {{name: posthaus-mail}}`"
        )
    elif group_numbered and group_numbered.name != owner.name:
        yield (
            f"gid {owner.group_id}, which the group of the owner of virtual mail ({owner.name}) would get, is"
            f" {group_numbered.name}'s: write another, such as `vmail: {{uid: {owner.uid}, gid: 5001}}`"
        )


def _existing(state: ForeignState, owner: Owner, account: Entry, group: Entry | None) -> Iterable[str]:
    as_made = (account.home, account.shell) == (STORE, SHELL)
    numbers = (account.uid, account.gid) == (owner.uid, owner.group_id) and group and group.gid == owner.group_id
    if numbers and (as_made or owner.meant or "dovecot" in state.ours):
        return
    about = f"uid {account.uid}, gid {account.gid}, home {account.home or 'none'}, shell {account.shell or 'none'}"
    another = "another name, `vmail: {name: posthaus-mail}`"
    if not group or group.gid != account.gid:
        yield (
            f"the user {owner.name} exists ({about}), and its group is not called {owner.name}: it is not of our"
            f" making; write {another}"
        )
        return
    gid = "" if account.gid == account.uid else f", gid: {account.gid}"
    yield (
        f"the user {owner.name} exists ({about}), and is not of our making: write {another}; or, if it is there for"
        f" virtual mail and may own ours, `vmail: {{uid: {account.uid}{gid}}}`: it is then used as it is"
    )


def site_problems(state: ForeignState, names: Iterable[str]) -> list[str]:
    """Why Apache cannot serve ``names`` (ours) beside what it serves for others."""
    if not state.serves_sites or not state.includes:
        return []
    ours = {name.lower() for name in names}
    found = [f"Apache's own checker refuses what is there now: {line}" for line in state.refusals[:1]]
    for site in state.sites:
        if site.hostname.lower() in ours:
            found.append(
                f"{site.hostname} is a name of a web site of yours already ({site.declared}): take it away there, or"
                " give the webmail another, `webmail: {hostname: …}`"
            )
        if site.port == 0:
            found.append(
                f"the web site at {site.declared} is for every port (<VirtualHost {site.address}>) and would take ours:"
                " write its port there, such as *:80"
            )
    for pattern in state.names:
        if taken := sorted(name for name in ours if fnmatch.fnmatch(name, pattern.lower())):
            found.append(f"a web site of yours has {pattern} as ServerAlias, which takes {listed(taken)}: name its own")
    for one in state.listens:
        address, _, port = one.rpartition(":")
        if port in ("80", "443") and address not in ("", "0.0.0.0", "[::]", "*"):
            found.append(f"Apache listens at {one} alone, so the webmail would be there only: write `Listen {port}`")
    for directory in ("mods-enabled", "sites-enabled"):
        if not any(f"/{directory}/" in path for path in state.includes):
            found.append(
                f"/etc/apache2/apache2.conf does not read {directory}, where ours would lie beside your sites: add"
                f" `IncludeOptional {directory}/*.{'load' if directory[0] == 'm' else 'conf'}` to it"
            )
    return list(dict.fromkeys(found))


def site_names(state: ForeignState) -> tuple[str, ...]:
    """The names that others' sites go on answering to."""
    named = [site.hostname for site in state.sites if site.hostname]
    return tuple(
        dict.fromkeys([*named, *state.names, *(f"whatever is asked for ({page})" for page in state.pages[:1])])
    )
