"""People's own passwords: what one chooses counts at once, everywhere, until mail.yaml says otherwise."""

from __future__ import annotations

import base64
import imaplib
import json
import poplib
import re
import smtplib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest

from deploys.config.password import argon2
from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host import poppassd, post
from tests.on_host.post import compose, submit
from tests.on_host.settings import ANA, IQBAL, PASSWORDS, TITO, example

pytestmark = pytest.mark.host

CHOSEN = 'löffel wörter: "42" {of} %u tea\'s'
OTHER, RESET = "seventeen quiet herons", "somebody forgot the first"
WAYS = {"imap", "pop3", "smtp"}
# Connections that say nothing, for as long as this program runs.
_IDLE = """
import socket, time
idle = [socket.create_connection(("127.0.0.1", 106), 10) for _ in range(40)]
print("idle", flush=True)
time.sleep(100)
"""


@cache
def trusting(host: MailHost) -> ssl.SSLContext:
    """As in post, once for all threads."""
    return post.trusting(host)


def opens(host: MailHost, way: str, login: str, password: str) -> bool:
    """Whether a mail program gets in."""
    words = f"\0{login}\0{password}".encode()
    try:
        if way == "imap":
            imap_session(host, login, password).shutdown()
        elif way == "pop3":
            pop = poplib.POP3_SSL(host.address, 995, context=trusting(host), timeout=60)
            pop.encoding = "UTF-8"
            pop.user(login)
            pop.pass_(password)
            pop.close()
        elif way == "smtp":
            with smtplib.SMTP_SSL(host.address, 465, context=trusting(host), timeout=60) as smtp:
                smtp.ehlo()
                return smtp.docmd("AUTH", f"PLAIN {base64.b64encode(words).decode()}")[0] == 235
        else:
            return sieve_opens(host, words)
    except (imaplib.IMAP4.error, poplib.error_proto):
        return False
    return True


def imap_session(host: MailHost, login: str, password: str) -> imaplib.IMAP4:
    imap = imaplib.IMAP4_SSL(host.address, 993, ssl_context=trusting(host), timeout=60)
    imap.authenticate("PLAIN", lambda _: f"\0{login}\0{password}".encode())
    return imap


def sieve_opens(host: MailHost, words: bytes) -> bool:
    with socket.create_connection((host.address, 4190), 60) as plain:
        read = plain.makefile("rb")
        answer(read)
        plain.sendall(b"STARTTLS\r\n")
        answer(read)
        with trusting(host).wrap_socket(plain) as sock, sock.makefile("rb") as lines:
            answer(lines)
            sock.sendall(b'AUTHENTICATE "PLAIN" "' + base64.b64encode(words) + b'"\r\n')
            return answer(lines).startswith(b"OK")


def answer(lines) -> bytes:
    return next(line for line in lines if line[:2] in (b"OK", b"NO", b"BY"))


def ways(host: MailHost, login: str, password: str) -> set[str]:
    """By which protocols the password lets somebody in; all at once, for a wrong one takes a while."""
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda way: (way, opens(host, way, login, password)), sorted(WAYS))
    return {way for way, did in found if did}


def ended(session: imaplib.IMAP4) -> bool:
    try:
        return session.noop()[0] != "OK"
    except (imaplib.IMAP4.abort, OSError):
        return True


def test_what_one_chooses_counts_at_once_and_ends_what_the_former_password_opened(mail_host: MailHost):
    host = mail_host
    session = imap_session(host, IQBAL, PASSWORDS[IQBAL])
    assert poppassd.change(host, IQBAL, PASSWORDS[IQBAL], CHOSEN) == "200 The password is changed"
    assert ways(host, IQBAL, CHOSEN) == WAYS
    assert ways(host, IQBAL, PASSWORDS[IQBAL]) == set()
    assert ways(host, TITO, PASSWORDS[TITO]) == WAYS
    wait_until(lambda: ended(session), 60, "what the former password had opened goes on")


def test_runs_keep_what_was_chosen_and_see_none_of_it_until_mail_yaml_has_another_hash_or_none(mail_host: MailHost):
    host, usual = mail_host, example()
    cursor = host.run("journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p'").stdout.strip()
    secrets = {
        one: poppassd.ask(host, one, PASSWORDS[one], "newapp phone").removeprefix("200 ") for one in (IQBAL, ANA)
    }
    for one in (IQBAL, ANA):
        assert poppassd.change(host, one, PASSWORDS[one], CHOSEN).startswith("200")
    run = host.converge(None, "--debug")
    assert (run.rc, run.changes) == (0, 0), run.output
    hashes = re.findall(r"\$argon2id\$[^:]+", host.read("/var/lib/posthaus-account/chosen").decode())
    log = host.run(f"journalctl --after-cursor='{cursor}' -o cat").stdout
    words = (*hashes, *secrets.values(), CHOSEN, PASSWORDS[IQBAL])
    assert [word for word in words for text in (run.output, run.stdout, log) if word in text] == []

    session, webmail = imap_session(host, IQBAL, CHOSEN), poppassd.ask(host, IQBAL, CHOSEN, "session")[4:]
    assert poppassd.opens_here(host, IQBAL, webmail)
    boxes = {one: box for one, box in usual["mailboxes"].items() if one != ANA}
    run = host.converge(example(mailboxes={**boxes, IQBAL: {"password": argon2(RESET)}}, catch_all={}))
    assert run.rc == 0, run.output
    assert opens(host, "imap", IQBAL, RESET)
    assert ended(session)
    assert not poppassd.opens_here(host, IQBAL, webmail), "a session of the webmail goes on"
    kept = host.run("cd /var/lib/posthaus-account; cat chosen apps; cat webmail/* | grep -F iqbal || :").stdout
    assert kept == ""
    assert poppassd.change(host, IQBAL, RESET, OTHER).startswith("200")

    run = host.converge(usual)  # ana is back, and iqbal's hash is the one under which he chose first
    assert run.rc == 0, run.output
    assert opens(host, "imap", IQBAL, PASSWORDS[IQBAL])
    assert opens(host, "imap", ANA, PASSWORDS[ANA])
    assert not poppassd.opens_here(host, IQBAL, webmail)
    former = [(one, word) for one in (IQBAL, ANA) for word in (CHOSEN, RESET, OTHER, secrets[one])]
    with ThreadPoolExecutor() as pool:  # for a wrong one takes a while
        assert not any(pool.map(lambda one: opens(host, "imap", *one), former))


def test_an_app_password_opens_what_programs_use_and_nothing_else(mail_host: MailHost):
    host = mail_host
    secret = poppassd.ask(host, IQBAL, PASSWORDS[IQBAL], "newapp Iqbal’s phone").removeprefix("200 ")
    assert re.fullmatch(r"([a-z2-9]{5}-){3}[a-z2-9]{5}", secret)
    assert "already" in poppassd.ask(host, IQBAL, PASSWORDS[IQBAL], "newapp Iqbal’s phone")
    assert poppassd.apps(host, IQBAL, PASSWORDS[IQBAL]) == ["Iqbal’s phone"]
    assert ways(host, IQBAL, secret) == WAYS
    assert opens(host, "sieve", IQBAL, secret)
    assert submit(host, IQBAL, secret, IQBAL, IQBAL, compose(IQBAL, sender=IQBAL)) == 250
    assert submit(host, IQBAL, secret, TITO, IQBAL, compose(IQBAL, sender=TITO)) == 553
    assert not opens(host, "imap", TITO, secret)
    assert poppassd.change(host, IQBAL, secret, OTHER) == "500 The current password is wrong"
    assert opens(host, "imap", IQBAL, PASSWORDS[IQBAL])
    session = imap_session(host, IQBAL, secret)
    assert poppassd.ask(host, IQBAL, PASSWORDS[IQBAL], "dropapp Iqbal’s phone").startswith("200")
    assert ways(host, IQBAL, secret) == set()
    assert not opens(host, "sieve", IQBAL, secret)
    wait_until(lambda: ended(session), 60, "what a revoked app password had opened goes on")


def test_the_operator_lists_makes_and_revokes_app_passwords(mail_host: MailHost):
    def asked(*words: str):
        data = [part for word in (f"mailbox={IQBAL}", *words) for part in ("--data", word)]
        return mail_host.pyinfra("deploys/app_password.py", "-y", *data)

    made = asked("make=the printer")
    (secret,) = re.findall(r"the printer: (\S+)\n", made.stdout)
    assert secret not in made.output
    assert opens(mail_host, "smtp", IQBAL, secret)
    assert re.search(r"\d{4}-\d\d-\d\d the printer\n", asked().stdout)
    assert asked("make=the printer").rc == 1
    assert asked("revoke=the printer").rc == 0
    assert not opens(mail_host, "smtp", IQBAL, secret)
    assert "1 to 40" in asked("make=a:b").output


def test_of_two_who_change_it_at_once_one_does_and_no_process_shows_a_password(mail_host: MailHost):
    host = mail_host
    with ThreadPoolExecutor() as pool:
        changes = [pool.submit(poppassd.change, host, IQBAL, PASSWORDS[IQBAL], new) for new in (CHOSEN, OTHER)]
        look = "for n in $(seq 200); do cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' ' '; done"
        seen = host.run(look).stdout
        said = {new: one.result() for new, one in zip((CHOSEN, OTHER), changes, strict=True)}
    assert sorted(one[:3] for one in said.values()) == ["200", "500"]
    assert {new for new in said if opens(host, "imap", IQBAL, new)} == {n for n, one in said.items() if one[0] == "2"}
    assert not [one for one in (CHOSEN, OTHER, PASSWORDS[IQBAL]) if one in seen]
    assert "posthaus-account" in seen


@pytest.mark.parametrize(
    ("new", "why"),
    [
        ("short", "fewer than 10 characters"),
        ("Summer2026!!", "anybody tries"),
        ("sekolah123456", "easily guessed"),
        (f"{IQBAL}1", "easily guessed"),
    ],
)
def test_what_anybody_would_guess_is_refused_in_a_sentence(mail_host: MailHost, new: str, why: str):
    said = poppassd.change(mail_host, IQBAL, PASSWORDS[IQBAL], new)
    assert said.startswith("500 The new password ")
    assert why in said


def test_what_is_no_conversation_ends_in_a_refusal_and_leaves_no_trace_of_an_error(mail_host: MailHost):
    host = mail_host
    cursor = host.run("journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p'").stdout.strip()
    program = "import socket, sys; s = socket.create_connection(('127.0.0.1', 106), 60); s.recv(99);"
    program += " s.sendall(sys.stdin.buffer.read()); print(s.makefile().read())"
    for bytes_ in (
        b"\x00" * 600 + b"\n",
        b"user a\xff\xfe\r\n",
        b"x" * 5000 + b"\r\n",
        b"newpass x\r\n",
        b"user a\r\npass\r\n",
    ):
        assert "500 " in host.run(f'python3 -c "{program}"', input=bytes_).stdout
    assert poppassd.change(host, IQBAL, "wrong", OTHER) == "500 The current password is wrong"
    assert poppassd.change(host, "../../etc/passwd", "x", OTHER) == "500 The current password is wrong"
    assert "Traceback" not in host.run(f"journalctl -t posthaus-account --after-cursor='{cursor}' -o cat").stdout
    assert opens(host, "imap", IQBAL, PASSWORDS[IQBAL])


def test_connections_that_say_nothing_shut_nobody_out_for_long(mail_host: MailHost):
    host = mail_host
    host.run(f"timeout 100 python3 -c '{_IDLE}' >/run/idle 2>&1 & echo $! >/run/idle.pid")
    try:
        wait_until(lambda: host.read("/run/idle") != b"", 60, "nobody is idle")
        wait_until(
            lambda: (
                json.dumps(poppassd.talk(host, f"user {IQBAL}", f"pass {PASSWORDS[IQBAL]}", "apps")).count("200") > 3
            ),
            60,
            "people are shut out",
        )
    finally:
        host.run("kill $(cat /run/idle.pid)", check=False)
