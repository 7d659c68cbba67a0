"""DKIM's private keys: made on the host once, or given by the operator; never replaced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from facts.dkim import KNOWN, DkimKeys, Keys
from facts.survey import Question, question
from operations.script import script
from operations.survey import ask, looks
from operations.telling import tell


@dataclass(frozen=True)
class GivenKey:
    """An operator's own key: ``pem`` (PKCS #8, unlocked), and the SHA-256 of its public half (DER) in hex."""

    pem: str = field(repr=False)
    digest: str


def _of_keys(directory: str, given: Mapping[str, GivenKey], group: str, **_: object) -> list[Question[Keys]]:
    return [question(DkimKeys, directory=directory, group=group, given=sorted(given))]


@looks(_of_keys)
def keys(directory: str, names: Iterable[str], given: Mapping[str, GivenKey], group: str):  # type: ignore[no-untyped-def]
    """
    A key for each of ``names`` below ``directory`` as NAME.key, readable by root and ``group``.

    + directory: made if missing
    + names: DOMAIN.SELECTOR; one that ends in -ed25519 is an Ed25519 key (RFC 8463), the others RSA of 2048 bits
    + given: name to the operator's own key, instead of one made here
    + group: who signs with them

    What lies there stays: its public half is published. Another given key for the same name is an error, and so is one
    that lay there once and is gone.
    """
    wanted = sorted(names)
    (about,) = _of_keys(directory, given, group)
    there = ask(about)
    others = [name for name, key in given.items() if there.digests.get(name) not in (None, "", key.digest)]
    if others:  # a failing command, for an exception would end the run on all hosts
        yield StringCommand("echo", QuoteString(_other(others)), ">&2; exit 1")
        return
    lost = sorted((set(wanted) & set(there.known)) - set(there.digests) - set(given))
    if lost:
        yield StringCommand("echo", QuoteString(_lost(directory, lost)), ">&2; exit 1")
        return
    if set(wanted) <= set(there.digests) & set(there.known) - set(there.unnoted) and not there.loose:
        host.noop(f"{len(wanted)} keys of DKIM are there")
        return
    tell("keys", directory, *sorted(set(wanted) - set(there.digests)))
    pem = {name: key.pem.strip().replace("\n", "\\n") for name, key in given.items()}
    lines = "".join(f"{name} {pem.get(name, '')}".rstrip() + "\n" for name in wanted)
    yield script("dkim.sh", directory, group, stdin=lines, KNOWN=KNOWN)


def _lost(directory: str, names: list[str]) -> str:
    gone = " ".join(f"{directory}/{name}.key" for name in names)
    given_up = " ".join(f"{KNOWN}/{name}" for name in names)
    return (
        f"{', '.join(names)}: lay on this host and does not any more, and its public half is published; a new one would"
        f" not fit it. Restore {gone} from a backup, or declare a new dkim.selector for the domain, or give the key up:"
        f" rm {given_up}, run again, and publish the new record (deploys/dns.py)"
    )


def _other(names: list[str]) -> str:
    return (
        f"{', '.join(names)}: another key than the given one lies on this host, and is published;"
        " declare a new selector for the given key"
    )
