"""What verify does not do: where messages go, who may send them, and what unauthenticated clients cannot."""

from __future__ import annotations

import imaplib
from email.utils import formatdate

import pytest

from deploys.config.password import unix
from lab.mailhost import MailHost
from tests.on_host.post import arrived, compose, deliver, mailbox, raw, submit
from tests.on_host.settings import ANA, IQBAL, TITO, example

pytestmark = pytest.mark.host


def reads(host: MailHost, address: str, subject: str, folder: str = "INBOX", seconds: float = 10):
    return arrived(host, address, host.password(address), subject, folder, seconds)


@pytest.mark.parametrize(
    ("recipient", "readers"),
    [
        (TITO, [TITO]),
        ("TITO@Example.COM", [TITO]),
        ("tito+shop@example.com", [TITO]),
        ("info@example.com", [TITO, IQBAL]),
        ("anybody@example.net", [ANA]),
        ("ana+shop@example.net", [ANA]),
        ("abuse@example.net", [TITO]),
        ("postmaster@mail.example.com", [TITO]),
        ("postmaster", [TITO]),
    ],
)
def test_a_strangers_message_arrives_where_it_belongs(mail_host, recipient, readers):
    message = compose(recipient)
    assert deliver(mail_host, recipient, message=message) == 250
    assert all(reads(mail_host, reader, message["Subject"]) for reader in readers)


@pytest.mark.parametrize(
    ("sender", "recipient", "code"),
    [
        ("", "nobody@example.com", 550),
        ("", "tito-shop@example.com", 550),
        ("", "somebody@outside.example", 554),
        ("", "somebody%outside.example@example.com", 554),
        ("", "root@mail.example.com", 550),
        ("", "nobody@mail.example.com", 550),
        ("", "posthaus-probe@example.com", 550),
        (TITO, IQBAL, 553),
        ("nobody@example.com", IQBAL, 550),
        ("root@mail.example.com", IQBAL, 553),
    ],
)
def test_an_unknown_client_is_refused_at_smtp_time(mail_host, sender, recipient, code):
    assert deliver(mail_host, recipient, sender) == code
    assert mail_host.run("postqueue -j").stdout == ""


def test_nobody_sends_as_somebody_else(mail_host):
    def try_as(sender):
        return submit(mail_host, TITO, mail_host.password(TITO), sender, IQBAL, compose(IQBAL, sender=sender))

    assert try_as(TITO) == try_as("tito+shop@example.com") == try_as("info@example.com") == 250
    assert try_as(IQBAL) == try_as("nobody@example.com") == try_as("somebody@outside.example") == 553
    assert try_as("invented@example.net") == 553  # the catch-all is ana's


def test_a_message_does_not_tell_where_it_was_written(mail_host):
    message = compose(IQBAL, sender=TITO, X_Originating_IP="198.51.100.7")
    assert submit(mail_host, TITO, mail_host.password(TITO), TITO, IQBAL, message) == 250
    stored = reads(mail_host, IQBAL, message["Subject"])
    trace = stored.get_all("Received")
    assert any("by mail.example.com (Postfix) with ESMTPSA id " in line for line in trace)
    assert "laptop.at.home" not in stored.as_string()
    assert "198.51.100.7" not in stored.as_string()
    assert "172." not in "".join(trace)  # this machine, as the host sees it


def test_an_arriving_message_keeps_its_trace(mail_host):
    message = compose(TITO, X_Originating_IP="203.0.113.5", User_Agent="Bar")
    lines = [
        f"from a{n}.outside.example by b{n}.outside.example with ESMTPSA id X{n}; {message['Date']}" for n in (1, 2)
    ]
    for line in lines:
        message["Received"] = line
    assert deliver(mail_host, TITO, message=message) == 250
    stored = reads(mail_host, TITO, message["Subject"])
    kept = [" ".join(line.split()) for line in stored.get_all("Received")]
    assert len(kept) >= 4
    assert set(lines) <= set(kept)
    assert (stored["X-Originating-IP"], stored["User-Agent"]) == ("203.0.113.5", "Bar")


def test_what_programs_on_the_host_send_to_root_reaches_the_postmaster(mail_host):
    message = compose("root")
    for name in ("root", "www-data", "nosuchuser"):
        mail_host.run(f"runuser -u nobody -- sendmail {name}", input=f"Subject: {message['Subject']}-{name}\n\nDone.\n")
    for name in ("root", "www-data", "nosuchuser"):
        stored = reads(mail_host, TITO, f"{message['Subject']}-{name}")
        assert stored["Return-Path"] == "<nobody@mail.example.com>"


def test_one_message_stays_one_message(mail_host):
    one, two = compose(TITO)["Subject"], compose(IQBAL)["Subject"]
    data = (
        f"From: somebody@outside.example\r\nTo: {TITO}\r\nDate: {formatdate()}\r\nMessage-ID: <{one}@outside.example>"
        f"\r\nSubject: {one}\r\n\r\nbody\n.\nMAIL FROM:<ceo@example.com>\nRCPT TO:<{IQBAL}>\n"
        f"DATA\nSubject: {two}\n\nx\r\n.\r\n"
    )
    answers = raw(
        mail_host,
        b"HELO mx.outside.example\r\n",
        b"MAIL FROM:<>\r\n",
        f"RCPT TO:<{TITO}>\r\n".encode(),
        b"DATA\r\n",
        data.encode(),
    )
    assert answers[-1][:3] in (b"250", b"521", b"550")
    assert reads(mail_host, TITO, one) or answers[-1][:3] != b"250"
    assert not reads(mail_host, IQBAL, two, seconds=2)


def test_spam_goes_to_junk_without_a_word_in_the_log(mail_host):
    message = compose(TITO, X_Spam="Yes")
    before = mail_host.run("journalctl -u dovecot -n 0 --show-cursor").stdout.partition("cursor: ")[2].strip()
    assert deliver(mail_host, TITO, message=message) == 250
    assert reads(mail_host, TITO, message["Subject"], "Junk")
    log = mail_host.run(f"journalctl -u dovecot --after-cursor='{before}' -o cat").stdout
    assert "stored mail into mailbox 'Junk'" in log
    assert "rror" not in log
    assert "binary" not in log


def test_a_full_mailbox_is_refused_at_smtp_time_by_every_name_it_has(mail_host):
    codes = []
    for _ in range(5):
        message = compose(ANA, size=600_000)
        codes.append(deliver(mail_host, ANA, message=message))
        if codes[-1] != 250:
            break
        assert reads(mail_host, ANA, message["Subject"])
    assert codes[-1] == 552
    for name in ("anybody@example.net", "ana+shop@example.net"):
        assert deliver(mail_host, name, message=compose(name, size=600_000)) == 552
    with mailbox(mail_host, ANA, mail_host.password(ANA)) as client:
        client.select("INBOX")
        client.store("1:*", "+FLAGS", "\\Deleted")
        client.expunge()


def test_clear_text_log_ins_are_refused_from_elsewhere(mail_host):
    client = imaplib.IMAP4(mail_host.address, 143)
    assert "LOGINDISABLED" in client.capabilities
    with pytest.raises(imaplib.IMAP4.error, match="PRIVACYREQUIRED"):
        client.login(TITO, mail_host.password(TITO))
    client.shutdown()


def test_a_mailbox_that_is_gone_keeps_its_messages_and_closes_its_session(own_mail_host):
    message = compose(IQBAL)
    assert deliver(own_mail_host, IQBAL, message=message) == 250
    assert reads(own_mail_host, IQBAL, message["Subject"])
    settings = example(aliases=None)
    iqbal = settings["mailboxes"].pop(IQBAL)
    with mailbox(own_mail_host, IQBAL, own_mail_host.password(IQBAL)) as client:
        run = own_mail_host.converge(settings)
        assert run.rc == 0, run.output
        with pytest.raises((imaplib.IMAP4.abort, OSError)):
            client.noop()
    assert f"{IQBAL} goes to the archive (/var/mail/vhosts/.archive), for ever" in run.output
    assert deliver(own_mail_host, IQBAL) == 550
    with pytest.raises(imaplib.IMAP4.error), mailbox(own_mail_host, IQBAL, own_mail_host.password(IQBAL)):
        pass
    assert own_mail_host.converge().changes == 0
    settings["mailboxes"][IQBAL] = iqbal
    again = own_mail_host.converge(settings)
    assert f"{IQBAL} begins empty: what was there until" in again.output
    back = own_mail_host.pyinfra("deploys/archive.py", "-y", "--data", f"back={IQBAL}")
    assert back.rc == 0, back.output
    assert reads(own_mail_host, IQBAL, message["Subject"])


def test_bad_settings_leave_the_old_ones_at_work(own_mail_host):
    before = own_mail_host.run("doveconf -n; postconf -n").stdout
    for component, settings in (
        ("dovecot", {"settings": {"no_such_setting": 1}}),
        ("postfix", {"parameters": {"no_such_parameter": 1}}),
        ("postfix", {"parameters": {"smtpd_recipient_restrictions": "no_such_restriction"}}),
    ):
        run = own_mail_host.converge(example(**{component: settings}))
        assert run.rc != 0
        assert "no_such" in run.output
        assert own_mail_host.run("doveconf -n; postconf -n").stdout == before
    assert deliver(own_mail_host, TITO) == 250


def test_unix_accounts_are_served_and_nobody_elses(own_mail_host):
    host = own_mail_host
    host.run("useradd -m carla && echo carla:carlas-own | chpasswd")
    secret = 'it\'s "a" {PLAIN}: #$1 secret'
    settings = example(accounts="system", webmail=False, clients=False, aliases=None, catch_all=None)
    settings["mailboxes"] = {TITO: {"password": unix(secret)}, IQBAL: {"quota": "1M"}}
    run = host.converge(settings)
    assert run.rc == 0, run.output
    host.run("echo 'iqbal:own password' | chpasswd")
    assert host.converge().changes == 0
    message = compose(TITO)
    assert deliver(host, TITO, message=message) == 250
    for login in ("tito", TITO, "TITO@example.com"):
        assert arrived(host, login, secret, message["Subject"])
        assert submit(host, login, secret, TITO, IQBAL, compose(IQBAL, sender=TITO)) == 250
        assert submit(host, login, secret, IQBAL, TITO, compose(TITO)) == 553
    assert host.run("find /home/tito/Maildir -type f -user tito -name '*,S=*'").stdout
    for login, password in (("carla", "carlas-own"), ("carla@example.com", "carlas-own"), ("tito", "wrong")):
        with pytest.raises(imaplib.IMAP4.error), mailbox(host, login, password):
            pass
    assert deliver(host, "carla@example.com") == 550
    own = compose(TITO)["Subject"]
    host.run("sendmail tito", input=f"Subject: {own}\n\nDone.\n")
    assert arrived(host, "tito", secret, own)
    with mailbox(host, "iqbal", "own password") as client:
        assert client.select("INBOX")[0] == "OK"


def test_an_administrator_can_list_everybody_and_their_limits(mail_host):
    mail_host.run(f"sendmail {ANA}", input="Subject: A first message makes the mailbox\n\n.\n")
    assert reads(mail_host, ANA, "A first message makes the mailbox")
    # Dovecot 2.3 lists everybody, then says that it cannot look into the file of aliases, whose name has a variable.
    listed = set(mail_host.run("doveadm user '*'", check=False).stdout.split())
    assert {TITO, IQBAL, ANA} <= listed
    said = mail_host.pyinfra("fact", "facts.mailboxes.Mailboxes", "--json")
    assert said.json is not None, said.output
    boxes = next(iter(next(iter(said.json.values())).values()))
    assert boxes[ANA]["limit"] == 2 << 20
