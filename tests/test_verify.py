"""Verify without a host: what was seen on one, turned into results."""

import json
import subprocess
import sys

import pytest

from deploys.checks import expectations, external
from deploys.checks.bundle import script
from deploys.checks.observation import Observation, observations
from deploys.checks.plan import envelopes, nobody, plan
from deploys.checks.remote.messages import MARK, Post
from deploys.checks.remote.unauthenticated import untrusted
from deploys.checks.report import Report, as_html, as_json, table, write
from deploys.components.component import Listener
from deploys.result import CheckResult, failed, summary
from tests.declared import ports
from tests.settings import NOW, mail

# --- messages and refusals

GOOD = {
    "probe": (1, ""),
    "send-587": (250, "2.0.0 Ok: queued as A"),
    "send-465": (250, "2.0.0 Ok: queued as B"),
    "headers": (0, "each once"),
    "signed": (2, "signed by example.com.mail and example.com.mail-ed25519"),
    "forged-from": (550, "5.7.1 not yours"),
    **dict.fromkeys(("read-143", "read-993", "read-110", "read-995"), (2, "2 of 2 sent arrived intact")),
    "sieve": (1, "OK"),
    "account": (1, "200 Bye"),
    "http": (301, "301 https://webmail.example.com/"),
    "webmail-page": (200, "200 https://webmail.example.com/src/login.php"),
    "webmail-login": (302, "302 to /src/webmail.php"),
    "webmail-messages": (2, "2 listed"),
    "clean": (0, "deleted: 2 by IMAP, 0 in the queue, 0 on disk"),
    "inbound": (250, "2.1.5 Ok"),
    "inbound-example.net": (250, "2.1.5 Ok"),
    "unknown-recipient": (550, "5.1.1 no such user"),
    "relay": (554, "5.7.1 Relay access denied"),
    "spoofed": (553, "5.7.1 Sender address rejected"),
    "auth-25": (0, "not offered"),
    "auth-587": (0, "not offered"),
    "send-as-other": (553, "5.7.1 not owned by user"),
}


def judged(settings=None, **changes):
    """The results of a good host but for ``changes``: check (_ for -) -> (code, seen), or None if it was not asked."""
    seen = GOOD | {check.replace("_", "-"): value for check, value in changes.items()}
    served_here = settings or mail()
    told = [Observation(check, *value) for check, value in seen.items() if value]
    return expectations.results(told, ports(served_here), nobody(served_here) is None, served_here.domains[1:])


def bad(results):
    return [(result.what, result.verdict) for result in results if result.verdict != "ok"]


def test_a_good_host_is_good_in_every_result():
    assert bad(judged()) == []


@pytest.mark.parametrize(
    ("check", "value", "what"),
    [
        ("relay", (250, "2.1.5 Ok"), "25: relay to elsewhere"),
        ("relay", (451, "4.3.0 later"), "25: relay to elsewhere"),
        ("spoofed", (250, "2.1.5 Ok"), "25: our address, without login"),
        ("unknown_recipient", (450, "4.1.1 later"), "25: unknown recipient"),
        ("inbound", (451, "4.3.5 Server configuration problem"), "25: mail for postmaster"),
        ("auth_25", (1, "offered in TLS"), "25: AUTH"),
        ("auth_587", (1, "offered before TLS"), "587: AUTH before TLS"),
        ("send_as_other", (250, "2.1.5 Ok"), "587: sender of somebody else"),
        ("read_110", (1, "1 of 2 sent arrived intact"), "read by POP3 110, STARTTLS"),
        ("read_993", (None, "ConnectionRefusedError"), "read by IMAP 993, TLS"),
        ("sieve", (0, "NO"), "login to ManageSieve 4190"),
        ("account", (None, "ConnectionRefusedError"), "service for one's own password"),
        ("clean", (1, "deleted: 0 by IMAP, 0 in the queue, 1 on disk"), "messages left behind"),
        ("http", (0, "200"), "plain HTTP on 80"),
        ("webmail_messages", (1, "1 listed"), "messages in its list"),
    ],
)
def test_one_thing_broken_is_one_result_that_fails(check, value, what):
    assert bad(judged(**{check: value})) == [(what, "FAIL")]


def test_a_message_that_was_never_taken_is_not_missed_by_the_readers():
    readers = dict.fromkeys(("read_143", "read_993", "read_110", "read_995"), (1, "1 of 1 sent arrived intact"))
    found = judged(send_465=(None, "TimeoutError"), webmail_messages=(1, "1 listed"), **readers)
    assert bad(found) == [("message by 465, TLS", "FAIL")]


def test_what_depends_on_something_broken_is_unknown_and_says_on_what():
    found = judged(webmail_page=(0, "200, no login form"))
    assert bad(found) == [
        ("login page", "FAIL"),
        ("login of the probe", "unknown"),
        ("messages in its list", "unknown"),
    ]
    assert "cannot know: login page failed" in [result.seen for result in found]


def test_a_host_without_the_probe_is_told_to_run_the_converge_first():
    found = judged(probe=(0, "No such file"))
    assert [(result.what, result.remedy) for result in found if not result.ok] == [
        ("the probe's secret", "run deploys/mail.py first: it makes the probe mailbox")
    ]


def test_a_question_that_was_never_asked_is_unknown_and_not_ok():
    assert bad(judged(relay=None)) == [("25: relay to elsewhere", "unknown")]


def test_only_declared_protocols_are_checked():
    what = [result.what for result in judged(mail(dovecot={"protocols": ["imap"]}, webmail=False))]
    assert not any("POP3" in one or "Sieve" in one or "page" in one for one in what)


def test_a_domain_that_catches_all_is_not_asked_to_refuse_unknown_recipients():
    one = mail(catch_all={"example.com": "tito@example.com"})
    assert nobody(one) == "no-such-mailbox@example.net"
    both = mail(catch_all={"example.com": "tito@example.com", "example.net": "tito@example.com"})
    assert "unknown-recipient" not in envelopes(both)
    assert "25: unknown recipient" not in [result.what for result in judged(both)]


def test_a_log_in_without_tls_is_refused_or_fails_or_cannot_be_known():
    told = [
        Observation("plain-imap", 0, "[PRIVACYREQUIRED]", "imap"),
        Observation("plain-pop3", 1, "+OK", "pop3"),
        Observation("plain-imap", None, "cannot know from here", "imap", unknown=True),
    ]
    assert [result.verdict for result in external.results(told)] == ["ok", "FAIL", "unknown"]


# --- what runs on the host


POST_PLAN = plan(mail(), ports(mail())) | {"ca_files": []}


def test_a_message_that_arrives_as_it_was_written_is_intact():
    post = Post(POST_PLAN, "secret")
    assert post.intact(post.message().as_bytes())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("郵便".encode(), b"??"),
        (b"\r\n.\r\n", b"\r\n"),
        (b"..The", b".The"),
        (b"Subject: =?utf-8?b?R3", b"Subject: =?utf-8?b?R4"),
    ],
)
def test_a_message_that_lost_anything_on_the_way_is_not_intact(before, after):
    post = Post(POST_PLAN, "secret")
    raw = post.message().as_bytes()
    assert before in raw
    assert not post.intact(raw.replace(before, after))


def test_a_message_of_another_run_is_not_this_run_s():
    assert not Post(POST_PLAN, "secret").intact(Post(POST_PLAN, "secret").message().as_bytes())


def test_messages_of_this_run_and_of_killed_ones_are_taken_away_but_never_anybody_else_s(tmp_path):
    post = Post(POST_PLAN | {"maildir": str(tmp_path), "readers": []}, "secret")
    (tmp_path / ".Junk" / "cur").mkdir(parents=True)
    (tmp_path / "new").mkdir()
    ours, other, running = (tmp_path / ".Junk/cur/1"), (tmp_path / "new/2"), (tmp_path / "new/3")
    ours.write_bytes(post.message().as_bytes())
    other.write_bytes(b"Subject: mine\n\nkeep me\n")
    running.write_bytes(f"{MARK}: anotherrun\n\nstill on its way\n".encode())
    assert post.clean() == (1, "deleted: 0 by IMAP, 0 in the queue, 1 on disk")
    assert (ours.exists(), other.exists(), running.exists()) == (False, True, True)


def test_an_unknown_client_comes_from_an_address_that_nobody_trusts():
    assert untrusted(["10.0.0.5", "2001:db8::5"], ["10.0.0.0/8"]) == "2001:db8::5"
    assert untrusted(["10.0.0.5"], ["10.0.0.0/8"]) is None


def test_the_remote_part_runs_alone_from_stdin_and_says_what_it_could_not_see():
    nothing_here = POST_PLAN | {"tls": [], "envelopes": {}, "chain": "/nonexistent", "secret": "/nonexistent"}
    run = subprocess.run(
        [sys.executable, "-I", "-B", "-", json.dumps(nothing_here)],
        input=script(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    seen = {one.check: one for one in observations(run.stdout.splitlines())}
    assert (seen["disk"].der, seen["probe"].code) == (None, 0)
    assert "No such file" in seen["probe"].seen


def test_the_plan_holds_no_secret_and_names_every_port_once():
    asked = plan(mail(), ports(mail()))
    assert "$2y$" not in json.dumps(asked)
    assert sorted(port for _, _, port in asked["tls"]) == [25, 110, 143, 443, 465, 587, 993, 995, 4190]
    assert ["https", "webmail.example.com", 443] in asked["tls"]


# --- the report


LINES = (
    CheckResult(
        "listeners.declared.993", "listeners", "port 993 (IMAP)", "listening", "nothing listens", False, "run it"
    ),
    CheckResult(
        "refusals.relay", "refusals", "25: relay to <b>elsewhere</b>", "refused", "554 5.7.1 " + "x" * 90, True
    ),
    CheckResult("refusals.plain.imap", "refusals", "IMAP: login without TLS", "refused", "cannot know from here", None),
)
REPORT = Report("mail.example.com", NOW, 3.21, LINES)


def test_the_summary_counts_every_verdict_and_an_unknown_result_fails_nothing():
    assert summary(LINES) == "1 ok, 1 FAIL, 1 unknown"
    assert failed(LINES)
    assert not failed(LINES[1:])


def test_the_table_is_aligned_and_says_what_to_do_below_the_check_that_fails():
    text = table(REPORT).splitlines()
    rows = [row for row in text if row.startswith("  ") and "->" not in row]
    assert len({row.rindex("  ") for row in rows}) == 1
    assert text[2] == "      -> run it"
    assert text[-1] == "mail.example.com: 1 ok, 1 FAIL, 1 unknown, in 3.2 s"


def test_the_table_has_colours_only_where_they_are_asked_for():
    assert "\033" not in table(REPORT)
    assert "[red:FAIL]" in table(REPORT, lambda text, colour: f"[{colour}:{text}]")


def test_the_page_needs_nothing_else_and_quotes_what_a_server_said():
    page = as_html(REPORT)
    assert "&lt;b&gt;elsewhere" in page
    assert not any(outside in page for outside in ("http://", "https://", "<script", "src=", "<link"))


def test_both_reports_bear_the_host_s_name_and_the_json_says_it_all(tmp_path):
    page = write(Report("@docker/mail 1", NOW, 1.0, LINES), tmp_path / "reports")
    assert sorted(path.name for path in page.parent.iterdir()) == ["docker-mail-1.html", "docker-mail-1.json"]
    report = json.loads(as_json(REPORT))
    assert (report["ok"], len(report["results"]), report["results"][0]["verdict"]) == (False, 3, "FAIL")


def test_a_door_without_tls_is_not_asked_for_a_certificate():
    assert Listener(80, None, "HTTP") in ports(mail())
    assert all(port != 80 for _, _, port in plan(mail(), ports(mail()))["tls"])
