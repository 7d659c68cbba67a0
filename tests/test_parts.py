"""Whatever strangers wrote, and whatever goes wrong in one part of a verification, the rest is told."""

from __future__ import annotations

import contextlib
import random
import time
import unicodedata
from functools import partial
from typing import Any

import dns.exception
import dns.message
import dns.rdatatype
import pytest
from dns.rdata import from_text

from deploys.checks.observation import observations
from deploys.checks.parts import Parts
from deploys.checks.remote.outgoing import summed
from deploys.checks.report import Report, as_html, as_json, table
from deploys.config.reading.errors import SettingsError
from deploys.records.check import check
from deploys.records.resolver import Answer, Ask, Resolver, understood
from deploys.result import LONGEST, CheckResult, failed
from tests.dns_contexts import COM, NET
from tests.settings import NOW


def failing(error: Exception) -> Any:
    raise error


def test_a_part_that_fails_is_one_result_of_its_own_and_the_others_go_on():
    parts = Parts()
    assert parts.look("reports", lambda: failing(TypeError("str and int")), []) == []
    assert parts.look("dns", lambda: "seen", "") == "seen"
    (result,) = parts.results
    assert (result.key, result.what, result.verdict) == ("verification.reports", "reports", "unknown")
    assert result.seen == "TypeError: str and int"


@pytest.mark.parametrize("error", [EOFError(), ConnectionResetError(), SettingsError(["dns.addresses: no address"])])
def test_a_host_that_went_away_and_wrong_settings_are_failures(error: Exception):
    parts = Parts()
    parts.look("listeners", lambda: failing(error), [])
    assert failed(parts.results)


HOSTILE = "220 \x1b[2J\x1b]0;owned\x07 ok\r\n\u202egpj\ud800 \x9b31m\u2028<script>alert(1)</script>" + "x" * 100_000


def test_what_a_stranger_says_moves_no_cursor_and_runs_nowhere():
    result = CheckResult("inbound.port-25", "inbound", f"port {HOSTILE}", HOSTILE, HOSTILE, False, HOSTILE)
    report = Report("mail.example.com", NOW, 1.0, (result,), ())
    for text in (table(report), as_html(report), as_json(report)):
        text.encode("utf-8")
        assert not [one for one in text if unicodedata.category(one) in ("Cc", "Cs") and one != "\n"]
        assert "\u202e" not in text
    assert "<script" not in as_html(report)
    assert len(result.seen) <= 2 * LONGEST
    assert r"\x1b[2J" in result.seen


def test_messages_of_any_script_stay_as_they_are():
    said = "250 Grüße 郵便 💌 محمد اقبال 'quoted' \\n"
    assert CheckResult("k", "r", said, "", said, True).seen == said


def test_lines_of_the_host_that_are_none_of_ours_are_passed_over():
    printed = [
        '{"check": "relay", "code": 554}',
        '{"check": ',
        '{"check": "x", "no": "field"}',
        '{"checks": 1}',
        "hello",
    ]
    assert [one.check for one in observations(printed)] == ["relay"]


def test_an_answer_that_says_it_was_sent_was_not():
    log = "A: to=<x@y.example>, relay=mx.y.example[192.0.2.7]:25, dsn=5.0.0, status=bounced (host said: 550 "
    assert summed([f"{log}status=sent (ok))"])[0] == 0


TEXTS = (
    "v=DKIM1; k=rsa; p=\xe9\xff",
    "v=DKIM1; p=====",
    "v=spf1 include:a..b include:" + "x" * 70 + ".example a:\x00 -all",
    "v=spf1 redirect=_spf.\x1b[2J.example",
    "v=spf1 mx:. ?ptr a/99",
    "v=DMARC1; p=none; \x00=\x07",
    "v=STSv1;;;=;id",
    "",
    ";" * 500,
)


def records(chance: random.Random, kind: str) -> list[str]:
    """Odd values of one type, as a zone file writes them."""
    name = "".join(
        chance.choice(["a", "-", "_", "\\000", "\\255", "\\.", "*", '\\"']) for _ in range(chance.randint(1, 20))
    )
    text = "".join(f"\\{ord(one) % 256:03d}" if not one.isalnum() else one for one in chance.choice(TEXTS)[:200])
    values = {
        "A": chance.choice(["0.0.0.0", "127.0.0.1", "255.255.255.255", "127.255.255.254"]),
        "AAAA": chance.choice(["::", "::ffff:10.0.0.1", "fe80::1"]),
        "MX": f"{chance.randrange(65536)} {chance.choice(['.', f'{name}.', '192.0.2.1.'])}",
        "TXT": f'"{text}"',
        "NS": f"{name}.",
        "PTR": f"{name}.example.",
        "CNAME": f"{name}.",
        "SOA": f"{name}. {name}. 4294967295 0 0 0 0",
        "CAA": f'{chance.choice([0, 128, 255])} {chance.choice(["issue", "tbs", "0"])} "{text}"',
        "SRV": f"0 0 0 {name}.",
        "TLSA": f"{chance.randrange(256)} {chance.randrange(256)} {chance.randrange(256)} ff",
    }
    return [values[kind]] * chance.randint(0, 2) if kind in values else []


def _everywhere(ask: Ask, address: str) -> Ask:
    return ask


def test_a_dns_that_answers_anything_at_all_is_told_in_results():
    for seed in range(40):
        chance = random.Random(seed)

        def ask(name: str, kind: str, *, unchecked: bool = False, chance: random.Random = chance) -> Answer:
            state: Any = chance.choice(["found", "found", "found", "nodata", "nxdomain", "failed"])
            values = tuple(from_text("IN", kind, value) for value in records(chance, kind)) if state == "found" else ()
            end = chance.choice([None, 0, 2**31, 4294967295])
            return Answer(
                state if values or state != "found" else "nodata",
                values,
                name,
                chance.random() < 0.2,
                False,
                end,
                "\x1b[2J",
            )

        results = check([COM, NET], ["zen.example"], ask, time.time(), partial(_everywhere, ask))
        assert len(results) > 40


def test_a_message_of_any_bytes_is_an_answer_or_none():
    chance = random.Random(7)
    for kind in ("A", "TXT", "MX", "SOA"):
        query = dns.message.make_query("example.com", kind)
        response = dns.message.make_response(query)
        answer = (
            'TXT "v=spf1 -all"'
            if kind == "TXT"
            else {"A": "A 192.0.2.1", "MX": "MX 5 a.", "SOA": "SOA a. b. 1 1 1 1 1"}[kind]
        )
        response.answer = [dns.rrset.from_text("example.com.", 300, "IN", *answer.split(" ", 1))]
        good = response.to_wire()
        for _ in range(200):
            wire = bytearray(good)
            for _ in range(chance.randint(1, 4)):
                wire[chance.randrange(2, len(wire))] = chance.randrange(256)
            with contextlib.suppress(dns.exception.DNSException):
                found = understood(dns.message.from_wire(bytes(wire)), kind)
                assert found.state in ("found", "nodata", "nxdomain", "failed")


@pytest.mark.parametrize(
    "name", ["a..b", "x" * 70 + ".example", "\x00", "é" * 300, "a\\999.example", ".".join(["a"] * 300)]
)
def test_what_cannot_be_a_name_is_not_asked_about(name: str):
    assert Resolver("127.0.0.1", 9, timeout=0.1).ask(name, "A").state == "failed"
