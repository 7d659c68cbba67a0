"""rspamd, from mail.yaml to final text."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from deploys.components.rspamd import render, units
from deploys.components.rspamd.keys import given, names
from deploys.config.mailserver import MailServer
from operations.file import File
from tests.declared import packages
from tests.settings import about, boxes, golden, golden_server

FILES = (
    "override.d/options.inc",
    "override.d/worker-proxy.inc",
    "override.d/actions.conf",
    "override.d/milter_headers.conf",
    "local.d/settings.conf",
    "local.d/dkim_signing.conf",
    "local.d/arc.conf",
    "local.d/classifier-bayes.conf",
    "posthaus/owners",
)


def files(mail: MailServer) -> dict[str, File]:
    assert mail.filter
    return render.configuration(mail.filter, mail)


def text(mail: MailServer, name: str) -> str:
    return files(mail)[name].data.decode()


@pytest.mark.parametrize("name", FILES)
def test_from_yaml_to_what_rspamd_reads(monkeypatch, name):
    assert text(golden_server(monkeypatch), name) == golden(f"rspamd/{name}")


def test_the_rule_on_who_may_write_as_whom_is_the_same_for_any_number_of_addresses(accepted):
    few, many = (accepted(mailboxes=boxes(*[f"p{n}@example.org" for n in range(count)])) for count in (1, 50))
    assert text(few, "rspamd.local.lua") == text(many, "rspamd.local.lua")
    assert "p49@example.org p49@example.org\n" in text(many, "posthaus/owners")
    assert files(many)["posthaus/owners"].mode == "0640"


def test_redis_listens_on_a_socket_of_its_own_and_on_nothing_else(monkeypatch):
    mail = golden_server(monkeypatch)
    assert mail.filter
    unit = units.units(mail.filter)["posthaus-redis.service"].data.decode()
    assert unit == golden("rspamd/posthaus-redis.service")
    assert "--port 0" in unit


def test_what_is_not_declared_is_not_installed(monkeypatch):
    mail = golden_server(monkeypatch, filter={"learn": False})
    assert mail.filter
    assert render.packages(mail.filter) == ("rspamd", "python3")
    assert set(units.units(mail.filter)) == {"posthaus-mime.service", "rspamd.service.d/posthaus.conf"}
    assert "local.d/redis.conf" not in files(mail)
    assert not {"rspamd", "redis-tools"} & set(packages(golden_server(monkeypatch, filter=False)))


def test_a_new_selector_signs_and_the_old_one_stays_published(monkeypatch):
    settings = {"example.com": {"dkim": {"selector": "new", "publish": ["mail"]}}, "example.net": None}
    mail = golden_server(monkeypatch, domains=settings)
    signing = text(mail, "local.d/dkim_signing.conf")
    assert "example.com.new.key" in signing
    assert "dkim/example.com.mail.key" not in signing
    assert "example.net.mail.key" in signing
    assert {"example.com.new", "example.com.mail-ed25519"} < set(names(mail.records, mail.signers))


def test_an_operators_own_key_is_laid_and_never_shown(accepted, tmp_path):
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (tmp_path / "dkim.pem").write_bytes(pem)
    mail = accepted(domains={"example.org": {"dkim": {"key": {"file": "dkim.pem"}}}})
    keys = given(mail.records, mail.signers)
    assert list(keys) == ["example.org.mail"]
    assert "PRIVATE" not in repr(keys) + repr(mail) + str(mail.to_json())
    assert "PRIVATE" in keys["example.org.mail"].pem


@pytest.mark.parametrize(
    ("settings", "key", "right"),
    [
        ({"junk_score": 6, "reject_score": 5}, "filter.reject_score", "nothing would reach Junk; write more"),
        ({"greylisting": True, "learn": False}, "filter.greylisting", "drop one of them"),
        ({"scores": {"bayes": 3}}, "filter.scores.bayes", "BAYES_SPAM"),
        ({"junk_score": 0}, "filter.junk_score", "is too small"),
        ({"block": ["@spam.example"]}, "filter.block", "write spam.example for a domain and all names below it"),
        ({"block": ["*.spam.example"]}, "filter.block", "write spam.example, which covers"),
        ({"block": ["spam"]}, "filter.block", "is not fully qualified"),
        ({"block": ["192.0.2.1/24"]}, "filter.block", "write 192.0.2.0/24 for the network"),
        ({"allow": ["0.0.0.0/0"]}, "filter.allow", "is the whole internet"),
        ({"block": ["bob@example.org"]}, "filter.block", "bob@example.org is of this server itself"),
        ({"block": ["org.example", "EXAMPLE.org"]}, "filter.block", "example.org is of this server itself"),
        ({"block": ["a.example"], "allow": ["A.example"]}, "filter.allow", "holds a.example, which is in block, too"),
        (True, "filter", "write false for none"),
    ],
)
def test_a_filter_option_that_makes_no_sense_is_refused(refusal, settings, key, right):
    assert right in about(refusal(filter=settings), key)


def test_senders_of_all_kinds_reach_rspamd_in_one_form(accepted):
    block = ["Pest+shop@Example.NET", "Bücher.example", "192.0.2.7", "2001:DB8::/64"]
    mail = accepted(filter={"block": block, "allow": ["partner.example", "partner.example"]})
    assert text(mail, "posthaus/senders") == (
        "block pest@example.net\nblock xn--bcher-kva.example\nblock 192.0.2.7/32\nblock 2001:db8::/64\n"
        "allow partner.example\n"
    )
    assert files(mail)["posthaus/senders"].mode == "0640"


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("posthaus/")])
def test_what_rspamd_reads_is_json_within_the_braces_of_the_section_that_includes_it(monkeypatch, name):
    head, _, members = text(golden_server(monkeypatch), name).partition("\n")
    assert head.startswith("# ")
    assert json.loads("{" + members + "}")


def test_what_quoting_mistakes_trip_over_stays_what_it_is():
    awkward = {"a": None, "b": [True, 'x"y\\ {};#'], "c d": {"ü": 1.5}, "e": {}}
    assert json.loads("{" + render.members(awkward) + "}") == awkward
