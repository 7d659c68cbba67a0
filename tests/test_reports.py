"""What others report of messages in our name, counted for each domain."""

from __future__ import annotations

import base64
import email
import gzip
import io
import json
import random
import time
import zipfile
import zlib
from typing import Any

import pytest

from deploys.checks import report_reader, reports
from deploys.result import CheckResult
from facts.reports import ReportMessages
from tests.report_messages import ELSEWHERE, OURS, dmarc, raw, tls
from tests.settings import golden_server


def told(*messages: bytes) -> dict[str, CheckResult]:
    return {result.what: result for result in reports.results(messages, ["example.com"], [OURS])}


def test_messages_from_here_that_pass_are_a_quiet_result():
    result = told(dmarc((OURS, 7, "pass")), dmarc((OURS, 3, "pass"), who="yahoo.com"))["DMARC reports example.com"]
    assert result.verdict == "ok"
    assert result.seen == "10 messages from here, 0 fail; elsewhere 0 pass, 0 fail; by google.com, yahoo.com"


def test_messages_from_here_that_fail_and_senders_elsewhere_are_warned_of_and_fail_nothing():
    result = told(dmarc((OURS, 2, "fail"), (ELSEWHERE, 5, "fail"), ("203.0.113.9", 1, "pass")))[
        "DMARC reports example.com"
    ]
    assert result.verdict == "warn"
    assert result.seen.startswith(f"2 messages from here, 2 fail; elsewhere 1 pass, 5 fail (from {ELSEWHERE})")
    assert "spf.include" in result.remedy


def test_a_report_that_comes_twice_counts_once():
    once = dmarc((OURS, 7, "pass"))
    assert told(once, once)["DMARC reports example.com"].seen.startswith("7 messages")


def test_sessions_that_failed_say_why_before_a_policy_is_enforced():
    result = told(tls(2))["TLS reports example.com"]
    assert (result.verdict, result.seen) == ("warn", "2 of 42 sessions failed (certificate-expired); by Google")
    assert told(tls(0))["TLS reports example.com"].verdict == "ok"


def test_what_only_looks_like_a_report_is_counted_and_another_domains_report_is_not():
    found = told(b"Subject: Report Domain: example.com\n\nhello", dmarc((OURS, 7, "pass"), domain="example.org"))
    assert found["messages that are no reports"].seen.startswith("1,")
    assert found["DMARC reports example.com"].verdict == "unknown"


def test_where_nobody_reported_nothing_is_known():
    assert {result.verdict for result in told().values()} == {"unknown"}


def bomb() -> bytes:
    """A gigabyte of XML in a megabyte of message."""
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(b"<a>" * 350_000) for _ in range(1000)]
    return raw(b"".join(parts) + packer.flush())


def zipped(data: bytes) -> bytes:
    where = io.BytesIO()
    with zipfile.ZipFile(where, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("google.com!example.com!1!2.xml", data)
    return raw(where.getvalue(), "zip", "google.com!example.com!1!2.zip")


LAUGHS = b"<!DOCTYPE a [<!ENTITY a 'ha'>" + b"".join(
    b"<!ENTITY %c '%s'>" % (ord("b") + n, b"&%c;" % (ord("a") + n) * 20) for n in range(12)
)
HOSTILE = {
    "counts as text": tls("many"),
    "a negative count": tls(-7),
    "a list for a count": tls([1]),
    "an endless count": tls(10**400),
    "a gigabyte in a megabyte": bomb(),
    "laughs": zipped(LAUGHS + b"]><feedback>&m;</feedback>"),
    "a deep tree": zipped(b"<feedback>" * 200_000),
    "deep JSON": raw(gzip.compress(b"[" * 200_000), "tlsrpt+gzip", "report.json.gz"),
    "a name of lists": raw(gzip.compress(b'{"policies": 1, "report-id": {}}'), "tlsrpt+gzip", "report.json.gz"),
    "nothing": b"",
    "only a subject": b"Subject: Report Domain: example.com\n\n",
    "no text at all": bytes(range(256)) * 100,
    "a message in a message": b"Content-Type: message/rfc822\n\n" * 3000,
    "a large one": raw(bytes(6_000_000)),
}


def test_no_message_of_a_stranger_ends_the_verification_or_hides_a_report():
    began = time.monotonic()
    good = dmarc((OURS, 7, "pass"))
    found = told(*HOSTILE.values(), good)
    assert found["DMARC reports example.com"].seen.startswith("7 messages from here, 0 fail")
    assert found["TLS reports example.com"].verdict == "unknown"
    assert found["messages that are no reports"].seen == f"{len(HOSTILE)}, passed over"
    assert time.monotonic() - began < 60


def test_messages_changed_in_any_way_are_read_or_passed_over():
    chance = random.Random(29)  # the same messages each time
    seeds = [dmarc((OURS, 7, "pass")), tls(2), raw(b"{}", "tlsrpt+json", "report.json")]
    for _ in range(300):
        message = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 8)):
            where = chance.randrange(len(message))
            message[where : where + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        found = report_reader.read(bytes(message))
        assert found is None or found["kind"] in ("dmarc", "tls", "other")


VALUES: tuple[Any, ...] = (None, True, "7", "", -1, 1.5, 10**30, [], {}, [[]], "\x1b[2J", "\ud800", "a" * 10_000)


def test_values_of_any_kind_in_a_report_are_read_or_passed_over():
    chance = random.Random(30)
    for _ in range(300):
        whole = json.loads(gzip.decompress(email.message_from_bytes(tls(2)).get_payload()[1].get_payload(decode=True)))  # type: ignore[union-attr,index,arg-type]
        _change(whole, chance)
        message = raw(
            gzip.compress(json.dumps(whole).encode("utf-8", "surrogatepass")), "tlsrpt+gzip", "report.json.gz"
        )
        found = report_reader.read(message)
        assert "\x1b" not in json.dumps(found, ensure_ascii=False)
        told_of = {"example.com": reports.Told()}
        if found:
            reports._count(found, told_of, [OURS])
        assert all(result.verdict in ("ok", "warn", "unknown") for result in results_of(told_of["example.com"]))


def results_of(one: reports.Told) -> list[CheckResult]:
    return [reports._dmarc("example.com", one), reports._tls("example.com", one)]


def _change(place: Any, chance: random.Random) -> None:
    """One value somewhere in a tree becomes another."""
    keys = list(place) if isinstance(place, dict) else list(range(len(place)))
    if not keys:
        return
    key = chance.choice(keys)
    if isinstance(place[key], dict | list) and chance.random() < 0.7:
        _change(place[key], chance)
    else:
        place[key] = chance.choice(VALUES)


@pytest.mark.parametrize("many", [0, 1, 3])
def test_messages_come_from_the_host_as_they_are(many: int):
    messages = [dmarc((OURS, number + 1, "pass")) for number in range(many)]
    text = b"".join(b"uid: 7\ntext:\n" + one + b"\f\n" for one in messages)
    packed = base64.encodebytes(gzip.compress(text)).decode().splitlines()
    assert ReportMessages().process(packed) == messages
    assert ReportMessages().process([]) == []


def test_reports_are_read_where_the_domains_options_lead_them(monkeypatch):
    mail = golden_server(monkeypatch)
    assert reports.readers(mail) == [mail.postmaster]
