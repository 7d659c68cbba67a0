"""What was found, as options of mail.yaml that this project takes; what it does not take is named, with the reason."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr, ValidationError

from deploys.adopting.description import Found, FoundAlias, FoundKey, FoundMailbox, FoundRelayhost
from deploys.config import password
from deploys.config.base import Place
from deploys.config.mailserver import MailServer
from deploys.config.reading import errors
from deploys.config.reading.shape import without_blanks
from deploys.records import dkimkey
from deploys.records.options import DomainRecords
from deploys.values import hashes, sizes

ROUNDS = 1000  # each takes away at least one thing that was refused


class NothingToAdoptError(ValueError):
    """Why no mail.yaml can be made of what was found, as a sentence."""


@dataclass
class Settings:
    """``options``: a mapping as mail.yaml has it, which is good; a secret in it is a SecretStr. ``refused``: by the
    keys that lead to it, what was found and is not in ``options``, and why. ``remarks``: what is there, but not as it
    was. All of them sentences without secrets."""

    options: dict[str, Any]
    refused: dict[Place, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def settings(found: Found) -> Settings:
    """The options for ``found``. NothingToAdoptError where it has no domain or no mailbox that would do."""
    made = Settings({})
    options = made.options
    boxes = {box.address: _mailbox(box, found, made) for box in found.mailboxes}
    options["hostname"] = _host_name(found, made)
    options["domains"] = _domains(found, made)
    options["mailboxes"] = boxes
    aliases = {one.address: list(one.targets) for one in found.aliases if not _says_nothing(one, boxes)}
    if aliases:
        options["aliases"] = {alias: _with_copy(alias, to, boxes, made) for alias, to in aliases.items()}
    optional: dict[str, Any] = {
        "catch_all": dict(found.catch_all),
        "postmaster": found.postmaster,
        "accounts": "system" if found.accounts == "system" else None,
        "message_size": sizes.in_words(found.message_size) if found.message_size else None,
        "relayhost": _relayhost(found.relayhost, made) if found.relayhost else None,
        "tls": {"acme": {"email": found.acme}} if found.acme else None,
        "webmail": _webmail(found),
        "vmail": _owner(found),
        "takeover": list(found.takeover),
        "messages_from": {box.address: _store(box) for box in found.mailboxes if box.messages},
    }
    options.update({name: value for name, value in optional.items() if value})
    options["quota"] = sizes.in_words(found.quota) if found.quota else 0
    _until_good(made)
    return made


def _store(box: FoundMailbox) -> str | dict[str, str]:
    return {"messages": box.messages, "sieve": box.sieve} if box.sieve else box.messages


def _host_name(found: Found, made: Settings) -> str:
    """One that is no mail domain, too: what is for the host itself would be taken for Unix users' mail."""
    if found.hostname.lower() not in map(str.lower, found.domains):
        return found.hostname
    made.remarks.append(
        f"hostname: {found.hostname} is a mail domain as well, so the server is called mail.{found.hostname} now: the"
        " DNS has to know that name, and the address's reverse name has to be it"
    )
    return f"mail.{found.hostname}"


def _says_nothing(alias: FoundAlias, boxes: Mapping[str, Any]) -> bool:
    return alias.targets == (alias.address,) and alias.address in boxes


def _mailbox(box: FoundMailbox, found: Found, made: Settings) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if found.accounts != "system":
        said["password"] = _hash(box, made)
    if box.name and (name := " ".join(box.name.split())):
        said["name"] = name
    if box.quota is not None:
        said["quota"] = sizes.in_words(box.quota) if box.quota else 0
    if not box.active:
        said["login"] = False
    return said


def _hash(box: FoundMailbox, made: Settings) -> str:
    """The hash that counts from now on: the same, or of the same password; of nobody's where it cannot be read."""
    text = box.password or ""
    try:
        if clear := hashes.clear_text(text):
            return password.argon2(clear)
        return hashes.canonical(text)
    except ValueError:
        kind = hashes.kind(text) or ("of no kind that is known" if text else "none that could be read")
        made.remarks.append(
            f"{box.address}: its password ({kind}) cannot be taken over, so nobody can log in there until you choose"
            f" one: script/mailbox passwd {box.address}"
        )
        return password.argon2(secrets.token_urlsafe(32))


def _domains(found: Found, made: Settings) -> dict[str, Any]:
    """One that stands for another has lines of its own only where it has a key."""
    said = {domain: _domain(domain, found.keys, made) for domain in found.domains}
    for old, new in found.former_domains.items():
        if new not in said:
            made.remarks.append(f"{old}: its mail was for {new}, which is none of the domains, so it is left out")
            continue
        said[new] = {**said[new], "formerly": [*said[new].get("formerly", ()), old]}
        if (key := _domain(old, found.keys, made)) and old not in said:
            said[old] = key
    return said


def _domain(domain: str, keys: tuple[FoundKey, ...], made: Settings) -> dict[str, Any]:
    key = next((one for one in keys if one.domain.lower() == domain.lower()), None)
    if not key:
        return {}
    try:
        pem = dkimkey.usable(key.key.encode(), key.path)
        DomainRecords.model_validate({"dkim": {"selector": key.selector}})
    except ValidationError:
        why = f"its selector {key.selector} is none that mail.yaml can name (small letters, digits and hyphens)"
    except ValueError as error:
        why = str(error)
    else:
        return {"dkim": {"selector": key.selector, "key": SecretStr(pem)}}
    made.remarks.append(
        f"{domain}: its DKIM key is not taken over, a new one is made, and its record has to be published: {why}"
    )
    return {}


def _with_copy(alias: str, targets: list[str], boxes: Mapping[str, Any], made: Settings) -> list[str]:
    if alias not in boxes or alias in targets:
        return targets
    made.remarks.append(
        f"{alias}: what arrives was only sent on to {', '.join(targets)}; now a copy stays in the mailbox, too"
    )
    return [alias, *targets]


def _relayhost(relay: FoundRelayhost, made: Settings) -> dict[str, Any]:
    if relay.username and not relay.password:
        made.remarks.append(f"relayhost {relay.host}: the password of {relay.username} was not found; write it down")
        return {}
    login = {"username": relay.username, "password": SecretStr(relay.password)} if relay.username else {}
    way = {"tls": "implicit"} if relay.implicit else {}
    return {"host": relay.host, "port": relay.port, **way, **login}


def _webmail(found: Found) -> dict[str, Any]:
    program = {"program": found.program} if found.program == "roundcube" else {}
    return {"hostname": found.webmail, **program} if found.webmail else {}


def _owner(found: Found) -> dict[str, Any]:
    """A number that is written down says that the account may be used as it is: it owns the messages already."""
    if not found.vmail:
        return {}
    uid, gid = found.vmail
    return {"uid": uid} if uid == gid else {"uid": uid, "gid": gid}


def _until_good(made: Settings) -> None:
    """Take away whatever is refused, until the rest is taken."""
    for _ in range(ROUNDS):
        try:
            MailServer.model_validate(without_blanks(MailServer, made.options), context={"base": "."})
            return
        except ValidationError as error:
            found = errors.problems(error, MailServer)
        places = [(place, text) for place, text in found if place]
        if not places or not _take_away(made, places):
            raise NothingToAdoptError(_why_not([text for _, text in found], made))
    raise NothingToAdoptError(_why_not([], made))


def _take_away(made: Settings, problems: list[tuple[Place, str]]) -> bool:
    """Whether anything could be. Of a list one entry at a time: the others are at other places then."""
    taken = False
    for place, text in sorted(problems, key=lambda one: (-len(one[0]), str(one[0]))):
        taken = _removed(made, place[: _DEPTHS.get(str(place[0]), 1)], text) or taken
    return taken


# How many of the keys that lead to what is refused lead to what is taken away: an attribute, a target, else all of it.
_DEPTHS = {"mailboxes": 3, "aliases": 3, "domains": 3, "catch_all": 2, "messages_from": 2}
_NEEDED = {("hostname",), ("domains",), ("mailboxes",)}


def _removed(made: Settings, place: Place, text: str) -> bool:
    here: Any = made.options
    for part in place[:-1]:
        here = here.get(part) if isinstance(here, Mapping) else None
    last = place[-1]
    if isinstance(here, list) and isinstance(last, int):
        value = here[last] if last < len(here) else None
        if value is None or any(where[:-1] == place[:-1] and why == text for where, why in made.refused.items()):
            return False
        made.refused[(*place[:-1], str(value))] = text
        here.remove(value)
        if not here:
            made.options[str(place[0])].pop(place[1])
        return True
    if not isinstance(here, dict) or last not in here or place in _NEEDED:
        return False
    del here[last]
    made.refused[place] = text
    _forget(made, place)
    return True


def _forget(made: Settings, place: Place) -> None:
    """What says more of a mailbox goes with it."""
    if place[0] == "mailboxes" and len(place) == 2:
        made.options.get("messages_from", {}).pop(place[1], None)
    for section in ("aliases", "catch_all", "messages_from"):
        if section in made.options and not made.options[section]:
            del made.options[section]


def _why_not(reasons: list[str], made: Settings) -> str:
    for place, what in (
        (("hostname",), "no host name"),
        (("domains",), "no mail domain"),
        (("mailboxes",), "no mailbox"),
    ):
        if not made.options.get(str(place[0])):
            gone = "; ".join(f"{errors.key(where)}: {text}" for where, text in made.refused.items())
            return f"there is {what} that a mail.yaml could name" + (f" ({gone})" if gone else "")
    return "; ".join(reasons) or "what was found contradicts itself"
