"""Databases that a host's Postfix and Dovecot ask, as the usual guides and postfixadmin make them."""

from __future__ import annotations

import json
from typing import Any

from deploys.adopting import databases, schemas
from deploys.adopting.databases import DatabaseState
from deploys.adopting.description import Found
from deploys.adopting.look import There, Told
from deploys.adopting.places import with_places
from deploys.adopting.server import server
from deploys.adopting.sources import unanswered
from facts.places import Place, Places

BCRYPT = "{BLF-CRYPT}$2y$05$" + "b" * 53
MD5 = "$1$saltsalt$" + "h" * 22
Tables = dict[str, list[dict[str, Any]]]
POSTFIXADMIN: Tables = {
    "domain": [
        {"domain": "ALL", "transport": "virtual", "backupmx": 0, "active": 1},
        {"domain": "example.com", "transport": "virtual", "backupmx": 0, "active": 1},
        {"domain": "off.example", "transport": "virtual", "backupmx": False, "active": False},
        {"domain": "relay.example", "transport": "relay:[192.0.2.1]", "backupmx": "t", "active": "t"},
    ],
    "mailbox": [
        {"username": "Tito@example.com", "password": BCRYPT, "name": "Tito", "quota": 1 << 30, "active": 1},
        {"username": "iqbal@example.com", "password": MD5, "name": "", "quota": -1, "active": "1", "smtp_active": 0},
        {"username": "sri@example.com", "password": "secret", "name": None, "quota": 0, "active": True},
        {"username": "ana@example.com", "password": BCRYPT, "name": "", "quota": 0, "active": 0},
        {"username": "old@off.example", "password": BCRYPT, "name": "", "quota": 0, "active": 1},
    ],
    "alias": [
        {"address": "tito@example.com", "goto": "tito@example.com", "active": 1},
        {"address": "sri@example.com", "goto": "sri@example.com,sri#example.com@autoreply.example.com", "active": 1},
        {"address": "iqbal@example.com", "goto": "iqbal@elsewhere.example", "active": 1},
        {"address": "info@example.com", "goto": "tito@example.com, iqbal@example.com ,|/bin/cat", "active": 1},
        {"address": "@example.com", "goto": "tito@example.com", "active": 1},
        {"address": "x@off.example", "goto": "tito@example.com", "active": 1},
    ],
    "alias_domain": [
        {"alias_domain": "example.net", "target_domain": "example.com", "active": 1},
        {"alias_domain": "off.net", "target_domain": "off.example", "active": 1},
    ],
}


def told(rows: Tables, *more: str, file: str = "/etc/postfix/sql/domains.cf") -> DatabaseState:
    """What the host's client says of ``rows``, read as the fact reads it."""
    lines = [f"database mysql mail {file}"]
    for table, content in rows.items():
        lines += [f"column {table} {column}" for column in dict.fromkeys(key for row in content for key in row)]
        lines += [f"row {table} {json.dumps(row)}" for row in content]
    return databases.read([*more, *lines])


def said(found: Found, *words: str) -> bool:
    return any(all(word in sentence for word in words) for sentence in found.not_understood)


def test_postfixadmins_people():
    found = schemas.description(told(POSTFIXADMIN, "dovecot default_pass_scheme /etc/dovecot/x PLAIN"))
    people = {one.address: (one.password, one.quota, one.active) for one in found.mailboxes}
    assert people == {
        "tito@example.com": (BCRYPT, 1 << 30, True),
        "iqbal@example.com": (MD5, 0, True),
        "sri@example.com": ("{PLAIN}secret", 0, True),
        "ana@example.com": (BCRYPT, 0, False),
    }
    assert said(found, "ana@example.com", "login: false")
    assert said(found, "iqbal@example.com", "smtp_active")
    assert said(found, "old@off.example")


def test_postfixadmins_aliases_and_domains():
    found = schemas.description(told(POSTFIXADMIN))
    assert found.domains == ("example.com",)
    assert {one.address: one.targets for one in found.aliases} == {
        "iqbal@example.com": ("iqbal@elsewhere.example",),
        "info@example.com": ("tito@example.com", "iqbal@example.com"),
    }
    assert found.catch_all == {"example.com": "tito@example.com"}
    assert found.former_domains == {"example.net": "example.com"}
    for words in (
        ("off.example is switched off",),
        ("relay.example", "another server"),
        ("off.net stands for off.example",),
        ("sri@example.com", "vacation"),
        ("info@example.com also leads to |/bin/cat",),
    ):
        assert said(found, *words)


def test_where_every_domain_is_switched_off_nobody_comes():
    rows: Tables = {**POSTFIXADMIN, "domain": [{**POSTFIXADMIN["domain"][1], "active": 0}]}
    found = schemas.description(told(rows))
    assert (found.mailboxes, found.aliases, found.domains) == ((), (), ())
    nowhere = schemas.description(told({**POSTFIXADMIN, "domain": [POSTFIXADMIN["domain"][0]]}))
    assert "old@off.example" in {one.address for one in nowhere.mailboxes}, "no domain is listed there"


def test_the_tables_of_the_usual_guides():
    rows: Tables = {
        "virtual_domains": [{"id": 1, "name": "example.com"}, {"id": 2, "name": "empty.example"}],
        "virtual_users": [
            {"email": "tito@example.com", "password": "$6$" + "s" * 8 + "$" + "h" * 86, "quota": 5 << 30},
            {"email": "iqbal@example.com", "password": "aZbYcXdWeVfUg", "quota": 0},
        ],
        "virtual_aliases": [
            {"source": "info@example.com", "destination": "tito@example.com"},
            {"source": "info@example.com", "destination": "iqbal@elsewhere.example"},
            {"source": "@empty.example", "destination": "@example.com"},
        ],
    }
    found = schemas.description(told(rows))
    assert found.domains == ("example.com",)
    assert found.former_domains == {"empty.example": "example.com"}
    assert [one.targets for one in found.aliases] == [("tito@example.com", "iqbal@elsewhere.example")]
    assert [(one.quota, one.password) for one in found.mailboxes] == [
        (5 << 30, rows["virtual_users"][0]["password"]),
        (0, "{CRYPT}aZbYcXdWeVfUg"),
    ]


def test_tables_that_nobody_knows_are_told_with_the_query_that_asks_them():
    query = "query virtual_mailbox_maps /etc/postfix/sql/domains.cf SELECT box FROM konten WHERE adr='%s'"
    found = schemas.description(told({"konten": [{"adr": "x@example.com"}]}, query))
    assert not found.mailboxes
    assert said(found, "konten", "no kind that is known")
    assert said(found, "SELECT box FROM konten", "/etc/postfix/sql/domains.cf")


def test_a_database_that_cannot_be_read_is_told_with_what_it_says():
    lines = ["database mysql mail /etc/postfix/a.cf", "error ERROR 1045 (28000): Access denied for user 'mail'"]
    found = schemas.description(databases.read(lines))
    assert said(found, "/etc/postfix/a.cf", "Access denied")


def test_the_same_database_asked_twice_counts_once():
    state = told(POSTFIXADMIN)
    twice = DatabaseState(databases=state.databases * 2)
    assert schemas.description(twice) == schemas.description(state)


def test_no_hash_is_in_what_is_printed_of_a_database():
    state = told(POSTFIXADMIN)
    assert len(state.databases[0].rows["mailbox"]) == 5
    assert BCRYPT not in repr(state) + repr(schemas.description(state))


def test_dovecot_of_both_generations_says_where_messages_are():
    old = Places().process(
        [
            "driver ",
            "sieve file:~/sieve;active=~/.dovecot.sieve",
            "active ",
            "tito@example.com home\t/var/vmail/example.com/tito/",
            "tito@example.com mail\tmaildir:~/Maildir:INDEX=/var/index",
            "ana@example.com userdb lookup: user ana@example.com doesn't exist",
        ]
    )
    base = "/var/vmail/example.com/tito"
    assert old == {
        "tito@example.com": Place(f"maildir:{base}/Maildir:INDEX=/var/index", base, f"{base}/.dovecot.sieve")
    }
    new = Places().process(
        [
            "driver maildir",
            "active ~/.sieve",
            "tito@example.com home\t/var/vmail/tito",
            "tito@example.com mail_path\t/var/vmail/tito/mail",
        ]
    )
    assert new == {
        "tito@example.com": Place("maildir:/var/vmail/tito/mail", "/var/vmail/tito", "/var/vmail/tito/.sieve")
    }


def test_whom_dovecot_does_not_know_has_mail_where_all_others_have_theirs():
    found = schemas.description(told(POSTFIXADMIN))
    known = {
        f"{name}@example.com": Place(f"maildir:/var/vmail/example.com/{name}/m") for name in ("tito", "iqbal", "sri")
    }
    placed = {one.address: one.messages for one in with_places(found, known).mailboxes}
    assert placed["ana@example.com"] == "maildir:/var/vmail/example.com/ana/m"
    odd = {**known, "sri@example.com": Place("maildir:/srv/sri")}
    unsure = with_places(found, odd)
    assert {one.address: one.messages for one in unsure.mailboxes}["ana@example.com"] == ""
    assert said(unsure, "ana@example.com", "where")


def test_what_a_database_answers_is_no_open_question_any_more():
    open_ = [
        "virtual_alias_maps: what mysql:/etc/postfix/a.cf answers was not read; write it down by hand",
        "virtual_alias_maps: what regexp:/etc/postfix/b answers was not read; write it down by hand",
        "Dovecot's passdb sql: what it answers was not read (docs/adopting.md: databases)",
    ]
    database = schemas.description(told(POSTFIXADMIN))
    assert unanswered(open_, database) == (open_[1],)
    assert unanswered(open_, Found()) == tuple(open_)


def test_beside_people_of_a_database_no_unix_user_is_taken_for_one():
    host = Told(
        words={
            "passwd": "admin:x:1000:1000::/home/admin:/bin/bash\n",
            "passwords": "admin yes\n",
            "doveconf": "passdb {\n  driver = sql\n}\n",
        },
        parameters={
            "myhostname": "mail.example.com",
            "mydestination": "mail.example.com, localhost",
            "virtual_mailbox_domains": "mysql:/etc/postfix/a.cf",
        },
    )
    database = schemas.description(told(POSTFIXADMIN))
    found = server(host, lambda paths, texts: There(), None, database)
    assert (found.accounts, found.mailboxes, found.domains) == ("virtual", (), ("example.com",))
    assert unanswered(found.not_understood, database) == ()
    alone = server(host, lambda paths, texts: There(), None)
    assert [one.address for one in alone.mailboxes] == ["admin@mail.example.com"]
