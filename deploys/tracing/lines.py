"""Lines of logs as steps of messages: when, whose, and what happened, in words (postfix(1), rspamd, Pigeonhole)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

HEAD = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\S* \S+ ([\w./-]+)\[\d+\]: (.*)")
QUEUE = r"(?P<queue>[0-9A-Za-z]{6,})"
MOST_SYMBOLS = 6
ACTIONS = {
    "no action": "no spam",
    "add header": "Junk",
    "reject": "refused",
    "soft reject": "to come again",
    "greylist": "to come again",
    "rewrite subject": "marked",
}


@dataclass(frozen=True)
class Step:
    """``at``: date and time of the host. ``kind``: accepted, judged, refused, held, dropped, stored, sent, waits,
    bounced, passed, or mailbox (Dovecot has it) and named. ``queue``, ``message``: what it is of, as far as its line
    says. ``about``: the mailbox or address that it happened to; where rspamd judged, its action."""

    at: str
    kind: str
    text: str
    queue: str = ""
    message: str = ""
    about: str = ""


def step(line: str) -> Step | None:
    """What one line of journalctl (short-iso) says; None: nothing that a person asks."""
    head = HEAD.match(line)
    if not head:
        return None
    date, time, program, rest = head.groups()
    for begins, pattern, read in READERS:
        if program.startswith(begins) and (found := re.match(pattern, rest)):
            return read(f"{date} {time}", program, found)
    return None


def _identified(at: str, program: str, found: re.Match[str]) -> Step:
    return Step(at, "named", "", found["queue"], found["message"])


def _handed_in(at: str, program: str, found: re.Match[str]) -> Step:
    login = re.search(r"sasl_username=([^,\s]+)", found["more"])
    if "sieve/" in program:
        text = f"written or sent on by a rule of {login[1] if login else 'somebody'}"
    elif login:
        text = f"handed in by {login[1]}, who had logged in, from {found['client']}"
    else:
        text = f"handed in by {found['client']}"
    return Step(at, "accepted", text, found["queue"])


def _written_here(at: str, program: str, found: re.Match[str]) -> Step:
    return Step(at, "accepted", f"written on the host itself, by Unix user {found['uid']}", found["queue"])


def _queued(at: str, program: str, found: re.Match[str]) -> Step:
    sender = found["sender"] or "nobody (a bounce or a notice)"
    return Step(at, "passed", f"accepted, from {sender}, {found['size']} bytes", found["queue"], about=found["sender"])


def _refused(at: str, program: str, found: re.Match[str]) -> Step:
    to, why = found["to"] or "", found["why"]
    later = re.match(r"4(\d\d|\.)", why)
    text = f"put off while it was handed in (whoever sends it tries again): {why}" if later else f"refused: {why}"
    source = f", from {found['sender']}" if found["sender"] else ""
    queue = "" if found["queue"] == "NOQUEUE" else found["queue"]
    return Step(at, "refused", f"{text} (by {found['client']}{source})", queue, about=to)


def _held(at: str, program: str, found: re.Match[str]) -> Step:
    why = found["why"].partition(": End-of-data ")[2] or found["why"]
    return Step(at, "held", f"on hold until somebody releases it (deploys/held.py): {why}", found["queue"])


def _released(at: str, program: str, found: re.Match[str]) -> Step:
    return Step(at, "passed", "released by somebody with root's rights, and tried now", found["queue"])


def _dropped(at: str, program: str, found: re.Match[str]) -> Step:
    return Step(at, "dropped", "deleted from the queue by somebody with root's rights", found["queue"])


def _delivered(at: str, program: str, found: re.Match[str]) -> Step:
    to, relay, status, said = found["to"], found["relay"], found["status"], found["said"]
    if status == "sent" and "private/" in relay:
        return Step(at, "mailbox", "given to Dovecot", found["queue"], about=to)
    if status == "sent" and relay.startswith("127.0.0.1["):  # a hop of our own, to be signed or given another sender
        return Step(at, "passed", "goes through Postfix once more", found["queue"], about=to)
    if status == "sent":
        return Step(at, "sent", f"taken by {relay}: {said}", found["queue"], about=to)
    if status == "deferred":
        return Step(at, "waits", f"waits, and is tried again: {said}", found["queue"], about=to)
    return Step(at, "bounced", f"not delivered, and its sender was told: {said}", found["queue"], about=to)


def _judged(at: str, program: str, found: re.Match[str]) -> Step:
    symbols = re.findall(r"([A-Z][A-Z0-9_]+)\((-?[\d.]+)\)", found["symbols"])
    telling = sorted(((float(points), name) for name, points in symbols if float(points)), key=lambda one: -abs(one[0]))
    why = ", ".join(f"{name} {points:+.2f}" for points, name in telling[:MOST_SYMBOLS])
    action = ACTIONS.get(found["action"], found["action"])
    text = f"rspamd: {action}, {found['points']} points (Junk from {found['limit']} on)" + (f": {why}" if why else "")
    return Step(at, "judged", text, found["queue"] or "", found["message"], about=found["action"])


def _stored(at: str, program: str, found: re.Match[str]) -> Step:
    did = found["did"]
    about, message = found["box"], found["message"]
    if folder := re.search(r"stored mail into mailbox '(.*)'", did):
        by_rule = "" if folder[1] == "INBOX" else ", by a rule"
        return Step(at, "stored", f"stored in {folder[1]}{by_rule}", message=message, about=about)
    if onward := re.search(r"forwarded to <(.*)>", did):
        return Step(at, "passed", f"a rule sends it on to {onward[1]}", message=message, about=about)
    if "Marked message to be discarded" in did or "discarded duplicate" in did:
        return Step(at, "stored", "a rule threw it away", message=message, about=about)
    return Step(at, "passed", did, message=message, about=about)


_CLIENT = r"(?P<client>\S+\[[^\]]*\])"
READERS: tuple[tuple[str, str, Callable[[str, str, re.Match[str]], Step]], ...] = (
    ("postfix/", rf"{QUEUE}: (?:resent-)?message-id=<?(?P<message>[^>\s]+)>?", _identified),
    ("postfix/", rf"{QUEUE}: client={_CLIENT}(?P<more>.*)", _handed_in),
    ("postfix/", rf"{QUEUE}: uid=(?P<uid>\d+) from=", _written_here),
    ("postfix/qmgr", rf"{QUEUE}: from=<(?P<sender>[^>]*)>, size=(?P<size>\d+)", _queued),
    (
        "postfix/",
        rf"{QUEUE}: (?:milter-)?reject: \S+ from {_CLIENT}: (?P<why>.*?);"
        r" from=<(?P<sender>[^>]*)>(?: to=<(?P<to>[^>]*)>)?",
        _refused,
    ),
    ("postfix/", rf"{QUEUE}: hold: \S+ from {_CLIENT}: (?P<why>.*?); from=<", _held),
    ("postfix/postsuper", rf"{QUEUE}: released from hold", _released),
    ("postfix/postsuper", rf"{QUEUE}: removed", _dropped),
    (
        "postfix/",
        rf"{QUEUE}: to=<(?P<to>[^>]*)>,.* relay=(?P<relay>[^,]+),.* status=(?P<status>\S+) \((?P<said>.*)\)",
        _delivered,
    ),
    (
        "rspamd",
        r".*rspamd_task_write_log: id: <(?P<message>[^>]*)>, (?:qid: <(?P<queue>[^>]*)>, )?.*?"
        r"\(default: \w \((?P<action>[^)]*)\): \[(?P<points>-?[\d.]+)/(?P<limit>[-\d.]+)\] \[(?P<symbols>.*?)\]\), len",
        _judged,
    ),
    ("dovecot", r"lmtp\((?P<box>[^)]+)\)<.*?sieve: msgid=<?(?P<message>[^>:]*)>?: (?P<did>.*)", _stored),
)
