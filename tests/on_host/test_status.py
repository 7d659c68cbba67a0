"""Status on a real host: a good one is well, each defect is a line that says what to do, and the postmaster is told
once of what got worse and once of what was mended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deploys.checks.deploy import REPORTS
from facts.watch import PROGRAM
from lab.mailhost import MailHost
from lab.pyinfra import Run
from lab.waiting import wait_until
from tests.on_host.settings import ANA, TITO

pytestmark = pytest.mark.host

CHAIN = "/etc/ssl/posthaus/fullchain.pem"
SHORT = (
    f"cp -p {CHAIN} /root/chain.pem && openssl req -x509 -key /etc/ssl/posthaus/privkey.pem -days 5"
    f" -subj /CN=mail.example.com -out {CHAIN} 2>/dev/null"
)
# Nothing takes messages there: the engine's end of the host's network.
DEFER = "echo text | sendmail -f tito@example.com \"somebody@[$(ip route | awk '/^default/ {print $3; exit}')]\""
FILL = f"(printf 'Subject: large\\n\\n'; head -c 2000000 /dev/zero | tr '\\0' a | fold) | doveadm save -u {ANA}"
SUBJECTS = f"doveadm -f flow fetch -u {TITO} hdr.subject mailbox '*' all | grep -o 'mail.example.com: .*'"
TEXT = f"doveadm fetch -u {TITO} text mailbox '*' header subject 'mail.example.com: %s'"


def told(host: MailHost) -> dict[str, dict[str, Any]]:
    """The lines of the last status, by key; those of updates, which are the archive's doing, left out."""
    name = host.entry[0].replace("/", "-").strip("@-")
    report = json.loads((REPORTS / f"{name}.status.json").read_text("utf-8"))
    return {one["key"]: one for one in report["results"] if one["group"] != "updates"}


def status(host: MailHost) -> Run:
    return host.pyinfra("deploys/status.py")


def subjects(host: MailHost) -> list[str]:
    """Of what the postmaster was told by the host."""
    return host.run(SUBJECTS, check=False).stdout.splitlines()


def look(host: MailHost) -> None:
    """What the timer runs, without the wait for what is just being restarted."""
    host.run(f"python3 -I -B {PROGRAM} --mail 0")


def test_defects_are_each_a_line_that_says_what_to_do_and_the_postmaster_is_told_once(own_mail_host: MailHost):
    host = own_mail_host
    run = status(host)
    lines = told(host)
    assert [one for one in lines.values() if one["verdict"] != "ok"] == [], run.output
    assert run.rc == 0 or "updates" in run.output
    groups = {"services", "listeners", "queue", "disks", "mailboxes", "certificates", "filter", "logins", "clock"}
    assert groups <= {one["group"] for one in lines.values()}
    assert host.run("systemctl is-active posthaus-watch.timer").stdout.strip() == "active"
    look(host)

    host.run(f"systemctl stop apache2; {SHORT}; {FILL}; {DEFER}")
    wait_until(lambda: '"delay_reason"' in host.run("postqueue -j").stdout, 120, "the message was not put off")
    run = status(host)
    assert run.rc == 2, run.output
    lines = told(host)
    (waits,) = [one for key, one in lines.items() if key.startswith("queue.deferred.")]
    expected = {
        "services.apache2": ("FAIL", "systemctl start apache2.service"),
        "certificates.mail.example.com": ("warn", "run deploys/mail.py"),
        f"mailboxes.{ANA}": ("warn", f"mailboxes.{ANA}.quota"),
        waits["key"]: ("warn", "script/trace somebody@["),
    }
    for key, (verdict, remedy) in expected.items():
        assert (lines[key]["verdict"], remedy in lines[key]["remedy"]) == (verdict, True), (lines[key], run.output)
        assert f"-> {lines[key]['remedy']}" in run.output
    others = {one["key"] for one in lines.values() if one["verdict"] != "ok"} - set(expected)
    assert {one for one in others if not one.startswith("listeners.")} == set(), run.output

    host.run("systemctl start posthaus-watch.service", timeout=120)
    wait_until(lambda: len(subjects(host)) == 1, 60, "the postmaster was not told")
    assert subjects(host)[0].startswith("mail.example.com: worse: apache2.service"), subjects(host)
    text = host.run(TEXT % "worse").stdout
    for key in set(expected) - {waits["key"]}:
        assert lines[key]["what"] in text, text
    assert "-> systemctl start apache2.service" in text
    look(host)

    host.run(
        f"systemctl start apache2; mv /root/chain.pem {CHAIN}; doveadm expunge -u {ANA} mailbox INBOX all;"
        " postsuper -d ALL 2>/dev/null"
    )
    look(host)
    wait_until(lambda: len(subjects(host)) >= 2, 60, "the postmaster was not told that it is mended")
    assert "mended: apache2.service" in subjects(host)[-1]
    look(host)
    wait_until(lambda: not host.run("postqueue -j").stdout, 60, "something waits in the queue")
    assert [one.partition(": ")[2].partition(":")[0] for one in subjects(host)] == ["worse", "mended"]
    assert not [
        one
        for one in host.run("journalctl -q -o cat -u posthaus-watch.service").stdout.splitlines()
        if "Traceback" in one
    ]
