"""Who sends too much: it waits in the queue, people are told, and the operator alone lets it go or drops it."""

from __future__ import annotations

import json
import smtplib
from collections import Counter
from collections.abc import Iterator

import pytest

from deploys.components.sending.render import DIRECTORY
from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host.post import arrived, compose, mailbox, submit, trusting
from tests.on_host.settings import ANA, IQBAL, TITO, example
from tests.on_host.test_verify import report

pytestmark = pytest.mark.host

SECONDS = 120  # a loaded machine's
PERSON, POSTMASTER = "Messages of yours are waiting", "Messages of {} are held"


@pytest.fixture
def limited(mail_host: MailHost) -> Iterator[MailHost]:
    """5 messages or 8 recipients an hour; for tito, who is the postmaster, as many as he likes."""
    settings = example(sending={"messages": 5, "recipients": 8})
    settings["mailboxes"][TITO]["sending"] = False
    run = mail_host.converge(settings)
    assert run.rc == 0, run.output
    for login in (IQBAL, ANA):  # what other tests have sent within the hour
        mail_host.run(f"python3 -I -B {DIRECTORY} forget {login}")
    yield mail_host
    mail_host.run("postsuper -d ALL hold")


def sends(host: MailHost, login: str, *recipients: str) -> str:
    """One message by 465, taken with 250; its subject."""
    message = compose(recipients[0], sender=login)
    with smtplib.SMTP_SSL(host.address, 465, "laptop.at.home", context=trusting(host), timeout=60) as client:
        client.login(login, host.password(login))
        assert client.send_message(message, login, recipients) == {}
    return str(message["Subject"])


def held(host: MailHost) -> Counter[str]:
    """How many messages of which sender are on hold."""
    entries = map(json.loads, host.run("postqueue -j").stdout.splitlines())
    return Counter(one["sender"] for one in entries if one["queue_name"] == "hold")


def told(host: MailHost, reader: str, subject: str) -> int:
    """How many messages with this subject have come."""
    with mailbox(host, reader, host.password(reader)) as client:
        client.select("INBOX", readonly=True)
        return len(client.search(None, "HEADER", "SUBJECT", f'"{subject}"')[1][0].split())


def whereabouts(host: MailHost, queue: str) -> str:
    return host.pyinfra("deploys/trace.py", "-y", "--data", f"about={queue}").output


def has(host: MailHost, reader: str, subject: str) -> bool:
    return arrived(host, reader, host.password(reader), subject, seconds=SECONDS) is not None


def test_what_goes_beyond_the_limit_waits_until_the_operator_decides(limited: MailHost):
    before = {who: told(limited, who, PERSON) for who in (IQBAL, ANA)}
    knew = told(limited, TITO, POSTMASTER.format(IQBAL))
    subjects = [sends(limited, IQBAL, TITO) for _ in range(7)]
    assert held(limited) == {IQBAL: 2}
    assert all(has(limited, TITO, subject) for subject in subjects[:5])
    wait_until(lambda: told(limited, IQBAL, PERSON) > before[IQBAL], SECONDS, "the person was not told")
    wait_until(lambda: told(limited, TITO, POSTMASTER.format(IQBAL)) > knew, SECONDS, "the postmaster was not told")

    easy = [sends(limited, TITO, ANA) for _ in range(7)]
    assert all(has(limited, ANA, subject) for subject in easy), "a colleague's mail flows meanwhile"
    many = sends(limited, ANA, *(f"tito+{number}@example.com" for number in range(9)))
    assert held(limited) == {IQBAL: 2, ANA: 1}, "one message, to nine"
    limited.run(f"systemctl restart posthaus-sending; until python3 -I -B {DIRECTORY} ask 2>&1; do sleep 0.2; done")
    subjects.append(sends(limited, IQBAL, TITO))
    assert held(limited)[IQBAL] == 3, "a restart forgets nothing"

    listed = limited.pyinfra("deploys/held.py").output
    assert [line.split()[:3] for line in listed.splitlines() if line.startswith(("iqbal", "ana"))] == [
        [IQBAL, "3", "3"],
        [ANA, "1", "9"],
    ], listed
    run = limited.verify()
    (result,) = [one for one in report(limited)["results"] if one["key"] == "queue.held"]
    assert (run.rc, result["verdict"]) == (0, "warn"), run.output

    one = next(json.loads(line) for line in limited.run("postqueue -j").stdout.splitlines() if ANA in line)
    assert "does not have it yet: on hold until somebody releases it" in whereabouts(limited, one["queue_id"])
    refused = limited.pyinfra("deploys/held.py", "-y", "--data", f"drop={ANA}")
    assert refused.rc != 0
    assert "1 message of ana@example.net would be deleted for good" in refused.output
    assert held(limited) == {IQBAL: 3, ANA: 1}
    dropped = limited.pyinfra("deploys/held.py", "-y", "--data", f"drop={ANA}", "--data", "confirm=1")
    assert dropped.rc == 0, dropped.output
    assert held(limited) == {IQBAL: 3}, "of nobody else"
    assert "does not have it: deleted from the queue" in whereabouts(limited, one["queue_id"])

    released = limited.pyinfra("deploys/held.py", "-y", "--data", f"release={IQBAL}")
    assert released.rc == 0, released.output
    assert all(has(limited, TITO, subject) for subject in subjects[5:])
    assert has(limited, TITO, sends(limited, IQBAL, TITO)), "it is counted anew"
    assert held(limited) == {}
    assert told(limited, IQBAL, PERSON) == before[IQBAL] + 1, "once"
    assert told(limited, TITO, POSTMASTER.format(IQBAL)) == knew + 1, "once"
    assert not told(limited, TITO, many), "what was dropped is gone"
    assert limited.converge().changes == 0


def test_where_nobody_counts_mail_flows(mail_host: MailHost):
    mail_host.run("systemctl stop posthaus-sending")
    try:
        message = compose(TITO, sender=IQBAL)
        assert submit(mail_host, IQBAL, mail_host.password(IQBAL), IQBAL, TITO, message) == 250
        assert has(mail_host, TITO, message["Subject"])
    finally:
        mail_host.run("systemctl start posthaus-sending")
