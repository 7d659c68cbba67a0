"""What a run tells people: from tables before and after to sentences, and what it asks to be confirmed."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from deploys.components import all as every
from deploys.components.record import render as record
from deploys.config.mailserver import MailServer
from deploys.summary import guard, report, words
from deploys.summary.changes import Change, changes, publishes_anew
from deploys.summary.fold import undone
from deploys.summary.look import Both, Seen, known
from deploys.summary.quiet import Quiet
from deploys.summary.report import Part, Service, Summary
from facts.redact import redacted
from operations import telling
from tests.declared import context, parts
from tests.settings import ARGON2 as HASH

MARIA, IQBAL, TITO = "maria@example.org", "iqbal@example.org", "tito@example.org"
OTHER = HASH.replace("$c2FsdH", "$d2FsdH")


def server(**options: Any) -> MailServer:
    basis: dict[str, Any] = {
        "hostname": "mail.example.org",
        "domains": ["example.org"],
        "mailboxes": {TITO: {"password": HASH}, IQBAL: {"password": HASH}},
        "webmail": False,
    }
    return MailServer.read({name: value for name, value in {**basis, **options}.items() if value is not None})


def texts(mail: MailServer, **versions: str) -> dict[str, str]:
    """The tables of ``mail`` as a host has them, without secrets."""
    found = parts(mail, **versions)
    files = {f"{tree.target}/{path}": file for tree in every.trees(found) for path, file in tree.files.items()}
    return {one.path: redacted(files[one.path].data.decode(), one.hides) for one in every.tables(found)}


def seen(before: MailServer | None, after: MailServer, without: str = "", **versions: str) -> Seen:
    """What a run from ``before`` to ``after`` sees; ``without``: a table that the host did not have yet."""
    then = {path: text for path, text in (texts(before, **versions) if before else {}).items() if path != without}
    now = texts(after, **versions)
    tables = tuple(Both(one, then.get(one.path), now[one.path]) for one in every.tables(parts(after, **versions)))
    had = len(known(tables)[0].get("mailbox", {}))
    quota = ((before or after).quota, after.quota)
    return Seen(context(after), tables, before is None, (had, len(after.mailboxes)), quota)


def told(before: MailServer | None, after: MailServer, messages: Mapping[str, int] | None = None) -> list[str]:
    found = seen(before, after)
    return words.lines(found.changes(), messages or {}, found.quota)


def test_of_what_a_run_did_in_part_only_the_rest_is_told_as_not_done():
    quota, name = {"quota": 5 << 30}, {"name": "Ibrahim"}
    came = [Change("mailbox", "+", MARIA, new=quota | name), Change("mailbox", "-", TITO, old=quota | name)]
    whole = [*came, Change("mailbox", "~", IQBAL, {"quota": 1 << 30, "name": "I."}, quota | name)]
    landed = [
        Change("mailbox", "+", MARIA, new=quota),
        Change("mailbox", "-", TITO, old=quota),
        Change("mailbox", "~", IQBAL, {"quota": 1 << 30}, quota),
    ]
    assert words.lines(undone(whole, landed), {}, (0, 0)) == [
        f"~ {MARIA}: name Ibrahim",
        f"~ {IQBAL}: name I. to Ibrahim",
    ]
    assert undone(whole, []) == whole
    assert undone(whole, whole) == []


def test_who_comes_and_who_goes_is_told_with_the_messages_that_stay():
    boxes = {TITO: {"password": HASH}, MARIA: {"password": HASH}}
    assert told(server(), server(mailboxes=boxes), {IQBAL: 2140}) == [
        f"+ {MARIA}",
        f"– {IQBAL} (2,140 messages stay)",
    ]


def test_whoever_has_another_name_and_a_domain_that_has_are_the_same_as_before():
    renamed = server(
        domains={"example.com": {"formerly": "example.org"}},
        mailboxes={"tito@example.com": {"password": HASH}, "maria@example.com": {"password": HASH, "formerly": IQBAL}},
    )
    assert told(server(), renamed)[:3] == [
        "~ domain example.org is now example.com",
        f"~ {IQBAL} is now maria@example.com",
        f"~ {TITO} is now tito@example.com",
    ]
    assert not [line for line in told(server(), renamed) if line.startswith("–")]


@pytest.mark.parametrize("dovecot", ["1:2.3.19.1+dfsg1-2.1", "1:2.4.1-1"])
def test_a_password_is_but_another_and_quotas_are_sizes_in_both_of_dovecots_languages(dovecot: str):
    boxes = {TITO: {"password": OTHER, "quota": "6G"}, IQBAL: {"password": HASH, "quota": 0}}
    before = server(mailboxes={TITO: {"password": HASH, "quota": "5G"}, IQBAL: {"password": HASH}})
    found = seen(before, server(mailboxes=boxes), dovecot_core=dovecot)
    assert words.lines(found.changes(), {}, found.quota) == [
        f"~ {IQBAL}: quota 1G to none",
        f"~ {TITO}: password, quota 5G to 6G",
    ]
    assert HASH[-20:] not in repr(found.tables)
    assert OTHER[-20:] not in repr(found.tables)


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ({}, {"info@example.org": [TITO]}, f"+ info@example.org reaches {TITO}"),
        ({"info@example.org": [TITO]}, {}, f"– info@example.org no longer reaches {TITO}"),
        (
            {"info@example.org": [TITO]},
            {"info@example.org": [TITO, IQBAL]},
            f"~ info@example.org now also reaches {IQBAL}",
        ),
        (
            {"info@example.org": [TITO, IQBAL]},
            {"info@example.org": [TITO]},
            f"~ info@example.org no longer reaches {IQBAL}",
        ),
        (
            {"info@example.org": [TITO]},
            {"info@example.org": [IQBAL]},
            f"~ info@example.org now reaches {IQBAL}, no longer {TITO}",
        ),
        ({}, {TITO: [TITO, IQBAL]}, f"+ {TITO} reaches {TITO}, {IQBAL}"),
    ],
)
def test_an_alias_is_told_by_whom_it_reaches(before: Any, after: Any, line: str):
    assert told(server(aliases=before), server(aliases=after)) == [line]


def test_a_catch_all_a_postmaster_and_a_domain_are_told_once_each():
    after = server(domains=["example.org", "example.net"], catch_all={"example.org": IQBAL}, postmaster=IQBAL)
    assert told(server(), after) == [
        "+ domain example.net",
        f"+ any other address of example.org reaches {IQBAL}",
        f"~ postmaster: {TITO} to {IQBAL}",
    ]


@pytest.mark.parametrize(
    ("option", "line"),
    [
        ({"message_size": "30M"}, "~ message_size: 50M to 30M"),
        ({"quota": "2G"}, "~ quota: 1G to 2G"),
        ({"clients": False}, "~ clients: true to false"),
        ({"filter": {"junk_score": 8}}, "~ filter.junk_score: 6 to 8"),
        ({"filter": False}, "+ filter: false"),
        ({"relayhost": {"host": "smtp.example.net"}}, "+ relayhost.host: smtp.example.net"),
        ({"postfix": {"parameters": {"biff": False}}}, "+ postfix.parameters.biff: false"),
        ({"trusted_networks": ["192.0.2.0/24"]}, "~ trusted_networks: none to 192.0.2.0/24"),
        ({"domains": {"example.org": {"dkim": {"selector": "s2"}}}}, "~ domain example.org: dkim.selector s2"),
        ({"resolver": "host"}, "~ resolver: local to host"),
    ],
)
def test_an_option_is_told_by_the_name_and_the_values_that_the_operator_writes(option: dict[str, Any], line: str):
    assert line in told(server(), server(**option))
    assert told(server(**option), server(**option)) == []


def test_a_webmail_that_goes_is_one_line_and_a_name_is_its_mailboxes():
    with_page = server(webmail=None, mailboxes={TITO: {"password": HASH, "name": "Tito"}})
    without = server(mailboxes={TITO: {"password": HASH, "name": "Tito Puente"}})
    assert told(with_page, without) == [
        f"~ {TITO}: name Tito to Tito Puente",
        "+ webmail: false",
    ]


def test_a_host_from_before_the_record_is_told_of_its_tables_alone():
    path = f"{record.DIRECTORY}/{record.FILE}"
    found = seen(server(message_size="20M"), server(aliases={"info@example.org": [TITO]}), without=path)
    assert words.lines(found.changes(), {}, found.quota) == [f"+ info@example.org reaches {TITO}"]
    assert not found.publishes_anew


def test_the_record_holds_no_secret():
    mail = server(
        dovecot={"settings": {"verbose_ssl": True}},
        relayhost={"host": "smtp.example.net", "username": "tito", "password": {"env": "HOME"}},
    )
    text = record.rows(mail)
    assert "$6$" not in text
    assert "argon2" not in text
    assert mail.relayhost
    assert mail.relayhost.password
    assert mail.relayhost.password.get_secret_value() not in text


def test_a_takeover_is_what_one_run_does_and_the_next_has_nothing_to_write_down():
    assert record.rows(server(takeover=["dovecot", "postfix"])) == record.rows(server())


@pytest.mark.parametrize(
    ("option", "anew"),
    [
        ({"domains": {"example.org": {"dkim": {"selector": "s2"}}}}, True),
        ({"dovecot": {"protocols": ["imap"]}}, True),
        ({"domains": ["example.org", "example.net"]}, True),
        ({"message_size": "20M"}, False),
        ({"aliases": {"info@example.org": [TITO]}}, False),
    ],
)
def test_the_dns_is_named_where_its_records_change_and_only_there(option: dict[str, Any], anew: bool):
    assert seen(server(), server(**option)).publishes_anew is anew


def many(count: int) -> MailServer:
    return server(mailboxes={f"user{number}@example.org": {"password": HASH} for number in range(count)})


def test_ten_thousand_mailboxes_are_told_in_a_few_lines_and_kept_whole():
    found = seen(many(40), many(10_000))
    lines = words.lines(found.changes(), {}, found.quota)
    assert len(lines) == words.FIRST + 1
    assert lines[-1] == "+ and 9,950 more mailboxes"
    kept = json.loads(report.as_json(summary(changes=found.changes())))
    assert len(kept["changes"]) == 9960


def test_renamed_mailboxes_are_neither_new_nor_gone():
    before, after = ({"mailbox": {name: {"password": "x"}}} for name in (IQBAL, MARIA))
    found = changes(before, after, {IQBAL: MARIA})
    assert [words.line(one, {}, (0, 0)) for one in found] == [f"~ {IQBAL} is now {MARIA}"]
    assert guard.wanted(found, 1) == {}


@pytest.mark.parametrize(
    ("had", "left", "asks"),
    [(9, 6, {}), (9, 5, {"4-mailboxes"}), (2, 1, {}), (3, 1, {}), (4, 1, {"3-mailboxes"})],
)
def test_more_than_a_third_of_the_mailboxes_asks_for_their_number(had: int, left: int, asks: Any):
    assert set(guard.wanted(seen(many(had), many(left)).changes(), had)) == set(asks)


def test_a_domain_asks_for_its_name_and_its_mailboxes_go_with_it():
    both = {TITO: {"password": HASH}, **{f"user{n}@example.net": {"password": HASH} for n in range(5)}}
    before = server(domains=["example.org", "example.net"], mailboxes=both)
    asked = guard.wanted(seen(before, server(mailboxes={TITO: {"password": HASH}})).changes(), 6)
    assert list(asked) == ["example.net"]
    problem = guard.problem(asked, 6, {"user1@example.net": 2140}, set())
    assert "the domain example.net with 5 mailboxes (" in problem
    assert "2,140 messages" in problem
    assert "--data confirm=example.net" in problem
    assert guard.problem(asked, 6, {}, guard.said("Example.NET")) == ""


@pytest.mark.parametrize(
    ("confirm", "goes_on"),
    [
        ("example.net,4-mailboxes", True),
        (["4-mailboxes", "example.net"], True),
        ("example.net", False),
        ("5-mailboxes,example.net", False),
        ("yes", False),
        (True, False),
        (4, False),
        (None, False),
    ],
)
def test_only_what_is_meant_lets_it_go_on(confirm: object, goes_on: bool):
    asked = {"example.net": ["a@example.net"], "4-mailboxes": [f"{n}@example.org" for n in range(4)]}
    assert (guard.problem(asked, 6, {}, guard.said(confirm)) == "") is goes_on


def summary(**fields: Any) -> Summary:
    given = {"host": "mail.example.org", "at": datetime(2026, 11, 27, tzinfo=UTC), "seconds": 41.4, "phase": "done"}
    return Summary(**{**given, **fields})


def test_nothing_to_do_is_one_line():
    assert report.lines(summary(mailboxes=3, steps=31)) == [
        "mail.example.org: nothing changed; 31 steps found all as declared (3 mailboxes)"
    ]


def test_services_are_told_by_what_it_means_to_people():
    services = [
        Service("Dovecot", "dovecot.service", "reloaded", ("IMAP", "POP3"), disconnects=True),
        Service("Dovecot", "posthaus-sieve.socket", "restarted", ("IMAP", "POP3"), disconnects=True),
        Service("Postfix", "postfix.service", "reloaded", ("SMTP",)),
        Service("rspamd", "rspamd.service", "reloaded"),
        Service("ClamAV", "posthaus-clamav.service", "started"),
    ]
    assert report.lines(summary(services=services, phase="foreseen"))[1:] == [
        "  Dovecot restarts: programs that are connected (IMAP, POP3) connect again by themselves",
        "  ClamAV starts",
        "  Postfix and rspamd reload, nobody is disconnected",
    ]
    assert report.lines(summary(services=services[:1]))[1:] == [
        "  Dovecot reloaded: programs that were connected (IMAP, POP3) connect again by themselves"
    ]
    assert report.lines(summary(services=services[2:3]))[1:] == ["  Postfix reloaded, nobody was disconnected"]


def test_keys_packages_and_files_put_right_by_hand_are_told():
    told = summary(
        keys=["example.org.s2", "example.org.s2-ed25519"],
        packages=["clamav", "clamdscan"],
        parts=[Part("Dovecot", "Write", ("/etc/dovecot/dovecot.conf",), True), Part("Host", "Set the hostname")],
    )
    assert report.lines(told)[1:] == [
        "  + new DKIM key for example.org",
        "  + clamav, clamdscan installed",
        "  ~ files: Dovecot /etc/dovecot/dovecot.conf",
        "  ~ also: Set the hostname",
    ]


def test_a_run_that_failed_says_what_was_not_done():
    [change] = seen(server(), server(aliases={"info@example.org": [TITO]})).changes()
    lines = report.lines(summary(phase="failed", undone=[change]))
    assert lines == [
        "mail.example.org: FAILED; see above",
        "  not done, since the run failed:",
        f"  + info@example.org reaches {TITO}",
    ]


def test_tables_that_did_not_land_change_nothing():
    after = server(mailboxes={TITO: {"password": OTHER}, IQBAL: {"password": HASH}}, aliases={"a@example.org": [TITO]})
    found = seen(server(), after)
    assert [one.kind for one in found.changes({"/etc/dovecot/users"})] == ["mailbox"]
    assert found.changes(()) == []


def test_a_password_stands_in_the_json_without_even_its_digest():
    found = seen(server(), server(mailboxes={TITO: {"password": OTHER}, IQBAL: {"password": HASH}}))
    text = report.as_json(summary(changes=found.changes(), quota=found.quota))
    (change,) = json.loads(text)["changes"]
    assert (change["line"], change["old"], change["new"]) == (f"~ {TITO}: password", {}, {})


def test_publishing_is_not_guessed_where_it_was_not_known():
    assert not publishes_anew({}, {})


@pytest.mark.parametrize(
    ("least", "most", "text"), [(5, 30, "5 to 30 s"), (30, 180, "1 to 3 minutes"), (100, 130, "about 2 minutes")]
)
def test_a_long_step_says_about_how_long_it_takes(least: int, most: int, text: str):
    assert telling.in_words(least, most) == text


def log(quiet: Quiet, *messages: str) -> list[str]:
    """What of ``messages`` is shown, in its order."""
    shown: list[str] = []
    logger = logging.getLogger("pyinfra")
    handler = logging.Handler()
    handler.emit = lambda record: shown.append(record.getMessage())  # type: ignore[method-assign]
    logger.addHandler(handler)
    try:
        for message in messages:
            record = logging.LogRecord("pyinfra", logging.INFO, "", 0, message, (), None)
            if quiet.filter(record):
                shown.append(message)
    finally:
        logger.removeHandler(handler)
    return shown


def test_rows_of_what_did_nothing_are_held_back_and_nothing_else_is():
    start = "--> Starting operation: {} "
    shown = log(
        Quiet(None),  # type: ignore[arg-type]
        *(start.format("Host | Set the hostname"), "[mail.example.org] No changes"),
        *(start.format("Dovecot | Write"), "[a] No changes", "[b] Success"),
        *(start.format("Certbot | Order"), "    a: no new certificate, the old one stays"),
        *(start.format("Apache | Run"), "[a] No changes"),
        "--> Results:",
        "Operation                Hosts   Success   Error   No Change   ",
        "Host | Set the hostname  1       -         -       1           ",
        "Dovecot | Write          2       1         -       1           ",
        "Grand total              3       1         -       2           ",
        "--> Results:",
        "Operation                Hosts   Success   Error   No Change   ",
        "Dovecot | Write          2       1         -       1           ",
        "Postfix | Write          2       -         1       1           ",
        "Grand total              3       1         1       2           ",
        "--> Detected changes:",
        "Operation                Change   Conditional Change   ",
        "Host | Set the hostname  -        -                    ",
        "Dovecot | Write          1 (a)    -                    ",
    )
    assert shown == [
        start.format("Dovecot | Write"),
        "[b] Success",
        start.format("Certbot | Order"),
        "    a: no new certificate, the old one stays",
        "--> Results:",
        "--> Results:",
        "Operation                Hosts   Success   Error   No Change   ",
        "Postfix | Write          2       -         1       1           ",
        "Grand total              3       1         1       2           ",
        "--> Detected changes:",
        "Operation                Change   Conditional Change   ",
        "Dovecot | Write          1 (a)    -                    ",
    ]


def test_a_step_is_named_as_soon_as_something_comes_of_it():
    quiet = Quiet(None)  # type: ignore[arg-type]
    assert log(quiet, "--> Starting operation: Packages ") == []
    logger, shown = logging.getLogger("pyinfra"), []
    handler = logging.Handler()
    handler.emit = lambda record: shown.append(record.getMessage())  # type: ignore[method-assign]
    logger.addHandler(handler)
    quiet.flush()
    logger.removeHandler(handler)
    assert shown == ["--> Starting operation: Packages "]
