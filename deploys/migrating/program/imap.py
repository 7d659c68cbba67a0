"""Both servers over IMAP (RFC 9051): which folders there are, and which messages lie in them."""

from __future__ import annotations

import contextlib
import hashlib
import imaplib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from typing import Any

from deploys.values.utf7 import decoded, encoded

SECONDS = 300  # longest wait for an answer: an old server may search a large folder for minutes
AT_ONCE = 500  # messages that one command names: a line of a command has a limit
ABOUT = ("Message-ID", "Date", "From", "Subject")
_LIST = re.compile(rb'\((?P<flags>[^)]*)\) (?P<delimiter>NIL|"\\?.") (?P<name>.*)', re.DOTALL)
_UID, _SIZE = re.compile(rb"\bUID (\d+)"), re.compile(rb"RFC822\.SIZE (\d+)")


class Failed(Exception):
    """Why something was not done, in words for an administrator."""


@dataclass(frozen=True)
class Folder:
    """One that can hold messages, named as people name it; ``flags``: lower case, such as ``\\sent``."""

    name: str
    delimiter: str = "/"
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Messages:
    """What a folder holds: UIDs, which mean the same messages for as long as ``validity`` stays. ``following``: the
    next UID."""

    validity: int = 0
    following: int = 1
    uids: frozenset[int] = field(default=frozenset(), repr=False)
    sizes: Mapping[int, int] = field(default_factory=dict, repr=False)  # bytes


class Server:
    """Somebody who is logged in. All names are as people write them. Failed says what the server refuses; ``refused``
    is what it said when it did not open a folder."""

    def __init__(self, client: imaplib.IMAP4) -> None:
        self.client, self.refused = client, ""

    def folders(self) -> list[Folder]:
        """Those that are one's own and can hold messages."""
        others = self._others()
        found = [listed for line in self._said("LIST", '""', "*") if (listed := _listed(line))]
        mine = [one for one in found if not any(one.name.startswith(prefix) for prefix in others)]
        return [one for one in mine if not {"\\noselect", "\\nonexistent"} & one.flags]

    def subscribed(self) -> set[str]:
        """Names of folders."""
        return {listed.name for line in self._said("LSUB", '""', "*") if (listed := _listed(line))}

    def subscribe(self, name: str) -> None:
        self._do("SUBSCRIBE", _quoted(name))

    def create(self, name: str) -> None:
        self._do("CREATE", _quoted(name))

    def messages(self, name: str, sizes: bool = False) -> Messages:
        """All that lies in a folder, with ``sizes`` if wanted; Messages() where there is no such folder."""
        if not self._open(name):
            return Messages()
        validity, following = (self._number(word) for word in ("UIDVALIDITY", "UIDNEXT"))
        found = self._uids("1:*", "(UID RFC822.SIZE)" if sizes else "(UID)") if self._number("EXISTS") else {}
        return Messages(validity, following or max(found, default=0) + 1, frozenset(found), found)

    def number(self, name: str) -> int:
        """How many messages lie in a folder."""
        return self._number("EXISTS") if self._open(name) else 0

    def newer(self, name: str, uid: int) -> set[int]:
        """The UIDs in a folder from ``uid`` on."""
        there = self._open(name) and self._number("EXISTS")
        return {one for one in self._uids(f"{uid}:*") if one >= uid} if there else set()

    def room(self) -> int | None:
        """How many bytes the quota leaves (RFC 2087); None: there is no limit."""
        if "QUOTA" not in self.client.capabilities:
            return None
        told = self._asked(lambda: self.client.getquotaroot("INBOX"), "GETQUOTAROOT")
        found = re.findall(rb"STORAGE (\d+) (\d+)", b" ".join(line for part in told for line in part if line))
        return min((max(0, int(most) - int(used)) * 1024 for used, most in found), default=None)

    def close(self) -> None:
        """Whatever the server thinks of it."""
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            self.client.logout()

    def identities(self, name: str, uids: Collection[int] | None = None) -> dict[int, str]:
        """By UID, a digest of what a message says of itself: the same wherever it lies. That of one without a
        Message-ID begins with "?", for two of them may look alike. Failed where there have been ``uids``, and the
        folder cannot be opened: messages that are not recognized would come twice."""
        if not self._open(name):
            if uids:
                raise Failed(f"the server does not open {name}: {self.refused}")
            return {}
        if not self._number("EXISTS"):
            return {}
        wanted = ["1:*"] if uids is None else list(_parts(sorted(uids)))
        return {uid: known for part in wanted for uid, known in self._identities(part)}

    def _identities(self, uids: str) -> Iterator[tuple[int, str]]:
        answers = self._fetched(uids, f"(UID BODY.PEEK[HEADER.FIELDS ({' '.join(ABOUT).upper()})])")
        for answer, rest in zip(answers, [*answers[1:], b""], strict=True):
            if not isinstance(answer, tuple):
                continue
            behind = rest if isinstance(rest, bytes) else b""  # a server may tell the UID after the header
            if found := _UID.search(answer[0]) or _UID.search(behind):
                yield int(found[1]), identity(answer[1])

    def _uids(self, uids: str, what: str = "(UID)") -> dict[int, int]:
        """UID to size, where that is asked."""
        lines = [answer for answer in self._fetched(uids, what) if isinstance(answer, bytes)]
        told = [(_UID.search(line), _SIZE.search(line)) for line in lines]
        return {int(uid[1]): int(size[1]) if size else 0 for uid, size in told if uid}

    def _fetched(self, uids: str, what: str) -> list[Any]:
        return self._asked(lambda: self.client.uid("FETCH", uids, what), "FETCH")

    def _open(self, name: str) -> bool:
        """Without a change to any message."""
        try:
            status, answer = self.client.select(_quoted(name), readonly=True)
            self.refused = "" if status == "OK" else text(answer)
        except (OSError, imaplib.IMAP4.abort) as why:
            raise Failed(f"the connection was lost: {why}") from None
        except imaplib.IMAP4.error as why:
            self.refused = str(why)
            return False
        return status == "OK"

    def _number(self, word: str) -> int:
        told = self.client.untagged_responses.get(word) or [b"0"]
        return int(str(text(told[-1:])) or 0)

    def _others(self) -> list[str]:
        """Prefixes of what other people and all people share (RFC 2342)."""
        if "NAMESPACE" not in self.client.capabilities:
            return []
        answer = b" ".join(line for line in self._asked(self.client.namespace, "NAMESPACE") if isinstance(line, bytes))
        namespaces = _balanced(answer.decode("utf-8", "replace"))[1:]
        return [decoded(prefix) for one in namespaces for prefix in re.findall(r'\("((?:[^"\\]|\\.)+)"', one)]

    def _said(self, word: str, *arguments: str) -> list[Any]:
        name = {"LIST": self.client.list, "LSUB": self.client.lsub}[word]
        return [line for line in self._asked(lambda: name(*arguments), word) if line]

    def _do(self, word: str, *arguments: str) -> None:
        self._asked(lambda: getattr(self.client, word.lower())(*arguments), word)

    def _asked(self, ask: Any, word: str) -> list[Any]:
        try:
            status, answer = ask()
        except (OSError, imaplib.IMAP4.abort) as why:
            raise Failed(f"the connection was lost: {why}") from None
        except imaplib.IMAP4.error as why:
            raise Failed(f"the server refuses {word}: {why}") from None
        if status != "OK":
            raise Failed(f"the server refuses {word}: {text(answer)}")
        return list(answer)


def identity(header: bytes) -> str:
    """A digest, which begins with "?" where there is no Message-ID."""
    found = BytesHeaderParser().parsebytes(header)
    told = [" ".join(str(found.get(name) or "").split()) for name in ABOUT]
    digest = hashlib.sha256("\n".join(told).encode("utf-8", "surrogateescape")).hexdigest()
    return digest if told[0] else f"?{digest}"


def _listed(line: Any) -> Folder | None:
    """``line``: as imaplib has it; a name in a literal is a tuple."""
    text = line[0].rpartition(b"{")[0] + line[1] if isinstance(line, tuple) else line
    found = _LIST.match(text) if isinstance(text, bytes) else None
    if not found:
        return None
    delimiter = found["delimiter"].decode().strip('"').removeprefix("\\") if found["delimiter"] != b"NIL" else ""
    name = found["name"].decode("utf-8", "replace")
    if name.startswith('"'):
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    name = "INBOX" if name.upper() == "INBOX" else decoded(name)
    return Folder(name, delimiter, frozenset(found["flags"].decode("ascii", "replace").lower().split()))


def _balanced(text: str) -> list[str]:
    """The parts of ``(…) NIL (…)``: parentheses may stand in each other."""
    parts, depth, begun = [], 0, 0
    for at, one in enumerate(text):
        if one == "(":
            begun = at if not depth else begun
            depth += 1
        elif one == ")":
            depth -= 1
            if not depth:
                parts.append(text[begun : at + 1])
        elif one == "N" and not depth:
            parts.append("")
    return parts


def _parts(uids: list[int]) -> Iterator[str]:
    for first in range(0, len(uids), AT_ONCE):
        yield ",".join(map(str, uids[first : first + AT_ONCE]))


def _quoted(name: str) -> str:
    return '"' + encoded(name).replace("\\", "\\\\").replace('"', '\\"') + '"'


def text(answer: Any) -> str:
    return b" ".join(one for one in answer if isinstance(one, bytes)).decode("utf-8", "replace")
