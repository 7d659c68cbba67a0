"""A mailbox that fills up says so to whoever reads it, in time, and says when there is room again."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host.post import compose, deliver, mailbox
from tests.on_host.settings import ANA

pytestmark = pytest.mark.host

LIMIT = 2 << 20  # ana's
TOLD = "/var/lib/posthaus-quota"
HOME = "/var/mail/vhosts/example.net/ana"
REPLIES = 'require "vacation"; vacation "I am away."; redirect "tito@example.com"; discard;'


@pytest.fixture
def empty(mail_host: MailHost) -> Iterator[MailHost]:
    """ana's mailbox, empty, and nobody has told her anything; afterwards the same."""
    for moment in ("before", "after"):
        mail_host.run(
            f"doveadm expunge -u {ANA} mailbox '*' all; doveadm quota recalc -u {ANA};"
            f" rm -f {TOLD}/{ANA} {HOME}/.dovecot.s*"
        )
        if moment == "before":
            yield mail_host


def fill(host: MailHost, size: int) -> str:
    """Put one message into ana's Archive so that her mailbox holds ``size`` bytes in all, or nearly; her answer."""
    used = int(host.run(f"doveadm -f tab quota get -u {ANA} | awk -F'\\t' '$2 == \"STORAGE\" {{ print $3 }}'").stdout)
    text = b"Subject: filling\r\n\r\n" + b"x" * (size - used * 1024 - 100) + b"\r\n"
    with mailbox(host, ANA, host.password(ANA)) as client:
        client.create("Archive")
        return str(client.append("Archive", None, None, text)[0])


def told(host: MailHost, count: int) -> list[EmailMessage]:
    """The warnings in ana's INBOX, once there are ``count``, in their order."""
    found: list[EmailMessage] = []

    def there() -> bool:
        found.clear()
        with mailbox(host, ANA, host.password(ANA)) as client:
            client.select("INBOX", readonly=True)
            for number in client.search(None, "HEADER", "Auto-Submitted", "auto-generated")[1][0].split():
                raw = client.fetch(number, "(RFC822)")[1][0][1]
                found.append(email.message_from_bytes(raw, policy=email.policy.default))
        return len(found) >= count

    wait_until(there, 60, f"{count} warnings did not come")
    return found


def subjects(host: MailHost, count: int) -> list[str]:
    return [str(one["Subject"]) for one in told(host, count)]


def test_a_mailbox_says_that_it_is_80_and_95_per_cent_full_and_when_there_is_room_again(empty: MailHost):
    assert fill(empty, LIMIT * 82 // 100) == "OK"
    (first,) = told(empty, 1)
    assert first["Subject"] == "Your mailbox is 80% full"
    assert first["From"] == "Webmail <postmaster@example.net>"
    assert first["To"] == ANA
    said = first.get_content()
    for words in ("1.6 MB of 2 MB", "Empty the folder Trash", "ask Tito Puente <tito@example.com>"):
        assert words in said
    if empty.settings["webmail"]:
        assert "https://webmail.example.com/" in said

    assert fill(empty, LIMIT * 97 // 100) == "OK"
    assert subjects(empty, 2)[1] == "Your mailbox is 95% full"

    with mailbox(empty, ANA, empty.password(ANA)) as client:
        client.select("Archive")
        client.store("1:*", "+FLAGS", r"(\Deleted)")
        client.expunge()
    assert subjects(empty, 3)[2] == "Your mailbox has room again"


def test_the_warning_passes_the_limit_comes_once_and_answers_nobody(empty: MailHost):
    empty.run(
        f"install -d -o vmail -g vmail {HOME.rpartition('/')[0]} {HOME} && cat >{HOME}/.dovecot.sieve", input=REPLIES
    )
    empty.run(f"chown vmail: {HOME}/.dovecot.sieve")
    assert fill(empty, LIMIT - 100) == "OK"
    (warning,) = told(empty, 1)
    assert warning["Subject"] == "Your mailbox is 95% full", "the higher of two marks that one message passed"
    assert warning["Return-Path"] == "<>", "nothing can come back"
    with mailbox(empty, ANA, empty.password(ANA)) as client:
        full = client.append("Archive", None, None, compose(ANA).as_bytes())
        assert full[0] == "NO", "there was no room for it: the warning went past the limit"
    assert deliver(empty, ANA) == 552

    with mailbox(empty, ANA, empty.password(ANA)) as client:  # up and down about the mark, within a day
        client.select("Archive")
        client.store("1:*", "+FLAGS", r"(\Deleted)")
        client.expunge()
    assert subjects(empty, 2)[1] == "Your mailbox has room again"
    assert fill(empty, LIMIT * 82 // 100) == "OK"
    assert subjects(empty, 3)[2] == "Your mailbox is 80% full"
    queue = empty.run("postqueue -j").stdout
    assert queue == "", "no script answered a warning or sent it on"
