"""What another host of the inventory sees of port 25, and what it can tell from that."""

from __future__ import annotations

import json
import subprocess
import sys

from deploys.checks import inbound, vantage
from deploys.checks.bundle import script
from deploys.checks.observation import Observation, observations
from deploys.records.context import DomainContext
from deploys.result import CheckResult, failed
from tests.settings import golden_server

COM = DomainContext("example.com", "mail.example.com", v4=("192.0.2.10",), domains=("example.com",))
OTHER = "mail.example.net"


def seen(monkeypatch, *observed: Observation) -> list[CheckResult]:
    return vantage.results(OTHER, observed, golden_server(monkeypatch))


def port(code: int | None, text: str, unknown: bool = False) -> Observation:
    return Observation("port-25", code, text, name="192.0.2.10", unknown=unknown)


def submission(code: int) -> Observation:
    return Observation("port-587", code, name="192.0.2.10")


def test_a_host_that_greets_by_its_name_is_reached(monkeypatch):
    (result,) = seen(monkeypatch, port(220, "mail.example.com ESMTP"), submission(1))
    assert (result.verdict, result.seen) == ("ok", "192.0.2.10: 220 mail.example.com ESMTP")


def test_a_closed_port_beside_an_open_587_is_somebodys_packet_filter_on_25(monkeypatch):
    (result,) = seen(monkeypatch, port(None, "TimeoutError: timed out"), submission(1))
    assert result.verdict == "FAIL"
    assert "port 25 opened" in result.remedy


def test_where_nothing_is_reached_nobody_can_tell_whose_fault_it_is(monkeypatch):
    (result,) = seen(monkeypatch, port(None, "TimeoutError: timed out"), submission(0))
    assert result.verdict == "unknown"
    (result,) = seen(monkeypatch, port(None, "has no IPv6 itself", unknown=True))
    assert result.verdict == "unknown"


def test_another_server_at_our_address_is_found(monkeypatch):
    (result,) = seen(monkeypatch, port(220, "filter.hoster.example ESMTP"), submission(1))
    assert result.verdict == "FAIL"


def test_what_lets_a_stranger_relay_or_refuses_our_postmaster_is_named(monkeypatch):
    greeted = port(220, "mail.example.com ESMTP"), submission(1)
    answers = {"inbound": (250, "2.1.5 Ok"), "relay": (554, "5.7.1 Relay access denied"), "spoofed": (553, "5.7.1 no")}
    good = [Observation(check, *answer) for check, answer in answers.items()]
    assert not failed(seen(monkeypatch, *greeted, *good))
    bad = [*good[:1], Observation("relay", 250, "2.1.5 Ok"), *good[2:]]
    *_, result = seen(monkeypatch, *greeted, *bad)
    assert (result.verdict, result.seen) == ("FAIL", "25: relay to elsewhere: 250 2.1.5 Ok")


def test_a_remote_vantage_point_takes_the_place_of_this_workstation():
    seen = [
        CheckResult(
            "inbound.remote", "inbound", f"port 25 from {OTHER}", "220 mail.example.com", "192.0.2.10: 220", True
        )
    ]
    results = inbound.results([], [COM], [], [], [], lambda address: None, {}, seen)
    assert results[-1] == seen[0]
    assert "port 25 from the workstation" not in {result.what for result in results}


def test_the_remote_vantage_point_runs_from_standard_input_and_says_that_nobody_answers():
    """A real python3, as on a host: at an address of loopback where no mail server is."""
    plan = {"addresses": ["127.0.0.9"], "trusted": [], "envelopes": {"inbound": ["", "postmaster@example.com"]}}
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-", json.dumps(plan)], input=script("vantage"), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = {one.check: one for one in observations(done.stdout.splitlines())}
    assert set(found) == {"port-25", "port-587"} or found["port-25"].unknown
    assert found["port-25"].code is None
