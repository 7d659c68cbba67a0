"""Somebody leaves, and somebody else gets the address: nothing is lost, and nobody sees the other's mail."""

from __future__ import annotations

import imaplib
import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from deploys.values import utf7
from facts.watch import PROGRAM
from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host import poppassd
from tests.on_host.post import arrived, compose, deliver, mailbox, submit
from tests.on_host.settings import ANA, IQBAL, TITO, example

pytestmark = pytest.mark.host

MARIA = "maria@example.com"
STORE, STATE = "/var/mail/vhosts", "/var/lib/posthaus-archive"
HOME = f"{STORE}/example.com/maria"
DATA = "/var/lib/squirrelmail/data"
CHOSEN = "seventeen quiet herons"
RULE = 'require "fileinto"; if header :contains "subject" "order" { fileinto "Orders"; }'


CLUB, CLOSED = "Club der Übrigen", "Closed"
TITOS = f"{STORE}/example.com/tito/Maildir"


def without_maria(**more: Any) -> dict[str, Any]:
    """The usual settings, and a mailbox that is shared: without any, Dovecot lets nobody into others' folders."""
    settings = example(**more)
    settings["mailboxes"] = settings["mailboxes"] | {"team@example.com": {"members": [TITO]}}
    return settings


def with_maria(hash_of: str, **more: Any) -> dict[str, Any]:
    """These and one mailbox more, which has the password of ``hash_of``."""
    settings = without_maria(**more)
    settings["mailboxes"] = settings["mailboxes"] | {MARIA: {"password": settings["mailboxes"][hash_of]["password"]}}
    return settings


@pytest.fixture
def host(mail_host: MailHost) -> Iterator[MailHost]:
    """The shared host, on which maria has messages with flags, a rule, passwords of her own and settings."""
    clean = (
        f"rm -rf {STORE}/.archive {STATE}/* {HOME} {STORE}/example.com/.maria* {STORE}/example.com/team"
        f" {STORE}/shared-mailboxes; rm -f {DATA}/{MARIA}*;"
        f" doveadm mailbox delete -u {TITO} '{CLUB}' {CLOSED} 2>/dev/null; true"
    )
    mail_host.run(clean)
    assert mail_host.converge(with_maria(ANA)).rc == 0
    with mailbox(mail_host, MARIA, mail_host.password(ANA)) as client:
        for number in range(3):
            client.append("INBOX", r"(\Flagged \Seen)" if number == 1 else None, None, compose(MARIA).as_bytes())
        client.create("Orders")
    mail_host.run(f"doveadm sieve put -u {MARIA} -a rules", input=RULE)
    mail_host.run(f"mkdir -p {DATA}; for one in pref abook; do echo {MARIA} >{DATA}/{MARIA}.$one; done")
    mail_host.run(f"echo another >{DATA}/{MARIA}.au.pref")  # of somebody in a domain com.au
    for folder in (CLUB, CLOSED):
        mail_host.run(f"doveadm mailbox create -u {TITO} '{folder}'")
        with mailbox(mail_host, TITO, mail_host.password(TITO)) as client:
            client.append(as_imap(folder), None, None, compose(TITO).as_bytes())
    mail_host.run(f"doveadm acl set -u {TITO} '{CLUB}' user={MARIA} lookup read")
    yield mail_host
    try:
        assert mail_host.converge(example()).rc == 0
    finally:
        mail_host.run(
            f"{clean}; doveadm expunge -u {TITO} mailbox '*' all; doveadm mailbox delete -r -u {IQBAL} Maria; true"
        )


class Writing:
    """Somebody writes to maria all the time, from ``with`` on until its end."""

    def __init__(self, host: MailHost) -> None:
        self.host, self.stop = host, threading.Event()
        self.accepted: list[str] = []
        self.refused = 0
        self.thread = threading.Thread(target=self._work)

    def __enter__(self) -> Writing:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()

    def _work(self) -> None:
        while not self.stop.is_set():
            message = compose(MARIA, sender=TITO)
            code = submit(self.host, TITO, self.host.password(TITO), TITO, MARIA, message)
            if code == 250:
                self.accepted.append(str(message["Subject"]))
            else:
                self.refused += 1
            self.stop.wait(0.1)


def seen(host: MailHost, password: str, login: str = MARIA, folder: str = "INBOX") -> dict[str, frozenset[str]]:
    """Flags by UID."""
    with mailbox(host, login, password) as client:
        client.select(f'"{folder}"', readonly=True)
        lines = [line.decode() for line in client.uid("FETCH", "1:*", "(FLAGS)")[1] if line]
        found = [re.findall(r"UID (\d+) FLAGS \(([^)]*)\)|FLAGS \(([^)]*)\) UID (\d+)", line)[0] for line in lines]
        return {one[0] or one[3]: frozenset((one[1] or one[2]).split()) - {r"\Recent"} for one in found}


def as_imap(folder: str, whose: str = "") -> str:
    """A folder's name in quotes, of somebody else's mailbox where it is theirs."""
    return f'"shared/{whose}/{utf7.encoded(folder)}"' if whose else f'"{utf7.encoded(folder)}"'


def sees(host: MailHost, password: str, folder: str) -> bool:
    """Whether maria can open this folder of tito's, and finds it where she looks for it."""
    name = as_imap(folder, TITO)
    with mailbox(host, MARIA, password) as client:
        listed = any(name.strip('"').encode() in line for line in client.list()[1] if line)
        opened = client.select(name, readonly=True)[0] == "OK"
    assert listed == opened
    return opened


def subjects(host: MailHost, where: str) -> set[str]:
    """Of all messages in files below ``where``."""
    return set(host.run(f"grep -rhoiE '^subject: [0-9a-f]{{32}}' {where} | cut -d' ' -f2", check=False).stdout.split())


def kept(host: MailHost) -> str:
    """Where maria's home lies in the archive."""
    (path,) = host.run(f"ls -d {STORE}/.archive/example.com/maria.*").stdout.split()
    return path


def test_who_leaves_is_kept_and_who_has_the_address_next_begins_empty(host: MailHost):
    before = seen(host, host.password(ANA))
    assert sees(host, host.password(ANA), CLUB)
    phone = poppassd.ask(host, MARIA, host.password(ANA), "newapp phone").removeprefix("200 ")
    assert poppassd.change(host, MARIA, host.password(ANA), CHOSEN).startswith("200")
    she_leaves_while_somebody_writes_to_her(host, before)
    only_what_is_past_its_time_is_deleted(host)
    another_maria_begins_empty(host, phone)
    what_was_hers_is_handed_to_somebody_or_comes_back(host, before)


def she_leaves_while_somebody_writes_to_her(host: MailHost, before: dict[str, frozenset[str]]) -> None:
    with mailbox(host, MARIA, CHOSEN) as session, Writing(host) as writing:
        session.select("INBOX")
        wait_until(lambda: writing.accepted, 60, "nobody writes")
        run = host.converge(without_maria(archive="30d"))
        assert run.rc == 0, run.output
        with pytest.raises((imaplib.IMAP4.error, OSError)):
            session.noop()
        wait_until(lambda: writing.refused, 60, "messages to nobody are still taken")
    told = [line.strip() for line in run.output.splitlines()]
    assert any(line.startswith(f"– {MARIA} (") and "messages in the archive until 20" in line for line in told), told
    assert any(f"{MARIA} goes to the archive (/var/mail/vhosts/.archive), until 20" in line for line in told), told
    assert host.run(f"test -e {HOME} -o -L {HOME}", check=False).returncode == 1
    assert host.run(f"stat -c '%U %a' {STORE}/.archive {kept(host)}").stdout.split() == ["vmail", "700"] * 2
    assert host.run(f"stat -c '%U %a' {STATE}/example.com/*").stdout.split() == ["root", "700"]
    nobody_is_let_in_who_has_gone(host)

    def is_nowhere() -> set[str]:
        """Accepted messages that neither lie in the archive nor came back to their sender."""
        return set(writing.accepted) - subjects(host, kept(host)) - subjects(host, f"{STORE}/example.com/tito/Maildir")

    wait_until(lambda: not is_nowhere(), 90, "a message that was taken is neither kept nor given back")
    assert len(subjects(host, kept(host))) >= len(before) + 1
    assert host.converge().changes == 0
    listed = host.pyinfra("deploys/archive.py", "-y")
    assert f"{MARIA}  since 20" in listed.output, listed.output
    looks = map(json.loads, host.run(f"python3 -I -B {PROGRAM} --json").stdout.splitlines())
    (found,) = [one for one in looks if one["key"] == "archive"]
    assert f"next to be deleted: {MARIA}, on 20" in found["seen"], found


def nobody_is_let_in_who_has_gone(host: MailHost) -> None:
    assert (
        MARIA
        not in host.run(f"find {TITOS} -name 'dovecot-acl*' -exec cat {{}} +; cat {STORE}/shared-mailboxes").stdout
    )
    host.run(f"doveadm acl set -u {TITO} {CLOSED} user={MARIA} lookup read")  # as runs of before left it there


def only_what_is_past_its_time_is_deleted(host: MailHost) -> None:
    name = kept(host).rpartition("/")[2]
    for top in (f"{STORE}/.archive", STATE):
        host.run(f"cp -a {top}/example.com/{name} {top}/example.com/old.20250101T000000Z")
    host.write(f"{STATE}/example.com/old.20250101T000000Z/about.json", '{"messages": 3, "at": 1735689600}', "0600")
    run = host.converge()
    assert "old@example.com, in the archive since 2025-01-01, is past its time" in run.output, run.output
    assert run.changes == 0
    assert host.run("systemctl is-enabled posthaus-archive.timer").stdout.strip() == "enabled"
    host.run("systemctl start posthaus-archive.service")
    journal = host.run("journalctl -o cat -u posthaus-archive").stdout
    assert "old@example.com, in the archive since 2025-01-01" in journal
    left = host.run(f"ls {STORE}/.archive/example.com {STATE}/example.com").stdout
    assert "old." not in left
    assert left.count(name) == 2


def another_maria_begins_empty(host: MailHost, phone: str) -> None:
    assert deliver(host, MARIA) == 550
    run = host.converge(with_maria(IQBAL))
    assert run.rc == 0, run.output
    assert f"{MARIA} begins empty: what was there until 20" in run.output, run.output
    assert host.run("systemctl is-active posthaus-archive.timer", check=False).stdout.strip() == "inactive"
    assert seen(host, host.password(IQBAL)) == {}
    assert not any(sees(host, host.password(IQBAL), folder) for folder in (CLUB, CLOSED)), "what the other was shown"
    for password in (CHOSEN, phone, host.password(ANA)):
        with pytest.raises(imaplib.IMAP4.error):
            seen(host, password)
    assert host.run(f"ls {DATA}").stdout.split().count(f"{MARIA}.pref") == 0
    assert host.run(f"cat {DATA}/{MARIA}.au.pref").stdout == "another\n"
    assert host.run(f"doveadm sieve list -u {MARIA}").stdout == ""


def what_was_hers_is_handed_to_somebody_or_comes_back(host: MailHost, before: dict[str, frozenset[str]]) -> None:
    number = len(subjects(host, kept(host)))
    words = ("--data", f"back={MARIA}", "--data")
    run = host.pyinfra("deploys/archive.py", "-y", *words, f"to={IQBAL}", "--data", "folder=Maria")
    assert run.rc == 0, run.output
    assert len(seen(host, host.password(IQBAL), IQBAL, "Maria/INBOX")) == number
    again = host.pyinfra("deploys/archive.py", "-y", *words, f"to={IQBAL}", "--data", "folder=Maria")
    assert again.rc == 1
    assert f"{IQBAL} has a folder Maria already" in again.output

    run = host.pyinfra("deploys/archive.py", "-y", *words[:2])
    assert run.rc == 0, run.output
    found = seen(host, host.password(IQBAL))
    assert {uid: found.get(uid) for uid in before} == before, "messages, UIDs and flags as they were"
    assert len(found) == number
    assert f"{MARIA} is let in again: " in run.output, run.output
    assert all(sees(host, host.password(IQBAL), folder) for folder in (CLUB, CLOSED)), "what she was shown herself"
    assert "rules ACTIVE" in host.run(f"doveadm sieve list -u {MARIA}").stdout
    assert host.run(f"cat {DATA}/{MARIA}.pref").stdout == f"{MARIA}\n"
    assert "no mailbox maria@example.com" in host.pyinfra("deploys/archive.py", "-y", *words[:2]).output
    order = compose(MARIA)
    assert deliver(host, MARIA, message=order) == 250
    assert arrived(host, MARIA, host.password(IQBAL), order["Subject"], seconds=60)
    assert host.converge().changes == 0
