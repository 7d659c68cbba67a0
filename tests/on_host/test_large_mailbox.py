"""A mailbox that holds many messages takes one more as cheaply as an empty one."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator

import pytest

from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host.post import compose
from tests.on_host.settings import IQBAL, TITO

pytestmark = pytest.mark.host

MANY = 20_000
BATCH = 10
MAILDIR = "/var/mail/vhosts/example.com/iqbal/Maildir"
EMPTY = "/var/mail/vhosts/example.com/tito/Maildir"
# Both in memory: 20,000 files are there and gone in a moment, and the disk's speed is not what is compared.
MOUNT = "mkdir -p {0} && mount -t tmpfs -o uid=vmail,gid=vmail,mode=0700 mailbox {0}"
# Named as Dovecot's own deliveries are: without S= and W= it would have to open each one.
FILL = f"""import os
text = b"From: a@outside.example\\nSubject: old\\nDate: Thu, 1 Jan 2026 00:00:00 +0000\\n\\nA line.\\n"
for number in range({MANY}):
    name = f"{{1700000000 + number}}.M{{number}}P1.mail,S={{len(text)}},W={{len(text) + text.count(10)}}:2,S"
    with open("{MAILDIR}/cur/" + name, "wb") as file:
        file.write(text)
"""


@pytest.fixture
def crowded(mail_host: MailHost) -> Iterator[MailHost]:
    """iqbal's INBOX with 20,000 messages and tito's with none; afterwards both as they were."""
    for person in (IQBAL, TITO):
        deliver(mail_host, person, 1)
    try:
        for place in (MAILDIR, EMPTY):
            mail_host.run(MOUNT.format(place))
        mail_host.run("systemctl restart dovecot")  # it sees what was mounted before it began
        deliver(mail_host, IQBAL, 1)
        mail_host.run("python3 -", input=FILL)
        mail_host.run(f"chown -R vmail: {MAILDIR} && doveadm index -u {IQBAL} INBOX && doveadm quota recalc -u {IQBAL}")
        yield mail_host
    finally:
        for place in (MAILDIR, EMPTY):
            mail_host.run(f"umount --lazy {place}", check=False)
        mail_host.run("systemctl restart dovecot")


def deliver(host: MailHost, recipient: str, count: int = BATCH) -> None:
    """Hand in ``count`` messages at port 25 and wait until all of them are delivered."""
    with smtplib.SMTP(host.address, 25, local_hostname="mx.outside.example", timeout=30) as client:
        for _ in range(count):
            client.sendmail("", [recipient], compose(recipient, size=2000).as_bytes())
    wait_until(lambda: not host.run("postqueue -j").stdout, 60, "messages stay in the queue")


def cost(host: MailHost, recipient: str) -> float:
    """Milliseconds of CPU that the whole host spends on one message: Postfix, rspamd, Dovecot, journal."""

    def spent() -> int:
        return int(host.run("cat /sys/fs/cgroup/system.slice/cpu.stat").stdout.split()[1])

    before = spent()
    deliver(host, recipient)
    return (spent() - before) / 1000 / BATCH


def test_a_message_into_an_inbox_of_20000_costs_what_one_into_an_empty_inbox_costs(crowded: MailHost):
    listed = f"doveadm -f flow mailbox status -u {IQBAL} messages INBOX"
    assert crowded.run(listed).stdout == f"INBOX messages={MANY + 1}\n"
    deliver(crowded, TITO)
    deliver(crowded, IQBAL)
    identity = f"stat -c %i {MAILDIR}/dovecot-uidlist"
    before = crowded.run(identity).stdout
    into_many, into_few = [], []
    for _ in range(6):  # others use this machine: the least of several is what a message costs
        into_few.append(cost(crowded, TITO))
        into_many.append(cost(crowded, IQBAL))
        if len(into_many) > 1 and not 1.2 < min(into_many) / min(into_few) < 3:
            break
    assert min(into_many) <= 1.2 * min(into_few), (into_many, into_few)
    assert crowded.run(identity).stdout == before, "the list of all UIDs was written anew"
    assert crowded.run(listed).stdout == f"INBOX messages={MANY + 1 + BATCH * (1 + len(into_many))}\n"
