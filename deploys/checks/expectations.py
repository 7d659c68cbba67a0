"""What each observation must show. To ask one more question: have remote/ say it, and add its result here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from deploys.checks.observation import Observation
from deploys.checks.plan import Listener
from deploys.result import CONVERGE, CheckResult

MESSAGES, WEBMAIL, REFUSALS = "messages", "webmail", "refusals"
RSPAMD_LOG = f"{CONVERGE}; then: journalctl -u rspamd -n 50"
LOG = f"{CONVERGE}; then: journalctl -u 'postfix*' -u dovecot -n 50"


@dataclass(frozen=True)
class Expectation:
    """One question: what it is about, what the answer should be, how to tell, what to do if it is not.

    ``check`` is what remote/ calls its answer, ``key`` what everybody else does (see Line). ``needs`` names another
    expectation (by ``check``) without whose success this one cannot be judged.
    """

    check: str
    key: str
    group: str
    what: str
    expected: str
    right: Callable[[int], bool]
    remedy: str = CONVERGE
    needs: str = ""

    def result(self, one: Observation | None) -> CheckResult:
        """Judge what was seen; a question that was never asked has no answer."""
        if one is None or one.unknown:
            return self.unknown(one.seen if one else "not asked")
        ok = one.code is not None and self.right(one.code)
        return CheckResult(self.key, self.group, self.what, self.expected, one.answer, ok, "" if ok else self.remedy)

    def unknown(self, why: str) -> CheckResult:
        """Nobody can know, and why."""
        return CheckResult(self.key, self.group, self.what, self.expected, why, None)


def accepted(code: int) -> bool:
    """SMTP took it."""
    return code == 250


def refused(code: int) -> bool:
    """SMTP refused it for good; 4xx would only put it off (RFC 5321, 4.2.1)."""
    return 500 <= code < 600


def exactly(number: int) -> Callable[[int], bool]:
    """This very status or count."""
    return lambda code: code == number


def results(
    seen: Sequence[Observation],
    ports: Iterable[Listener],
    catches_all: bool,
    others: Sequence[str] = (),
    signs: bool = True,
) -> list[CheckResult]:
    """The results for what these ports serve. ``catches_all``: no domain refuses unknown recipients;
    ``others``: the domains but the first; ``signs``: messages are signed here."""
    by_check = {one.check: one for one in seen}
    done: dict[str, CheckResult] = {}
    for expectation in expectations(
        by_check, {listener.port: listener for listener in ports}, catches_all, others, signs
    ):
        need = done.get(expectation.needs)
        done[expectation.check] = (
            expectation.unknown(f"cannot know: {need.what} failed")
            if need and not need.ok
            else expectation.result(by_check.get(expectation.check))
        )
    return list(done.values())


def expectations(
    seen: Mapping[str, Observation],
    ports: Mapping[int, Listener],
    catches_all: bool,
    others: Sequence[str],
    signs: bool,
) -> list[Expectation]:
    """The probe's messages in, out by every protocol, and gone; then what must not work. As for ``results``."""
    first = f"{CONVERGE} first: it makes the probe mailbox"
    has_secret = Expectation(
        "probe", "messages.probe", MESSAGES, "the probe's secret", "on the host", exactly(1), first
    )
    if "probe" in seen and seen["probe"].code != 1:
        return [has_secret, *_refusals(catches_all, others)]
    sent = sum(seen[check].code == 250 for check in ("send-587", "send-465") if check in seen)
    return [
        Expectation("send-587", "messages.send.587", MESSAGES, "message by 587, STARTTLS", "accepted", accepted),
        Expectation("send-465", "messages.send.465", MESSAGES, "message by 465, TLS", "accepted", accepted),
        *[
            _reader(listener, sent)
            for listener in ports.values()
            if listener.kind in ("imap", "imaps", "pop3", "pop3s")
        ],
        Expectation(
            "headers", "messages.headers", MESSAGES, "From, Date, Message-ID", "each once", exactly(0), LOG, "send-587"
        ),
        *(_signed() if signs else []),
        *[
            Expectation("sieve", "messages.managesieve", MESSAGES, "login to ManageSieve 4190", "OK", exactly(1))
            for port in ports
            if port == 4190
        ],
        *[
            Expectation(
                "account", "messages.account", MESSAGES, "service for one's own password", "answers", exactly(1)
            )
            for check in seen
            if check == "account"
        ],
        Expectation(
            "clean",
            "messages.left-behind",
            MESSAGES,
            "messages left behind",
            "none",
            exactly(0),
            "look into /var/lib/posthaus-probe/Maildir",
        ),
        *(_webmail(sent) if any(listener.kind == "https" for listener in ports.values()) else []),
        *_refusals(catches_all, others),
        Expectation(
            "send-as-other",
            "refusals.sender",
            REFUSALS,
            "587: sender of somebody else",
            "refused",
            refused,
            needs="send-587",
        ),
    ]


def _reader(listener: Listener, sent: int) -> Expectation:
    how = "TLS" if str(listener.kind).endswith("s") else "STARTTLS"
    what = f"read by {listener.what} {listener.port}, {how}"
    return Expectation(
        f"read-{listener.port}", f"messages.read.{listener.port}", MESSAGES, what, "all intact", _all(sent), LOG
    )


def _signed() -> list[Expectation]:
    blame = (RSPAMD_LOG, "send-587")
    return [
        Expectation(
            "signed", "messages.dkim", MESSAGES, "DKIM on its messages", "by RSA and Ed25519", exactly(2), *blame
        ),
        Expectation("forged-from", "refusals.from", REFUSALS, "587: From of somebody else", "refused", refused, *blame),
    ]


def _all(sent: int) -> Callable[[int], bool]:
    return lambda count: count == sent > 0


def _webmail(sent: int) -> list[Expectation]:
    return [
        Expectation(
            "http", "webmail.http", WEBMAIL, "plain HTTP on 80", "redirects to https", lambda code: 300 <= code < 400
        ),
        Expectation("webmail-page", "webmail.page", WEBMAIL, "login page", "200, with its form", exactly(200)),
        Expectation(
            "webmail-login", "webmail.login", WEBMAIL, "login of the probe", "302", exactly(302), needs="webmail-page"
        ),
        Expectation(
            "webmail-messages",
            "webmail.messages",
            WEBMAIL,
            "messages in its list",
            "all",
            _all(sent),
            LOG,
            needs="webmail-login",
        ),
    ]


def unauthenticated(catches_all: bool, others: Iterable[str]) -> list[Expectation]:
    """What port 25 does with plan.envelopes, without a login. ``others``: the domains but the first."""
    unknown = Expectation(
        "unknown-recipient", "refusals.unknown-recipient", REFUSALS, "25: unknown recipient", "refused", refused
    )
    return [
        Expectation("inbound", "refusals.postmaster", REFUSALS, "25: mail for postmaster", "accepted", accepted),
        *[_postmaster(domain) for domain in others],
        *([] if catches_all else [unknown]),
        Expectation("relay", "refusals.relay", REFUSALS, "25: relay to elsewhere", "refused", refused),
        Expectation("spoofed", "refusals.spoofed", REFUSALS, "25: our address, without login", "refused", refused),
    ]


def _postmaster(domain: str) -> Expectation:
    key = f"refusals.postmaster.{domain}"
    return Expectation(f"inbound-{domain}", key, REFUSALS, f"25: postmaster@{domain}", "accepted", accepted)


def _refusals(catches_all: bool, others: Iterable[str]) -> list[Expectation]:
    return [
        *unauthenticated(catches_all, others),
        Expectation("auth-25", "refusals.auth.25", REFUSALS, "25: AUTH", "never offered", exactly(0)),
        Expectation("auth-587", "refusals.auth.587", REFUSALS, "587: AUTH before TLS", "not offered", exactly(0)),
    ]
