"""What each observation must show. To ask one more question: have on_host/ say it, and add its line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from deploys.proof.line import CONVERGE, Line
from deploys.proof.observation import Observation
from deploys.proof.plan import Door

LETTERS, WEBMAIL, REFUSALS = "letters", "webmail", "refusals"
FILTER_LOG = f"{CONVERGE}; then: journalctl -u rspamd -n 50"
LOG = f"{CONVERGE}; then: journalctl -u 'postfix*' -u dovecot -n 50"


@dataclass(frozen=True)
class Exam:
    """One question: what it is about, what the answer should be, how to tell, what to do if it is not.

    ``check`` is what on_host/ calls its answer, ``key`` what everybody else does (see Line). ``needs`` names another
    exam (by ``check``) without whose success this one cannot be judged.
    """

    check: str
    key: str
    room: str
    what: str
    expected: str
    right: Callable[[int], bool]
    remedy: str = CONVERGE
    needs: str = ""

    def line(self, one: Observation | None) -> Line:
        """Judge what was seen; a question that was never asked has no answer."""
        if one is None or one.unknown:
            return self.unknown(one.seen if one else "not asked")
        ok = one.code is not None and self.right(one.code)
        return Line(self.key, self.room, self.what, self.expected, one.words, ok, "" if ok else self.remedy)

    def unknown(self, why: str) -> Line:
        """Nobody can know, and why."""
        return Line(self.key, self.room, self.what, self.expected, why, None)


def accepted(code: int) -> bool:
    """SMTP took it."""
    return code == 250


def refused(code: int) -> bool:
    """SMTP refused it for good; 4xx would only put it off (RFC 5321, 4.2.1)."""
    return 500 <= code < 600


def exactly(number: int) -> Callable[[int], bool]:
    """This very status or count."""
    return lambda code: code == number


def lines(
    seen: Sequence[Observation],
    doors: Iterable[Door],
    catches_all: bool,
    others: Sequence[str] = (),
    signs: bool = True,
) -> list[Line]:
    """Every question that these doors raise, answered. ``catches_all``: no domain refuses unknown recipients;
    ``others``: the domains but the first; ``signs``: letters are signed here."""
    by_check = {one.check: one for one in seen}
    done: dict[str, Line] = {}
    for exam in exams(by_check, {door.port: door for door in doors}, catches_all, others, signs):
        need = done.get(exam.needs)
        done[exam.check] = (
            exam.unknown(f"cannot know: {need.what} failed")
            if need and not need.ok
            else exam.line(by_check.get(exam.check))
        )
    return list(done.values())


def exams(
    seen: Mapping[str, Observation], doors: Mapping[int, Door], catches_all: bool, others: Sequence[str], signs: bool
) -> list[Exam]:
    """The probe's letters in, out by every way, and gone; then what must not work. As for ``lines``."""
    first = f"{CONVERGE} first: it makes the probe mailbox"
    has_secret = Exam("probe", "messages.probe", LETTERS, "the probe's secret", "on the host", exactly(1), first)
    if "probe" in seen and seen["probe"].code != 1:
        return [has_secret, *_refusals(catches_all, others)]
    sent = sum(seen[check].code == 250 for check in ("send-587", "send-465") if check in seen)
    return [
        Exam("send-587", "messages.send.587", LETTERS, "letter by 587, STARTTLS", "accepted", accepted),
        Exam("send-465", "messages.send.465", LETTERS, "letter by 465, TLS", "accepted", accepted),
        *[_reader(door, sent) for door in doors.values() if door.kind in ("imap", "imaps", "pop3", "pop3s")],
        Exam(
            "headers", "messages.headers", LETTERS, "From, Date, Message-ID", "each once", exactly(0), LOG, "send-587"
        ),
        *(_signed() if signs else []),
        *[
            Exam("sieve", "messages.managesieve", LETTERS, "log-in to ManageSieve 4190", "OK", exactly(1))
            for port in doors
            if port == 4190
        ],
        Exam(
            "clean",
            "messages.left-behind",
            LETTERS,
            "letters left behind",
            "none",
            exactly(0),
            "look into /var/lib/posthaus-probe/Maildir",
        ),
        *(_webmail(sent) if any(door.kind == "https" for door in doors.values()) else []),
        *_refusals(catches_all, others),
        Exam(
            "send-as-other",
            "refusals.sender",
            REFUSALS,
            "587: sender of somebody else",
            "refused",
            refused,
            needs="send-587",
        ),
    ]


def _reader(door: Door, sent: int) -> Exam:
    how = "TLS" if str(door.kind).endswith("s") else "STARTTLS"
    what = f"read by {door.what} {door.port}, {how}"
    return Exam(f"read-{door.port}", f"messages.read.{door.port}", LETTERS, what, "all whole", _all(sent), LOG)


def _signed() -> list[Exam]:
    blame = (FILTER_LOG, "send-587")
    return [
        Exam("signed", "messages.dkim", LETTERS, "DKIM on its letters", "by RSA and Ed25519", exactly(2), *blame),
        Exam("forged-from", "refusals.from", REFUSALS, "587: From of somebody else", "refused", refused, *blame),
    ]


def _all(sent: int) -> Callable[[int], bool]:
    return lambda count: count == sent > 0


def _webmail(sent: int) -> list[Exam]:
    return [
        Exam("http", "webmail.http", WEBMAIL, "plain HTTP on 80", "leads to https", lambda code: 300 <= code < 400),
        Exam("webmail-page", "webmail.page", WEBMAIL, "log-in page", "200, with its form", exactly(200)),
        Exam(
            "webmail-log-in", "webmail.login", WEBMAIL, "log-in of the probe", "302", exactly(302), needs="webmail-page"
        ),
        Exam(
            "webmail-letters",
            "webmail.messages",
            WEBMAIL,
            "letters in its list",
            "all",
            _all(sent),
            LOG,
            needs="webmail-log-in",
        ),
    ]


def strangers(catches_all: bool, others: Iterable[str]) -> list[Exam]:
    """What port 25 does with strangers' envelopes (plan.envelopes). ``others``: the domains but the first."""
    unknown = Exam(
        "unknown-recipient", "refusals.unknown-recipient", REFUSALS, "25: unknown recipient", "refused", refused
    )
    return [
        Exam("inbound", "refusals.postmaster", REFUSALS, "25: mail for postmaster", "accepted", accepted),
        *[_postmaster(domain) for domain in others],
        *([] if catches_all else [unknown]),
        Exam("relay", "refusals.relay", REFUSALS, "25: relay to elsewhere", "refused", refused),
        Exam("spoofed", "refusals.spoofed", REFUSALS, "25: stranger as one of us", "refused", refused),
    ]


def _postmaster(domain: str) -> Exam:
    key = f"refusals.postmaster.{domain}"
    return Exam(f"inbound-{domain}", key, REFUSALS, f"25: postmaster@{domain}", "accepted", accepted)


def _refusals(catches_all: bool, others: Iterable[str]) -> list[Exam]:
    return [
        *strangers(catches_all, others),
        Exam("auth-25", "refusals.auth.25", REFUSALS, "25: AUTH", "never offered", exactly(0)),
        Exam("auth-587", "refusals.auth.587", REFUSALS, "587: AUTH before TLS", "not offered", exactly(0)),
    ]
