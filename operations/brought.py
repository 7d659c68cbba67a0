"""Messages that another server stored on the host, copied once into our own store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyinfra import host

from facts.brought import Brought
from facts.state import BROUGHT, tree_state
from facts.survey import Question, question
from operations.script import script
from operations.survey import ask, looks
from operations.telling import takes, tell

SECONDS = (2, 600)  # 3,000 messages took 3 to 11 s
STAGE = "/var/lib/posthaus-brought"  # others than root find their copies there


@dataclass(frozen=True)
class Source:
    """Where a login's messages lie. ``place``: as Dovecot says it in one line; ``driver`` and ``path`` of it, and
    ``inbox``, ``control`` and ``index`` where they lie elsewhere, and ``second``, the alternative storage of dbox;
    ``layout``: ``fs`` for a Maildir whose folders lie in one another; ``sieve``: the active script.

    ``user``: who shall own the copy; ``home``: where it goes ("": that user's own home); ``trusted``: the store was
    no person's, so that it is read as root where it is another user's.
    """

    place: str
    driver: str
    path: str
    user: str
    home: str = ""
    inbox: str = ""
    control: str = ""
    index: str = ""
    second: str = ""
    layout: str = ""
    sieve: str = ""
    trusted: bool = True


def _of_brought(sources: Mapping[str, Source], **_: object) -> list[Question[dict[str, str]]]:
    return [question(Brought)] if sources else []


@looks(_of_brought)
def in_place(sources: Mapping[str, Source]):  # type: ignore[no-untyped-def]
    """
    Copy each login's messages, with flags, UIDs, folders and subscriptions, into the store that dovecot.conf names.
    What lies there already stays; the originals are only read. Call it between writing dovecot.conf and starting
    Dovecot: both servers stand still meanwhile, and Postfix goes on doing so until it is ours.

    + sources: by login

    Says on stdout, of each: ``brought LOGIN COUNT`` or ``unbrought LOGIN why``; the latter are tried again next time.
    """
    if not sources:
        host.noop("no messages lie elsewhere")
        return
    (about,) = _of_brought(sources)
    done = ask(about)
    left = {login: source for login, source in sources.items() if done.get(login) != source.place}
    if not left:
        host.noop("the messages that lay elsewhere are copied")
        return
    takes(f"copying the messages of {len(left)} mailbox{'' if len(left) == 1 else 'es'}", SECONDS)
    tell("brought", "messages", *left)
    rows = "".join("\t".join(one or "-" for one in _row(login, source)) + "\n" for login, source in left.items())
    yield script("brought.sh", BROUGHT, STAGE, tree_state("/etc/postfix"), stdin=rows)


def _row(login: str, source: Source) -> tuple[str, ...]:
    trusted = "root" if source.trusted else source.user
    parts = (source.driver, source.path, source.inbox, source.control, source.index, source.sieve)
    more = (source.second, source.layout)
    return (login, source.place, source.user, source.home, trusted, *parts, *more)
