"""Messages that another server stored on the host come into our store once; what cannot be read is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lab.mailhost import MailHost
from tests.on_host.settings import TITO, example

pytestmark = pytest.mark.host

MOVED, LATER = "moved@example.com", "moved-later@example.com"
# A Maildir as Dovecot 1 to 2.4 leave it: six messages with UIDs from 10 on, one of them new, flags and a keyword.
MAKE = r"""set -e
rm -rf /srv/old && mkdir -p /srv/old/moved/{cur,new,tmp} /srv/old/moved/.Projekte.Alt/{cur,new,tmp}
cd /srv/old/moved
for i in 0 1 2 3 4; do
    printf 'From: a@example.org\nSubject: old %s\n\nbody\n' $i >cur/170000000$i.M$i.h:2,S$([ $i != 3 ] || echo a)
done
printf 'From: a@example.org\nSubject: unread\n\nbody\n' >new/1700000005.M5.h
cp cur/1700000000.M0.h:2,S .Projekte.Alt/cur/1700000009.M9.h:2,FS
{ echo '3 V1234567 N40 G0123456789abcdef0123456789abcdef'
  for i in 0 1 2 3 4 5; do echo "$((10 + i * 3)) :170000000$i.M$i.h"; done; } >dovecot-uidlist
echo '0 Work' >dovecot-keywords
printf 'V\t2\n\nProjekte\tAlt\n' >subscriptions
chown -R nobody: /srv/old && chmod -R go= /srv/old
"""
LISTED = (
    "cd /srv/old && find . -printf '%p %m %u %s %T@ %n\\n' | sort;"
    " find . -type f -print0 | sort -z | xargs -0 sha256sum"
)
STATUS = "doveadm mailbox status -u {} 'messages uidvalidity unseen' INBOX Projekte/Alt"
FLAGS = "doveadm -f tab fetch -u {} 'uid flags hdr.subject' mailbox INBOX all | sort -n"


def settings(**places: str) -> dict[str, Any]:
    made = example()
    hashed = made["mailboxes"][TITO]["password"]
    for address in (MOVED, LATER):
        made["mailboxes"][address] = {"password": hashed}
    return {**made, "messages_from": {MOVED: "maildir:/srv/old/moved", **places}}


@pytest.fixture
def prepared(mail_host: MailHost) -> Iterator[MailHost]:
    mail_host.run(f"bash -c '{MAKE.replace(chr(39), chr(39) + chr(92) + chr(39) + chr(39))}'")
    yield mail_host
    mail_host.run("rm -rf /srv/old /var/mail/vhosts/example.com/moved /var/mail/vhosts/example.com/moved-later")


def test_what_another_server_stored_is_copied_once_and_what_came_meanwhile_stays(prepared: MailHost) -> None:
    host = prepared
    host.run(f"doveadm mailbox status -u {TITO} messages INBOX")
    before = host.run(LISTED).stdout
    run = host.converge(settings(**{LATER: "maildir:/srv/old/not-there"}))
    assert run.rc == 0, run.output
    assert f"messages copied into our store: {MOVED} (7 messages)" in run.output
    assert f"! {LATER}: its messages are NOT copied" in run.output
    assert "there is nothing at /srv/old/not-there" in run.output
    assert host.run(LISTED).stdout == before, "the originals are as they were, their links and times too"

    status = host.run(STATUS.format(MOVED)).stdout
    assert "INBOX messages=6 uidvalidity=1234567 unseen=1" in status
    assert "Projekte/Alt messages=1" in status
    rows = [line.split("\t") for line in host.run(FLAGS.format(MOVED)).stdout.splitlines()]
    assert [row[0] for row in rows if row[0].isdigit()] == ["10", "13", "16", "19", "22", "25"]
    assert ["19", r"\Seen Work", "old 3"] in rows
    assert "Projekte/Alt" in host.run(f"doveadm mailbox list -s -u {MOVED}").stdout.splitlines()
    assert host.run("systemctl is-active postfix dovecot").stdout == "active\nactive\n"

    # What was not there is tried again, beside what has come for it since; what is done is not looked at any more.
    host.run(f"printf 'Subject: since\\n\\nnew\\n' | doveadm save -u {LATER}")
    host.run(f"doveadm expunge -u {MOVED} mailbox INBOX uid 10")
    host.run("cp -a /srv/old/moved /srv/old/not-there")
    again = host.converge(settings(**{LATER: "maildir:/srv/old/not-there"}))
    assert again.rc == 0, again.output
    assert f"messages copied into our store: {LATER} (7 messages)" in again.output
    assert "INBOX messages=7" in host.run(STATUS.format(LATER)).stdout
    assert "INBOX messages=5" in host.run(STATUS.format(MOVED)).stdout, "deleted is deleted"
    third = host.converge()
    assert (third.rc, third.changes) == (0, 0), third.output
