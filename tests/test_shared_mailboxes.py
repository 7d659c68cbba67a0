"""Shared mailboxes, from mail.yaml to final text, and what is refused."""

from __future__ import annotations

import pytest

from deploys.components.postfix.tables import senders
from deploys.config.mailserver import MailServer
from deploys.config.reading.errors import SettingsError
from facts.shared import Made, SharedOnHost
from operations.shared import _is_as_declared, _over, _shared
from tests.settings import about, box, boxes, example
from tests.test_dovecot import SERIES, text

ALICE, BOB, INFO = "alice@example.org", "bob@example.org", "info@example.org"


def server(*members: str, **changes: object) -> MailServer:
    mailboxes = {**boxes(ALICE, BOB), INFO: {"members": list(members)}}
    return MailServer.read(example(**{"mailboxes": mailboxes, **changes}))


def refused(*members: str, **changes: object) -> list[str]:
    with pytest.raises(SettingsError) as error:
        server(*members, **changes)
    return error.value.lines


def test_members_send_as_it_and_as_what_leads_to_it():
    mail = server(ALICE, BOB, aliases={"sales@example.org": [INFO]}, catch_all={"example.org": INFO})
    rows = senders(mail.directory)
    everybody = f"{INFO}, {ALICE}, {BOB}"
    assert {rows[one] for one in (INFO, "sales@example.org", "@example.org")} == {everybody}
    assert rows[ALICE] == ALICE


@pytest.mark.parametrize("series", SERIES)
def test_without_a_shared_mailbox_dovecot_knows_of_none(series):
    shared, plain = (
        text(server(ALICE), "dovecot.conf", series),
        text(server(ALICE, mailboxes=boxes(ALICE)), "dovecot.conf", series),
    )
    assert "namespace shared" in shared
    assert "imap_acl" not in shared, "mail.yaml says who reads what, and nobody else"
    assert "shared/" not in plain
    assert "acl" not in plain


@pytest.mark.parametrize("series", SERIES)
def test_it_needs_no_password_and_then_nobody_logs_in_as_it(series):
    assert f"{INFO}:!::::::" in text(server(ALICE), "users", series)


@pytest.mark.parametrize(
    ("member", "why"),
    [
        ("carl@example.org", "carl@example.org has no mailbox here; declare it under mailboxes"),
        ("alicce@example.org", f"did you mean {ALICE}?"),
        ("tito@elsewhere.example", "tito@elsewhere.example has no mailbox here"),
        (INFO, f"{INFO} is this mailbox itself; name the people who shall read it"),
        ("sales@example.org", f"sales@example.org is an alias, which has no login; name {ALICE}"),
        ("board@example.org", "board@example.org is a shared mailbox as well, which reads nothing; name the people"),
        ("@example.org", "is not a mail address"),
    ],
)
def test_a_member_who_could_not_read_is_refused(member, why):
    mailboxes = {**boxes(ALICE, BOB), INFO: {"members": [BOB, member]}, "board@example.org": {"members": [BOB]}}
    lines = refused(mailboxes=mailboxes, aliases={"sales@example.org": [ALICE]})
    assert why in about(lines, f"mailboxes.{INFO}.members")


def test_nobody_is_no_member():
    assert "is empty; write at least one" in about(refused(), f"mailboxes.{INFO}.members")


def test_unix_users_cannot_share():
    lines = refused(ALICE, accounts="system", mailboxes={ALICE: {}, INFO: {"members": [ALICE]}})
    assert "write accounts: virtual, or an alias" in about(lines, f"mailboxes.{INFO}.members")


def test_a_member_once_or_twice_in_any_case_is_one_member():
    assert server(ALICE, "Alice@Example.ORG").directory.shared == {INFO: (ALICE,)}


def test_with_a_password_it_is_a_login_too():
    mail = MailServer.read(example(mailboxes={**boxes(ALICE), INFO: box(members=[ALICE])}))
    assert f"{INFO}:{{ARGON2ID}}" in text(mail, "users")


NOW = Made("/home", (ALICE, BOB))
RIGHTS = tuple(sorted(f"user={person} lrwstipekx" for person in (ALICE, BOB)))


def test_what_is_as_declared_is_left_alone_in_whatever_order_dovecot_writes_it():
    again = tuple(line.replace("lrwstipekx", "kxeilprwts") for line in RIGHTS)
    assert _is_as_declared(INFO, NOW, SharedOnHost({INFO: NOW}, {"/home": {RIGHTS, again}}))


@pytest.mark.parametrize(
    ("there", "lines"),
    [
        (SharedOnHost(), [f"rights {INFO} /home {ALICE},{BOB}", f"in {INFO} {ALICE}", f"in {INFO} {BOB}"]),
        (
            SharedOnHost({INFO: Made("/home", (ALICE, "eve@example.org"))}, {"/home": {RIGHTS}}),
            [f"rights {INFO} /home {ALICE},{BOB}", f"in {INFO} {BOB}", f"out {INFO} eve@example.org"],
        ),
        (SharedOnHost({INFO: NOW}, {"/home": {RIGHTS, ()}}), [f"rights {INFO} /home {ALICE},{BOB}"]),
        (SharedOnHost({INFO: NOW}, {"/home": {(*RIGHTS, "user=eve lr")}}), [f"rights {INFO} /home {ALICE},{BOB}"]),
    ],
    ids=["a new one", "another member", "a folder without", "somebody let in by hand"],
)  # fmt: skip
def test_what_differs_is_put_right(there, lines):
    assert not _is_as_declared(INFO, NOW, there)
    assert _shared(INFO, NOW, there) == lines


def test_what_is_shared_no_longer_lets_nobody_in():
    assert _over(INFO, NOW) == [f"none {INFO} /home", f"out {INFO} {ALICE}", f"out {INFO} {BOB}"]
