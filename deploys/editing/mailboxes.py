"""Changes to mailboxes in mail.yaml, each a function from the file as it is to the file as it shall be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploys.config.addresses.raw import RawAddresses
from deploys.config.base import Place
from deploys.config.reading import errors
from deploys.editing.declared import Declared, Refused, canonical, same
from deploys.values.names import domain_of


def add(file: Declared, address: str, options: Mapping[str, Any]) -> Declared:
    """A new mailbox, after all others."""
    if file.key("mailboxes", canonical(address)) is not None:
        raise Refused(f"{address} has a mailbox already; script/mailbox passwd {address} gives it another password")
    return file.to(file.text.put(("mailboxes",), _as_typed(address), dict(options)))


def put(file: Declared, address: str, option: str, value: Any) -> Declared:
    """One option of a mailbox, anew or for the first time."""
    return file.to(file.text.put(file.mailbox(canonical(address)), option, value))


def disable(file: Declared, address: str) -> Declared:
    """The person cannot log in; messages go on arriving."""
    if file.value["mailboxes"][file.mailbox(canonical(address))[1]].get("login") is False:
        raise Refused(f"{address} cannot log in already; script/mailbox enable {address} lets the person in again")
    return put(file, address, "login", False)


def enable(file: Declared, address: str) -> Declared:
    """The person may log in again."""
    place = file.mailbox(canonical(address))
    if "login" not in file.value["mailboxes"][place[1]]:
        raise Refused(f"{address} may log in already")
    return file.to(file.text.drop((*place, "login")))


def rename(file: Declared, old: str, new: str) -> Declared:
    """Another address for the same person: whatever led to the old one leads to the new one."""
    place, before, after = file.mailbox(canonical(old)), canonical(old), canonical(new)
    if file.key("mailboxes", after) is not None:
        raise Refused(f"{new} has a mailbox already; remove one of the two, or make {old} an alias of {new}")
    renamed = file.to(file.text.rename(place, _as_typed(new)))
    renamed = _redirected(renamed, before, after)
    place = renamed.mailbox(after)
    earlier = renamed.value["mailboxes"][place[1]].get("formerly")  # a second new name does not give up the first one
    if isinstance(earlier, list) and earlier:
        return renamed.to(renamed.text.add((*place, "formerly"), before))
    return put(renamed, new, "formerly", [earlier, before] if earlier else before)


def remove(file: Declared, address: str, to: str | None) -> Declared:
    """No mailbox any more. ``to``: who gets its mail from now on; None: nobody, and no alias may be left empty."""
    place, gone = file.mailbox(canonical(address)), canonical(address)
    left = file.to(file.text.drop(place))
    if to is not None:
        heir = canonical(to)
        if heir == gone:
            raise Refused(f"--to names {address} itself; name somebody else")
        left = _redirected(left, gone, heir)
        for name in (_as_typed(address), *_former(file, place)):
            if left.key("aliases", canonical(name)) is None:
                left = left.to(left.text.put(("aliases",), name, [heir]))
        return left
    return _forgotten(left, gone)


def _redirected(file: Declared, old: str, new: str) -> Declared:
    """``new`` wherever ``old`` gets mail, but once in each list."""
    for place in list(file.leading_to(old)):
        there = any(same(one, new) for one in file.list_at(place))
        file = file.to(file.text.drop(place) if there else file.text.change(place, new))
    return file


def _forgotten(file: Declared, gone: str) -> Declared:
    only = [place for place in file.leading_to(gone) if len(file.list_at(place)) < 2]
    if only:
        places = ", ".join(errors.key(place) for place in only)
        raise Refused(f"{places} would lead to nobody; say --to ADDRESS for who gets that mail from now on")
    for place in list(file.leading_to(gone)):
        file = file.to(file.text.drop(place))
    return file


def _former(file: Declared, place: Place) -> list[str]:
    """The names of before that a mailbox receives by, in domains that are still ours."""
    said = file.value["mailboxes"][place[1]].get("formerly") or []
    ours = RawAddresses.read(file.value).domains
    return [
        _as_typed(name) for name in ([said] if isinstance(said, str) else said) if domain_of(canonical(name)) in ours
    ]


def _as_typed(address: str) -> str:
    """In lower case before and after the @, the domain in the script that the operator writes."""
    return address.lower()
