"""How much a login may send: what may be declared, what Postfix hears, and who is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyinfra.api.exceptions import DeployError

from deploys.checks import held as checks
from deploys.components.postfix import render as postfix
from deploys.components.sending import notices, render
from deploys.components.sending.daemon import Counts, Policy, parse
from deploys.components.sending.operator import Request, table
from deploys.config.reading.errors import SettingsError
from facts.held import Held, HeldMessages
from tests.declared import context, targets, units
from tests.settings import box, mail

TITO, IQBAL = "tito@example.com", "iqbal@example.com"
NOW = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)


def server(sending: Any = None, own: Any = None, **more: Any) -> Any:
    changes = {} if sending is None else {"sending": sending}
    boxes = {TITO: box(), IQBAL: box(**({} if own is None else {"sending": own}))}
    return mail(**{"mailboxes": boxes, **changes, **more})


def limit_of(login: str, **declared: Any) -> tuple[int, int] | None:
    return Policy(render.settings(server(**declared)), Counts(":memory:")).limit(login)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({}, (200, 500)),
        ({"sending": {"messages": 1000}}, (1000, 1000)),
        ({"sending": {"recipients": 50}}, (200, 200)),
        ({"sending": {"messages": 10, "recipients": 20}}, (10, 20)),
        ({"sending": False}, None),
        ({"own": {"messages": 1000}}, (1000, 1000)),
        ({"sending": {"recipients": 5000}, "own": {"messages": 1000}}, (1000, 5000)),
        ({"sending": False, "own": {"messages": 10}}, (10, 500)),
        ({"own": False}, None),
    ],
)
def test_a_mailbox_has_the_servers_limit_but_for_what_is_said_of_it(declared, expected):
    assert limit_of(IQBAL, **declared) == expected


def test_what_one_mailbox_has_is_no_business_of_others_and_the_probe_has_no_limit():
    assert limit_of(TITO, own={"messages": 3}) == (200, 500)
    assert limit_of("posthaus-probe@example.com") is None


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (True, "sending: is yes; write false for no limit"),
        ({"messages": 0}, "sending.messages"),
        ({"messages": 100, "recipients": 50}, "sending.recipients: is less than messages, 100"),
        ({"letters": 1}, "sending.letters"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_key(said, why):
    with pytest.raises(SettingsError, match=why.replace(".", r"\.")):
        server(sending=said)
    with pytest.raises(SettingsError, match=rf"mailboxes\.{IQBAL}\.".replace(".", r"\.").replace("\\\\.", r"\.")):
        server(own=said)


@pytest.mark.parametrize("filters", [{}, {"filter": False}])
def test_postfix_asks_at_the_end_of_what_people_hand_in_and_nowhere_else(filters):
    files = postfix.configuration(context(server(**filters)))
    services = files["master.cf"].data.decode().split("\n")
    asking, name = [], ""
    for line in services:
        name = line.split()[0] if line[:1] not in ("", " ", "#") else name
        if "mua_end_of_data" in line:
            asking.append(name)
    assert asking == ["587", "465"], "no bounce, no forward, no script's message, nothing from elsewhere"
    assert "default_action=DUNNO }" in files["main.cf"].data.decode()


def test_without_any_limit_nobody_is_asked_and_nothing_runs():
    without = server(sending=False)
    files = postfix.configuration(context(without))
    assert "end_of_data" not in files["master.cf"].data.decode() + files["main.cf"].data.decode()
    assert render.UNIT not in units(without)
    assert render.DIRECTORY not in targets(without)
    assert render.UNIT in units(server(sending=False, own={"messages": 10}))


@pytest.fixture
def clock() -> list[float]:
    return [1_000_000.0]


@pytest.fixture
def policy(clock: list[float]) -> Policy:
    return Policy(
        render.settings(server(sending={"messages": 3, "recipients": 6})), Counts(":memory:"), lambda: clock[0]
    )


@pytest.fixture
def says(policy: Policy) -> Callable[..., str]:
    """The first word of what Postfix hears about a message."""

    def say(login: str = IQBAL, recipients: int = 1, state: str = "END-OF-MESSAGE") -> str:
        text = (
            f"request=smtpd_access_policy\nprotocol_state={state}\nsasl_username={login}\nrecipient_count={recipients}"
        )
        return policy.answer(parse(text.encode())).split()[0]

    return say


def test_the_message_beyond_the_limit_is_held_and_so_is_all_that_follows_within_the_hour(clock, says):
    assert [says() for _ in range(5)] == ["DUNNO"] * 3 + ["HOLD"] * 2
    assert says(TITO) == "DUNNO"
    clock[0] += 50 * 60
    assert says() == "HOLD", "whoever goes on stays held"
    clock[0] += 61 * 60
    assert says() == "DUNNO"


def test_recipients_are_counted_over_messages(says):
    assert [says(recipients=3), says(recipients=3), says(recipients=1)] == ["DUNNO", "DUNNO", "HOLD"]
    assert says(TITO, recipients=7) == "HOLD", "one message to more than may be"


def test_who_has_not_logged_in_and_other_moments_do_not_count(says):
    assert {says(login="", recipients=100), says(state="RCPT", recipients=100)} == {"DUNNO"}
    assert says() == "DUNNO"


def test_people_are_told_once_while_it_goes_on(clock, policy, says):
    for _ in range(9):
        says()
    assert policy.counts.untold() == [(IQBAL, 0)]
    policy.counts.tell(IQBAL, 2)
    clock[0] += 30 * 60
    says()
    assert policy.counts.untold() == []
    clock[0] += 3 * 3600
    for _ in range(4):
        says()
    assert policy.counts.untold() == [(IQBAL, 0)], "another time"


def test_after_a_release_it_is_counted_anew(policy, says):
    for _ in range(4):
        says()
    policy.answer({"request": "forget", "login": IQBAL})
    assert says() == "DUNNO"
    assert policy.counts.untold() == []


def test_what_was_counted_is_known_after_a_restart(tmp_path):
    path, asked = str(tmp_path / "counts"), {"sasl_username": IQBAL, "protocol_state": "END-OF-MESSAGE"}
    known = render.settings(server(sending={"messages": 1}))
    assert Policy(known, Counts(path)).answer({**asked, "recipient_count": "1"}) == "DUNNO"
    assert Policy(known, Counts(path)).answer({**asked, "recipient_count": "1"}).startswith("HOLD")


def test_postmaster_and_person_are_told_what_they_need_and_one_who_is_both_once():
    known = render.settings(server(postmaster=TITO))
    to_postmaster, to_person = notices.messages(IQBAL, (200, 500), known)
    assert (to_postmaster["To"], to_person["To"]) == (TITO, IQBAL)
    assert f"--data release={IQBAL}" in to_postmaster.get_content()
    assert "somebody else knows your password" in to_person.get_content()
    assert "200 messages" in to_person.get_content()
    assert [one["To"] for one in notices.messages(TITO, (200, 500), known)] == [TITO]


def test_a_unix_user_is_told_at_the_host():
    known = json.loads(json.dumps(render.settings(server(accounts="system", mailboxes={TITO: {}, IQBAL: {}}))))
    assert notices.messages("iqbal", (200, 500), known)[1]["To"] == "iqbal@mail.example.com"


def test_what_is_held_is_told_by_login():
    rows = [f"{IQBAL}\tA1\t1795766400\t2", f"{IQBAL}\tB2\t1795766460\t3", "-\tC3\t1795766400\t1", "postqueue: warning"]
    found = HeldMessages().process(rows)
    assert found == {
        IQBAL: Held(2, 5, datetime.fromtimestamp(1795766400, UTC)),
        "-": Held(1, 1, datetime.fromtimestamp(1795766400, UTC)),
    }
    (result,) = checks.results(found)
    assert (result.verdict, result.seen) == ("warn", f"2 of {IQBAL}, 1 of no login")
    assert [one.verdict for one in checks.results({})] == ["ok"]


HELD = {IQBAL: Held(7650, 7650, NOW - timedelta(minutes=5))}


def test_the_list_says_how_much_and_what_can_be_done():
    said = table(server(), HELD, NOW)
    assert f"{IQBAL}     7,650       7,650  5 min ago" in said
    assert "release=LOGIN" in said
    assert table(server(sending=False), {}, NOW) == "nothing is held; nobody's sending has a limit"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ((IQBAL, IQBAL, None), "two runs"),
        (("nobody@example.com", None, None), "no login of mail.yaml's"),
        ((None, TITO, None), "nothing of tito@example.com is held"),
        ((None, IQBAL, None), "7,650 messages of iqbal@example.com would be deleted for good; .* confirm=7650"),
        ((None, IQBAL, "765"), "confirm=7650"),
    ],
)
def test_nothing_is_dropped_or_released_by_mistake(said, why):
    with pytest.raises(DeployError, match=why):
        Request.of(server(), HELD, *said)


def test_what_is_meant_is_done():
    assert Request.of(server(), HELD, None, IQBAL, "7650") == Request(IQBAL, 7650)
    assert Request.of(server(), {}, TITO, None, None) == Request(TITO), "which is counted anew, held or not"
    assert Request.of(server(), HELD, None, None, None) is None
