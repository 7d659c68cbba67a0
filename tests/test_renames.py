"""Former names, from mail.yaml to tables, and what is refused."""

from __future__ import annotations

import pytest

from deploys.components.postfix.tables import all_tables
from deploys.config.mailserver import MailServer
from deploys.config.reading.errors import SettingsError
from operations.renames import conflicts, home, pending
from tests.settings import about, box, boxes, example
from tests.test_dovecot import SERIES, files

ALICE, BOB, MARIA = "alice@example.org", "bob@example.org", "maria@example.org"
RENAMED = {"example.org": {"formerly": "example.net"}}


def aliases(**changes: object) -> dict[str, str]:
    mail = MailServer.read(example(**changes))
    rows = all_tables(mail.hostname, mail.directory)["aliases"].splitlines()
    return dict(row.split(" ", 1) for row in rows)


def refused(**changes: object) -> list[str]:
    with pytest.raises(SettingsError) as error:
        MailServer.read(example(**changes))
    return error.value.lines


def test_mail_to_a_former_name_arrives_also_where_an_alias_names_it_and_the_person_sends_as_it():
    boxes_now = {MARIA: box(formerly=BOB), ALICE: box()}
    rows = aliases(mailboxes=boxes_now, aliases={"info@example.org": [BOB, ALICE]})
    assert (rows[BOB], rows["info@example.org"]) == (MARIA, f"{BOB}, {ALICE}")
    assert MailServer.read(example(mailboxes=boxes_now)).directory.owners(BOB) == (MARIA,)


def test_a_renamed_domain_is_served_under_both_names():
    mail = MailServer.read(
        example(domains=RENAMED, aliases={"info@example.org": [ALICE]}, catch_all={"example.org": BOB})
    )
    assert mail.domains == ("example.org", "example.net")
    assert mail.directory.renamed == {ALICE: ("alice@example.net",), BOB: ("bob@example.net",)}
    rows = aliases(domains=RENAMED, aliases={"info@example.org": [ALICE]}, catch_all={"example.org": BOB})
    assert rows["alice@example.net"] == ALICE
    assert rows["info@example.net"] == "info@example.org"
    assert rows["@example.net"] == BOB


def test_a_former_name_in_a_domain_that_is_gone_is_no_alias():
    assert "bob@gone.example" not in aliases(mailboxes={MARIA: box(formerly=["bob@gone.example"])})


@pytest.mark.parametrize("series", SERIES)
def test_what_was_on_its_way_under_the_former_name_is_delivered(series):
    made = files(MailServer.read(example(mailboxes={MARIA: box(formerly=BOB)})), series)
    assert made["aliases.lmtp"].data.decode() == f"{BOB}:::::::userdb_user={MARIA}\n"
    assert "aliases.lmtp" not in files(MailServer.read(example()), series)


@pytest.mark.parametrize(
    ("changes", "key", "why"),
    [
        ({"mailboxes": {MARIA: box(formerly=BOB), BOB: box()}}, MARIA, f"{BOB} is a mailbox, so its"),
        ({"mailboxes": {MARIA: box(formerly=MARIA)}}, MARIA, f"{MARIA} is its present name"),
        ({"mailboxes": {MARIA: box(formerly="x@example.org"), ALICE: box(formerly="x@example.org")}}, ALICE, "too"),
        (
            {"mailboxes": {MARIA: box(formerly=BOB), ALICE: box()}, "aliases": {BOB: [ALICE]}},
            MARIA,
            f"{BOB} is declared under aliases; take it away there",
        ),
        ({"accounts": "system", "mailboxes": {MARIA: {"formerly": BOB}}}, MARIA, "usermod(8)"),
        ({"mailboxes": {MARIA: box(formerly=5)}}, MARIA, "is not a list"),
    ],
    ids=["a new person", "itself", "two people's", "an alias", "a Unix user", "no address"],
)  # fmt: skip
def test_a_former_name_that_is_somebodys_is_refused(changes, key, why):
    assert why in about(refused(**changes), f"mailboxes.{key}.formerly")


def test_a_mailbox_in_a_domain_that_has_another_name_now_is_told_its_name():
    lines = refused(domains=RENAMED, mailboxes=boxes(ALICE, "bob@example.net"))
    assert "declare bob@example.org, which has its mail" in about(lines, "mailboxes.bob@example.net")
    assert "is its present name" in about(
        refused(domains={"example.org": {"formerly": "example.org"}}), "domains.example.org.formerly"
    )


FORMER = {MARIA: (BOB,)}


@pytest.mark.parametrize(
    ("old", "new", "moved"),
    [
        ("full", None, True), ("full", "empty", True), ("empty", None, True), (None, None, False),
        ("empty", "empty", False), ("link", "full", False), (None, "full", False), ("empty", "full", False),
    ],
)  # fmt: skip
def test_what_moves_is_decided_by_what_lies_there(old, new, moved):
    found = {place: state for place, state in ((home(BOB), old), (home(MARIA), new)) if state}
    assert pending(FORMER, found) == ({MARIA: BOB} if moved else {})
    assert conflicts(FORMER, found) == []


def test_two_homes_with_messages_are_never_one():
    (said,) = conflicts(FORMER, {home(BOB): "full", home(MARIA): "full"})
    assert f"{home(MARIA)} and {home(BOB)} both hold messages" in said
