"""What runs is declared once: what a run converges is what verify looks at, and both judge it alike."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from deploys.apache import services as apache
from deploys.apache.deploy import deploy_apache, deploy_challenges
from deploys.dovecot import services as dovecot
from deploys.dovecot.deploy import deploy_dovecot
from deploys.filter.deploy import deploy_filter
from deploys.mailserver import MailServer
from deploys.postfix import services as postfix
from deploys.postfix.deploy import deploy_postfix
from deploys.proof import services
from deploys.resolver.deploy import deploy_resolver
from deploys.sieve.deploy import deploy_sieve
from deploys.squirrelmail import deploy as squirrelmail
from deploys.srs import deploy as srs
from deploys.sts.deploy import deploy_sts
from deploys.tls.settings import BY_NAME, Tls
from facts.units import Unit
from operations import accounts, archive, config, directories, dkim, mailboxes, probe, unit
from operations.service import Service
from operations.unit import _action, _boot
from tests.golden_words import golden_server

OPERATIONS = [
    (config, "tree"), (dkim, "keys"), (directories, "present"), (probe, "made"), (mailboxes, "named"),
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
    """Whatever is passed to unit.converge; no operation does anything."""
    seen: list[dict[str, Any]] = []
    for module, name in OPERATIONS:
        monkeypatch.setattr(module, name, lambda **_: None)
    monkeypatch.setattr(unit, "converge", lambda **given: seen.append(given))
    monkeypatch.setattr(squirrelmail, "_fetch_if_needed", lambda source: None)
    monkeypatch.setattr(srs, "_run", bare(srs._run))
    return seen


def run(mail: MailServer) -> None:
    """Every component of deploys/mail.py that has a service, as it calls them."""
    if mail.resolves:
        bare(deploy_resolver)(mail.resolver, True)
    bare(deploy_dovecot)(mail.dovecot, mail.directory, mail.tls, "2.4", True, mail.teacher)
    bare(deploy_sieve)()
    if mail.filter:
        bare(deploy_filter)(mail.filter, mail.records, mail.signers, {})
    if mail.forwards:
        srs.deploy_srs(mail.domains, "2")
    if mail.sts:
        bare(deploy_sts)()
    bare(deploy_postfix)(mail.postfix_room(), mail.hostname, mail.directory, mail.tls, True, mail.resolves)
    if mail.webmail:
        bare(squirrelmail.deploy_squirrelmail)(mail.webmail, mail.directory, mail.hostname, mail.tls, "8.4", 1_000_000)
    if mail.webmail or mail.pages:
        bare(deploy_apache)(mail.webmail or None, mail.hostname, mail.tls, "8.4", 1_000_000, mail.apache_pages)
    elif mail.tls.by_http:
        bare(deploy_challenges)(mail.hostname)


@pytest.mark.parametrize(
    "words",
    [
        EVERYTHING,
        {},
        {"webmail": False, "clients": False, "filter": False, "resolver": "host"},
        {"webmail": False, "clients": False, "tls": {"acme": {"email": "tito@example.com"}}, "aliases": None},
    ],
    ids=["everything", "golden", "least", "challenges"],
)
def test_verify_asks_of_each_unit_exactly_what_the_run_asks(
    monkeypatch: pytest.MonkeyPatch, converged: list[dict[str, Any]], words: dict[str, Any]
):
    mail = golden_server(monkeypatch, **words)
    run(mail)
    asked = {one.unit: one.question for one in services.declared(mail, "8.4", "2")}
    brought = {name for one in services.declared(mail, "8.4", "2") for name in one.brings}
    assert {name: asked[name] for name in asked if name not in brought} == {
        one["unit"]: {word: one[word] for word in Service("").question} for one in converged
    }


def test_certificates_of_further_names_are_watched_by_all_who_serve_them():
    tls = Tls.model_validate({"by_name": {"imap.example.org": {"certificate": "chain.pem", "key": "key.pem"}}})
    for (service,) in (apache.services(tls), dovecot.services(tls), postfix.services(tls, True)):
        assert any(path.startswith(BY_NAME) for path in service.reload_on), service.unit


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
