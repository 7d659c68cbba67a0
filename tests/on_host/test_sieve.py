"""Sieve: what a person's script sends goes out as that person's, and nothing is lost where it may not."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from email.message import Message

import pytest

from lab.mailhost import MailHost
from tests.on_host.post import arrived, compose, deliver, mailbox, submit
from tests.on_host.settings import ANA, IQBAL, TITO
from tests.on_host.signatures import dns_of, valid

pytestmark = pytest.mark.host

FOREIGN = {
    "a reply from another's address": f'require "vacation"; vacation :from "Boss <{TITO}>" "Pay this bill.";',
    "a reply to another's address": f'require "vacation"; vacation :addresses "{TITO}" "Pay this bill.";',
    "a reply that brings a second From along": (
        f'require "vacation"; vacation :mime "From: Boss <{TITO}>\r\nContent-Type: text/plain\r\n\r\nPay this bill.";'
    ),
    "a notification from another's address": (
        f'require "enotify"; notify :from "{TITO}" :message "Pay this bill" "mailto:{ANA}";'
    ),
    "a notification from the postmaster": (
        f'require "enotify"; notify :from "postmaster@example.com" :message "Pay this bill" "mailto:{ANA}";'
    ),
}


# RFC 5804, section 1.7: what a ManageSieve server says of itself after a login. Run on the host.
CAPABILITY = """import socket
with socket.create_connection(("127.0.0.1", 4190), 10) as server, server.makefile("rwb") as line:
    for said in ("", 'AUTHENTICATE "PLAIN" "{response}"', "CAPABILITY"):
        if said:
            line.write(said.encode() + b"\\r\\n")
            line.flush()
        while not (answer := line.readline()).startswith(b"OK"):
            print(answer)
"""


def sasl_plain(host: MailHost, login: str) -> str:
    """RFC 4616."""
    return base64.b64encode(f"\0{login}\0{host.password(login)}".encode()).decode()


def home(login: str) -> str:
    local, _, domain = login.partition("@")
    return f"/var/mail/vhosts/{domain}/{local}"


@pytest.fixture
def scripts(mail_host: MailHost) -> Iterator[MailHost]:
    """A host whose people have no scripts of their own, before and after."""
    yield mail_host
    mail_host.run("rm -f /var/mail/vhosts/*/*/.dovecot.s* /var/mail/vhosts/*/*/.dovecot.lda-dupes")


def puts(host: MailHost, login: str, script: str) -> None:
    """``login`` has this script from now on, and it has answered nobody yet."""
    there = home(login)
    host.run(
        f"install -d -o vmail -g vmail {there.rpartition('/')[0]} {there} && cat >{there}/.dovecot.sieve"
        f" && chown vmail: {there}/.dovecot.sieve && rm -f {there}/.dovecot.svbin {there}/.dovecot.lda-dupes",
        input=script,
    )


def written_to(host: MailHost, recipient: str, sender: str = ANA, named_first: str = "") -> str:
    """The subject of a message that ``sender`` has handed in."""
    message = compose(named_first, sender=sender, Cc=recipient) if named_first else compose(recipient, sender=sender)
    assert submit(host, sender, host.password(sender), sender, recipient, message) == 250
    return str(message["Subject"])


def inbox(host: MailHost, login: str, subject: str) -> Message:
    found = arrived(host, login, host.password(login), subject, seconds=20)
    assert found is not None, f"{login} has no message {subject}"
    return found


def count(host: MailHost, login: str) -> int:
    with mailbox(host, login, host.password(login)) as client:
        return int(client.select("INBOX", readonly=True)[1][0])


def test_no_script_writes_as_another_and_the_message_is_kept(scripts: MailHost):
    before = count(scripts, ANA)
    for what, script in FOREIGN.items():
        puts(scripts, IQBAL, script)
        mark = scripts.run("date +%s.%N").stdout.strip()
        assert inbox(scripts, IQBAL, written_to(scripts, IQBAL, named_first=TITO)), what
        said = scripts.run(f"journalctl -o cat -t posthaus-sieve --since @{mark.partition('.')[0]}").stdout
        assert re.search(rf"{IQBAL}'s script to {ANA}: refused: 554 .*From", said), f"{what}: {said}"
    assert count(scripts, ANA) == before
    assert scripts.run("postqueue -j").stdout == "", "nothing waits to be sent, either"


def test_a_script_writes_as_its_person_signed_as_theirs(scripts: MailHost):
    puts(scripts, IQBAL, 'require "vacation"; vacation :from "M. Iqbal <info@example.com>" "Away.";')
    reply = inbox(scripts, ANA, f"Auto: {written_to(scripts, IQBAL)}")
    assert reply["From"] == "M. Iqbal <info@example.com>", "an alias that leads to the person is the person's"
    assert reply["Return-Path"] == f"<{IQBAL}>"
    assert valid(reply.as_bytes(), dns_of(scripts)) == {("example.com", "mail"), ("example.com", "mail-ed25519")}

    puts(scripts, IQBAL, f'require "enotify"; notify :message "there is mail {IQBAL}" "mailto:{ANA}";')
    written_to(scripts, IQBAL)
    assert inbox(scripts, ANA, f"there is mail {IQBAL}")["From"] == f"<{IQBAL}>"


def test_a_redirected_message_leaves_with_a_sender_of_its_person_six_times_too(scripts: MailHost):
    puts(scripts, IQBAL, "".join(f'redirect "tito+{number}@example.com";' for number in range(6)))
    before = count(scripts, TITO)
    subject = written_to(scripts, IQBAL)
    found = inbox(scripts, TITO, subject)
    assert found["Return-Path"] == "<iqbal+returned@example.com>"
    assert found["From"] == ANA
    assert valid(found.as_bytes(), dns_of(scripts)) == {("example.net", "mail"), ("example.net", "mail-ed25519")}
    scripts.run("timeout 20 sh -c 'until [ -z \"$(postqueue -j)\" ]; do sleep 0.2; done'")
    assert count(scripts, TITO) == before + 6
    said = scripts.run("python3 -", input=CAPABILITY.format(response=sasl_plain(scripts, IQBAL))).stdout
    assert '"MAXREDIRECTS" "32"' in said, "a program that edits scripts is told the limit"


def test_what_claims_to_be_ours_is_kept_instead_of_redirected(scripts: MailHost):
    puts(scripts, IQBAL, f'redirect "{ANA}";')
    forged, foreign = compose(IQBAL, sender=TITO), compose(IQBAL)
    for message in (forged, foreign):
        assert deliver(scripts, IQBAL, message=message) == 250
    kept = inbox(scripts, IQBAL, forged["Subject"])
    assert kept["X-Not-Redirected"].startswith(f"{ANA}: 554 5.7.1 From claims to be of example.com")
    passed = inbox(scripts, ANA, foreign["Subject"])
    assert passed["From"] == foreign["From"]
    assert passed["DKIM-Signature"] is None, "what came from outside never gets a signature of ours"


def test_what_could_not_be_redirected_comes_to_the_inbox_whatever_the_script_says(scripts: MailHost):
    puts(scripts, IQBAL, 'redirect "nobody-of-this-name@example.com";')
    kept = inbox(scripts, IQBAL, written_to(scripts, IQBAL))
    assert kept["X-Not-Redirected"].startswith("nobody-of-this-name@example.com: 550")
    report = compose("iqbal+returned@example.com")
    assert deliver(scripts, "iqbal+returned@example.com", message=report) == 250
    assert inbox(scripts, IQBAL, report["Subject"])


def test_a_refusal_comes_from_the_postmaster_of_the_persons_own_domain(scripts: MailHost):
    puts(scripts, ANA, 'require "reject"; reject "No, thank you.";')
    subject = written_to(scripts, ANA, sender=IQBAL)
    refusal = inbox(scripts, IQBAL, f"Rejected: {subject}")
    assert refusal["From"] == "Postmaster <postmaster@example.net>"
    assert "d=example.net;" in refusal["DKIM-Signature"]


def test_a_message_waits_while_what_a_script_sends_cannot_be_taken(scripts: MailHost):
    puts(scripts, IQBAL, f'redirect "{ANA}";')
    scripts.run("systemctl stop posthaus-sieve.socket")
    try:
        subject = written_to(scripts, IQBAL)
        scripts.run("timeout 20 sh -c 'until postqueue -j | grep -q 451; do sleep 0.2; done'")
    finally:
        scripts.run("systemctl start posthaus-sieve.socket && postqueue -f")
    assert inbox(scripts, ANA, subject)


def test_nobody_but_dovecot_sends_in_a_persons_name(scripts: MailHost):
    asked = f"printf 'Subject: x\\n\\nx\\n' | /etc/dovecot/sieve/submit {TITO} -i -f {TITO} -- {ANA}"
    before = count(scripts, ANA)
    for user in ("nobody", "www-data"):
        assert scripts.run(f'runuser -u {user} -- sh -c "{asked}"', check=False).returncode == 75
    assert count(scripts, ANA) == before


# RFC 5804, sections 2.6 and 2.12. Run on the host: puts scripts, and prints the answers as JSON.
PUTS = """import json, socket, sys
with socket.create_connection(("127.0.0.1", 4190), 30) as server, server.makefile("rwb") as line:
    def answer():
        while not (said := line.readline()).startswith((b"OK", b"NO", b"BYE")):
            assert said
        if said.rstrip().endswith(b"}"):
            said += line.read(int(said.rstrip()[said.rindex(b"{") + 1 : -1].rstrip(b"+")))
            line.readline()
        return said.decode()
    def ask(words, text=None):
        line.write(words.encode() + (b"" if text is None else b" {%d+}\\r\\n" % len(text) + text.encode()) + b"\\r\\n")
        line.flush()
        return answer()
    answer()
    ask('AUTHENTICATE "PLAIN" "{response}"')
    large = "# " + 300000 * "x" + chr(10) + "keep;"
    said = [ask('CHECKSCRIPT', large), ask('PUTSCRIPT "large"', large), ask('PUTSCRIPT "wrong"', "keep; no_such;")]
    said += [ask(f'PUTSCRIPT "s{number}"', "keep;") for number in range(65)]
    for number in range(65):
        ask(f'DELETESCRIPT "s{number}"')
print(json.dumps(said))
"""


def test_what_dovecot_would_not_run_it_refuses_when_it_is_put_and_says_why(scripts: MailHost):
    program = PUTS.replace("{response}", sasl_plain(scripts, IQBAL))
    checked, large, wrong, *many = json.loads(scripts.run("python3 -", input=program).stdout)
    for answer in (checked, large):
        assert answer.startswith("NO (QUOTA/MAXSIZE)")
        assert "too large (max 262144 bytes)" in answer
    assert wrong.startswith("NO")
    assert "line 1: error: unknown command 'no_such'" in wrong
    assert [answer[:2] for answer in many[:64]] == ["OK"] * 64
    assert many[64].startswith("NO (QUOTA/MAXSCRIPTS)")
