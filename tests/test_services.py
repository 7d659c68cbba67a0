"""What runs is declared once: what a run converges is what verify looks at, and both judge it alike."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from deploys.checks import declared, services
from deploys.components.apache import services as apache
from deploys.components.apache.deploy import deploy_apache, deploy_challenges
from deploys.components.autoconfig import render as clients
from deploys.components.dovecot import services as dovecot
from deploys.components.dovecot.deploy import deploy_dovecot
from deploys.components.host.deploy import UNITS
from deploys.components.mta_sts.deploy import deploy_sts
from deploys.components.postfix import services as postfix
from deploys.components.postfix.deploy import deploy_postfix
from deploys.components.postfix.tables import owners
from deploys.components.postsrsd import deploy as srs
from deploys.components.rspamd.deploy import deploy_filter
from deploys.components.sieve.deploy import deploy_sieve
from deploys.components.squirrelmail import deploy as squirrelmail
from deploys.components.tls.options import SNI_DIRECTORY, Tls
from deploys.components.unbound.deploy import deploy_resolver
from deploys.config.mailserver import MailServer
from facts.acme import LETSENCRYPT
from facts.foreign import ForeignState
from facts.machine import MachineState
from facts.packages import Package
from facts.units import Unit
from operations import accounts, archive, config, directories, dkim, mailboxes, probe, unit
from operations.service import Service
from operations.unit import _action, _boot
from tests.golden_settings import SECRET, golden_server

OPERATIONS = [
    (dkim, "keys"), (probe, "made"), (mailboxes, "named"),
    (mailboxes, "closed"), (accounts, "system_user"), (accounts, "mail_users"), (archive, "unpack"),
]  # fmt: skip
EVERYTHING = {
    "relayhost": None,
    "resolver": "local",
    "filter": {"antivirus": True},
    "webmail": {"hostname": "webmail.example.com"},
}


def bare(deploy: Any) -> Callable[..., Any]:
    """The function inside @deploy, which wants no host."""
    inner: Callable[..., Any] = deploy._inner
    return inner


@pytest.fixture
def converged(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Whatever is passed to unit.converge, config.tree and directories.present; no operation does anything."""
    seen: list[dict[str, Any]] = []
    for module, name in OPERATIONS:
        monkeypatch.setattr(module, name, lambda **_: None)
    monkeypatch.setattr(unit, "converge", lambda **given: seen.append(given))
    monkeypatch.setattr(config, "tree", lambda **given: seen.append({"tree": given["target"], "files": given["files"]}))
    monkeypatch.setattr(directories, "present", lambda **given: seen.append({"directories": given["directories"]}))
    monkeypatch.setattr(squirrelmail, "_fetch_if_needed", lambda source: None)
    monkeypatch.setattr(srs, "_run", bare(srs._run))
    return seen


def run(mail: MailServer) -> None:
    """Every component of deploys/mail.py that has a service, as it calls them."""
    if mail.resolves:
        bare(deploy_resolver)(mail.resolver, True)
    bare(deploy_dovecot)(mail.dovecot, mail.directory, mail.tls, "2.4", True, mail.learn_endpoint)
    bare(deploy_sieve)()
    if mail.filter:
        bare(deploy_filter)(
            mail.filter, mail.records, mail.signers, owners(mail.directory), mail.trusted_networks, mail.nameserver
        )
    rewriting = srs.deploy_srs(mail.domains, "2") if mail.forwards else None
    if mail.sts:
        bare(deploy_sts)()
    bare(deploy_postfix)(mail.postfix_settings(rewriting), mail.hostname, mail.directory, mail.tls, True, mail.resolves)
    if mail.webmail:
        bare(squirrelmail.deploy_squirrelmail)(
            mail.webmail, mail.directory, mail.hostname, mail.tls, "8.4", mail.message_size
        )
    if mail.webmail or mail.pages:
        bare(deploy_apache)(mail.webmail or None, mail.hostname, mail.tls, "8.4", mail.message_size, mail.apache_pages)
    elif mail.tls.by_http:
        bare(deploy_challenges)(mail.hostname)


SETTINGS: tuple[dict[str, Any], ...] = (
    EVERYTHING,
    {},
    {"webmail": False, "clients": False, "filter": False, "resolver": "host"},
    {"webmail": False, "clients": False, "tls": {"acme": {"email": "tito@example.com"}}, "aliases": None},
)
IDS = ["everything", "golden", "least", "challenges"]
VERSIONS = {"dovecot-core": "1:2.4.1-1", "php-fpm": "2:8.4+96", "postsrsd": "2.0.10-1"}
MACHINE = MachineState(ipv6=True, packages={name: Package(installed=version) for name, version in VERSIONS.items()})


@pytest.mark.parametrize("settings", SETTINGS, ids=IDS)
def test_verify_asks_of_each_unit_exactly_what_the_run_asks(
    monkeypatch: pytest.MonkeyPatch, converged: list[dict[str, Any]], settings: dict[str, Any]
):
    mail = golden_server(monkeypatch, **settings)
    run(mail)
    asked = {one.unit: one.question for one in services.declared(mail, "8.4", "2")}
    brought = {name for one in services.declared(mail, "8.4", "2") for name in one.brings}
    assert {name: asked[name] for name in asked if name not in brought} == {
        one["unit"]: {word: one[word] for word in Service("").question} for one in converged if "unit" in one
    }


@pytest.mark.parametrize("settings", SETTINGS, ids=IDS)
def test_verify_looks_at_exactly_the_files_and_directories_that_the_run_puts(
    monkeypatch: pytest.MonkeyPatch, converged: list[dict[str, Any]], settings: dict[str, Any]
):
    mail = golden_server(monkeypatch, **settings)
    run(mail)
    trees = {one["tree"]: dict(one["files"]) for one in converged if "tree" in one}
    asked = declared.trees(mail, MACHINE, ForeignState())
    by_other_means = {UNITS, clients.DIRECTORY, LETSENCRYPT}  # in mail.py, by the very property; with the certificates
    assert {target: asked[target] for target in asked if target not in by_other_means} == trees
    made = [one["directories"] for one in converged if "directories" in one]
    assert declared.directories(mail) == {path: one for group in made for path, one in group.items()}


def test_the_host_is_told_of_no_content(monkeypatch: pytest.MonkeyPatch):
    mail = golden_server(monkeypatch)
    told = json.dumps(declared.wanted(mail, MACHINE, ForeignState()))
    assert SECRET not in told
    assert "$6$" not in told
    assert "/etc/postfix/main.cf" in told


def test_certificates_of_further_names_are_watched_by_all_who_serve_them():
    tls = Tls.model_validate({"sni": {"imap.example.org": {"certificate": "chain.pem", "key": "key.pem"}}})
    for (service,) in (apache.services(tls), dovecot.services(tls), postfix.services(tls, True)):
        assert any(path.startswith(SNI_DIRECTORY) for path in service.reload_on), service.unit


def would_act(one: Unit) -> bool:
    """Whether the next run does anything to the unit."""
    return (_action(one, True, False), _boot(one, True), one.need_daemon_reload) != ("none", "keep", False)


def test_verify_is_green_exactly_where_the_next_run_would_do_nothing():
    times = (None, 1.0, 3.0)
    choices = {field.name: (True, False) for field in fields(Unit) if field.type == "bool"}
    choices |= {"newest_reload": times, "newest_restart": times, "unproved": ((), ("/etc/x",))}  # type: ignore[dict-item]
    for values in itertools.product(*choices.values()):
        state = Unit(**dict(zip(choices, values, strict=True)), since=2.0, changed_at=2.0)  # type: ignore[arg-type]
        if not state.loaded and (state.active or state.enabled):
            continue  # there is no such unit
        (line,) = services.lines({"postfix.service": state})
        assert line.ok is (not would_act(state)), state
