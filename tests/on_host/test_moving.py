"""docs/moving.md, word for word, between two hosts: mail flows throughout, and the DNS changes in the middle."""

from __future__ import annotations

import os
import re
import shlex
import smtplib
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import dns.exception
import dns.resolver
import docker
import pytest

from lab import names, network, sweep
from lab.errors import Unavailable
from lab.mailhost import MailHost
from lab.names import Names
from lab.pyinfra import Run
from lab.waiting import wait_until
from tests.on_host.converged import Converged
from tests.on_host.oldserver import OldServer
from tests.on_host.post import compose, mailbox
from tests.on_host.settings import IQBAL, PASSWORDS, TITO, example

pytestmark = pytest.mark.host

DOMAIN, PEOPLE = "example.com", (IQBAL, TITO)
PAGE = (Path(__file__).parents[2] / "docs" / "moving.md").read_text(encoding="utf-8")
CSV = re.findall(r"```\n(address,.*?)```", PAGE, re.DOTALL)[0]
OLD = {"iqbal": "his password there", "tito": 'with a "quote"'}
OLD_TTL, EVERY, MOST, BEFORE = 5, 0.3, 300, 20  # seconds, seconds, messages, messages


@dataclass
class Sender:
    """Somebody elsewhere, who writes to both in turn, asks the DNS as often as its TTLs let him, and tries again what
    was put off. ``taken``: subjects, by the address that took them; ``bounced``: answers that no sender tries again."""

    resolver: str
    taken: dict[str, list[str]] = field(default_factory=dict)
    bounced: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    _waiting: deque[EmailMessage] = field(default_factory=deque)
    _known: tuple[float, str] = (0.0, "")

    def __enter__(self) -> Sender:
        self.thread = threading.Thread(target=self._work)
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop.set()
        self.thread.join(120)

    def all_sent(self) -> int:
        """Write no more; how many there were, once the last one has been taken."""
        self.__exit__()
        assert not self.thread.is_alive(), f"{len(self._waiting)} messages wait for a server that takes them"
        return sum(map(len, self.taken.values()))

    def _work(self) -> None:
        written, deadline = 0, time.monotonic() + 600
        while time.monotonic() < deadline and (self._waiting or not self.stop.is_set()):
            if not self.stop.is_set() and written < MOST:
                message = compose(PEOPLE[written % 2])
                message.replace_header("Subject", f"number {written}")
                self._waiting.append(message)
                written += 1
            for _ in range(len(self._waiting)):
                self._send(self._waiting.popleft())
            time.sleep(EVERY)

    def _send(self, message: EmailMessage) -> None:
        try:
            address = self._server()
            client = smtplib.SMTP(address, 25, local_hostname="mx.outside.example", timeout=60)
            client.send_message(message, "", [message["To"]])
            self.taken.setdefault(address, []).append(message["Subject"])
            client.close()  # no QUIT, whose answer may be lost with a server that is stopped
        except smtplib.SMTPRecipientsRefused as refused:
            self._put_off(message, *next(iter(refused.recipients.values())))
        except smtplib.SMTPResponseException as refused:
            self._put_off(message, refused.smtp_code, refused.smtp_error)
        except (OSError, smtplib.SMTPException, dns.exception.DNSException):
            self._known = (0.0, "")
            self._waiting.append(message)

    def _put_off(self, message: EmailMessage, code: int, why: bytes | str) -> None:
        if code < 500:
            self._waiting.append(message)
        else:
            self.bounced.append(f"{message['Subject']}: {code} {why!r}")

    def _server(self) -> str:
        """The address that the MX leads to, remembered for its TTL."""
        if time.monotonic() > self._known[0]:
            resolver = dns.resolver.Resolver(configure=False)
            resolver.nameservers = [self.resolver]
            found = resolver.resolve(DOMAIN, "MX")
            (row,) = resolver.resolve(next(iter(found)).exchange, "A")
            self._known = (time.monotonic() + (found.rrset.ttl if found.rrset else 0), str(row))
        return self._known[1]


@dataclass
class Moving:
    new: MailHost
    old: OldServer
    names: Names
    ca: Path

    def as_written(self, command: str) -> Run:
        """Run a command of the page, word for word, but for where its files lie, and the lab's own authority."""
        assert f"    pyinfra inventory.py {command}\n" in PAGE, command
        words = shlex.split(command.replace("people.csv", str(self.new.site / "people.csv")))
        run = self.new.pyinfra(*words, *(("--data", f"ca={self.ca}") if "migrate" in command else ()), "-y")
        assert run.rc == 0, run.output
        return run

    def got(self) -> Counter[str]:
        """Subjects of what lies in both mailboxes, in whatever folder the filter put it."""
        found: Counter[str] = Counter()
        for login in PEOPLE:
            with mailbox(self.new, login, PASSWORDS[login]) as client:
                for folder in ("INBOX", "Junk"):
                    if client.select(folder, readonly=True)[1] == [b"0"]:
                        continue
                    answers = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
                    texts = [answer[1].decode() for answer in answers if isinstance(answer, tuple)]
                    found.update(text.partition(":")[2].strip() for text in texts if ": number " in text)
        return found


@pytest.fixture
def moving(engine: docker.DockerClient, converged: Converged, lab_state: Path, release: str) -> Iterator[Moving]:
    mine, started = f"posthaus-{os.getpid()}-moving", []
    with network.network(engine, mine) as net:
        try:
            server = names.start(engine, f"{mine}-names", lab_state, net, sweep.owner())
            started.append(server.host)
            hosts: list[MailHost] = []
            for number, of in ((6, release), (7, "debian-12")):
                place: dict[str, Any] = {"network": net.name, "address": net.address(number)}
                hosts.append(converged.whole(converged.start(of, image=converged.image(of), **place)))
                started.append(hosts[-1].host)
            old = OldServer(hosts[1], OLD)
            old.receive(DOMAIN)
            rows = [f"@ {OLD_TTL} MX 10 mx", f"mx {OLD_TTL} A {net.address(7)}"]
            server.publish(DOMAIN, names.plain_zone(DOMAIN, rows))
            own = {"dns": {"nameservers": {f"ns.{DOMAIN}": [server.server]}}}
            hosts[0].say(example(domains={DOMAIN: own, "example.net": None}))
            people = hosts[0].site / "people.csv"
            people.write_text(CSV, encoding="utf-8")
            people.chmod(0o600)
            yield Moving(hosts[0], old, server, old.known_to(hosts[0]))
        except Unavailable as reason:
            pytest.skip(str(reason))
        finally:
            for one in started:
                one.remove()


@pytest.mark.releases("debian-13")  # from a server on 12: both generations of Dovecot
def test_a_domain_moves_while_mail_flows_and_no_message_is_lost_or_comes_back_or_comes_twice(moving: Moving):
    old, new = moving.old.host, moving.new
    take = "deploys/migrate.py --data people=people.csv"
    with Sender(moving.names.resolver) as sender:

        def by(host: MailHost) -> int:
            return len(sender.taken.get(host.address, ()))

        moving.as_written("deploys/mail.py")
        wait_until(lambda: by(old) > BEFORE, 120, "nothing arrived at the old server")
        moving.as_written(take)
        moving.as_written("deploys/dns.py")
        zone = (new.site / "dns" / f"{DOMAIN}.zone").read_text(encoding="utf-8")
        moving.names.publish(DOMAIN, zone)
        wait_until(lambda: by(new) > BEFORE, 120, "nothing arrived at the new host")
        moving.as_written(take)
        old.run("postqueue -f; systemctl stop postfix")
        assert "`postqueue -f`" in PAGE
        assert "`systemctl stop postfix`" in PAGE
        last = by(new)
        wait_until(lambda: by(new) > last + 5, 60, "nothing more arrived at the new host")
        sent = sender.all_sent()
    wait_until(lambda: not new.run("postqueue -p | grep -v 'queue is empty'", check=False).stdout, 120, "mail waits")
    moving.as_written(take)
    assert "0 messages new" in moving.as_written(take).output
    found = moving.got()
    assert sender.bounced == []
    assert sent == by(old) + by(new)
    assert sorted(found) == sorted(f"number {one}" for one in range(sent)), "lost, or never sent"
    assert {subject: times for subject, times in found.items() if times > 1} == {}, "came twice"
    print(f"{sent} messages: {by(old)} by the old server, {by(new)} by the new one; 0 lost, 0 bounced, 0 doubled")
