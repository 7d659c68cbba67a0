"""Whoever guesses passwords is shut out, by every protocol and the webmail alike; whoever knows theirs is not."""

from __future__ import annotations

import contextlib
import imaplib
import json
import time
from collections.abc import Iterator

import pytest

from lab.errors import LabError
from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host.post import mailbox, trusting
from tests.on_host.settings import ANA, IQBAL, TITO, no_webmail
from tests.on_host.strangers import OURS6, Attempt, Strangers, strangers

pytestmark = pytest.mark.host

PROTOCOLS = ("imap", "pop3", "sieve", "smtp", *(() if no_webmail() else ("squirrelmail",)))
NOBODY = "nobody@example.com"
GUESSERS = {
    (how, login): 20 + number
    for number, (how, login) in enumerate((how, login) for how in PROTOCOLS for login in (TITO, NOBODY))
}
REFUSED = {"imap": "a NO ", "pop3": "-ERR ", "sieve": "NO ", "smtp": "(535, |(454, ", "squirrelmail": "200 True"}
FRIEND = 50
CROWD = (*range(10, 20), *range(30, 39), *range(42, 47))
REPORT = """import sys, urllib.request as web
for line in sys.stdin.buffer:
    web.urlopen("http://127.0.0.1:4001/?command=report", line, 10)"""  # as Dovecot says it


@pytest.fixture
def there(mail_host: MailHost) -> Iterator[Strangers]:
    with strangers(mail_host) as found:
        yield found


def guesses(first: int, last: int) -> list[Attempt]:
    """From each guesser, in each protocol, for a right name and a wrong one: these guesses, a new password each."""
    numbers = range(first, last)
    return [Attempt(how, GUESSERS[how, login], login, f"guess-{n}") for n in numbers for how, login in GUESSERS]


def test_the_tenth_wrong_login_shuts_an_address_out_whatever_it_tries_and_the_operator_lets_it_in_again(
    mail_host: MailHost, there: Strangers
):
    sources = {f"198.51.100.{number}" for number in GUESSERS.values()}
    there.attempt([Attempt("imap", number, IQBAL, mail_host.password(IQBAL)) for number in (FRIEND, 20)])
    said = there.attempt(guesses(0, 9), 90)
    others = {answer for one, answer in zip(guesses(0, 9), said, strict=True) if not refuses(one.how, answer)}
    assert others == set()
    assert there.banned() == set()
    # On a machine with more to do than it can, Dovecot may miss what the guard answers, and give up a report.
    for number in range(9, 12):
        still = [one for one in guesses(number, number + 1) if one.source not in there.banned()]
        there.attempt(still)
        with contextlib.suppress(LabError):
            wait_until(lambda: there.banned() == sources, 10, "another one, then")
            break
    assert sources - there.banned() == set()

    for number in (20, 27):
        assert there.reached(number, 25, 587, 993, 443, 22) == [False, False, False, False, True]
    (welcome,) = there.attempt([Attempt("imap", FRIEND, IQBAL, mail_host.password(IQBAL))])
    assert " OK " in welcome

    run = mail_host.pyinfra("deploys/bans.py", "-y")
    assert run.rc == 0, run.output
    assert all(f"{source} " in run.output for source in sources)
    run = mail_host.pyinfra("deploys/bans.py", "-y", "--data", "unban=198.51.100.20")
    assert run.rc == 0, run.output
    assert there.banned() == sources - {"198.51.100.20"}
    (again,) = there.attempt([Attempt("imap", 20, IQBAL, mail_host.password(IQBAL))])
    assert " OK " in again


def test_strangers_who_guess_all_at_once_leave_a_right_login_its_second(mail_host: MailHost, there: Strangers):
    """Forty-eight wrong passwords, each from an address that may still try some: seconds of work for Dovecot."""
    crowd = [Attempt("imap", number, ANA, "a guess") for number in CROWD * 2]
    friend = Attempt("timed", FRIEND, IQBAL, mail_host.password(IQBAL))
    taken = []
    for _ in range(3):  # it may be the machine that had something else to do
        calm = sorted(seconds(said) for said in there.attempt([friend] * 5, 1))[2]
        *refused, welcome = there.attempt([*crowd, friend], len(crowd) + 1)
        assert all(refuses("imap", answer) for answer in refused), refused
        taken.append((seconds(welcome), calm))
        if taken[-1][0] < max(1, 8 * calm):
            return
    if all(calm > 0.2 for _, calm in taken):
        pytest.skip(f"the machine is too busy to tell: a right login takes by itself, too, {taken}")
    pytest.fail(f"a right login beside them took so many seconds, and alone: {taken}")


def refuses(how: str, answer: str) -> bool:
    """Whether it says no; Postfix says 454 where Dovecot takes more than ten seconds."""
    return any(words in answer for words in REFUSED[how].split("|"))


def seconds(said: str) -> float:
    """How long a right login took."""
    took, _, answer = said.partition(" ")
    assert " OK " in answer, said
    return float(took)


def test_what_somebody_has_open_ends_with_the_ban(mail_host: MailHost, there: Strangers):
    held = (
        "import socket,ssl; s = ssl._create_unverified_context().wrap_socket(socket.create_connection("
        "('198.51.100.1', 993), 60, source_address=('198.51.100.40', 0))); s.recv(999); print(s.recv(999) or 'end')"
    )
    mail_host.run(f'ip netns exec strangers python3 -c "{held}" >/run/held 2>&1 & echo $! >/run/held.pid')
    established = "ss -Htn state established src 198.51.100.1:993 dst 198.51.100.40"
    wait_until(lambda: mail_host.run(established).stdout.strip(), 20, "nobody has connected")
    there.attempt([Attempt("pop3", 40, NOBODY, f"guess-{n}") for n in range(10)])
    wait_until(lambda: mail_host.run("cat /run/held").stdout.strip(), 20, "the connection is still open")
    assert not mail_host.run(established).stdout.strip()


def test_a_right_password_counts_for_nothing_and_neither_does_a_program_with_the_one_of_before(
    mail_host: MailHost, there: Strangers
):
    right = mail_host.password(IQBAL)
    there.attempt([Attempt("imap", 41, IQBAL, right) for _ in range(12)])
    there.attempt([Attempt("imap", 41, IQBAL, "the one of last year") for _ in range(12)])
    (said,) = there.attempt([Attempt("imap", 41, IQBAL, right)])
    assert " OK " in said
    assert there.banned() == set()


def test_a_guard_that_is_dead_or_hangs_keeps_nobody_out(mail_host: MailHost):
    pid = mail_host.run("systemctl show -p MainPID --value posthaus-bans").stdout.strip()
    try:
        mail_host.run(f"kill -STOP {pid}")
        began = time.monotonic()
        with mailbox(mail_host, TITO, mail_host.password(TITO)):
            assert time.monotonic() - began < 15
        mail_host.run("systemctl kill -s KILL posthaus-bans; systemctl stop posthaus-bans")
        with mailbox(mail_host, TITO, mail_host.password(TITO)) as client:
            assert client.select("INBOX")[0] == "OK"
    finally:
        mail_host.run(f"kill -CONT {pid}; systemctl start posthaus-bans", check=False)
        wait_until(lambda: answers(mail_host), 60, "the guard does not come back")
    killed = "pid=$(systemctl show -p MainPID --value posthaus-bans) && kill -KILL $pid && echo $pid"
    former = mail_host.run(killed).stdout.strip()
    wait_until(lambda: answers(mail_host) not in ("", "0", former), 60, "the guard does not come back")


def answers(host: MailHost) -> str:
    """The guard's process, once it takes reports; nothing before."""
    ask = "exec 3<>/dev/tcp/127.0.0.1/4001 && systemctl show -p MainPID --value posthaus-bans"
    return host.run(f"bash -c '{ask}'", check=False).stdout.strip()


def test_the_networks_that_are_never_shut_out_are_not(mail_host: MailHost, there: Strangers):
    """All of this lab comes from one: the engine's."""
    for number in range(12):
        client = imaplib.IMAP4_SSL(mail_host.address, 993, ssl_context=trusting(mail_host), timeout=30)
        client.send(f"a LOGIN {NOBODY} guess-{number}\r\n".encode())
        client.shutdown()
    with mailbox(mail_host, TITO, mail_host.password(TITO)):
        assert there.banned() == set()


def test_of_ipv6_a_whole_household_is_shut_out_and_no_neighbour(mail_host: MailHost, there: Strangers):
    report = {"protocol": "imap", "login": NOBODY, "success": False}
    rows = [{**report, "remote": f"2001:db8:64:7::{number + 1}", "pwhash": f"{number}"} for number in range(10)]
    mail_host.run(f"python3 -c '{REPORT}'", input="\n".join(map(json.dumps, rows)))
    assert there.banned() == {"2001:db8:64:7::"}
    mail_host.run(f"""set -e
mount -o remount,bind,rw /proc/sys
sysctl -qw net.ipv6.conf.to-strangers.disable_ipv6=0
mount -o remount,bind,ro /proc/sys
ip addr add {OURS6.replace("::/47", "::1/47")} dev to-strangers nodad
ip -n strangers addr add 2001:db8:64:7::99/47 dev out nodad
ip -n strangers addr add 2001:db8:64:8::99/47 dev out nodad""")
    listen = (
        "import socket; s = socket.create_server(('2001:db8:64::1', 995), family=socket.AF_INET6)\nwhile 1: s.accept()"
    )
    mail_host.run(f'systemd-run -q --unit=listens6 python3 -c "{listen}"')
    try:
        wait_until(lambda: "[2001:db8:64::1]:995" in mail_host.run("ss -Hltn").stdout, 20, "nobody listens")
        dial = (
            "ip netns exec strangers python3 -c 'import socket; socket.create_connection("
            '("2001:db8:64::1", 995), 10, source_address=("2001:db8:64:{}::99", 0))\''
        )
        assert mail_host.run(dial.format(7), check=False).returncode == 1
        assert mail_host.run(dial.format(8), check=False).returncode == 0
    finally:
        mail_host.run("systemctl stop listens6")
