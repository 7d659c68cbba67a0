"""A mail.yaml of what was found: its text, and the files with secrets that it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from deploys.adopting import settings as options
from deploys.adopting.description import Found
from deploys.config.reading import errors
from deploys.editing import scalars

_HEAD = """# {what}, as deploys/adopt.py found it{when}. Nothing was changed there.
# The hashes of passwords are secrets: nobody else may read this file.
"""
_WHY = {
    "hostname": "The name that it greets with, and mail programs connect to",
    "domains": "The domains that it takes mail for",
    "catch_all": "Who gets mail to nobody",
    "postmaster": "Who reads the mail to postmaster@, abuse@ and root",
    "accounts": "Mailboxes are Unix users, with the passwords that they have",
    "relayhost": "Who takes all outgoing mail",
    "quota": "The most that a mailbox may hold of which nothing is said; 0: no limit",
    "tls": "Let's Encrypt, as before",
    "webmail": "Where the webmail was",
    "vmail": "The Unix user vmail is there already, and owns messages",
    "takeover": "What the run may replace; it keeps a copy first. Once it has run, this line may go",
    "messages_from": "Whence the run copies messages into our store, once; the originals stay. Afterwards this may go",
}


@dataclass(frozen=True)
class Written:
    """``text``: mail.yaml; ``files``: by name, relative to it, what it names, all of it secret (0600); ``found``: what
    the text declares; ``not_understood``: sentences about everything else, without secrets."""

    text: str = field(repr=False)
    files: Mapping[str, str] = field(repr=False)
    options: Mapping[str, Any] = field(repr=False)
    not_understood: tuple[str, ...]


def written(found: Found, name: str, what: str, when: str = "") -> Written:
    """``name``: of the file, without ``.yaml``, after which those with secrets are called. ``what``: of which server,
    for its first line; ``when``: such as `` on 2026-11-27``. NothingToAdoptError: there is no mail server in it."""
    made = options.settings(found)
    files: dict[str, str] = {}
    plain = _named(made.options, name, files, ())
    lines = [_HEAD.format(what=what, when=when)]
    for key, value in plain.items():
        lines += [f"# {_WHY[key]}"] if key in _WHY else []
        lines += [*_section(key, value, found), ""]
    refused = [f"{errors.key(place)}: {text}" for place, text in made.refused.items()]
    told = (*found.not_understood, *made.remarks, *refused)
    lines += [*(["# Not understood, or not as it was:"] if told else []), *(f"# - {_one_line(one)}" for one in told)]
    return Written("\n".join(lines).rstrip() + "\n", files, plain, told)


def _named(value: Any, name: str, files: dict[str, str], place: tuple[str, ...]) -> Any:
    """``value`` with the name of a file in the place of each secret, which ``files`` gets."""
    if isinstance(value, SecretStr):
        about = "relayhost.password" if place[0] == "relayhost" else f"dkim-{place[1]}.pem"
        files[f"{name}.{about}"] = value.get_secret_value()
        return {"file": f"{name}.{about}"}
    if isinstance(value, Mapping):
        return {key: _named(one, name, files, (*place, str(key))) for key, one in value.items()}
    return value


def _section(key: str, value: Any, found: Found) -> Iterator[str]:
    if key == "domains":
        yield from _domains(value)
    elif key in ("mailboxes", "aliases"):
        rows: Iterable[Any] = found.mailboxes if key == "mailboxes" else found.aliases
        yield from _with_sources(key, value, {one.address: one.source for one in rows})
    elif key in ("catch_all", "messages_from"):
        yield from _with_sources(key, value, {})
    else:
        yield f"{key}: {scalars.flow(value)}"


def _domains(value: Mapping[str, Any]) -> Iterator[str]:
    if not any(value.values()):
        yield f"domains: {scalars.flow(list(value))}"
        return
    yield "domains:"
    yield from (f"  {scalars.scalar(domain)}: {scalars.flow(said)}" for domain, said in value.items())


def _with_sources(key: str, value: Mapping[str, Any], sources: Mapping[str, str]) -> Iterator[str]:
    """One line each; before the first of those that come from one place, that place."""
    yield f"{key}:"
    last = ""
    for address, said in value.items():
        source = sources.get(address, "")
        if source and source != last:
            yield f"  # {_one_line(source)}"
        last = source
        yield f"  {scalars.scalar(address)}: {scalars.flow(said)}"


def _one_line(text: str) -> str:
    """As it may stand in a comment, and on a terminal."""
    return "".join(one if one.isprintable() else " " for one in text)
