"""What a host's look at itself makes of what its programs say, what is worth a message, and how status shows it."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from deploys.checks.report import Report, as_html, as_json, table
from deploys.checks.status import in_order, watched
from deploys.components.component import Context
from deploys.components.watch import render
from deploys.components.watch.program import (
    amounts,
    certificates,
    logins,
    looks,
    mailboxes,
    packages,
    services,
    space,
    spam,
    told,
    waiting,
)
from deploys.config.mailserver import MailServer
from deploys.result import Check, CheckResult, severity
from tests.declared import context, parts
from tests.settings import NOW, golden_server, mail

HOUR = 3600.0
DAY = 24 * HOUR
ABOUT = Check("certificates.mail.example.com", "certificates", "certificate of mail.example.com", "good for 14 days")


def deferred(reason: str, recipient: str, age: float = HOUR, queue: str = "deferred") -> dict:
    """One message of postqueue -j, as of the second 0."""
    return {
        "queue_name": queue,
        "queue_id": "ABC",
        "arrival_time": -age,
        "message_size": 1,
        "sender": "tito@example.com",
        "recipients": [{"address": recipient, **({"delay_reason": reason} if reason else {})}],
    }


def by_key(results) -> dict[str, CheckResult]:
    return {one.key: one for one in results}


def test_what_waits_is_told_by_reason_in_the_words_for_the_codes_of_large_providers():
    slow = "host gmail-smtp-in.l.google.com said: 421-4.7.28 Our system has detected an unusual rate of mail"
    messages = [deferred(slow, "a@gmail.com"), deferred(slow, "b@gmail.com")]
    messages.append(deferred("connect to mx.example.org[192.0.2.1]:25: Connection refused", "c@Example.org"))
    found = by_key(waiting.results(messages, 0))
    assert found["queue.deferred.gmail.rate"].seen.startswith("2 recipients: too many messages at once (host gmail")
    assert "look for a stolen login" in found["queue.deferred.gmail.rate"].remedy
    other = found["queue.deferred.domain.example.org"]
    assert (other.what, other.verdict) == ("to example.org", "warn")
    assert other.remedy.startswith("script/trace c@Example.org")
    assert found["queue.oldest"].verdict == found["queue.moves"].verdict == "ok"
    assert found["queue.oldest"].seen == "3 messages, the oldest for 1 hour"


def test_a_queue_that_does_not_move_fails_and_one_with_a_day_old_message_warns():
    found = by_key(waiting.results([deferred("", "a@example.com", 2 * HOUR, "active")], 0))
    assert found["queue.moves"].verdict == "FAIL"
    assert "restart postfix" in found["queue.moves"].remedy
    found = by_key(waiting.results([deferred("x", "a@example.com", 25 * HOUR)], 0))
    assert (found["queue.moves"].verdict, found["queue.oldest"].verdict) == ("ok", "warn")


def test_messages_that_are_held_are_told_and_an_empty_queue_is_well():
    assert by_key(waiting.results([deferred("", "a@example.com", queue="hold")], 0))["queue.held"].verdict == "warn"
    assert severity(list(waiting.results([], 0))) == 0


def test_of_very_many_reasons_the_most_frequent_are_told_and_the_others_counted():
    messages = [deferred("no route", f"a@{number}.example") for number in range(30)]
    found = by_key(waiting.results(messages, 0))
    assert len([key for key in found if key.startswith("queue.deferred.domain.")]) == waiting.MOST_REASONS
    assert found["queue.deferred.more"].seen == "20"


def test_a_disk_lasts_as_long_as_it_has_filled_since_the_first_sample():
    assert space.days(100, 50, [], 5 * DAY) is None, "of one day alone nothing is known"
    assert space.days(100, 50, [(0, 40)], HOUR) is None
    assert space.days(100, 50, [(0, 40), (4 * DAY, 49)], 5 * DAY) == pytest.approx(50)
    assert space.days(100, 50, [(0, 50)], 5 * DAY) == float("inf")
    assert space.lasting(None) == "days left: unknown yet"
    assert (space.lasting(13.2), space.lasting(float("inf"))) == ("13 days left", "more than a year left")


@pytest.mark.parametrize(
    ("used", "then", "verdict"), [(50, 50, "ok"), (91, 91, "warn"), (98, 98, "FAIL"), (60, 20, "warn")]
)
def test_a_disk_is_bad_when_it_is_full_or_soon_will_be(used: int, then: int, verdict: str):
    disk = space.Disk("/", used, 100 - used, 0, 0)
    (result,) = space.results(disk, [(0, {"/": (then, 0)})], 10 * DAY)
    assert (result.key, result.verdict) == ("disks.bytes./", verdict)
    assert bool(result.remedy) == (verdict != "ok")


def test_disks_are_sampled_once_a_day_and_the_oldest_sample_goes(tmp_path: Path):
    disk, samples = space.Disk("/", 7, 3, 2, 1), space.read(tmp_path / "none.json")
    for hour in range(0, 40 * 24, 12):
        samples = space.with_today(samples, [disk], hour * HOUR)
    assert len(samples) == space.KEPT
    assert {round((b[0] - a[0]) / DAY) for a, b in pairwise(samples)} == {1}
    (tmp_path / "disks.json").write_text(json.dumps(samples))
    assert space.read(tmp_path / "disks.json")[-1] == (samples[-1][0], {"/": (7, 2)})
    (tmp_path / "disks.json").write_text('[["broken"]]')
    assert space.read(tmp_path / "disks.json") == []


def test_the_file_systems_of_several_paths_are_each_told_once(tmp_path: Path):
    (one,) = space.found([str(tmp_path), str(tmp_path.parent), "/no/such/place"])
    assert tmp_path.is_relative_to(one.at)
    assert one.used > 0
    assert one.free > 0


def test_a_mailbox_above_95_per_cent_warns_and_says_which_option_raises_it():
    text = "Username\tQuota name\tType\tValue\tLimit\t%\n"
    text += "ana@example.net\tUser quota\tSTORAGE\t1990\t2048\t97\nana@example.net\tUser quota\tMESSAGE\t1\t-\t0\n"
    text += "tito@example.com\tUser quota\tSTORAGE\t5000\t-\t0\n"
    found = by_key(mailboxes.results(mailboxes.quotas(text)))
    assert found["mailboxes"].seen == "2 mailboxes, 6.83 M; 1 full"
    assert found["mailboxes.tito@example.com"].seen == "4.88 M, no limit"
    full = found["mailboxes.ana@example.net"]
    assert (full.verdict, full.seen) == ("warn", "97 % (1.94 M of 2 M)")
    assert "mailboxes.ana@example.net.quota" in full.remedy


def test_of_many_mailboxes_the_largest_are_told_and_each_full_one():
    found = {f"p{number}@example.com": (number * 10, 1000) for number in range(50)} | {"full@example.com": (1, 1)}
    assert len(list(mailboxes.results(found))) == 1 + 1 + mailboxes.LARGEST


@pytest.mark.parametrize(("days", "verdict"), [(30, "ok"), (10, "warn"), (2, "FAIL"), (-1, "FAIL")])
def test_a_certificate_warns_two_weeks_before_it_ends_and_fails_three_days_before(days: int, verdict: str):
    now = 1_800_000_000
    date = time.strftime("%b %d %H:%M:%S %Y GMT", time.gmtime(now + days * DAY + HOUR))
    result = certificates.result(ABOUT, f"notAfter={date}\n", "certbot renew", now)
    assert (result.verdict, bool(result.remedy)) == (verdict, verdict != "ok")


def test_a_unit_is_judged_by_the_one_that_does_its_work():
    text = "Names=postfix.service\nType=oneshot\nLoadState=loaded\nActiveState=active\nSubState=exited\n"
    text += "UnitFileState=enabled\n\nNames=postfix@-.service\nType=forking\nLoadState=loaded\nActiveState=failed\n"
    shown = services.properties(text + "SubState=failed\n")
    result = services.of_unit("postfix.service", shown["postfix.service"], shown["postfix@-.service"])
    assert (result.key, result.verdict, result.seen) == ("services.postfix", "FAIL", "failed (failed)")
    assert result.remedy == "systemctl start postfix.service; why: journalctl -u postfix.service -n 30"
    assert services.of_unit("php8.4-fpm.service", {}, {}).key == "services.php-fpm"
    masked = services.of_unit("a.service", {"LoadState": "masked"}, {})
    assert masked.remedy.startswith("systemctl unmask a.service")
    disabled = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "UnitFileState": "disabled"}
    assert services.of_unit("a.service", disabled, disabled).verdict == "warn"


def test_a_service_that_runs_a_library_of_before_an_upgrade_is_found(tmp_path: Path):
    lines = {
        "1": "7f00-7f01 r-xp 00000000 fd:00 1   /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)",
        "2": "7f00-7f01 r--p 00000000 fd:00 1   /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)",  # data alone
        "3": "7f00-7f01 r-xp 00000000 00:01 1   /memfd:jit (deleted)",
    }
    for number, line in lines.items():
        (tmp_path / number).mkdir()
        (tmp_path / number / "maps").write_text(f"{line}\n")
        (tmp_path / number / "cgroup").write_text("0::/system.slice/system-postfix.slice/postfix@-.service\n")
    assert list(services.replaced(tmp_path)) == [("postfix@-.service", {"libssl.so.3"})]


def test_versions_and_security_updates_are_read_from_what_apt_says():
    text = "postfix:\n  Installed: 3.10.5-1\n  Candidate: 3.10.6-1\n  Version table:\n *** 3.10.5-1 500\n"
    text += "rspamd:\n  Installed: (none)\n  Candidate: 3.8-1\n"
    assert packages.policy(text) == {"postfix": ("3.10.5-1", "3.10.6-1")}
    text = "Inst openssl [3.0.15-1] (3.0.16-1 Debian-Security:12/oldstable-security [amd64])\n"
    text += "Inst bash [5.2-1] (5.2-2 Debian:12.13/oldstable [amd64])\nConf openssl (3.0.16-1 …)\n"
    assert packages.waiting(text) == ["openssl"]
    assert packages.waiting("Inst a [1] (2 Ubuntu:24.04/noble-updates, Ubuntu:24.04/noble-security [amd64])") == ["a"]


def test_failed_logins_are_counted_by_address_each_attempt():
    text = "imap-login: Login aborted: Connection closed (auth failed, 3 attempts in 6 secs): user=<a>,"
    text += " method=PLAIN, rip=192.0.2.7, lip=192.0.2.1\n"
    text += "warning: unknown[2001:db8::7]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=x\n"
    assert logins.addresses(text) == Counter({"192.0.2.7": 3, "2001:db8::7": 1})
    assert logins.result(logins.addresses(text)).seen.startswith("4 in 24 h from 2 addresses (most: 192.0.2.7 3")
    assert logins.result(Counter({"192.0.2.7": 2000})).verdict == "warn"


def test_what_rspamd_counted_and_learned_is_one_line():
    told_by_it = {"scanned": 1200, "actions": {"reject": 7, "add header": 30}, "statfiles": []}
    told_by_it["statfiles"] = [{"symbol": "BAYES_SPAM", "revision": 12}]
    expected = "1,200 messages since it started, 7 refused, 30 to Junk, 0 put off; 12 learned as spam"
    assert spam.counts(told_by_it) == expected


def wrong(key: str, ok: bool | None, remedy: str = "do this") -> CheckResult:
    return CheckResult(key, "services", f"the {key}", "runs", "seen", ok, remedy)


def test_the_postmaster_is_told_once_of_what_got_worse_and_once_of_what_was_mended():
    well, warns, fails = wrong("a", True, ""), wrong("a", True), wrong("a", False)
    assert not told.news([well], {}), "a first run tells nothing where all is well"
    first = told.news([fails], {})
    assert [one.key for one in first.worse] == ["a"]
    assert not told.news([fails], first.memory)
    better = told.news([warns], first.memory)
    assert not better, "better is not well"
    assert [one.key for one in told.news([fails], better.memory).worse] == ["a"]
    mended = told.news([well], first.memory)
    assert [(one.key, was) for one, was in mended.mended] == [("a", "seen")]
    assert mended.memory == {}


def test_what_nobody_could_look_at_is_as_it_was_and_what_is_gone_is_forgotten():
    before = {"a": ("FAIL", "down")}
    unknown = told.news([wrong("a", None)], before)
    assert not unknown
    assert unknown.memory == before
    gone = told.news([], before)
    assert not gone
    assert gone.memory == {}


@pytest.mark.parametrize("key", ["updates.security", "queue.deferred.domain.example.org", "services.reboot"])
def test_nobody_is_written_to_for_what_comes_and_goes(key: str):
    assert not told.news([wrong(key, True)], {})


def test_the_message_says_what_to_do_below_each_line():
    found = told.news(
        [wrong("a", False), wrong("b", True, ""), wrong("c", True)], {"b": ("FAIL", "down"), "c": ("warn", "x")}
    )
    message = told.message(found, "mail.example.com", "postmaster@example.com", "tito@example.com")
    assert message["Subject"] == "mail.example.com: worse: the a; mended: the b"
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_content()
    assert "Worse than before:\n  the a: seen (expected: runs)\n      -> do this" in text
    assert "Mended:\n  the b: seen\n      (was: down)" in text
    assert "Still so:\n  the c: seen" in text


def test_what_components_have_looked_at_can_be_looked_at(monkeypatch: pytest.MonkeyPatch):
    server = golden_server(monkeypatch, relayhost=None)
    plan = render.plan(render_context(server))
    assert {"services", "queue", "disks", "mailboxes", "certificate", "rspamd", "clock"} <= {
        one for one, _ in plan["looks"]
    }
    for kind, about in plan["looks"]:
        inspect.signature(looks.LOOKS[kind]).bind(**about)
    units = dict(next(about for kind, about in plan["looks"] if kind == "services")["units"])
    assert units["postfix.service"] == "postfix@-.service"
    assert "dovecot.service" in units


def render_context(server: MailServer) -> Context:
    return replace(context(server), others=parts(server))


def test_the_plan_on_the_host_holds_no_secret(monkeypatch: pytest.MonkeyPatch):
    server = golden_server(monkeypatch)
    text = json.dumps(render.plan(render_context(server)))
    for box in server.mailboxes.values():
        if box.password:
            assert box.password not in text


def test_a_look_that_comes_to_grief_is_one_line_and_the_others_go_on():
    (result,) = looks.everything([["certificate", {"nonsense": 1}]])
    assert (result.verdict, result.what) == ("unknown", "certificate")


def test_a_host_without_the_program_is_told_what_puts_it_there():
    (result,) = watched([])
    assert (result.verdict, "run deploys/mail.py" in result.remedy) == ("FAIL", True)


def test_severity_is_of_the_worst_line():
    well, warns, fails, unseen = wrong("a", True, ""), wrong("b", True), wrong("c", False), wrong("d", None)
    assert [severity(one) for one in ([], [well], [well, warns], [unseen], [warns, fails])] == [0, 0, 1, 1, 2]


def test_status_is_a_table_a_page_and_json_of_the_same_lines(monkeypatch: pytest.MonkeyPatch):
    lines = in_order(
        [wrong("clock", True, ""), CheckResult("q", "queue", "to <x>", "nothing", "5", True, "postqueue -f")]
    )
    report = Report("mail.example.com", NOW, 1.0, tuple(lines), kind="status")
    assert "-> postqueue -f" in table(report)
    page = as_html(report)
    assert "Status of" in page
    assert '<div class="badge warn">1 ok, 1 warn</div>' in page
    assert "to &lt;x&gt;" in page
    assert (json.loads(as_json(report))["severity"], json.loads(as_json(report))["ok"]) == (1, True)


def test_groups_stand_in_the_order_of_what_people_ask_first_and_what_is_not_well_comes_first_in_each():
    given = [("dns", True), ("queue", True), ("services", True), ("services", False)]
    found = in_order([CheckResult(group, group, group, "", "", ok) for group, ok in given])
    expected = [("services", False), ("services", True), ("queue", True), ("dns", True)]
    assert [(one.group, one.ok) for one in found] == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(1, "1 second"), (90, "1 minute"), (2 * HOUR, "2 hours"), (49 * HOUR, "2 days")]
)
def test_spans_are_rounded_down_to_the_largest_unit(seconds: float, expected: str):
    assert amounts.span(seconds) == expected


def test_the_program_needs_nothing_but_its_own_files(tmp_path: Path):
    """Under the host's own Python, with nothing else of ours or of others on its path."""
    for name, file in render.program(render_context(mail())).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
    call = [sys.executable, "-I", "-S", "-B", str(tmp_path), "--help"]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (
        2,
        "usage: posthaus-watch --json | --mail [SECONDS] | --metrics DIRECTORY\n",
    ), done.stderr
