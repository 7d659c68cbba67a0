"""Preflight: what stands in the way is said before anything changes, all of it, each with its remedy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from freezegun import freeze_time

from deploys.preflight.names import name_problems, serves
from deploys.preflight.needs import access_problems, problems
from facts.listeners import Listeners, Socket
from facts.machine import Machine, MachineState
from facts.packages import Package
from tests.declared import parts
from tests.settings import server

FACTS = Path(__file__).parent / "facts"
PARTS = parts(server())


def said(fact: Any, case: str) -> Any:
    """What a real host answered: the fixture ``case`` of ``fact``, read as the fact reads it."""
    folder = f"{type(fact).__module__.removeprefix('facts.')}.{type(fact).__name__}"
    fixture = yaml.safe_load((FACTS / folder / f"{case}.yaml").read_text())
    with freeze_time("2025-01-01"):
        return fact.process(fixture["output"].splitlines())


@pytest.fixture
def debian() -> MachineState:
    """A Debian 13 as it came: everything in order."""
    machine: MachineState = said(Machine(), "debian_13_with_everything")
    return machine


def listener(port: int, process: str | None, address: str = "0.0.0.0", protocol: str = "tcp") -> Socket:
    unit = f"{process}.service" if process else None
    return Socket(protocol, address, port, process, 4321 if process else None, True, unit)


@pytest.mark.parametrize("case", ["debian_12_with_everything", "debian_13_with_everything", "bare_and_not_root"])
def test_debian_as_it_comes_is_welcome(case: str):
    assert problems(said(Machine(), case), [], PARTS) == []


@pytest.mark.parametrize("case", ["debian_12", "debian_13_with_resolved", "debian_13_without_ss"])
def test_our_own_services_and_the_resolver_are_in_nobodys_way(debian: MachineState, case: str):
    assert problems(debian, said(Listeners(), case), PARTS) == []


def test_exim_is_named_with_the_remedy():
    machine = said(Machine(), "another_mail_server_and_cloud_init")
    [problem] = problems(machine, [], PARTS)
    assert "exim4-daemon-light" in problem
    assert "apt-get purge exim4-daemon-light" in problem


def test_another_web_server_is_named_with_its_port_its_process_and_a_way_around(debian: MachineState):
    [problem] = problems(debian, said(Listeners(), "debian_12_with_nginx"), PARTS)
    assert problem == (
        "port 80, which Apache needs: held by nginx (process 11221). `systemctl disable --now nginx.service` frees it, "
        "if nothing needs it; or let the webmail be elsewhere: `webmail: {port: 8443}`, or `webmail: false`"
    )


def test_all_ports_of_one_process_are_one_problem(debian: MachineState):
    [problem] = problems(debian, [listener(80, "nginx"), listener(443, "nginx"), listener(80, "nginx", "::")], PARTS)
    assert problem.startswith("ports 80, 443, which Apache needs: held by nginx")


def test_a_port_held_on_one_address_only_is_taken_all_the_same(debian: MachineState):
    [problem] = problems(debian, [listener(25, "exim4", "127.0.0.1")], PARTS)
    assert "port 25, which Postfix needs: held by exim4" in problem
    assert "webmail" not in problem


def test_a_process_that_cannot_be_seen_is_still_in_the_way(debian: MachineState):
    [problem] = problems(debian, [listener(993, None)], PARTS)
    assert "an unknown process" in problem


def test_ports_that_are_not_declared_are_free_to_others(debian: MachineState):
    fewer = parts(server(dovecot={"protocols": ["imap"]}, webmail=False, clients=False))
    assert sorted(listener.port for part in fewer for listener in part.listens) == [25, 143, 465, 587, 993]
    others = [listener(port, "nginx") for port in (80, 110, 443, 4190, 8080)]
    assert problems(debian, [*others, listener(25, "chronyd", protocol="udp")], fewer) == []


def test_a_release_that_nobody_tried_is_refused_by_what_it_lacks(debian: MachineState):
    old = replace(
        debian,
        version="11",
        title="Debian GNU/Linux 11 (bullseye)",
        packages={
            "postfix": Package(candidate="3.5.25-0+deb11u1"),
            "dovecot-core": Package(candidate="1:2.2.36-1"),
            "apache2": Package(candidate="2.4.62-1~deb11u1"),
        },
    )
    found = problems(old, [], PARTS)
    lacks = [problem.partition(": ")[2].split(",")[0] for problem in found]
    assert lacks == ["its Dovecot is 2.2", "its postfix is 3.5", "apt knows no php-fpm"]
    assert all("bullseye" in problem and "Debian 12 and 13" in problem for problem in found)


def test_a_newer_release_that_has_all_it_takes_may_be_tried(debian: MachineState):
    assert problems(replace(debian, version="", title="Debian GNU/Linux forky/sid"), [], PARTS) == []


def test_a_system_without_dpkg_is_refused_in_one_sentence(debian: MachineState):
    fedora = replace(debian, distribution="fedora", version="43", title="Fedora Linux 43", architecture="", packages={})
    [problem] = problems(fedora, [], PARTS)
    assert problem.startswith("Fedora Linux 43 has no dpkg")


def test_package_sources_that_cannot_be_reached_are_the_problem_on_a_release_we_serve(debian: MachineState):
    found = problems(replace(debian, packages={}), [], PARTS)
    assert len(found) == 4
    assert all("package sources" in problem for problem in found)


def test_a_container_without_systemd_is_refused(debian: MachineState):
    [problem] = problems(replace(debian, pid1="sleep"), [], PARTS)
    assert "process 1 is sleep, not systemd" in problem


def test_less_than_a_gibibyte_is_too_little(debian: MachineState):
    found = problems(replace(debian, free={"/": (1 << 20) - 1, "/var": 1 << 20}), [], PARTS)
    assert found == ["only 1023 MiB free below /, 1024 MiB are needed: make room or grow the file system"]


@pytest.mark.parametrize(("offset", "settings"), [(301, "301 seconds ahead of"), (-86400, "86400 seconds behind")])
def test_a_clock_far_off_is_named_with_the_way_it_is_off(debian: MachineState, offset: int, settings: str):
    [problem] = problems(replace(debian, clock_offset=offset), [], PARTS)
    assert settings in problem


def test_a_clock_five_minutes_off_will_do(debian: MachineState):
    assert problems(replace(debian, clock_offset=-300), [], PARTS) == []


def test_all_problems_are_said_at_once(debian: MachineState):
    bad = replace(
        debian, pid1="sleep", free={"/var": 5}, clock_offset=9999, mtas=("sendmail-bin", "exim4-daemon-heavy")
    )
    assert len(problems(bad, [listener(25, "exim4"), listener(443, "nginx")], PARTS)) == 7


def test_root_needs_no_sudo(debian: MachineState):
    assert access_problems(replace(debian, sudo="missing"), sudo=False, password=False) == []


@pytest.mark.parametrize(
    ("there", "sudo", "password", "settings"),
    [
        ("missing", True, True, "sudo is not installed"),
        ("works", False, False, "`_sudo: True`"),
        ("asks", True, False, "NOPASSWD"),
    ],
)
def test_a_log_in_that_cannot_become_root_is_told_how(there: str, sudo: bool, password: bool, settings: str):
    machine = replace(said(Machine(), "bare_and_not_root"), sudo=there)
    [problem] = access_problems(machine, sudo, password)
    assert "'deploy' is not root" in problem
    assert settings in problem


@pytest.mark.parametrize(("there", "password"), [("works", False), ("asks", True)])
def test_a_working_sudo_will_do(there: str, password: bool):
    machine = replace(said(Machine(), "bare_and_not_root"), sudo=there)
    assert access_problems(machine, sudo=True, password=password) == []


def test_a_machine_that_does_not_answer_as_one_is_refused_and_not_a_traceback():
    assert any("has no dpkg" in problem for problem in problems(Machine().process(["Welcome to RouterOS"]), [], PARTS))


def test_another_resolver_on_the_loopback_is_named_and_systemds_is_not():
    found = [listener(53, "named", "127.0.0.1", "udp"), listener(53, "systemd-resolve", "127.0.0.53", "udp")]
    [problem] = name_problems(found, False, False)
    assert "held by named" in problem
    assert "resolver: host" in problem


def test_a_host_that_reaches_no_root_server_is_told_what_to_write_instead():
    [problem] = name_problems([], True, False)
    assert "no root server of the DNS answers" in problem
    assert "`resolver: {forward: [address]}`" in problem
    assert name_problems([], True, True) == []


def test_a_resolver_that_serves_already_is_in_nobodys_way():
    ours = [listener(53, "unbound", "127.0.0.1", kind) for kind in ("tcp", "udp")]
    assert serves(ours)
    assert name_problems(ours, False, False) == []
