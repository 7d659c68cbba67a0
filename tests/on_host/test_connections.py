"""How often one address may connect: strangers are put off, nobody's mail is lost, and others notice nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.mailhost import MailHost
from tests.on_host.post import arrived, compose
from tests.on_host.settings import IQBAL, PASSWORDS

pytestmark = pytest.mark.host
# On the host, from one of its addresses to another: what each connection to port 25 is greeted with.
CONNECT = """
import json, socket, sys
def greeting(source):
    with socket.create_connection((sys.argv[2], 25), 60, (source, 0)) as connection:
        return connection.recv(200)[:3].decode()
print(json.dumps([greeting(sys.argv[1]) for _ in range(100)]))
"""
# Somebody holds 300 connections to each of these ports and says nothing.
HOLD = """
import socket, sys, time
held = [socket.create_connection((sys.argv[1], port), 60) for port in (143, 993) for _ in range(300)]
print(len(held), flush=True)
time.sleep(600)
"""


@contextmanager
def somebody(host: MailHost) -> Iterator[str]:
    """An address of the documentation's networks (RFC 5737), in no declared network; nobody else's count is touched."""
    host.run("ip address add 198.51.100.7/32 dev lo")
    try:
        yield "198.51.100.7"
    finally:
        host.run("ip address del 198.51.100.7/32 dev lo")


def greetings(host: MailHost, source: str) -> list[str]:
    """What a hundred connections in a row were greeted with."""
    said = host.run(f"python3 - {source} {host.address}", input=CONNECT).stdout
    return list(json.loads(said))


def test_the_hundredth_connection_in_a_minute_waits_unless_it_comes_from_a_declared_network(mail_host):
    with somebody(mail_host) as stranger:
        found = greetings(mail_host, stranger)
    assert found[0] == "220"
    assert "421" in found  # for a time: whoever it is tries again
    networks = mail_host.run("postconf -h mynetworks").stdout
    assert networks.startswith("127.0.0.0/8 "), "where trusted_networks stand, too"
    assert set(greetings(mail_host, "127.0.0.1")) == {"220"}


def test_a_login_is_at_once_beside_six_hundred_connections_that_say_nothing(mail_host):
    mail_host.write("/run/hold.py", HOLD)
    mail_host.run(
        f"systemd-run --quiet --unit=holds -p StandardOutput=file:/run/held python3 /run/hold.py {mail_host.address}"
    )
    try:
        mail_host.run("timeout 120 sh -c 'until grep -q 600 /run/held; do sleep 0.2; done'")
        message = compose(IQBAL)
        mail_host.run(f"sendmail -f '' {IQBAL}", input=message.as_string())
        assert arrived(mail_host, IQBAL, PASSWORDS[IQBAL], message["Subject"]) is not None
        assert int(mail_host.run("pgrep -c imap-login").stdout) <= 4
    finally:
        mail_host.run("systemctl stop holds; rm -f /run/hold.py /run/held")
