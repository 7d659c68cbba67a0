"""rspamd: what leaves is signed, what arrives is judged, and nobody writes as somebody else."""

from __future__ import annotations

import time
from email.message import EmailMessage
from email.policy import compat32
from smtplib import SMTPResponseException
from uuid import uuid4

import pytest

from deploys.components.rspamd.options import CONTROLLER, MILTER_SOCKET, MIME_SOCKET
from lab.mailhost import MailHost
from tests.on_host.post import arrived, compose, deliver, submit
from tests.on_host.settings import ANA, IQBAL, TITO, example
from tests.on_host.signatures import dns_of, valid

pytestmark = pytest.mark.host

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
REDIS = "redis-cli -s /run/posthaus-redis/redis.sock"
KEYS = "sha256sum /var/lib/rspamd/dkim/*"


def sent_by(host: MailHost, login: str, recipient: str, header_from: str | None = None, **headers: str) -> int:
    """What submission says to a message of ``login`` with this header From."""
    message = compose(recipient, sender=header_from or login, **headers)
    return submit(host, login, host.password(login), login, recipient, message)


def read(host: MailHost, address: str, subject: str) -> EmailMessage:
    """The message, as a mail program has it."""
    found = arrived(host, address, host.password(address), subject)
    assert found is not None, subject
    return found  # type: ignore[return-value]


def test_what_people_submit_is_signed_with_both_keys(mail_host: MailHost):
    message = compose(IQBAL, sender=TITO, Authentication_Results="mail.example.com; dmarc=pass")
    assert submit(mail_host, TITO, mail_host.password(TITO), TITO, IQBAL, message) == 250
    raw = read(mail_host, IQBAL, message["Subject"]).as_bytes()
    assert valid(raw, dns_of(mail_host)) == {("example.com", "mail"), ("example.com", "mail-ed25519")}
    assert b"Authentication-Results" not in raw, "nobody gives a verdict on his own message"


def test_cron_and_bounces_are_signed_in_the_hosts_own_name(mail_host: MailHost):
    subject = compose(TITO)["Subject"]
    mail_host.run("sendmail root", input=f"Subject: {subject}\n\nThe job is done.\n")
    raw = read(mail_host, TITO, subject).as_bytes()
    assert valid(raw, dns_of(mail_host)) == {("mail.example.com", "mail"), ("mail.example.com", "mail-ed25519")}

    mail_host.run(f"doveadm expunge -u {TITO} mailbox INBOX header from MAILER-DAEMON")  # another test's
    mail_host.run(f"sendmail -f {TITO} nobody-here@example.com", input="Subject: to nobody\n\nx\n")
    bounce = read(mail_host, TITO, "Undelivered")
    assert "MAILER-DAEMON@mail.example.com" in bounce["From"]
    assert ("mail.example.com", "mail") in valid(bounce.as_bytes(), dns_of(mail_host))
    mail_host.run(f"doveadm expunge -u {TITO} mailbox INBOX header from MAILER-DAEMON")


def test_nobody_writes_a_from_that_is_not_theirs(mail_host: MailHost):
    assert sent_by(mail_host, TITO, IQBAL, IQBAL) == 554
    assert sent_by(mail_host, TITO, IQBAL, "boss@elsewhere.example") == 554
    assert sent_by(mail_host, TITO, IQBAL, "Info <info@example.com>") == 250, "an alias that leads to tito"
    assert sent_by(mail_host, TITO, IQBAL, "tito+shop@example.com") == 250, "tagged"
    assert sent_by(mail_host, ANA, IQBAL, "invented@example.net") == 250, "the catch-all's"
    assert sent_by(mail_host, TITO, IQBAL, f"{TITO}, {IQBAL}") == 554
    assert sent_by(mail_host, TITO, IQBAL, "nobody at all") == 554
    two = EmailMessage(compat32)
    two["From"], two["From"], two["Subject"] = TITO, IQBAL, "two authors"
    assert submit(mail_host, TITO, mail_host.password(TITO), TITO, IQBAL, two) == 554


def test_a_stranger_who_claims_to_be_us_gets_no_signature(mail_host: MailHost):
    forged = compose(TITO, sender=IQBAL)
    assert deliver(mail_host, TITO, message=forged) == 250
    assert read(mail_host, TITO, forged["Subject"])["DKIM-Signature"] is None


def test_what_a_persons_own_rule_sends_on_is_not_signed_as_ours_but_what_it_writes_is(mail_host: MailHost):
    rule = f'require ["vacation", "copy"]; redirect :copy "{ANA}"; vacation :handle "{uuid4()}" "I am away.";'
    mail_host.run(f"doveadm sieve put -u {IQBAL} -a away", input=rule)
    try:
        foreign = compose(IQBAL)
        assert deliver(mail_host, IQBAL, message=foreign) == 250
        assert read(mail_host, ANA, foreign["Subject"])["DKIM-Signature"] is None
        asked = compose(IQBAL, sender=TITO)
        assert submit(mail_host, TITO, mail_host.password(TITO), TITO, IQBAL, asked) == 250
        assert len(read(mail_host, ANA, asked["Subject"]).get_all("DKIM-Signature")) == 2, "signed once, by two keys"
        answer = read(mail_host, TITO, asked["Subject"]).as_bytes()
        assert valid(answer, dns_of(mail_host)) == {("example.com", "mail"), ("example.com", "mail-ed25519")}
    finally:
        mail_host.run(f"doveadm sieve delete -u {IQBAL} -a away", check=False)


def test_there_is_one_verdict_on_who_wrote_and_it_is_ours(mail_host: MailHost):
    message = compose(TITO)
    for name in ("Authentication-Results", "AUTHENTICATION-RESULTS", "authentication-results"):
        message[name] = "mail.example.com; dkim=pass header.d=bank.example; dmarc=pass"
    assert deliver(mail_host, TITO, message=message) == 250
    found = read(mail_host, TITO, message["Subject"])
    (verdict,) = found.get_all("Authentication-Results")
    assert verdict.startswith("mail.example.com;")
    assert "bank.example" not in verdict
    assert "spf=none" in verdict or "spf=permerror" in verdict or "spf=temperror" in verdict
    assert found["X-Spam"] is None
    (seal,) = found.get_all("ARC-Seal")
    assert "d=example.com" in seal


def test_spam_beyond_all_doubt_is_refused_and_our_own_peoples_messages_are_not_judged(mail_host: MailHost):
    spam = compose(TITO)
    spam.set_content(GTUBE)
    assert deliver(mail_host, TITO, message=spam) == 554
    assert mail_host.run(f"{REDIS} ping").stdout == "PONG\n"
    assert not mail_host.run("ss -Hltn 'sport = :6379'").stdout, "Redis listens on no port"


def test_declared_points_win_over_rspamds_own(mail_host: MailHost):
    message = compose(TITO)
    assert deliver(mail_host, TITO, message=message) == 250
    assert "HFILTER_HOSTNAME_UNKNOWN(1.00)" in read(mail_host, TITO, message["Subject"])["X-Spamd-Result"]


def test_a_message_is_looked_at_in_no_time(mail_host: MailHost):
    began = time.monotonic()
    for _ in range(5):
        assert deliver(mail_host, TITO) == 250
    assert time.monotonic() - began < 10


@pytest.mark.releases("debian-12")
def test_a_file_that_rspamd_refuses_leaves_the_old_ones_at_work(mail_host: MailHost):
    running = "systemctl show -p MainPID rspamd; grep -r add_header /etc/rspamd/override.d"
    before = mail_host.run(running).stdout
    mail_host.write("/etc/rspamd/local.d/phishing.conf", "of_the_administrator {\n")
    run = mail_host.converge(example(filter={"junk_score": 7}))
    mail_host.run("rm /etc/rspamd/local.d/phishing.conf")
    assert run.rc != 0
    assert "/etc/rspamd/local.d/phishing.conf:2 unmatched open brace" in run.output
    assert mail_host.run(running).stdout == before
    assert deliver(mail_host, TITO) == 250


def test_messages_wait_while_rspamd_is_down_and_no_key_ever_changes(own_mail_host: MailHost):
    host = own_mail_host
    keys = host.run(KEYS).stdout
    host.run(f"rspamc -h {CONTROLLER} learn_spam", input=compose(TITO, size=400).as_string())
    learned = set(host.run(f"{REDIS} --scan").stdout.split())
    assert learned
    host.run("systemctl stop rspamd")
    assert deliver(host, TITO) == 451
    with pytest.raises(SMTPResponseException, match="454"):  # before anybody's password is asked for
        sent_by(host, TITO, IQBAL)
    verified = host.verify()
    assert verified.rc == 1
    assert "rspamd.service" in verified.output
    run = host.converge()
    assert run.rc == 0, run.output
    assert deliver(host, TITO) == 250

    run = host.converge(example(filter=False))
    assert run.rc == 0, run.output
    assert host.run("systemctl is-active rspamd posthaus-redis", check=False).stdout.split() == ["inactive"] * 2
    assert deliver(host, TITO) == 250
    assert host.converge(example(filter=False)).changes == 0
    rotated = {"example.com": {"dkim": {"selector": "new", "publish": ["mail"]}}, "example.net": None}
    run = host.converge(example(domains=rotated))
    assert run.rc == 0, run.output
    assert learned <= set(host.run(f"{REDIS} --scan").stdout.split()), "nothing that was learned is lost"
    assert set(keys.splitlines()) < set(host.run(KEYS).stdout.splitlines())
    message = compose(IQBAL, sender=TITO)
    assert submit(host, TITO, host.password(TITO), TITO, IQBAL, message) == 250
    signed = valid(read(host, IQBAL, message["Subject"]).as_bytes(), dns_of(host))
    assert signed == {("example.com", "new"), ("example.com", "new-ed25519")}


CONNECT = "runuser -u {user} -- python3 -c \"import socket; socket.socket(socket.AF_UNIX).connect('{path}')\""
SAVED = """import socket
with socket.socket(socket.AF_UNIX) as controller:
    controller.connect("{controller}")
    controller.sendall(b"POST /saveactions HTTP/1.0\\r\\nContent-Length: 16\\r\\n\\r\\n[0,100,500,1000]")
    print(controller.recv(100))
"""


def test_no_program_of_the_host_but_dovecots_own_talks_to_rspamd_and_none_changes_it(mail_host: MailHost):
    listening = mail_host.run("ss -Hltn | awk '{ print $4 }'").stdout
    assert not {":11332", ":11334"} & {one[one.rindex(":") :] for one in listening.split()}
    for path in (MILTER_SOCKET, MIME_SOCKET):
        for user, code in (("nobody", 1), ("www-data", 1), ("vmail", 1), ("postfix", 0)):
            asked = (
                f"runuser -u {user} -- python3 -c \"import socket; socket.socket(socket.AF_UNIX).connect('{path}')\""
            )
            assert mail_host.run(asked, check=False).returncode == code, f"{user}, {path}"
    for user in ("nobody", "www-data", "postfix"):
        asked = mail_host.run(f"runuser -u {user} -- rspamc -h {CONTROLLER} stat 2>&1", check=False).stdout
        assert "Messages scanned" not in asked, user
    assert "Messages scanned" in mail_host.run(f"runuser -u vmail -- rspamc -h {CONTROLLER} stat").stdout
    assert "500 Save error" in mail_host.run("python3 -", input=SAVED.format(controller=CONTROLLER)).stdout
    # What an older installation once saved does not count any more.
    mail_host.write(
        "/var/lib/rspamd/rspamd_dynamic", '[{"metric":"default","actions":[{"name":"reject","value":0.1}]}]'
    )
    try:
        mail_host.run("systemctl restart rspamd")
        mail_host.run(f"timeout 20 sh -c 'until ss -Hlx src {MILTER_SOCKET} | grep -q .; do sleep 0.2; done'")
        assert deliver(mail_host, TITO) == 250
    finally:
        mail_host.run("rm -f /var/lib/rspamd/rspamd_dynamic")


def test_mail_waits_while_its_domains_keys_are_gone_and_no_run_makes_others(mail_host: MailHost):
    mail_host.run("mkdir -m 0700 /root/taken && mv /var/lib/rspamd/dkim/example.com.* /root/taken")
    try:
        assert sent_by(mail_host, TITO, IQBAL) == 451
        assert deliver(mail_host, TITO) == 250, "what arrives needs no signature"
        assert sent_by(mail_host, ANA, IQBAL) == 250, "another domain's own keys are there"
        run = mail_host.converge()
        assert run.rc == 1
        assert "Restore /var/lib/rspamd/dkim/example.com.mail.key" in run.output
        assert (
            mail_host.run("ls /var/lib/rspamd/dkim | grep example.com.mail | grep -v ^mail", check=False).stdout == ""
        )
    finally:
        mail_host.run("mv /root/taken/* /var/lib/rspamd/dkim && rmdir /root/taken")
    assert sent_by(mail_host, TITO, IQBAL) == 250
