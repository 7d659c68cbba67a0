"""The firewall, from mail.yaml to the rules that nft(8) reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploys.components.firewall import render
from deploys.components.firewall.component import component
from deploys.config.mailserver import MailServer
from deploys.preflight.needs import problems
from tests.declared import context, machine, parts
from tests.settings import golden_server


def rules(mail: MailServer, **of_machine: object) -> list[str]:
    """The lines of rules.nft, without indentation."""
    told = context(mail)
    told = replace(told, others=tuple(parts(mail)), machine=replace(told.machine, **of_machine))  # type: ignore[arg-type]
    return [line.strip() for line in render.rules(told).splitlines()]


def test_the_declared_ports_are_open_and_the_operators_own(monkeypatch):
    mail = golden_server(monkeypatch, open_ports=[9100, "51820/udp"], dovecot={"protocols": ["imap"]})
    found = rules(mail)
    assert "tcp dport { 25, 80, 143, 443, 465, 587, 993, 9100 } accept" in found
    assert "udp dport { 51820 } accept" in found
    assert found.index("counter drop") == len(found) - 3


def test_all_ports_of_sshd_are_open_before_anything_is_counted(monkeypatch):
    found = rules(golden_server(monkeypatch), ssh_ports=(22, 2222))
    first = next(number for number, line in enumerate(found) if "limit rate" in line)
    assert found.index("tcp dport { 22, 2222 } accept") < first


def test_the_operators_own_ports_are_not_counted(monkeypatch):
    counted = [line for line in rules(golden_server(monkeypatch, open_ports=[9100])) if "limit rate" in line]
    assert len(counted) == 2
    assert not [line for line in counted if "9100" in line]


@pytest.mark.parametrize(("active", "steps"), [((), 0), (("ufw",), 1)])
def test_without_a_firewall_ufw_forgets_what_it_was_told(monkeypatch, active, steps):
    told = context(golden_server(monkeypatch, firewall=False))
    found = component(replace(told, machine=replace(told.machine, firewalls=active)))
    assert len(found.steps if found else ()) == steps


@pytest.mark.parametrize(
    ("declared", "host", "says"),
    [
        ("nftables", {"may_filter": False}, "start it with --cap-add NET_ADMIN, or write firewall: false"),
        ("nftables", {"firewalls": ("ufw",)}, "write firewall: ufw, or `ufw disable`"),
        ("nftables", {"firewalls": ("firewalld",)}, "`systemctl disable --now firewalld`"),
        ("ufw", {}, "firewall is ufw, which is not active"),
    ],
)
def test_a_host_that_cannot_have_it_is_refused_with_what_to_do(declared, host, says):
    assert [one for one in problems(replace(machine(), **host), [], [], declared) if says in one]


@pytest.mark.parametrize("host", [{"may_filter": False}, {"firewalls": ("ufw",)}])
def test_whoever_wants_none_is_not_asked_about_it(host):
    usual = problems(machine(), [], [], False)
    assert problems(replace(machine(), **host), [], [], False) == usual
