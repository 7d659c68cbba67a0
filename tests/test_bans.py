"""Who is shut out after how many wrong logins, from mail.yaml to the guard's decision."""

from __future__ import annotations

import ipaddress
import json
import threading
from collections import Counter
from http.client import HTTPConnection
from typing import Any

import pytest
from pyinfra.api.exceptions import DeployError

from deploys.checks import bans as check
from deploys.components.bans import operator, render
from deploys.components.bans.options import Bans
from deploys.components.bans.program import count as counting
from deploys.components.bans.program import memory, serve
from deploys.components.bans.program.count import (
    CROWD,
    PATIENCE,
    REMEMBERED,
    WAIT,
    Attempt,
    Count,
    Rules,
    Suspect,
    source,
)
from deploys.components.bans.program.serve import Guard, Server
from facts.bans import BanState
from lab.waiting import wait_until
from tests.settings import about, server

RULES = Rules(failures=10, within=600, span=3600, longest=86400, never=("192.0.2.0/24", "2001:db8:1::/48"))


def failing(count: Count, remote: str, times: int, now: float = 1000.0, login: str = "tito@example.com", **more: Any):
    """Whom wrong logins with a new password each shut out, each time."""
    attempts = [
        Attempt(login, remote, more.get("protocol", "imap"), more.get("guess", f"{number}"), False)
        for number in range(times)
    ]
    found = [count.report(attempt, now) for attempt in attempts]
    return [one for one in found if one]


def good(count: Count, remote: str, now: float = 1000.0, login: str = "tito@example.com") -> None:
    assert count.report(Attempt(login, remote, "imap", "right", True), now) is None


def test_the_tenth_wrong_login_shuts_out_and_the_ninth_does_not():
    count = Count(RULES)
    assert failing(count, "203.0.113.7", 9) == []
    who = ipaddress.ip_network("203.0.113.7")
    assert failing(count, "203.0.113.7", 1, protocol="smtp") == [Suspect(who, ("imap",) * 9 + ("smtp",))]
    assert count.sentence(who, 1000) == 3600


def test_wrong_logins_of_long_ago_count_no_more():
    count = Count(RULES)
    failing(count, "203.0.113.7", 9, now=1000)
    assert failing(count, "203.0.113.7", 9, now=1601) == []


def test_of_ipv6_a_64_is_one_household():
    count = Count(RULES)
    found = [one for number in range(10) for one in failing(count, f"2001:db8:7:7::{number + 1}", 1)]
    assert [str(one.who) for one in found] == ["2001:db8:7:7::/64"]
    assert failing(count, "2001:db8:7:8::1", 9) == []


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        ("::ffff:203.0.113.7", "203.0.113.7/32"),
        ("2001:db8::7", "2001:db8::/64"),
        ("fe80::7%eth0", "fe80::/64"),
        ("127.0.0.2", None),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        ("", None),
        ("mail.example.com", None),
    ],
)
def test_what_is_counted_is_an_address_or_a_64(text: str, who: str | None):
    assert source(text) == (who and ipaddress.ip_network(who))


@pytest.mark.parametrize("remote", ["127.0.0.1", "127.9.9.9", "::1", "192.0.2.200", "2001:db8:1:2::3", "", "nonsense"])
def test_loopback_and_declared_networks_are_never_shut_out(remote: str):
    assert failing(Count(RULES), remote, 100) == []


def test_whoever_comes_again_is_shut_out_for_longer_up_to_a_limit():
    count, now, seconds = Count(RULES), 0.0, list[int]()
    for _ in range(6):
        (one,) = failing(count, "203.0.113.7", 10, now=now)
        seconds.append(count.sentence(one.who, now))
        now += seconds[-1] + 1
    assert seconds == [3600, 7200, 14400, 28800, 57600, 86400]


def test_a_ban_that_the_operator_has_lifted_does_not_make_the_next_one_longer():
    count = Count(RULES)
    assert [count.sentence(one.who, 1000) for one in failing(count, "203.0.113.7", 20)] == [3600, 3600]


def test_right_logins_do_not_count_and_wipe_nothing_out():
    count = Count(RULES)
    for _ in range(100):
        good(count, "203.0.113.7")
    failing(count, "203.0.113.7", 9)
    good(count, "203.0.113.7")
    assert len(failing(count, "203.0.113.7", 1, guess="one more")) == 1


def test_a_program_with_the_password_of_yesterday_counts_once_where_that_of_today_is_known():
    count = Count(RULES)
    good(count, "203.0.113.7")
    assert failing(count, "203.0.113.7", 100, guess="old") == []
    assert len(failing(count, "203.0.113.7", 9)) == 1
    assert len(failing(Count(RULES), "203.0.113.8", 10, guess="the same again")) == 1


def test_a_login_that_many_try_is_slow_for_strangers_and_never_for_who_has_logged_in_there():
    count = Count(RULES)
    good(count, "203.0.113.7")
    for number in range(30):
        assert count.wait("tito@example.com", "198.51.100.200", 1000 + number) == 0
        failing(count, f"198.51.100.{number}", 1, now=1000 + number)
    assert count.wait("Tito@example.com", "198.51.100.200", 1100) == WAIT
    assert count.wait("tito@example.com", "203.0.113.7", 1100) == 0
    assert count.wait("tito@example.com", "127.0.0.1", 1100) == 0
    assert count.wait("iqbal@example.com", "198.51.100.200", 1100) == 0
    assert count.wait("tito@example.com", "198.51.100.200", 1701) == 0


def test_of_many_logins_at_once_from_one_address_some_wait_for_their_turn_but_none_that_was_right_before():
    count = Count(RULES)
    assert [count.wait("tito@example.com", "203.0.113.7", 1000) for _ in range(16)] == [0] * 6 + [1] * 5 + [2] * 4 + [3]
    assert max(count.wait("tito@example.com", "203.0.113.7", 1000) for _ in range(500)) == PATIENCE
    good(count, "203.0.113.7")
    assert count.wait("tito@example.com", "203.0.113.7", 1000) == 0
    assert count.wait("iqbal@example.com", "203.0.113.7", 1000 + PATIENCE + 1) == 0


def test_strangers_from_many_addresses_wait_for_their_turn_and_leave_each_second_to_others():
    count = Count(RULES)
    waits = [count.wait("tito@example.com", f"198.51.100.{number}", 1000.5) for number in range(40)]
    assert waits == [number // CROWD for number in range(40)]
    good(count, "203.0.113.7")
    assert count.wait("tito@example.com", "203.0.113.7", 1000.6) == 0
    more = Counter(count.wait("tito@example.com", f"203.0.113.{number % 250}", 1000.9) for number in range(200, 1700))
    assert max(more) == PATIENCE, "nobody is put off for longer"
    assert max(more.values()) <= 1540 / (PATIENCE + 1) + 1, "a crowd beyond all measure comes spread out"
    assert count.wait("iqbal@example.com", "198.51.100.9", 1000.9 + PATIENCE + 1) == 0


def test_of_a_login_that_many_try_not_all_have_waited_for_the_same_second():
    count = Count(RULES)
    for number in range(30):
        failing(count, f"198.51.100.{number}", 1)
    waits = [count.wait("tito@example.com", f"192.0.3.{number}", 1000) for number in range(15)]
    assert waits == [WAIT] * CROWD + [WAIT + 1] * CROWD + [WAIT + 2] * 3


def test_what_is_known_outlives_the_guard_for_thirty_days(tmp_path):
    count, again, path = Count(RULES), Count(RULES), str(tmp_path / "memory.json")
    good(count, "203.0.113.7", now=1000)
    (one,) = failing(count, "203.0.113.9", 10, now=1000)
    count.sentence(one.who, 1000)
    memory.write(path, count)
    memory.read(path, again)
    assert (again.known, again.former) == (count.known, count.former)
    assert again.known
    assert again.former
    again.forget(1000 + REMEMBERED + 7200)
    assert (again.known, again.former) == ({}, {})


@pytest.mark.parametrize("text", ["", "{", "[]", '{"known": [[1]], "former": []}', '{"known": 7}'])
def test_a_broken_memory_stops_no_guard(tmp_path, text: str):
    path = tmp_path / "memory.json"
    path.write_text(text)
    memory.read(str(path), Count(RULES))


def test_a_million_addresses_fill_no_memory(monkeypatch):
    monkeypatch.setattr(counting, "MOST", 50)
    count = Count(RULES)
    for number in range(200):
        address = str(ipaddress.ip_address(0x0B000000 + number))
        good(count, address)
        failing(count, address, 1, login=f"{number}@example.com")
    assert len(count.known) == len(count._by_source) == len(count._by_login) == 50


@pytest.fixture
def guard():
    made = Guard(Count(RULES), [993], "/nonexistent")
    with Server(0, made) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving
        serving.shutdown()


def said(serving: Server, path: str, body: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", serving.server_address[1], timeout=10)
    connection.request("POST", path, body)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_the_guard_says_go_on_to_whatever_it_is_told(guard: Server):
    for body in ("{}", "[]", '{"login": null, "remote": 7}', ""):
        for command in ("allow", "report", "what"):
            assert said(guard, f"/?command={command}", body) == (200, '{"status": 0, "msg": ""}')
    assert said(guard, "/?command=report", "no JSON")[0] == 400


def test_where_dovecot_itself_failed_nobody_has_guessed_wrong(guard: Server):
    for _ in range(20):
        report = {"login": "tito@example.com", "remote": "203.0.113.7", "success": False, "fail_type": "internal"}
        assert said(guard, "/?command=report", json.dumps(report))[0] == 200
    assert guard.guard.count.former == {}


def test_while_the_kernel_is_slow_the_guard_answers_and_who_is_out_already_is_shut_out_once(guard: Server, monkeypatch):
    goes_on, shut_out = threading.Event(), list[int]()
    monkeypatch.setattr(serve, "is_shut", lambda who: goes_on.wait(60) and bool(shut_out))
    monkeypatch.setattr(serve.shut, "shut", lambda who, seconds, table: shut_out.append(seconds))
    monkeypatch.setattr(serve.shut, "cut", lambda who, ports: None)
    for number in range(40):
        report = {"login": "tito@example.com", "remote": "203.0.113.7", "success": False, "pwhash": f"{number}"}
        assert said(guard, "/?command=report", json.dumps(report))[0] == 200
    assert shut_out == []
    goes_on.set()
    wait_until(lambda: guard.guard._suspects.empty() and bool(shut_out), 20, "nobody is shut out")
    assert shut_out == [3600]


def test_from_yaml_to_what_the_guard_goes_by():
    mail = server(
        bans={"failures": 5, "within": "5m", "for": "2h", "never": ["203.0.113.7"]}, trusted_networks=["10.0.0.0/24"]
    )
    assert mail.bans
    rules = json.loads(render.bans_json(mail.bans, mail.trusted_networks))["rules"]
    assert rules == {
        "failures": 5,
        "within": 300,
        "span": 7200,
        "longest": 604800,
        "never": ["10.0.0.0/24", "203.0.113.7/32"],
    }


def test_ssh_is_never_shut():
    assert 22 not in render.PORTS
    assert {25, 587, 465, 143, 993, 110, 995, 4190, 80, 443} == set(render.PORTS)


def test_the_table_is_read_again_without_letting_anybody_in():
    text = render.table_nft()
    assert "flush set" not in text
    assert "delete" not in text
    assert "inet posthaus_bans" in text


@pytest.mark.parametrize(
    ("option", "key", "what"),
    [
        ({"failures": 2}, "bans.failures", "write 3 or more"),
        ({"within": "soon"}, "bans.within", "write seconds or a number with s, m, h, d or w, such as 10m"),
        ({"for": "1s"}, "bans.for", "write a span from 1m to 30d"),
        ({"for": "2d", "longest": "1d"}, "bans", "longest is shorter than for"),
        ({"never": ["0.0.0.0/0"]}, "bans.never", "write `bans: false` for no bans at all"),
        ({"never": ["office"]}, "bans.never", "is not a network"),
        (True, "bans", "write false for none, or take the line away"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(refusal, option: Any, key: str, what: str):
    assert what in about(refusal(bans=option), key)


def test_without_bans_dovecot_asks_nobody():
    assert server(bans=False).bans is False
    assert server().bans == Bans()


def test_the_operator_sees_who_is_shut_out_and_names_one():
    banned = {"203.0.113.7": 3599, "2001:db8::/64": 7200}
    assert "203.0.113.7    1 h 0 min left" in operator.table(banned)
    assert operator.table({}) == "Nobody is shut out."
    assert operator.member("2001:db8::9") == operator.member("2001:db8::/64") == "2001:db8::/64"
    assert operator.member(" 203.0.113.7") == "203.0.113.7"
    with pytest.raises(DeployError, match="is no address"):
        operator.member("everybody")


def test_verify_says_how_many_are_shut_out_and_whether_the_table_is_there():
    (fine,) = check.results(BanState({"203.0.113.7": 9}))
    (gone,) = check.results(BanState())
    assert (fine.ok, fine.seen) == (True, "1: 203.0.113.7")
    assert gone.ok is False
    assert "flushed" in gone.seen
