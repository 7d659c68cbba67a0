"""What runs is declared once: what a run converges is what verify looks at, and both judge it alike."""

from __future__ import annotations

import itertools
import json
from dataclasses import fields
from typing import Any

import pytest

from deploys import converge
from deploys.checks import declared, services
from deploys.components import all as every
from deploys.components.apache import component as apache
from deploys.components.component import Context, Run, Step
from deploys.components.dovecot import component as dovecot
from deploys.components.postfix import component as postfix
from deploys.components.tls.options import SNI_DIRECTORY, Tls
from deploys.config.mailserver import MailServer
from facts.foreign import ForeignState
from facts.units import Unit
from operations import config, directories, firewall, packages, unit
from operations.unit import needed
from tests.declared import context, machine, parts
from tests.settings import HARD_SECRET, golden_server

EVERYTHING = {
    "relayhost": None,
    "resolver": "local",
    "filter": {"antivirus": True},
    "webmail": {"hostname": "webmail.example.com"},
}
SETTINGS: tuple[dict[str, Any], ...] = (
    EVERYTHING,
    {},
    {"webmail": False, "clients": False, "filter": False, "resolver": "host"},
    {"webmail": False, "clients": False, "tls": {"acme": {"email": "tito@example.com"}}, "aliases": None},
)
IDS = ["everything", "golden", "least", "challenges"]
NEEDED = ("Host", "TLS", "Dovecot", "Postfix", "certbot")  # no mail.yaml can do without these


class NoHost:
    """pyinfra's host, of which only loops are asked."""

    name = "@nowhere"

    @staticmethod
    def loop(items: list[Any]) -> list[Any]:
        return items


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The name and arguments of each operation that a run calls, in order; none does anything."""
    seen: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(converge, "host", NoHost)
    monkeypatch.setattr(converge, "deploy", lambda name: lambda function: function)

    def called(name: str, **arguments: Any) -> None:
        seen.append((name, arguments))

    called.questions = lambda **_: []  # type: ignore[attr-defined]
    monkeypatch.setattr(converge, "expect", lambda questions: list(questions))
    for module, names in {config: ("tree", "retire"), directories: ("present",), unit: ("converge", "ended"),
                          packages: ("installed",), firewall: ("converge",)}.items():  # fmt: skip
        for name in names:
            monkeypatch.setattr(module, name, called)
    steps = Step.__getattribute__
    monkeypatch.setattr(
        Step, "__getattribute__", lambda self, name: called if name == "operation" else steps(self, name)
    )
    return seen


@pytest.mark.parametrize("settings", SETTINGS, ids=IDS)
def test_a_run_makes_just_what_verify_looks_at(
    monkeypatch: pytest.MonkeyPatch, ran: list[tuple[str, dict[str, Any]]], settings: dict[str, Any]
):
    here = context(golden_server(monkeypatch, **settings))
    converge.converge(here, every.components(here))
    found = every.declared(here)
    trees = {
        arguments["target"]: dict(arguments["files"])
        for _, arguments in ran
        if "target" in arguments and "files" in arguments
    }
    assert trees == {tree.target: dict(tree.files) for tree in every.trees(found)}
    made = {path: one for _, arguments in ran for path, one in arguments.get("directories", {}).items()}
    assert made == every.directories(found)
    units = [arguments["unit"] for _, arguments in ran if "unit" in arguments]
    brought = {name for one in every.services(found) for name in one.brings}
    assert units == [one.unit for one in every.services(found) if one.unit not in brought]


@pytest.mark.parametrize("settings", SETTINGS, ids=IDS)
def test_no_unit_no_tree_and_no_port_is_declared_twice(monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]):
    found = parts(golden_server(monkeypatch, **settings))
    for declared_once in (
        [service.unit for service in every.services(found)],
        [tree.target for tree in every.trees(found)],
        [listener.port for listener in every.listeners(found)],
        [one.name for one in found],
    ):
        assert len(declared_once) == len(set(declared_once))


@pytest.mark.parametrize(
    "name", [one.name for one in parts(golden_server(pytest.MonkeyPatch(), **EVERYTHING)) if one.name not in NEEDED]
)
def test_any_component_may_be_missing_and_nothing_else_breaks(
    monkeypatch: pytest.MonkeyPatch, ran: list[tuple[str, dict[str, Any]]], name: str
):
    """Without ``name`` in the list: the run does all the rest, and ends what it had once done for it."""
    mail = golden_server(monkeypatch, **EVERYTHING)
    whole = every.declared(context(mail))
    (gone,) = [one for one in whole if one.name == name]
    left = [one for one in whole if one is not gone]
    others = [one for one in every.COMPONENTS if getattr(one(context(mail)), "name", "") != name]
    monkeypatch.setattr(every, "COMPONENTS", tuple(others))
    once = ForeignState(
        units=tuple(run.service.unit for one in whole for run in one.of(Run)),
        targets=tuple(tree.target for tree in every.trees(whole)),
    )
    here = Context(mail, machine(), once)
    converge.converge(here, every.components(here))
    (installed,) = [arguments["packages"] for _, arguments in ran if "packages" in arguments]
    assert installed == every.packages(left)
    ended = {arguments["unit"] for title, arguments in ran if title.startswith("Stop ") and "unit" in arguments}
    assert ended == {run.service.unit for run in gone.of(Run)}
    kept = [arguments["keep"] for title, arguments in ran if title == "Remove files that nothing declares"]
    removed = set(once.targets) - set(kept[0]) if kept else set()
    assert removed == {tree.target for tree in every.trees(whole)} - {tree.target for tree in every.trees(left)}
    assert {listener.port for listener in every.listeners(left)} == {
        listener.port for listener in every.listeners(whole)
    } - {listener.port for listener in gone.listens}


def test_a_service_that_no_run_of_ours_converged_goes_on(
    monkeypatch: pytest.MonkeyPatch, ran: list[tuple[str, dict[str, Any]]]
):
    mail: MailServer = golden_server(monkeypatch, webmail=False, clients=False, filter=False)
    here = Context(mail, machine(), ForeignState(units=("rspamd.service",)))
    converge.converge(here, every.components(here))
    assert [arguments["unit"] for title, arguments in ran if title.startswith("Stop ") and "unit" in arguments] == [
        "rspamd.service"
    ]


def test_the_host_is_told_of_no_content(monkeypatch: pytest.MonkeyPatch):
    told = json.dumps(declared.wanted(parts(golden_server(monkeypatch))))
    assert HARD_SECRET not in told
    assert "$6$" not in told
    assert "/etc/postfix/main.cf" in told


def test_certificates_of_further_names_are_watched_by_all_who_serve_them():
    tls = Tls.model_validate({"sni": {"imap.example.org": {"certificate": "chain.pem", "key": "key.pem"}}})
    for service in (apache.service(tls), dovecot.service(tls), postfix.service(tls, True)):
        assert any(path.startswith(SNI_DIRECTORY) for path in service.reload_on), service.unit


def would_act(one: Unit) -> bool:
    """Whether the next run does anything to the unit."""
    return (needed(one, False), one.enabled, one.need_daemon_reload) != ("none", True, False)


def test_verify_is_green_exactly_where_the_next_run_would_do_nothing():
    times = (None, 1.0, 3.0)
    choices = {field.name: (True, False) for field in fields(Unit) if field.type == "bool"}
    choices |= {"newest_reload": times, "newest_restart": times, "unproved": ((), ("/etc/x",))}  # type: ignore[dict-item]
    for values in itertools.product(*choices.values()):
        state = Unit(**dict(zip(choices, values, strict=True)), since=2.0, changed_at=2.0)  # type: ignore[arg-type]
        if state.masked and (state.loaded or state.enabled):
            continue  # there is no such unit
        if not state.loaded and (state.enabled or (state.active and not state.masked)):
            continue  # nor such a one
        (result,) = services.results({"postfix.service": state})
        assert result.ok is (not would_act(state)), state
