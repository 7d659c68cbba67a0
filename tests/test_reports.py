"""What others report of letters in our name, counted for each domain."""

from __future__ import annotations

import base64
import gzip

import pytest

from deploys.proof import reports
from deploys.proof.line import Line
from facts.reports import ReportLetters
from tests.golden_words import golden_server
from tests.report_letters import ELSEWHERE, OURS, dmarc, tls


def told(*letters: bytes) -> dict[str, Line]:
    return {line.what: line for line in reports.lines(letters, ["example.com"], [OURS])}


def test_letters_from_here_that_pass_are_a_quiet_line():
    line = told(dmarc((OURS, 7, "pass")), dmarc((OURS, 3, "pass"), who="yahoo.com"))["DMARC reports example.com"]
    assert line.verdict == "ok"
    assert line.seen == "10 letters from here, 0 fail; elsewhere 0 pass, 0 fail; by google.com, yahoo.com"


def test_letters_from_here_that_fail_and_senders_elsewhere_are_warned_of_and_fail_nothing():
    line = told(dmarc((OURS, 2, "fail"), (ELSEWHERE, 5, "fail"), ("203.0.113.9", 1, "pass")))[
        "DMARC reports example.com"
    ]
    assert line.verdict == "warn"
    assert line.seen.startswith(f"2 letters from here, 2 fail; elsewhere 1 pass, 5 fail (from {ELSEWHERE})")
    assert "spf.include" in line.remedy


def test_a_report_that_comes_twice_counts_once():
    once = dmarc((OURS, 7, "pass"))
    assert told(once, once)["DMARC reports example.com"].seen.startswith("7 letters")


def test_sessions_that_failed_say_why_before_a_policy_is_enforced():
    line = told(tls(2))["TLS reports example.com"]
    assert (line.verdict, line.seen) == ("warn", "2 of 42 sessions failed (certificate-expired); by Google")
    assert told(tls(0))["TLS reports example.com"].verdict == "ok"


def test_what_only_looks_like_a_report_is_counted_and_another_domains_report_is_not():
    found = told(b"Subject: Report Domain: example.com\n\nhello", dmarc((OURS, 7, "pass"), domain="example.org"))
    assert found["letters that are no reports"].seen.startswith("1,")
    assert found["DMARC reports example.com"].verdict == "unknown"


def test_where_nobody_reported_nothing_is_known():
    assert {line.verdict for line in told().values()} == {"unknown"}


@pytest.mark.parametrize("many", [0, 1, 3])
def test_letters_come_from_the_host_as_they_are(many: int):
    letters = [dmarc((OURS, number + 1, "pass")) for number in range(many)]
    text = b"".join(b"uid: 7\ntext:\n" + one + b"\f\n" for one in letters)
    packed = base64.encodebytes(gzip.compress(text)).decode().splitlines()
    assert ReportLetters().process(packed) == letters
    assert ReportLetters().process([]) == []


def test_reports_are_read_where_the_domains_words_lead_them(monkeypatch):
    mail = golden_server(monkeypatch)
    assert reports.readers(mail) == [mail.postmaster]
