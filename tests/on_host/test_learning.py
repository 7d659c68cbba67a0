"""What people move to and from Junk, rspamd learns: a spam sample goes to Junk, and one like those follows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from lab.mailhost import MailHost
from tests.on_host.post import arrived, compose, deliver, mailbox
from tests.on_host.settings import TITO

pytestmark = pytest.mark.host

PROBE = "/var/lib/posthaus/units/rspamd.service/probe"  # what the last run asked of it
REDIS = "redis-cli -s /run/posthaus-redis/redis.sock"
# Words enough for Bayes, which wants eleven tokens at least; each message has its own mixture.
SPAM = "congratulations winner lottery millions claim prize urgent wire transfer casino jackpot bonus exclusive"
HAM = "minutes meeting garden committee tuesday agenda neighbours tomatoes harvest watering spade compost"


def mixture(theme: str, number: int) -> str:
    """Some sentences of these words, no two messages the same."""
    words = theme.split()
    turned = words[number % len(words) :] + words[: number % len(words)]
    return f"{' '.join(turned)} {number}\n{' '.join(reversed(turned))}\n{' '.join(turned[::2])}\n"


def written(theme: str, number: int) -> EmailMessage:
    message = compose(TITO)
    message.set_content(mixture(theme, number))
    return message


def learned(host: MailHost) -> tuple[int, int]:
    """How many messages rspamd knows as (spam, ham)."""
    counts = [host.run(f"{REDIS} hget RS learns_{kind}").stdout.strip() for kind in ("spam", "ham")]
    return int(counts[0] or 0), int(counts[1] or 0)


def moved(host: MailHost, msgs: list[EmailMessage], source: str, target: str) -> None:
    """A mail program puts them into one folder, and the person moves them all to another."""
    with mailbox(host, TITO, host.password(TITO)) as client:
        uids = []
        for message in msgs:
            answer = client.append(source, "", None, message.as_bytes())[1][0].decode()
            uids.append(re.search(r"APPENDUID \d+ (\d+)", answer)[1])  # type: ignore[index]
        client.select(source)
        assert client.uid("MOVE", ",".join(uids), target)[0] == "OK"


@pytest.fixture
def pupil(mail_host: MailHost) -> Iterator[MailHost]:
    """An rspamd that has learned nothing, before and after."""
    mail_host.run(f"{REDIS} flushall")
    yield mail_host
    mail_host.run(f"{REDIS} flushall")


def test_each_move_teaches_what_it_says_and_throwing_away_says_nothing(pupil: MailHost):
    moved(pupil, [written(SPAM, 1)], "INBOX", "Junk")
    assert learned(pupil) == (1, 0)
    moved(pupil, [written(HAM, 2)], "Junk", "INBOX")
    assert learned(pupil) == (1, 1)
    moved(pupil, [written(HAM, 3)], "Junk", "Drafts")
    assert learned(pupil) == (1, 2)
    moved(pupil, [written(SPAM, 4)], "Junk", "Trash")
    moved(pupil, [written(HAM, 5)], "INBOX", "Drafts")
    assert learned(pupil) == (1, 2)


def test_a_move_never_waits_for_a_filter_that_is_down(pupil: MailHost):
    begin = pupil.run("date +%s").stdout.strip()
    pupil.run("systemctl stop rspamd.service")
    try:
        message = written(SPAM, 6)
        moved(pupil, [message], "INBOX", "Junk")
        assert arrived(pupil, TITO, pupil.password(TITO), message["Subject"], "Junk", 2)
    finally:
        pupil.run(f"systemctl start rspamd.service; until sh {PROBE} 2>/dev/null; do sleep 0.2; done", timeout=30)
    assert learned(pupil) == (0, 0)
    said = pupil.run(f"journalctl -q -t posthaus-learn --since=@{begin} -o cat").stdout
    assert re.fullmatch(f"rspamd learned no spam from what {TITO} moved: .*onnect.*\n", said), "and why is in the log"


def test_what_is_like_the_spam_that_people_moved_follows_it_to_junk(pupil: MailHost):
    before, after, ham = written(SPAM, 90), written(SPAM, 91), written(HAM, 92)
    assert deliver(pupil, TITO, message=before) == 250
    assert arrived(pupil, TITO, pupil.password(TITO), before["Subject"]), "nobody has said what this is"

    moved(pupil, [written(SPAM, number) for number in range(22)], "INBOX", "Junk")
    moved(pupil, [written(HAM, number) for number in range(22)], "Junk", "INBOX")
    assert min(learned(pupil)) >= 20, "from then on it judges; what it already knows for sure it need not learn"

    assert deliver(pupil, TITO, message=after) == 250
    found = arrived(pupil, TITO, pupil.password(TITO), after["Subject"], "Junk")
    assert found is not None
    assert "BAYES_SPAM" in found["X-Spamd-Result"]
    assert deliver(pupil, TITO, message=ham) == 250
    assert "BAYES_HAM" in arrived(pupil, TITO, pupil.password(TITO), ham["Subject"])["X-Spamd-Result"]  # type: ignore[index]
