"""Each result of verify has a key that programs and rules know it by: no two share one, and every rule's is there."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from typing import Any

import pytest

from deploys.checks import acme, certificates, expectations, external, inbound, listeners, senders, services
from deploys.checks.observation import Observation
from deploys.checks.plan import nobody, undeclared
from deploys.checks.report import Report, as_json
from deploys.checks.senders import Rule, summed
from deploys.components import all as every
from deploys.records.check import check
from deploys.records.collect import contexts
from deploys.records.context import DomainContext
from deploys.records.resolver import Answer
from deploys.result import CheckResult, matches
from facts.acme import AcmeState
from facts.dns import Publishable
from facts.listeners import Socket
from facts.mailboxes import Usage
from facts.units import Unit
from tests.declared import parts, ports
from tests.dns_contexts import KEYS
from tests.settings import NOW, mail
from tests.test_host_checks import der

ACME = {"acme": {"email": "tito@example.com"}}
EVERYTHING: dict[str, Any] = {
    "tls": ACME,
    "aliases": {"away@example.com": ["somebody@example.org"]},
    "dns": {"blocklists": ["zen.spamhaus.org"], "addresses": ["9.9.9.9"], "tlsa": True},
}
FOUND = {
    "SOA": ["ns.example.org. hostmaster.example.org. 1 3600 600 86400 300"],
    "NS": ["ns.example.org."],
    "A": ["9.9.9.9"],
}


def ask(name: str, kind: str, *, unchecked: bool = False) -> Answer:
    """A DNS that knows zones and addresses, and nothing else."""
    from dns.rdata import from_text

    values = FOUND.get(kind, [])
    return Answer("found" if values else "nodata", tuple(from_text("IN", kind, value) for value in values), name)


def everything_of(**settings: Any) -> tuple[list[CheckResult], list[Rule], tuple[DomainContext, ...]]:
    """All results of verify for a server with these settings, on a host that says next to nothing; and its rules."""
    server = mail(**settings)
    on_host = Publishable(
        ("9.9.9.9",),
        (),
        {name: {s: base64.b64encode(k).decode() for s, k in KEYS.items()} for name in server.signers},
        ("aa" * 32,),
    )
    page = server.webmail.hostname if server.webmail else None
    about = contexts(
        server.hostname, server.domains, page, server.dovecot.protocols, server.records, on_host, server.paged
    )
    lists = server.records.blocklists
    seen = [
        Observation("probe", 1),
        Observation("disk", 0, "", der=der()),
        *(
            Observation("certificate", listener.port, name=server.hostname, der=der())
            for listener in ports(server)
            if listener.kind
        ),
        Observation("outgoing", 3, json.dumps({"tls": 3, "said": {"550-5.7.25 no PTR": 1, "550 5.7.26 x gsmtp": 2}})),
    ]
    checked = [
        *listeners.results(ports(server), [Socket("tcp", "0.0.0.0", 25, "master", 1, True)]),
        *services.results({one.unit: Unit() for one in every.services(parts(server))}),
        *certificates.results(seen, server.names, NOW),
        *(acme.results(AcmeState(), server.tls.acme, NOW)),
        *expectations.results(seen, ports(server), nobody(server) is None, server.domains[1:], bool(server.filter)),
        *external.results([Observation("plain-imap", 0, "", "imap"), Observation("plain-pop3", 0, "", "pop3")]),
        *check(about, lists, ask, time.time(), lambda address: ask),
    ]
    off = undeclared(server, about, lists)
    results = [
        *checked,
        *senders.results(checked, about, seen, server.forwards, off),
        *inbound.results(
            checked, about, [], seen, [], lambda address: None, {"a@example.com": Usage(1, 1, "/", 9)}, (), off
        ),
    ]
    of_domains = [rule for context in about for rule in inbound.of_domain(context)]
    rules = [*senders.RULES, senders.FORWARDS, inbound.DELIVERY, inbound.POLICIES, *of_domains]
    return results, rules, about


def test_no_two_results_of_a_report_share_a_key():
    for settings in (EVERYTHING, {}, {"domains": ["example.com", "sub.example.com"]}):
        keys = [result.key for result in everything_of(**settings)[0]]
        assert sorted(keys) == sorted(set(keys))


def test_every_key_that_a_rule_names_is_in_a_full_report():
    results, rules, about = everything_of(**EVERYTHING)
    for rule in rules:
        for key in rule.keys(about):
            assert any(matches(result.key, key) for result in results), (
                f"{rule.key} rests on {key}, which no result has"
            )


@pytest.mark.parametrize(
    "settings", [EVERYTHING, {}, {"filter": False}, {"dns": {"tlsa": False}}, {"domains": ["example.com"]}]
)
def test_what_mail_yaml_does_not_ask_for_is_no_gap_to_a_rule(settings: dict[str, Any]):
    results, _, _ = everything_of(**settings)
    assert [result.seen for result in results if "(not looked at)" in result.seen] == []


def test_a_line_that_is_missing_keeps_every_rule_that_rests_on_it_from_holding():
    results, rules, about = everything_of(**EVERYTHING)
    green = [replace(result, ok=True, remedy="") for result in results]
    for rule in rules:
        assert summed(rule, green, (), about).ok is True
        for key in rule.keys(about):
            rest = [result for result in green if not matches(result.key, key)]
            assert summed(rule, rest, (), about).ok is None, f"{rule.key} holds without {key}"


def test_what_mail_yaml_may_leave_out_is_what_rules_rest_on():
    """A key here that no rule names would excuse nothing, and hide that the rule's own was renamed."""
    _, rules, about = everything_of(**EVERYTHING)
    nothing = mail(filter=False, catch_all={"example.com": "tito@example.com"}, domains=["example.com"])
    known = {key for rule in rules for key in rule.keys(about)}
    assert undeclared(nothing, (), ()) - known == set()


def test_keys_stand_in_the_report_for_programs():
    results, _, _ = everything_of()
    report = json.loads(as_json(Report("mail.example.com", NOW, 1.0, tuple(results))))
    assert {result["key"] for result in report["results"]} >= {"dns.mx.example.com", "refusals.relay", "messages.dkim"}
