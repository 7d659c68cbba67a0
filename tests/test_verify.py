"""The proof without a host: what was seen on one, turned into lines."""

import base64
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploys.mailserver import MailServer
from deploys.preflight.needs import needed_ports
from deploys.proof import certificates, exams, listeners, outside, services
from deploys.proof.bundle import script
from deploys.proof.line import Line, failed, summary
from deploys.proof.observation import Observation, observations
from deploys.proof.on_host.letters import MARK, Post
from deploys.proof.on_host.stranger import untrusted
from deploys.proof.plan import Door, doors, envelopes, nobody, plan
from deploys.proof.report import Report, as_html, as_json, table, write
from facts.listeners import Listener
from facts.units import Unit

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
NAMES = ("mail.example.com", "webmail.example.com")
WORDS = {
    "hostname": "mail.example.com",
    "domains": ["example.com", "example.net"],
    "mailboxes": {"tito@example.com": {"password": "$2y$05$eHGQZeDC6QCKTxI7CHbRIOaWXsAlxc2uM3chLCEuQJ2ksmNYM5Mvi"}},
    "webmail": {"hostname": "webmail.example.com"},
}


def mail(**changes):
    return MailServer.read(WORDS | changes)


# --- listeners


def listening(*ports, address="0.0.0.0", process="master", protocol="tcp"):
    return [Listener(protocol, address, port, process, 1, not address.startswith("127.")) for port in ports]


ALL_PORTS = (25, 80, 110, 143, 443, 465, 587, 993, 995, 4190)


def test_a_host_with_every_declared_port_open_and_no_other_is_two_good_lines():
    found = listeners.lines(doors(mail()), listening(*ALL_PORTS) + listening(22, process="sshd"))
    assert [line.verdict for line in found] == ["ok", "ok"]
    assert found[0].seen == "25 80 110 143 443 465 587 993 995 4190"


def test_a_port_where_nothing_listens_is_one_line_that_fails_and_names_the_remedy():
    found = listeners.lines(doors(mail()), listening(*[port for port in ALL_PORTS if port != 993]))
    assert [line for line in found if line.ok is False] == [
        Line("listeners", "port 993 (IMAP)", "listening", "nothing listens", False, "run deploys/mail.py")
    ]


def test_a_declared_port_that_only_the_host_itself_can_reach_is_not_open():
    others = listening(*[port for port in ALL_PORTS if port != 25])
    found = listeners.lines(doors(mail()), others + listening(25, address="127.0.0.1"))
    assert [(line.what, line.seen) for line in found if not line.ok] == [
        ("port 25 (SMTP)", "listens on 127.0.0.1 only")
    ]


def test_an_undeclared_port_open_to_the_world_is_one_line_that_names_its_process():
    found = listeners.lines(doors(mail()), listening(*ALL_PORTS) + listening(11332, process="rspamd"))
    wrong = [line for line in found if not line.ok]
    assert [(line.what, line.seen) for line in wrong] == [("port 11332/tcp", "rspamd listens")]
    assert "open_ports: [11332/tcp]" in wrong[0].remedy


def test_the_same_port_on_ipv4_and_ipv6_is_one_line():
    both = listening(9100, process="exporter") + listening(9100, address="::", process="exporter")
    assert sum(not line.ok for line in listeners.lines(doors(mail()), listening(*ALL_PORTS) + both)) == 1


@pytest.mark.parametrize(
    "more",
    [
        listening(53, 11334, address="127.0.0.53", process="systemd-resolve"),
        listening(2222, process="sshd"),
        listening(22, process="systemd"),
        listening(68, process="systemd-network", protocol="udp"),
        listening(51820, process=None, protocol="udp"),
        listening(9100, process="exporter"),
    ],
    ids=["loopback", "sshd", "sshd's socket", "dhcp", "declared udp", "declared tcp"],
)
def test_what_everybody_has_and_what_the_operator_declares_is_no_finding(more):
    found = listeners.lines(doors(mail()), listening(*ALL_PORTS) + more, open_ports=[9100, "51820/udp"])
    assert not failed(found)


def test_a_resolver_that_asks_its_neighbours_is_a_warning():
    found = listeners.lines(doors(mail()), listening(*ALL_PORTS) + listening(5355, process="systemd-resolve"))
    assert [line.verdict for line in found] == ["ok", "warn"]
    assert "LLMNR=no" in found[1].remedy


def test_preflight_needs_exactly_the_ports_that_the_proof_wants_open():
    for words in (mail(), mail(dovecot={"protocols": ["imap"]}, webmail=False), mail(webmail={"port": 8443})):
        assert {door.port for door in doors(words)} == set(
            needed_ports(words.dovecot, words.webmail, pages=words.pages)
        )


def test_a_port_of_a_protocol_that_is_not_declared_must_be_shut():
    served = doors(mail(dovecot={"protocols": ["imap"]}, webmail=False, clients=False))
    found = listeners.lines(served, listening(25, 465, 587, 143, 993, 110, 80))
    assert {line.what for line in found if not line.ok} == {"port 110/tcp", "port 80/tcp"}


# --- services


RUNNING = Unit(
    loaded=True,
    enabled=True,
    active=True,
    state="active (running)",
    since=1000.0,
    changed_at=1500.0,
    newest_reload=1400.0,
)


def unit(**changes):
    return services.lines({"postfix.service": Unit(**(vars(RUNNING) | changes))})


def test_a_unit_that_runs_what_lies_on_disk_is_one_good_line():
    (line,) = unit()
    assert line.verdict == "ok"
    assert "active (running) since 1970-01-01 00:16:40 UTC" in line.seen


def test_configuration_newer_than_the_unit_is_one_line_that_fails_and_says_by_how_much():
    (line,) = unit(newest_reload=1561.0)
    assert (line.ok, line.seen) == (False, "files changed 0:01:01 after it last read them")
    assert line.remedy == "run deploys/mail.py, which reloads it"


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({"loaded": False}, "no such unit"),
        ({"active": False, "state": "failed (failed)"}, "failed (failed)"),
        ({"deleted_exe": True}, "runs a program that an upgrade replaced"),
        ({"newest_restart": 1600.0}, "files changed 0:01:40 after it last read them"),
        ({"need_daemon_reload": True}, "its unit file changed since systemd read it"),
        ({"enabled": False}, "not enabled: it would not come back after a reboot"),
    ],
)
def test_each_thing_wrong_with_a_unit_is_named_and_has_a_remedy(changes, seen):
    (line,) = unit(**changes)
    assert (line.ok, line.seen) == (False, seen)
    assert "deploys/mail.py" in line.remedy


# --- certificates


def der(names=NAMES, days=90.0, serial=0xABCDEF):
    """A self-signed certificate, as the examination would hand it over."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "proof")])
    built = (
        x509.CertificateBuilder(subject, subject, key.public_key(), serial)
        .not_valid_before(NOW - timedelta(days=100))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return base64.b64encode(built.public_bytes(serialization.Encoding.DER)).decode()


def served(on_disk, ports, **more):
    seen = [Observation("disk", 0, "", der=on_disk)]
    seen += [Observation("certificate", port, name="mail.example.com", **({"der": on_disk} | more)) for port in ports]
    return certificates.lines(seen, NAMES, NOW)


def test_one_certificate_on_disk_and_on_all_ports_is_two_good_lines():
    found = served(der(), [993, 25, 465])
    assert [line.verdict for line in found] == ["ok", "ok"]
    assert found[1].seen == "on 25 465 993: serial abcdef…"


@pytest.mark.parametrize(
    ("days", "verdict"), [(14.5, "ok"), (13.5, "warn"), (3.5, "warn"), (2.5, "FAIL"), (-1, "FAIL")]
)
def test_days_left_warn_below_fourteen_and_fail_below_three(days, verdict):
    assert served(der(days=days), [])[0].verdict == verdict


def test_an_expired_certificate_says_since_when():
    (line,) = served(der(days=-2), [])
    assert line.seen.startswith("expired 2026-11-23")
    assert line.remedy == "renew it, then run deploys/mail.py"


def test_a_name_that_the_certificate_does_not_cover_fails():
    (line,) = served(der(names=["mail.example.com"]), [])
    assert (line.ok, line.seen) == (False, "does not cover webmail.example.com")


def test_a_wildcard_covers_one_label_and_no_more():
    assert served(der(names=["*.example.com"]), [])[0].ok
    assert not served(der(names=["*.com", "*.mail.example.com", "example.com"]), [])[0].ok


def test_a_port_that_still_serves_the_old_certificate_fails_and_names_both_serials():
    old = der(serial=0x1234)
    found = certificates.lines(
        [
            Observation("disk", 0, "", der=der(serial=0x5678)),
            Observation("certificate", 25, "", "mail.example.com", old),
            Observation("certificate", 587, "", "mail.example.com", old),
        ],
        NAMES,
        NOW,
    )
    assert [(line.what, line.seen) for line in found if not line.ok] == [
        ("certificate on 25 587", "serial 1234…, on disk serial 5678…")
    ]


def test_a_certificate_that_clients_would_refuse_fails_with_their_reason():
    found = served(der(), [993], seen="unable to get local issuer certificate")
    assert found[1].seen == "clients refuse it: unable to get local issuer certificate"
    assert found[1].verdict == "FAIL"


def test_a_port_without_tls_fails_and_a_shut_port_is_left_to_the_listeners():
    assert served(der(), [993], der=None, seen="SSLError: wrong version number")[1].verdict == "FAIL"
    assert served(der(), [993], der=None, seen="ConnectionRefusedError: [Errno 111]")[1].verdict == "unknown"


# --- letters and refusals

GOOD = {
    "probe": (1, ""),
    "send-587": (250, "2.0.0 Ok: queued as A"),
    "send-465": (250, "2.0.0 Ok: queued as B"),
    **dict.fromkeys(("read-143", "read-993", "read-110", "read-995"), (2, "2 of 2 sent arrived whole")),
    "sieve": (1, "OK"),
    "http": (301, "301 https://webmail.example.com/"),
    "webmail-page": (200, "200 https://webmail.example.com/src/login.php"),
    "webmail-log-in": (302, "302 to /src/webmail.php"),
    "webmail-letters": (2, "2 listed"),
    "clean": (0, "deleted: 2 by IMAP, 0 in the queue, 0 on disk"),
    "inbound": (250, "2.1.5 Ok"),
    "unknown-recipient": (550, "5.1.1 no such user"),
    "relay": (554, "5.7.1 Relay access denied"),
    "spoofed": (553, "5.7.1 Sender address rejected"),
    "auth-25": (0, "not offered"),
    "auth-587": (0, "not offered"),
    "send-as-other": (553, "5.7.1 not owned by user"),
}


def judged(words=None, **changes):
    """The lines of a good host but for ``changes``: check (_ for -) -> (code, seen), or None if it was not asked."""
    seen = GOOD | {check.replace("_", "-"): value for check, value in changes.items()}
    served_here = words or mail()
    told = [Observation(check, *value) for check, value in seen.items() if value]
    return exams.lines(told, doors(served_here), nobody(served_here) is None)


def bad(lines):
    return [(line.what, line.verdict) for line in lines if line.verdict != "ok"]


def test_a_good_host_is_good_in_every_line():
    assert bad(judged()) == []


@pytest.mark.parametrize(
    ("check", "value", "what"),
    [
        ("relay", (250, "2.1.5 Ok"), "25: relay to elsewhere"),
        ("relay", (451, "4.3.0 later"), "25: relay to elsewhere"),
        ("spoofed", (250, "2.1.5 Ok"), "25: stranger as one of us"),
        ("unknown_recipient", (450, "4.1.1 later"), "25: unknown recipient"),
        ("inbound", (451, "4.3.5 Server configuration problem"), "25: mail for postmaster"),
        ("auth_25", (1, "offered in TLS"), "25: AUTH"),
        ("auth_587", (1, "offered before TLS"), "587: AUTH before TLS"),
        ("send_as_other", (250, "2.1.5 Ok"), "587: sender of somebody else"),
        ("read_110", (1, "1 of 2 sent arrived whole"), "read by POP3 110, STARTTLS"),
        ("read_993", (None, "ConnectionRefusedError"), "read by IMAP 993, TLS"),
        ("sieve", (0, "NO"), "log-in to ManageSieve 4190"),
        ("clean", (1, "deleted: 0 by IMAP, 0 in the queue, 1 on disk"), "letters left behind"),
        ("http", (0, "200"), "plain HTTP on 80"),
        ("webmail_letters", (1, "1 listed"), "letters in its list"),
    ],
)
def test_one_thing_broken_is_one_line_that_fails(check, value, what):
    assert bad(judged(**{check: value})) == [(what, "FAIL")]


def test_a_letter_that_was_never_taken_is_not_missed_by_the_readers():
    readers = dict.fromkeys(("read_143", "read_993", "read_110", "read_995"), (1, "1 of 1 sent arrived whole"))
    found = judged(send_465=(None, "TimeoutError"), webmail_letters=(1, "1 listed"), **readers)
    assert bad(found) == [("letter by 465, TLS", "FAIL")]


def test_what_depends_on_something_broken_is_unknown_and_says_on_what():
    found = judged(webmail_page=(0, "200, no log-in form"))
    assert bad(found) == [
        ("log-in page", "FAIL"),
        ("log-in of the probe", "unknown"),
        ("letters in its list", "unknown"),
    ]
    assert "cannot know: log-in page failed" in [line.seen for line in found]


def test_a_host_without_the_probe_is_told_to_run_the_converge_first():
    found = judged(probe=(0, "No such file"))
    assert [(line.what, line.remedy) for line in found if not line.ok] == [
        ("the probe's secret", "run deploys/mail.py first: it makes the probe mailbox")
    ]


def test_a_question_that_was_never_asked_is_unknown_and_not_ok():
    assert bad(judged(relay=None)) == [("25: relay to elsewhere", "unknown")]


def test_only_declared_protocols_are_examined():
    what = [line.what for line in judged(mail(dovecot={"protocols": ["imap"]}, webmail=False))]
    assert not any("POP3" in one or "Sieve" in one or "page" in one for one in what)


def test_a_domain_that_catches_all_is_not_asked_to_refuse_unknown_recipients():
    one = mail(catch_all={"example.com": "tito@example.com"})
    assert nobody(one) == "no-such-mailbox@example.net"
    both = mail(catch_all={"example.com": "tito@example.com", "example.net": "tito@example.com"})
    assert "unknown-recipient" not in envelopes(both)
    assert "25: unknown recipient" not in [line.what for line in judged(both)]


def test_a_log_in_without_tls_is_refused_or_fails_or_cannot_be_known():
    told = [
        Observation("plain-imap", 0, "[PRIVACYREQUIRED]", "imap"),
        Observation("plain-pop3", 1, "+OK", "pop3"),
        Observation("plain-imap", None, "cannot know from here", "imap", unknown=True),
    ]
    assert [line.verdict for line in outside.lines(told)] == ["ok", "FAIL", "unknown"]


# --- what runs on the host


POST_PLAN = plan(mail()) | {"authorities": []}


def test_a_letter_that_arrives_as_it_was_written_is_whole():
    post = Post(POST_PLAN, "secret")
    assert post.intact(post.letter().as_bytes())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("郵便".encode(), b"??"),
        (b"\r\n.\r\n", b"\r\n"),
        (b"..The", b".The"),
        (b"Subject: =?utf-8?b?R3", b"Subject: =?utf-8?b?R4"),
    ],
)
def test_a_letter_that_lost_anything_on_the_way_is_not_whole(before, after):
    post = Post(POST_PLAN, "secret")
    raw = post.letter().as_bytes()
    assert before in raw
    assert not post.intact(raw.replace(before, after))


def test_a_letter_of_another_run_is_not_this_run_s():
    assert not Post(POST_PLAN, "secret").intact(Post(POST_PLAN, "secret").letter().as_bytes())


def test_letters_of_this_run_and_of_killed_ones_are_taken_away_but_never_anybody_else_s(tmp_path):
    post = Post(POST_PLAN | {"maildir": str(tmp_path), "readers": []}, "secret")
    (tmp_path / ".Junk" / "cur").mkdir(parents=True)
    (tmp_path / "new").mkdir()
    ours, other, running = (tmp_path / ".Junk/cur/1"), (tmp_path / "new/2"), (tmp_path / "new/3")
    ours.write_bytes(post.letter().as_bytes())
    other.write_bytes(b"Subject: mine\n\nkeep me\n")
    running.write_bytes(f"{MARK}: anotherrun\n\nstill on its way\n".encode())
    assert post.clean() == (1, "deleted: 0 by IMAP, 0 in the queue, 1 on disk")
    assert (ours.exists(), other.exists(), running.exists()) == (False, True, True)


def test_a_stranger_comes_from_an_address_that_nobody_trusts():
    assert untrusted(["10.0.0.5", "2001:db8::5"], ["10.0.0.0/8"]) == "2001:db8::5"
    assert untrusted(["10.0.0.5"], ["10.0.0.0/8"]) is None


def test_the_examination_runs_alone_from_stdin_and_says_what_it_could_not_see():
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


def test_the_plan_holds_no_secret_and_names_every_door_once():
    asked = plan(mail())
    assert "$2y$" not in json.dumps(asked)
    assert sorted(port for _, _, port in asked["tls"]) == [25, 110, 143, 443, 465, 587, 993, 995, 4190]
    assert ["https", "webmail.example.com", 443] in asked["tls"]


# --- the report


LINES = (
    Line("listeners", "port 993 (IMAP)", "listening", "nothing listens", False, "run deploys/mail.py"),
    Line("refusals", "25: relay to <b>elsewhere</b>", "refused", "554 5.7.1 " + "x" * 90, True),
    Line("refusals", "IMAP: log-in without TLS", "refused", "cannot know from here", None),
)
REPORT = Report("mail.example.com", NOW, 3.21, LINES)


def test_the_summary_counts_every_verdict_and_an_unknown_line_fails_nothing():
    assert summary(LINES) == "1 ok, 1 FAIL, 1 unknown"
    assert failed(LINES)
    assert not failed(LINES[1:])


def test_the_table_is_aligned_and_says_what_to_do_below_the_line_that_fails():
    text = table(REPORT).splitlines()
    rows = [row for row in text if row.startswith("  ") and "->" not in row]
    assert len({row.rindex("  ") for row in rows}) == 1
    assert text[2] == "      -> run deploys/mail.py"
    assert text[-1] == "mail.example.com: 1 ok, 1 FAIL, 1 unknown, in 3.2 s"


def test_the_table_has_colours_only_where_they_are_asked_for():
    assert "\033" not in table(REPORT)
    assert "[red:FAIL]" in table(REPORT, lambda text, colour: f"[{colour}:{text}]")


def test_the_page_needs_nothing_else_and_quotes_what_a_server_said():
    page = as_html(REPORT)
    assert "&lt;b&gt;elsewhere" in page
    assert not any(outside_word in page for outside_word in ("http://", "https://", "<script", "src=", "<link"))


def test_both_reports_bear_the_host_s_name_and_the_json_says_it_all(tmp_path):
    page = write(Report("@docker/mail 1", NOW, 1.0, LINES), tmp_path / "reports")
    assert sorted(path.name for path in page.parent.iterdir()) == ["docker-mail-1.html", "docker-mail-1.json"]
    words = json.loads(as_json(REPORT))
    assert (words["ok"], len(words["lines"]), words["lines"][0]["verdict"]) == (False, 3, "FAIL")


def test_a_door_without_tls_is_not_asked_for_a_certificate():
    assert Door(80, None, "HTTP") in doors(mail())
    assert all(port != 80 for _, _, port in plan(mail())["tls"])
