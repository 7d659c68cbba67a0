"""What strangers, people and programs may ask of the host when they hand in a message, and what is kept of it."""

from __future__ import annotations

import smtplib
from contextlib import ExitStack

import pytest

from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host.post import arrived, compose, deliver, mailbox, submit, trusting
from tests.on_host.settings import ANA, IQBAL, TITO
from tests.on_host.signatures import dns_of, valid

pytestmark = pytest.mark.host


def test_a_stranger_cannot_ask_for_a_report_of_success_and_who_has_logged_in_can(mail_host: MailHost):
    """It would go to whoever the envelope names, and say where an alias leads and how rspamd judged."""
    with smtplib.SMTP(mail_host.address, 25, local_hostname="mx.outside.example", timeout=30) as client:
        for greeting in ("EHLO", "HELO"):
            client.docmd(greeting, "mx.outside.example")
            assert client.docmd("MAIL", "FROM:<> RET=HDRS")[0] == 501
            assert client.docmd("MAIL", "FROM:<>")[0] == 250
            assert client.docmd("RCPT", "TO:<info@example.com> NOTIFY=SUCCESS,DELAY")[0] == 501
            assert client.docmd("ETRN", "example.com")[0] >= 500
            assert client.docmd("VRFY", TITO)[0] == 502
            client.rset()
        client.ehlo()
        assert not {"dsn", "etrn"} & set(client.esmtp_features)

    mail_host.run(f"doveadm expunge -u {TITO} mailbox INBOX header from MAILER-DAEMON")  # another test's
    message = compose(IQBAL, sender=TITO)
    with smtplib.SMTP(mail_host.address, 587, timeout=30) as client:
        client.starttls(context=trusting(mail_host))
        client.login(TITO, mail_host.password(TITO))
        client.sendmail(TITO, [IQBAL], message.as_bytes(), rcpt_options=["NOTIFY=SUCCESS"])
    report = arrived(mail_host, TITO, mail_host.password(TITO), "Successful Mail Delivery Report")
    assert report is not None
    assert message["Subject"] in report.as_string()
    mail_host.run(f"doveadm expunge -u {TITO} mailbox INBOX header from MAILER-DAEMON")


def test_a_long_line_is_stored_as_it_came(mail_host: MailHost):
    """A line break within it would break what S/MIME and PGP have signed, and cut a character in two."""
    message = compose(TITO)
    subject, line = message["Subject"], "ü" * 1650 + "."
    head = "".join(f"{name}: {message[name]}\r\n" for name in ("From", "To", "Subject", "Date", "Message-ID"))
    kind = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
    data = f"{head}{kind}\r\n{line}\r\n".encode()
    with smtplib.SMTP(mail_host.address, 25, local_hostname="mx.outside.example", timeout=30) as client:
        client.sendmail("", [TITO], data, ["BODY=8BITMIME"])
    assert arrived(mail_host, TITO, mail_host.password(TITO), subject) is not None
    with mailbox(mail_host, TITO, mail_host.password(TITO)) as reader:
        reader.select("INBOX", readonly=True)
        number = reader.search(None, "SUBJECT", subject)[1][0].decode()
        body = reader.fetch(number, "(BODY.PEEK[TEXT])")[1][0][1]
    assert body == f"{line}\r\n".encode()


def test_what_was_accepted_for_a_nearly_full_mailbox_is_stored_and_the_next_is_refused_at_smtp_time(
    mail_host: MailHost,
):
    """ana may hold 2 MB. Nobody says how large a message is, two come at once: no bounce goes to whoever they name."""
    host = mail_host
    host.run(f"doveadm expunge -u {ANA} mailbox INBOX all")
    assert deliver(host, ANA, message=compose(ANA, size=1_000_000)) == 250
    wait_until(lambda: not host.run("postqueue -j").stdout, 30, "the first stays in the queue")
    both = [compose(ANA, size=1_500_000) for _ in range(2)]
    with ExitStack() as stack:
        clients = [
            stack.enter_context(smtplib.SMTP(host.address, 25, local_hostname="mx.outside.example", timeout=30))
            for _ in both
        ]
        for client in clients:
            client.ehlo()
            assert client.mail("")[0] == 250
            assert client.rcpt(ANA)[0] == 250
        for client, message in zip(clients, both, strict=True):
            assert client.data(message.as_bytes())[0] == 250
    for message in both:
        assert arrived(host, ANA, host.password(ANA), message["Subject"], seconds=30) is not None
    for name in (ANA, "anybody@example.net"):
        with smtplib.SMTP(host.address, 25, local_hostname="mx.outside.example", timeout=30) as client:
            client.ehlo()
            client.mail("")
            assert client.rcpt(name)[0] == 552
    with mailbox(host, ANA, host.password(ANA)) as client:
        assert client.append("INBOX", None, None, compose(ANA).as_bytes())[0] == "NO", "what ana puts there is limited"
        assert client.append("Trash", None, None, compose(ANA, size=900_000).as_bytes())[0] == "OK", "100 MB more"
    assert not host.run("postqueue -j").stdout, "no bounce waits"
    host.run(f"doveadm expunge -u {ANA} mailbox '*' all")


def test_a_bare_message_of_our_own_leaves_with_date_and_message_id_signed_and_a_strangers_stays_bare(
    mail_host: MailHost,
):
    """Copiers and scripts write From, To and Subject alone; large receivers refuse that."""
    bare = compose(IQBAL, sender=TITO, User_Agent="Foo", X_Mailer="Bar")
    del bare["Date"], bare["Message-ID"]
    assert submit(mail_host, TITO, mail_host.password(TITO), TITO, IQBAL, bare) == 250
    found = arrived(mail_host, IQBAL, mail_host.password(IQBAL), bare["Subject"])
    assert found is not None
    assert (len(found.get_all("Date", [])), len(found.get_all("Message-ID", []))) == (1, 1)
    assert len(valid(found.as_bytes(), dns_of(mail_host))) == 2
    assert (found["User-Agent"], found["X-Mailer"]) == (None, None), (
        "what a message was written with is nobody's business"
    )

    asked = "import smtplib,sys; smtplib.SMTP('127.0.0.1', 25).sendmail('', ['{}'], sys.stdin.buffer.read())"
    bare.replace_header("Subject", f"{bare['Subject']}-trusted")
    mail_host.run(f'python3 -c "{asked.format(IQBAL)}"', input=bare.as_bytes())
    trusted = arrived(mail_host, IQBAL, mail_host.password(IQBAL), bare["Subject"])
    assert trusted is not None
    assert trusted["Date"]
    assert trusted["Message-ID"]

    strange = compose(IQBAL)
    del strange["Date"]
    assert deliver(mail_host, IQBAL, message=strange) == 250
    kept = arrived(mail_host, IQBAL, mail_host.password(IQBAL), strange["Subject"])
    assert kept is not None
    assert kept["Date"] is None


@pytest.mark.parametrize("header", ["Sender", "Resent-From", "Resent-Sender"])
def test_nobody_names_another_mailbox_as_sender_of_what_they_submit(mail_host: MailHost, header: str):
    def try_as(address: str) -> int:
        message = compose(IQBAL, sender=TITO)
        message[header] = address
        return submit(mail_host, TITO, mail_host.password(TITO), TITO, IQBAL, message)

    assert try_as(IQBAL) == try_as("boss@elsewhere.example") == 554
    assert try_as("not an address") == 554
    assert try_as(f"Tito <{TITO}>") == try_as("info@example.com") == 250


def test_a_stranger_does_not_greet_by_our_own_name(mail_host: MailHost):
    def greeted_as(name: str, command: str = "EHLO") -> int:
        with smtplib.SMTP(mail_host.address, 25, timeout=30) as client:
            assert client.docmd(command, name)[0] == 250
            client.mail("")
            return client.rcpt(TITO)[0]

    for name in ("mail.example.com", "Example.COM", "example.net", "localhost"):
        assert greeted_as(name) in (504, 550, 554), name
        assert greeted_as(name, "HELO") in (504, 550, 554), name
    assert greeted_as("app.example.com") == greeted_as("mx.outside.example") == 250


def test_a_program_on_the_host_sends_as_its_own_user_and_only_root_as_somebody_of_a_domain(mail_host: MailHost):
    """sendmail is open to every Unix user; the domain's signature is not."""
    subject = compose(IQBAL)["Subject"]

    def sends(user: str, envelope: str = "", author: str = TITO) -> int:
        text = f"From: {author}\nTo: {IQBAL}\nSubject: {subject}-{user}-{author.split('@')[1]}\n\nA line.\n"
        return mail_host.run(f"runuser -u {user} -- sendmail {envelope} {IQBAL}", check=False, input=text).returncode

    def signers(user: str, domain: str) -> set[str]:
        found = arrived(mail_host, IQBAL, mail_host.password(IQBAL), f"{subject}-{user}-{domain}")
        assert found is not None
        return {name for name, _ in valid(found.as_bytes(), dns_of(mail_host))}

    for envelope in (f"-f {TITO}", "-f root", "-f '<>'"):
        assert sends("nobody", envelope) != 0, envelope
    assert sends("nobody") == sends("nobody", "-f nobody", "nobody@mail.example.com") == sends("root") == 0
    assert signers("nobody", "example.com") == set(), "in tito's name, and nothing vouches for it"
    assert signers("nobody", "mail.example.com") == {"mail.example.com"}
    assert signers("root", "example.com") == {"example.com"}
