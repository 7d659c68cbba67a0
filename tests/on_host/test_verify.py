"""Verify on real hosts: a good one passes, and each way of breaking one seen."""

from __future__ import annotations

import json
import smtplib
from typing import Any

import pytest

from deploys.checks.bundle import script
from deploys.checks.deploy import REPORTS
from deploys.checks.plan import PROBE_MAILDIR, PROBE_SECRET, plan
from deploys.config.mailserver import MailServer
from lab.bench import sent
from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.declared import ports

pytestmark = pytest.mark.host

MOST_QUESTIONS = 3  # what machine it is, what others configured there, and all the rest
PRIVATE_KEY = "/etc/ssl/posthaus/privkey.pem"
PROBE_MESSAGES = f"find {PROBE_MAILDIR} -type f \\( -path '*/cur/*' -o -path '*/new/*' -o -path '*/tmp/*' \\) | wc -l"
# Everything that verify must not touch. (The probe's own preferences in the webmail are made at its first login, and
# Dovecot keeps its indexes fresh whenever it is asked about a mailbox.)
STATE = (
    "find /etc /var/lib/posthaus /usr/share/squirrelmail-versions -printf '%p %s %m %u %g %C@\\n' | sort;"
    " find /var/mail -type f ! -name 'dovecot*' -printf '%p %s %m %u %g %C@\\n' | sort"
)


def report(host: MailHost) -> dict[str, Any]:
    """What the last verification of this host wrote down."""
    name = host.entry[0].replace("/", "-").strip("@-")
    settings: dict[str, Any] = json.loads((REPORTS / f"{name}.json").read_text("utf-8"))
    return settings


def verdicts(host: MailHost) -> dict[str, str]:
    """Each result of the last verification: what -> verdict."""
    return {result["what"]: result["verdict"] for result in report(host)["results"]}


def failing(host: MailHost) -> set[str]:
    """What failed in the last verification."""
    return {what for what, verdict in verdicts(host).items() if verdict == "FAIL"}


def messages_left(host: MailHost) -> tuple[str, str]:
    """How many messages lie in the probe's mailbox, and what the queue says."""
    return host.run(PROBE_MESSAGES).stdout.strip(), host.run("mailq").stdout.strip()


def whole_again(host: MailHost) -> None:
    """Postfix holds back a service that failed (a minute): whoever connects meanwhile is greeted after that."""
    for port, client in ((25, smtplib.SMTP), (587, smtplib.SMTP), (465, smtplib.SMTP_SSL)):
        client(host.address, port, timeout=90).close()


def test_a_converged_host_is_proved_and_nothing_is_left_behind_or_changed(mail_host: MailHost) -> None:
    before = mail_host.run(STATE).stdout
    run = mail_host.verify(None, "-vv")
    assert (run.rc, failing(mail_host)) == (0, set()), run.output
    assert 1 < sent(run) <= MOST_QUESTIONS, run.output
    results = report(mail_host)["results"]
    # Messages of other tests have met servers without TLS.
    assert {result["verdict"] for result in results if result["key"] != "rules.tls"} == {"ok"}, run.output
    keys = [result["key"] for result in results]
    assert sorted(keys) == sorted(set(keys))
    assert messages_left(mail_host) == ("0", "Mail queue is empty")
    assert mail_host.run(STATE).stdout == before


def test_the_secret_of_the_probe_never_leaves_the_host(mail_host: MailHost) -> None:
    secret = mail_host.run(f"cat {PROBE_SECRET}").stdout.strip()
    assert len(secret) >= 16
    run = mail_host.verify(None, "-vvv")
    assert run.rc == 0, run.output
    assert secret not in run.output + run.stdout + json.dumps(report(mail_host))
    assert secret not in mail_host.run("journalctl -o cat --no-pager").stdout


def test_json_stays_json_and_counts_a_verification_as_no_change(mail_host: MailHost) -> None:
    run = mail_host.verify(None, "--json")
    assert run.json is not None, run.stdout
    assert (run.rc, run.totals) == (0, {"hosts": 1, "success": 0, "error": 0, "no_change": 1})


def test_a_dry_run_sends_no_message(mail_host: MailHost) -> None:
    # not through verify(), which says -y
    before = mail_host.run("journalctl -o cat --no-pager -t postfix/submission/smtpd -t postfix/smtpd | wc -l").stdout
    assert mail_host.pyinfra("deploys/verify.py", "--dry").rc == 0
    after = mail_host.run("journalctl -o cat --no-pager -t postfix/submission/smtpd -t postfix/smtpd | wc -l").stdout
    assert after == before


def test_nobody_has_to_press_enter_for_a_verification(mail_host: MailHost) -> None:
    run = mail_host.pyinfra("deploys/verify.py")
    assert run.rc == 0, run.output
    assert "read by IMAP 993" in run.output


def test_a_verification_that_is_killed_takes_its_messages_away(mail_host: MailHost) -> None:
    mail = MailServer.read(mail_host.settings)
    settings = json.dumps(plan(mail, ports(mail)))
    mail_host.write("/root/verify.py", script(), "0600")
    for moment in (0.5, 1, 1.5, 2, 2.5, 3):
        mail_host.run(f"timeout -s HUP {moment} python3 -I -B /root/verify.py '{settings}'", check=False)
        wait_until(lambda: messages_left(mail_host) == ("0", "Mail queue is empty"), 15, "a message is left behind")


def test_configuration_that_no_service_has_read_yet_fails_one_check(own_mail_host: MailHost) -> None:
    own_mail_host.run("touch /etc/postfix/main.cf")
    run = own_mail_host.verify()
    assert (run.rc, failing(own_mail_host)) == (1, {"postfix.service"}), run.output
    assert "-> run deploys/mail.py, which reloads it" in run.output


def test_an_undeclared_port_fails_one_check_that_names_its_process(own_mail_host: MailHost) -> None:
    own_mail_host.run("systemd-run --unit=extra python3 -m http.server 8099; sleep 1")
    run = own_mail_host.verify()
    assert (run.rc, failing(own_mail_host)) == (1, {"port 8099/tcp"}), run.output
    assert "python3 listens" in run.output


def test_a_stopped_dovecot_fails_where_people_would_notice(own_mail_host: MailHost) -> None:
    own_mail_host.run("systemctl stop dovecot")
    run = own_mail_host.verify()
    assert run.rc == 1
    assert {"dovecot.service", "port 993 (IMAP)", "message by 587, STARTTLS"} <= failing(own_mail_host), run.output
    assert messages_left(own_mail_host) == ("0", "Mail queue is empty")
    own_mail_host.run("systemctl start dovecot")
    whole_again(own_mail_host)
    run = own_mail_host.verify()
    assert run.rc == 0, run.output


def test_messages_that_are_never_delivered_are_taken_out_of_the_queue(own_mail_host: MailHost) -> None:
    own_mail_host.run("postconf -e 'virtual_transport = lmtp:unix:private/nobody' && postfix reload && sleep 1")
    run = own_mail_host.verify()
    assert "read by IMAP 993, TLS" in failing(own_mail_host), run.output
    assert verdicts(own_mail_host)["message by 587, STARTTLS"] == "ok"
    assert messages_left(own_mail_host) == ("0", "Mail queue is empty")


@pytest.mark.webmail
def test_a_certificate_on_disk_that_nobody_serves_yet_fails(own_mail_host: MailHost) -> None:
    own_mail_host.run(
        "cd /etc/ssl/posthaus && openssl req -x509 -key privkey.pem -days 90 -subj /CN=new "
        "-addext subjectAltName=DNS:mail.example.com,DNS:webmail.example.com -out new.pem && mv new.pem fullchain.pem"
    )
    run = own_mail_host.verify()
    assert run.rc == 1
    late = {what for what in failing(own_mail_host) if what.startswith("certificate on ")}
    assert any(" 993" in what and " 443" in what for what in late), run.output


def test_a_host_without_the_probe_is_told_what_to_do_first(own_mail_host: MailHost) -> None:
    own_mail_host.run(f"rm {PROBE_SECRET}")
    run = own_mail_host.verify()
    assert failing(own_mail_host) == {"the probe's secret"}, run.output
    assert "run deploys/mail.py first: it makes the probe mailbox" in run.output


@pytest.mark.webmail
def test_what_somebody_changed_on_the_disk_is_named_each_by_its_own_result(own_mail_host: MailHost) -> None:
    host = own_mail_host
    code = host.run("readlink -f /usr/share/squirrelmail").stdout.strip()
    login, shell, data = f"{code}/src/login.php", f"{code}/src/shell.php", "/var/lib/squirrelmail/data"
    host.run(
        f"touch -r {login} /tmp/then; echo '// patched' >>{login}; touch -r /tmp/then {login}; echo '<?php' >{shell};"
        f"chmod 0644 {PRIVATE_KEY}; chmod 0777 {data}; chown nobody /var/lib/rspamd/dkim/*25519.key;"
        "echo '# by hand' >>/etc/dovecot/users; systemctl --quiet disable postfix dovecot apache2 rspamd"
    )
    run = host.verify()
    keys = host.run("ls /var/lib/rspamd/dkim/*25519.key").stdout.split()
    units = {f"{name}.service" for name in ("postfix", "dovecot", "apache2", "rspamd")}
    changed = {login, shell, PRIVATE_KEY, data, "/etc/dovecot/users"}
    assert {*keys, *changed, *units} <= failing(host), run.output
    assert {result["seen"] for result in report(host)["results"] if result["what"] == PRIVATE_KEY} == {
        "mode 0644, not 0600"
    }
    assert host.converge().rc == 0
    run = host.verify()
    assert (run.rc, failing(host)) == (0, set()), run.output


def test_an_open_relay_is_found(own_mail_host: MailHost) -> None:
    own_mail_host.run("postconf -e 'mynetworks = 0.0.0.0/0' && postfix reload && sleep 1")
    run = own_mail_host.verify()
    assert {"25: relay to elsewhere", "25: our address, without login"} <= failing(own_mail_host), run.output


def test_a_bare_host_fails_in_every_group_and_breaks_nothing(bare_host: MailHost) -> None:
    run = bare_host.verify()
    assert run.rc == 1
    assert {"postfix.service", "port 25 (SMTP)", "the verification"} <= failing(bare_host), run.output
    assert "Traceback" not in run.output
