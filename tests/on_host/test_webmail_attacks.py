"""The webmail under attack: what strangers and single people do takes it from nobody else."""

from __future__ import annotations

import io
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
import requests

from lab.mailhost import MailHost
from tests.on_host.browsing import HOSTNAME, client, soon
from tests.on_host.post import trusting
from tests.on_host.settings import IQBAL, TITO
from tests.webmail import WebmailClient

pytestmark = [pytest.mark.host, pytest.mark.webmail]

FORM = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\nlogin_username="
BEGINNINGS = {
    "a form for the login": "POST /src/redirect.php HTTP/1.1\r\nHost: {}\r\n" + FORM.format(8000),
    "headers": "GET / HTTP/1.1\r\nHost: {}\r\nX-Never-Ends: ",
}
LIMIT = 256  # deploys/components/apache: CONNECTIONS


@contextmanager
def slow(host: MailHost, beginning: str, number: int) -> Iterator[list[ssl.SSLSocket]]:
    """So many requests from one address that have begun and do not go on."""
    context = trusting(host)

    def begin(_: int) -> ssl.SSLSocket | None:
        with suppress(OSError):
            connection = context.wrap_socket(
                socket.create_connection((host.address, 443), 20), server_hostname=HOSTNAME
            )
            connection.sendall(beginning.format(HOSTNAME).encode())
            return connection
        return None

    with ThreadPoolExecutor(50) as pool:
        connections = [connection for connection in pool.map(begin, range(number)) if connection]
    try:
        yield connections
    finally:
        for connection in connections:
            connection.close()


def is_open(connection: ssl.SSLSocket) -> bool:
    """Whether the other side still waits for the rest."""
    connection.settimeout(0)
    try:
        return connection.recv(1) != b""
    except ssl.SSLWantReadError:
        return True
    except OSError:
        return False


def seconds_to_login_page(host: MailHost) -> float:
    """How long the page where people log in takes."""
    begin = time.monotonic()
    assert client(host).get("/src/login.php").form_with("login_username")
    return time.monotonic() - begin


def seconds_to_inbox(reader: WebmailClient) -> float:
    """How long the list of messages takes."""
    begin = time.monotonic()
    assert "Current Folder" in reader.get("/src/right_main.php").text
    return time.monotonic() - begin


# Twenty milliseconds of work, again and again: how many times as long they take as where nothing else is at work.
WORK = """import time
while True:
    wall, work = time.monotonic(), time.process_time()
    while time.process_time() - work < 0.02:
        pass
    print((time.monotonic() - wall) / 0.02, flush=True)
    time.sleep(0.1)
"""


@contextmanager
def busyness() -> Iterator[list[float]]:
    """How busy the machine is while this lasts, measured beside it: the list is there at the end."""
    found: list[float] = []
    with subprocess.Popen([sys.executable, "-I", "-c", WORK], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        found.append(float(program.stdout.readline()))
        try:
            yield found
        finally:
            program.terminate()
            found.extend(float(line) for line in program.stdout if line.endswith("\n"))


@dataclass
class Page:
    """A page beside an attack, and the seconds that each request for it took; ``most``: how many are bearable."""

    seconds: Callable[[], float]
    taken: list[float] = field(default_factory=list)
    most: float = 0

    def ask(self) -> None:
        """Once."""
        self.taken.append(self.seconds())


@contextmanager
def bearable(seconds: Callable[[], float]) -> Iterator[Page]:
    """While this lasts there is an attack. A page takes at most two seconds then, or four times what it took before, as
    busy as the machine is meanwhile: who gets a processor is the kernel's to say, who gets one of PHP's processes ours.
    """
    with busyness() as before:
        calm = max(seconds() for _ in range(2))
    page = Page(seconds)
    with busyness() as during:
        yield page
    page.most = max(2, 4 * calm * max(during) / min(before))
    assert page.taken
    assert max(page.taken) < page.most, f"{page.taken} s, {calm} s before; how busy: {during}, {before} before"


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_two_hundred_slow_strangers_leave_the_login_page_to_others(mail_host: MailHost, kind: str):
    with (
        bearable(lambda: seconds_to_login_page(mail_host)) as page,
        slow(mail_host, BEGINNINGS[kind], 200) as connections,
    ):
        for _ in range(3):
            page.ask()
        assert sum(map(is_open, connections)) > 100, "nobody was slow here"


# From the host itself, which stands for somebody at another address.
ELSEWHERE = f"""import ssl, urllib.request as web
page = web.Request("https://127.0.0.1/src/login.php", headers={{"Host": "{HOSTNAME}"}})
print(web.urlopen(page, context=ssl._create_unverified_context(), timeout=10).status)
"""


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_one_address_never_takes_all_there_is(mail_host: MailHost, kind: str):
    with slow(mail_host, BEGINNINGS[kind], 500) as connections:
        few = soon(lambda: sum(map(is_open, connections)) < LIMIT + 128)
        assert few, f"one address holds {sum(map(is_open, connections))} of {len(connections)}"
        assert mail_host.run("python3 -", input=ELSEWHERE, timeout=20).stdout.strip() == "200"


def test_a_slow_upload_arrives_whole(mail_host: MailHost):
    """As from a phone in a train: the form comes in pieces, with pauses."""
    tito, content = client(mail_host, TITO), uuid4().hex.encode() * 4000
    form = tito.get("/src/compose.php").form_with("attach")
    data = {**form.fields, form.button("attach"): "Add"}
    body = tito.session.prepare_request(
        requests.Request("POST", form.action, data=data, files={form.uploads[0]: ("slow.bin", content)})
    )

    class Slowly(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            time.sleep(0.3)
            return super().read(1 << 14)

    headers = {"Content-Type": body.headers["Content-Type"]}
    answer = tito.session.post(form.action, data=Slowly(body.body), headers=headers, timeout=60)
    assert "slow.bin" in answer.text


def test_who_is_not_logged_in_sends_nothing_large(mail_host: MailHost):
    webmail = client(mail_host)
    webmail.get("/src/login.php")
    for path in ("login", "redirect", "compose"):
        answer = webmail.session.post(f"{webmail.base}/src/{path}.php", data={"x": "y" * 100_000}, timeout=30)
        assert answer.status_code == 413, path


def nested(depth: int, subject: str) -> bytes:
    """A message of ``depth`` multiparts, each within the last."""
    ends = [f"b{number}" for number in range(depth)]
    begin = "".join(f'Content-Type: multipart/mixed; boundary="{end}"\n\n--{end}\n' for end in ends)
    close = "".join(f"--{end}--\n" for end in reversed(ends))
    inner = "Content-Type: application/octet-stream\n\nx\n"
    return f"From: out@example.org\nTo: {TITO}\nSubject: {subject}\nMIME-Version: 1.0\n{begin}{inner}{close}".encode()


def test_a_message_nested_forty_deep_opened_ten_times_hurts_nobody(mail_host: MailHost):
    subject = uuid4().hex
    mail_host.run(f"doveadm save -u {TITO}", input=nested(40, subject))
    tito, iqbal = client(mail_host, TITO), client(mail_host, IQBAL)
    link = tito.messages()[subject]
    with (
        bearable(lambda: seconds_to_login_page(mail_host)) as page,
        bearable(lambda: seconds_to_inbox(iqbal)) as inbox,
        ThreadPoolExecutor(10) as pool,
    ):
        begin = time.monotonic()
        opened = [pool.submit(tito.session.get, link, timeout=60) for _ in range(10)]
        time.sleep(0.5)
        page.ask()
        inbox.ask()
        answers = [answer.result() for answer in opened]
        taken = time.monotonic() - begin
    assert taken < 5 * page.most
    shown = [answer.text for answer in answers if answer.status_code == 200]
    assert shown
    assert all("nested too deep" in text and subject in text for text in shown)
    mail_host.run(f"doveadm expunge -u {TITO} mailbox INBOX subject {subject}")


def test_whoever_guesses_passwords_leaves_the_login_page_to_others(mail_host: MailHost):
    """Dovecot takes seconds over a wrong password, and PHP waits."""
    guessers = [client(mail_host) for _ in range(20)]

    def guess(webmail: WebmailClient) -> int:
        form = webmail.get("/").form_with("login_username")
        return webmail.submit(form, login_username=TITO, secretkey="wrong").status

    with bearable(lambda: seconds_to_login_page(mail_host)) as page, ThreadPoolExecutor(20) as pool:
        guesses = [pool.submit(guess, webmail) for webmail in guessers]
        time.sleep(1)
        page.ask()
        assert {200, 429} >= {answer.result() for answer in guesses}


def test_a_page_that_computes_for_ever_is_given_up_with_a_message(own_mail_host: MailHost):
    own_mail_host.run(
        "sed -i 's/max_execution_time. = .*/max_execution_time] = 1/' /etc/php/*/fpm/pool.d/squirrelmail.conf"
    )
    own_mail_host.run("echo '<?php set_time_limit(0); while (true);' >/usr/share/squirrelmail/src/help.php")
    own_mail_host.run("systemctl restart 'php*-fpm.service'")
    page = client(own_mail_host, TITO).get("/src/help.php")
    assert page.status == 503
    assert "took too long" in page.text
