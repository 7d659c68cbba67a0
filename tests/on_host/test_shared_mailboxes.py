"""Several people, one mailbox: they find it, read it, write as it; who leaves sees nothing of it any more."""

from __future__ import annotations

import imaplib
import re
from functools import partial
from typing import Any

import pytest

from lab.mailhost import MailHost
from lab.waiting import wait_until
from operations.script import script
from tests.on_host import poppassd
from tests.on_host.post import arrived, compose, deliver, mailbox, submit
from tests.on_host.settings import ANA, IQBAL, TITO, example
from tests.on_host.test_learning import HAM, REDIS, SPAM, learned, mixture

pytestmark = pytest.mark.host

TEAM = "team@example.com"
HOME = "/var/mail/vhosts/example.com/team"
SEEN = f"shared/{TEAM}"


def declared(*members: str, **more: Any) -> dict[str, Any]:
    """The usual settings, and a shared mailbox of ``members``."""
    settings = example()
    settings["mailboxes"] = settings["mailboxes"] | {TEAM: {"members": list(members), **more}}
    return settings


def ended(session: imaplib.IMAP4) -> bool:
    try:
        session.fetch("1", "(FLAGS)")
    except (imaplib.IMAP4.error, OSError):
        return True
    return False


def listed(client: imaplib.IMAP4, how: str = "list") -> set[str]:
    """The names of all folders, as a mail program asks for them: ``list`` or ``lsub``."""
    answer = getattr(client, how)('""', '"*"')[1]
    return {re.sub(r'^.*"/" "?|"$', "", line.decode()) for line in answer if line}


def test_a_shared_mailbox_from_its_members_first_look_to_their_last(mail_host: MailHost):
    try:
        assert mail_host.converge(declared(TITO, IQBAL, quota="300K")).rc == 0
        members_find_it_read_it_and_send_as_its_address(mail_host)
        what_one_member_does_the_others_see_and_nobody_else_sees_anything(mail_host)
        whoever_is_logged_out_keeps_no_shared_folder_open(mail_host)
        what_members_move_to_its_junk_and_back_is_learned(mail_host)
        a_full_one_takes_nothing_more_from_outside_whatever_room_a_member_has(mail_host)
        assert mail_host.converge().changes == 0, "what people do there is not undone"
        who_is_no_member_any_more_is_out_at_once(mail_host)
        assert mail_host.converge().changes == 0
        made_a_mailbox_of_one_person_it_lets_nobody_else_in(mail_host)
        assert mail_host.converge().changes == 0
    finally:
        mail_host.run(f"rm -rf {HOME}; for who in {TITO} {IQBAL}; do doveadm expunge -u $who mailbox '*' all; done")


def members_find_it_read_it_and_send_as_its_address(host: MailHost) -> None:
    message = compose(TEAM)
    assert deliver(host, TEAM, message=message) == 250
    for person in (TITO, IQBAL):
        assert arrived(host, person, host.password(person), message["Subject"], SEEN, seconds=30)
        with mailbox(host, person, host.password(person)) as client:
            assert {SEEN, f"{SEEN}/Sent", f"{SEEN}/Junk"} <= listed(client, "lsub"), "nobody has to look for it"
            assert SEEN in listed(client)
        reply = compose(ANA, sender=TEAM)
        assert submit(host, person, host.password(person), TEAM, ANA, reply) == 250
        assert arrived(host, ANA, host.password(ANA), reply["Subject"], seconds=30)
    assert submit(host, ANA, host.password(ANA), TEAM, TITO, compose(TITO, sender=TEAM)) == 553


def what_one_member_does_the_others_see_and_nobody_else_sees_anything(host: MailHost) -> None:
    message = compose(TEAM)
    with mailbox(host, IQBAL, host.password(IQBAL)) as client:
        assert client.append(SEEN, r"(\Seen)", None, message.as_bytes())[0] == "OK"
        assert client.create(f"{SEEN}/Orders")[0] == "OK"
        client.select(SEEN)
        number = client.search(None, "SUBJECT", message["Subject"])[1][0].split()[0]
        assert client.store(number, "+FLAGS", r"(\Answered)")[0] == "OK"
        assert client.copy(number, f"{SEEN}/Orders")[0] == "OK"
    with mailbox(host, TITO, host.password(TITO)) as client:
        assert f"{SEEN}/Orders" in listed(client)
        client.select(f"{SEEN}/Orders")
        (found,) = client.search(None, "SUBJECT", message["Subject"])[1][0].split()
        assert set(imaplib.ParseFlags(client.fetch(found, "(FLAGS)")[1][0])) >= {rb"\Seen", rb"\Answered"}
        client.store(found, "+FLAGS", r"(\Deleted)")
        assert client.expunge() == ("OK", [found])
    with mailbox(host, ANA, host.password(ANA)) as client:
        assert not [name for name in listed(client) if "shared" in name]
        assert client.select(SEEN)[0] == "NO"
        assert client.append(SEEN, None, None, message.as_bytes())[0] == "NO"


def whoever_is_logged_out_keeps_no_shared_folder_open(host: MailHost) -> None:
    """doveadm kick alone would leave such a session in Dovecot 2.4."""

    def by_a_run() -> None:
        closed = script("closed.sh", parts=("sessions.sh",)).get_raw_value()  # what mailboxes.closed has a host do
        host.run(closed, input=f"{IQBAL}\n")

    def by_the_service_for_passwords() -> None:
        for words in ("newapp phone", "dropapp phone"):
            assert poppassd.ask(host, IQBAL, host.password(IQBAL), words).startswith("200")

    with mailbox(host, TITO, host.password(TITO)) as other:
        other.select(SEEN)
        for end in (by_a_run, by_the_service_for_passwords):
            with mailbox(host, IQBAL, host.password(IQBAL)) as session:
                session.select(SEEN)
                end()
                wait_until(partial(ended, session), 60, f"ended {end.__name__}, a session goes on")
        assert not ended(other), "nobody else is disconnected"


def what_members_move_to_its_junk_and_back_is_learned(host: MailHost) -> None:
    host.run(f"{REDIS} flushall")
    with mailbox(host, IQBAL, host.password(IQBAL)) as client:
        for source, target, words, known in (
            (SEEN, f"{SEEN}/Junk", SPAM, (1, 0)),
            (f"{SEEN}/Junk", SEEN, HAM, (1, 1)),
            (SEEN, "Junk", SPAM[::-1], (2, 1)),
        ):
            message = compose(TEAM)
            message.set_content(mixture(words, len(target)))
            client.append(source, None, None, message.as_bytes())
            client.select(source)
            number = client.search(None, "SUBJECT", message["Subject"])[1][0].split()[-1]
            assert client.uid("MOVE", client.fetch(number, "(UID)")[1][0].split()[2].rstrip(b")"), target)[0] == "OK"
            assert learned(host) == known, f"{source} to {target}"
    host.run(f"{REDIS} flushall")


def a_full_one_takes_nothing_more_from_outside_whatever_room_a_member_has(host: MailHost) -> None:
    large = compose(TEAM, size=200_000).as_bytes()
    with mailbox(host, IQBAL, host.password(IQBAL)) as client:
        assert client.append(SEEN, None, None, large)[0] == "OK"
        assert client.append(SEEN, None, None, large)[0] == "OK", "what members file there Dovecot does not limit"
        assert client.append("INBOX", None, None, large)[0] == "OK"
    assert deliver(host, TEAM, message=compose(TEAM, size=200_000)) == 552


def who_is_no_member_any_more_is_out_at_once(host: MailHost) -> None:
    host.run(f"doveadm mailbox create -u {TITO} Club && doveadm acl set -u {TITO} Club user={IQBAL} lookup read")
    with mailbox(host, IQBAL, host.password(IQBAL)) as session:
        session.select(SEEN)
        assert host.converge(declared(TITO, quota="300K")).rc == 0
        wait_until(partial(ended, session), 30, "a session goes on, and with it what it has open")
    with mailbox(host, IQBAL, host.password(IQBAL)) as client:
        assert not [name for name in listed(client) | listed(client, "lsub") if TEAM in name]
        assert client.select(SEEN)[0] == "NO"
        assert client.select(f"shared/{TITO}/Club", readonly=True)[0] == "OK", "what else is shared is left alone"
    assert submit(host, IQBAL, host.password(IQBAL), TEAM, ANA, compose(ANA, sender=TEAM)) == 553
    with mailbox(host, TITO, host.password(TITO)) as client:
        assert client.select(SEEN)[0] == "OK"
    host.run(f"doveadm acl delete -u {TITO} Club user={IQBAL}; doveadm mailbox delete -u {TITO} Club")


def made_a_mailbox_of_one_person_it_lets_nobody_else_in(host: MailHost) -> None:
    settings = example()
    settings["mailboxes"] = settings["mailboxes"] | {TEAM: {"password": settings["mailboxes"][ANA]["password"]}}
    assert host.converge(settings).rc == 0
    assert host.run(f"find {HOME} -name dovecot-acl").stdout == ""
    with mailbox(host, TEAM, host.password(ANA)) as client:
        assert "Orders" in listed(client), "all messages are still there"
    with mailbox(host, TITO, host.password(TITO)) as client:
        assert client.select(SEEN)[0] == "NO"
        assert not [name for name in listed(client, "lsub") if TEAM in name]
