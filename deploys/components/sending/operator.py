"""What is held by the limits of sending, and what becomes of it: by the operator's word alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pyinfra.api import QuoteString, StringCommand, deploy, operation
from pyinfra.api.exceptions import DeployError

from deploys.components.sending.render import DIRECTORY
from deploys.config.mailserver import MailServer
from facts.held import NOBODY, PROGRAM, Held

# The queue is looked at once more: what has come meanwhile is released, too; of what is dropped the number has to fit.
_CHOOSE = f"""{PROGRAM}
found=$(held | LOGIN=$1 awk -F '\\t' '$1 == ENVIRON["LOGIN"] {{ print $2 }}')
number=$(printf '%s' "$found" | grep -c .)
"""
_RELEASE = f"""{_CHOOSE}
[ -z "$found" ] || printf '%s\\n' "$found" | {{ postsuper -H - && postqueue -f; }} || exit 1
{{ [ ! -e {DIRECTORY} ] || python3 -I -B {DIRECTORY} forget "$1"; }}
"""
_DROP = f"""{_CHOOSE}
[ "$number" = "$2" ] || {{ echo "$1: by now $number messages are held, not $2; nothing was dropped" >&2; exit 1; }}
printf '%s\\n' "$found" | postsuper -d - hold
"""


@dataclass(frozen=True)
class Request:
    """What shall become of what ``login`` has handed in: release it, or drop so many messages (``number``)."""

    login: str
    number: int | None = None

    @classmethod
    def of(
        cls, mail: MailServer, found: Mapping[str, Held], release: object, drop: object, confirm: object
    ) -> Request | None:
        """From what was said on the command line; None: nothing. DeployError says what is wrong with it."""
        if release is None and drop is None:
            return None
        if release is not None and drop is not None:
            raise DeployError("release and drop are two runs; say one of them")
        word, login = ("release", str(release)) if drop is None else ("drop", str(drop))
        logins = {mail.directory.login(address) for address in mail.directory.mailboxes}
        if login not in found and login not in logins:
            raise DeployError(f"{word}: {login} is no login of mail.yaml's, and nothing of it is held")
        if word == "release":
            return cls(login)
        number = found[login].messages if login in found else 0
        if not number:
            raise DeployError(f"drop: nothing of {login} is held")
        if str(confirm) != str(number):
            raise DeployError(
                f"drop: {messages(number)} of {login} would be deleted for good; if that is meant, say it with"
                f" --data confirm={number}"
            )
        return cls(login, number)


@deploy("Held messages")
def deploy_held(request: Request) -> None:
    """Do it."""
    if request.number is None:
        chosen(name=f"Release what {request.login} has handed in", program=_RELEASE, arguments=[request.login])
    else:
        name = f"Drop {messages(request.number)} of {request.login}"
        chosen(name=name, program=_DROP, arguments=[request.login, str(request.number)])


@operation(is_idempotent=False)
def chosen(program: str, arguments: list[str]):  # type: ignore[no-untyped-def]
    """
    Run a program for sh.

    + arguments: from $1 on
    """
    yield StringCommand("sh", "-c", QuoteString(program), "held", *map(QuoteString, arguments))


def table(mail: MailServer, found: Mapping[str, Held], now: datetime) -> str:
    """Who has how much on hold, the most first, and what can be done."""
    if not found:
        held = "nothing is held"
        return held if mail.limits_sending else f"{held}; nobody's sending has a limit"
    rows = [("login", "messages", "recipients", "oldest")]
    for login, one in sorted(found.items(), key=lambda item: (-item[1].messages, item[0])):
        name = "(nobody logged in)" if login == NOBODY else login
        rows.append((name, f"{one.messages:,}", f"{one.recipients:,}", _ago(now, one.oldest)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}  {d}" for a, b, c, d in rows]
    return "\n".join((*lines, "", "--data release=LOGIN delivers them, --data drop=LOGIN deletes them"))


def messages(number: int) -> str:
    """``1 message``, ``7,650 messages``."""
    return "1 message" if number == 1 else f"{number:,} messages"


def _ago(now: datetime, then: datetime) -> str:
    minutes = max(0, int((now - then).total_seconds()) // 60)
    if minutes < 120:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // 1440} days ago"
