"""The firewall: what the mail server needs is open, all else is shut, and nobody is locked out."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.mailhost import MailHost
from tests.on_host.post import deliver
from tests.on_host.settings import TITO, example

pytestmark = pytest.mark.host
HERS = "table ip hers { chain in { type filter hook input priority 0; tcp dport 9 counter drop; }; }"
WAY_BACK = "/run/posthaus-firewall/back/way.sh"
RULES = "/etc/posthaus-firewall/rules.nft"


def opens(host: MailHost, port: int, seconds: float = 2) -> bool:
    """Whether somebody elsewhere gets a connection."""
    try:
        socket.create_connection((host.address, port), timeout=seconds).close()
    except OSError:
        return False
    return True


@contextmanager
def listening(host: MailHost, port: int) -> Iterator[None]:
    """A program of somebody's on all of the host's addresses."""
    host.run(f"systemd-run --quiet --unit=hers-{port} python3 -m http.server {port}")
    host.run(f"timeout 20 sh -c 'until ss -Hltn sport = :{port} | grep -q .; do sleep 0.1; done'")
    try:
        yield
    finally:
        host.run(f"systemctl stop hers-{port}")


@contextmanager
def sshd_also_at(host: MailHost, port: int) -> Iterator[None]:
    """As an administrator has it who moves to another port, and keeps the former one meanwhile."""
    drop_in = "/etc/ssh/sshd_config.d/further.conf"
    host.write(drop_in, f"Port 22\nPort {port}\n")
    host.run("systemctl restart ssh")
    try:
        yield
    finally:
        host.run(f"rm {drop_in}; systemctl restart ssh")


def test_only_what_is_declared_is_open_and_others_rules_stay(mail_host):
    """An administrator's second port of sshd is open without being declared."""
    mail_host.run("nft -f -", input=HERS)
    with listening(mail_host, 9100):
        assert not opens(mail_host, 9100)
        assert all(opens(mail_host, port) for port in (22, 25, 80, 110, 143, 443, 465, 587, 993, 995, 4190))
        with sshd_also_at(mail_host, 2222):
            run = mail_host.converge(example(open_ports=[9100]))
            assert run.rc == 0, run.output
            assert opens(mail_host, 9100)
            assert opens(mail_host, 2222)
            assert mail_host.converge().changes == 0
        assert mail_host.converge(example()).rc == 0
        assert not opens(mail_host, 9100)
    assert "dport 9 counter" in mail_host.run("nft list table ip hers").stdout
    mail_host.run("nft delete table ip hers")
    assert not mail_host.run("systemctl list-timers --all | grep posthaus-firewall-back", check=False).stdout


def test_what_somebody_changes_in_the_kernel_is_as_declared_after_the_next_run_or_gone(mail_host):
    mail_host.run("nft delete table inet posthaus")
    assert mail_host.verify().rc != 0
    run = mail_host.converge()
    assert run.rc == 0, run.output
    assert run.changes == 1, run.output
    mail_host.run("nft add rule inet posthaus input tcp dport 9101 accept")
    assert mail_host.converge().changes == 1
    assert "9101" not in mail_host.run("nft list table inet posthaus").stdout
    assert mail_host.converge().changes == 0
    assert mail_host.converge(example(firewall=False)).rc == 0
    assert mail_host.run("nft list table inet posthaus", check=False).returncode != 0, "it went with its unit"


def bars_ssh(host: MailHost, rule: str) -> None:
    """From the moment that new rules are about to be loaded, something on the host does this to SSH."""
    host.write("/refuses", f"table ip refuses {{ chain in {{ type filter hook input priority -5; {rule}; }}; }}\n")
    host.write("/etc/systemd/system/refuses.service", "[Service]\nType=oneshot\nExecStart=nft -f /refuses\n")
    host.write("/etc/systemd/system/refuses.path", f"[Path]\nPathExists={WAY_BACK}\n")
    host.run("systemctl daemon-reload; systemctl start refuses.path")


@pytest.mark.releases("debian-13")
def test_rules_that_let_nobody_in_are_taken_back(own_mail_host):
    """Whoever has a connection keeps it; what is refused is every new one. A reboot then shuts what is not declared."""
    host = own_mail_host
    before = host.read(RULES)
    bars_ssh(host, "ct state new tcp dport 22 drop")
    run = host.converge(example(open_ports=[9100]))
    assert run.rc != 0
    assert "with the new rules nobody gets in any more" in run.output
    assert host.read(RULES) == before
    assert "9100" not in host.run("nft list table inet posthaus").stdout
    assert host.run("systemctl is-active posthaus-firewall.service").stdout == "active\n"
    host.run("systemctl stop refuses.path; nft delete table ip refuses")
    again = host.converge()
    assert again.rc == 0, again.output
    assert "9100" in host.run("nft list table inet posthaus").stdout
    host.host.container.restart()
    host.host.wait()
    with listening(host, 9101):
        assert opens(host, 25)
        assert not opens(host, 9101)
    assert "network-pre.target" in host.run("systemctl show -p Before --value posthaus-firewall.service").stdout
    assert deliver(host, TITO) == 250


@pytest.mark.releases("debian-12")
def test_the_host_takes_them_back_by_itself_when_nothing_comes_through(own_mail_host):
    host = own_mail_host
    before = host.read(RULES)
    bars_ssh(host, "tcp dport 22 drop")
    assert host.converge(example(open_ports=[9100])).rc != 0
    host.run(f"timeout 90 sh -c 'while [ -e {WAY_BACK} ]; do sleep 0.5; done'")
    assert host.read(RULES) == before
    assert "9100" not in host.run("nft list table inet posthaus").stdout
    assert deliver(host, TITO) == 250
