"""unbound, from mail.yaml to final text."""

from __future__ import annotations

import pytest

from deploys.components.unbound import render
from tests.declared import packages, units
from tests.settings import about, golden, golden_server


@pytest.mark.parametrize(
    ("word", "name"), [("local", "local.conf"), ({"forward": ["192.0.2.53", "2001:db8::53"]}, "forward.conf")]
)
def test_from_yaml_to_what_unbound_reads(monkeypatch, word, name):
    mail = golden_server(monkeypatch, resolver=word)
    assert render.configuration(mail.resolver, True)["unbound.conf"].data.decode() == golden(f"unbound/{name}")


def test_postfix_is_pointed_to_it_on_every_release_and_trusts_it(monkeypatch):
    mail = golden_server(monkeypatch, resolver="local")
    drop_ins = [path for path in units(mail) if path.endswith("posthaus-resolver.conf")]
    assert drop_ins == ["postfix.service.d/posthaus-resolver.conf", "postfix@.service.d/posthaus-resolver.conf"]
    assert (
        "BindReadOnlyPaths=/etc/unbound/posthaus-resolv.conf:/etc/resolv.conf" in units(mail)[drop_ins[0]].data.decode()
    )
    assert "nameserver 127.0.0.1\noptions edns0 trust-ad\n" in render.resolv_conf()


def test_whoever_the_host_asks_will_do(monkeypatch):
    mail = golden_server(monkeypatch, resolver="host")
    assert "unbound" not in packages(mail)
    assert mail.nameserver is None
    assert not [path for path in units(mail) if "resolver" in path]


@pytest.mark.parametrize(
    ("word", "key", "right"),
    [
        ("google", "resolver", "write local, host, or {forward: [192.0.2.53]}"),
        ({"forward": []}, "resolver.forward", "is empty; write at least one"),
        ({"forward": ["dns.example.org"]}, "resolver.forward", "is not an address"),
    ],
)
def test_a_resolver_that_is_none_is_refused(refusal, word, key, right):
    assert right in about(refusal(resolver=word), key)
