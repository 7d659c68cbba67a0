"""What mail programs ask for: from mail.yaml to the files that Apache serves."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploys.components.autoconfig import render
from deploys.components.autoconfig.component import policies, site
from deploys.components.autoconfig.options import page_names
from deploys.config import warnings
from deploys.config.mailserver import MailServer
from deploys.config.read import settings
from tests.settings import golden_server
from tests.test_tls import certify


def pages(mail: MailServer) -> dict[str, str]:
    made = render.pages(site(mail), policies(mail), bool(mail.webmail))
    return {name: file.data.decode() for name, file in made.items()}


def servers(mail: MailServer, domain: str, kind: str) -> list[tuple[str | None, ...]]:
    """(type, host, port, security) of each server that Thunderbird is told, in its order."""
    tree = ET.fromstring(pages(mail)[f"autoconfig/{domain}.xml"])
    return [
        (one.get("type"), *(one.findtext(word) for word in ("hostname", "port", "socketType")))
        for one in tree.iter(f"{kind}Server")
    ]


def test_thunderbird_is_told_every_server_the_safest_first(monkeypatch):
    mail = golden_server(monkeypatch)
    assert servers(mail, "example.net", "incoming") == [
        ("imap", "mail.example.com", "993", "SSL"),
        ("imap", "mail.example.com", "143", "STARTTLS"),
        ("pop3", "mail.example.com", "995", "SSL"),
        ("pop3", "mail.example.com", "110", "STARTTLS"),
    ]
    assert servers(mail, "example.com", "outgoing") == [
        ("smtp", "mail.example.com", "465", "SSL"),
        ("smtp", "mail.example.com", "587", "STARTTLS"),
    ]


def test_what_is_not_offered_is_not_told(monkeypatch):
    mail = golden_server(monkeypatch, dovecot={"protocols": ["pop3"]})
    assert {row[0] for row in servers(mail, "example.com", "incoming")} == {"pop3"}
    assert "993" not in pages(mail)["setup/index.html"]
    assert "EmailTypePOP" in pages(mail)["clients.lua"]


def test_a_title_full_of_quotes_breaks_no_page(monkeypatch):
    mail = golden_server(monkeypatch, webmail={"title": 'Pandry\'s <b>"Büro"</b> & Co ]] @ADDRESS@'})
    ET.fromstring(pages(mail)["autoconfig/example.com.xml"])
    assert "<b>" not in pages(mail)["setup/index.html"]
    assert "&lt;b&gt;" in pages(mail)["setup/index.html"]
    profile = pages(mail)["clients.lua"].split("local PROFILE = [[")[1]
    titled = profile.split("]]")[0].replace("&#64;", "@").replace("&#93;", "]")
    assert "Co ]] @ADDRESS@" in titled


def test_the_policy_names_the_mx_and_the_record_its_hash(monkeypatch):
    settings = {"example.com": {"mta_sts": {"mode": "enforce"}}, "example.net": {"mta_sts": False}}
    mail = golden_server(monkeypatch, domains=settings)
    made = pages(mail)
    assert made["mta-sts/example.com.txt"].splitlines() == [
        "version: STSv1", "mode: enforce", "mx: mail.example.com", "max_age: 604800",
    ]  # fmt: skip
    assert "mta-sts/example.net.txt" not in made


def test_names_that_the_operators_own_certificate_lacks_are_not_served_and_said(write, tmp_path: Path):
    now = datetime.now(UTC)
    own = ("mail.example.org", "webmail.example.org")
    for names, served in ((own, False), ((*own, *page_names("example.org")), True)):
        leaf = certify("leaf", None, names, begin=now - timedelta(days=1), end=now + timedelta(days=30))
        (tmp_path / "chain.pem").write_bytes(leaf.pem)
        (tmp_path / "key.pem").write_bytes(leaf.key_pem)
        mail = settings(write(tls={"certificate": "chain.pem", "key": "key.pem"}))
        assert bool(mail.paged) is served
        assert mail.pages, "people still find their page"
        assert bool([one for one in warnings.warnings(mail) if one.startswith("clients:")]) is not served


@pytest.mark.parametrize("word", [True, False])
def test_no_pages_no_names(monkeypatch, word):
    mail = golden_server(monkeypatch, clients=word)
    assert bool(mail.page_names) is word
    assert ("autoconfig.example.com" in mail.page_names) is word


def test_a_domain_without_a_policy_has_no_name_for_it(monkeypatch):
    mail = golden_server(monkeypatch, domains={"example.com": {}, "example.net": {"mta_sts": False}})
    assert "mta-sts.example.com" in mail.page_names
    assert "mta-sts.example.net" not in mail.page_names
    assert "autoconfig.example.net" in mail.page_names
