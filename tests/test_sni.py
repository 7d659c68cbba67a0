"""Further names with certificates of their own: what Postfix, Dovecot and Apache are told."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from deploys.checks import certificates
from deploys.checks.observation import Observation
from deploys.checks.plan import plan
from deploys.components.apache import render as apache
from deploys.components.dovecot import render as dovecot
from deploys.components.postfix import render as postfix
from deploys.components.tls.options import Tls
from tests.declared import context, ports, targets
from tests.settings import golden_server
from tests.test_tls import NOW, Certified, certify

HERE = "/etc/ssl/posthaus-sni"
NAMES = ("webmail.example.com", "mail.example.net", "mta-sts.example.net")
TLS = Tls.model_validate({"sni": {name: {"certificate": "chain.pem", "key": "key.pem"} for name in NAMES}})


@pytest.mark.parametrize(("series", "before", "word"), [("2.3", "<", "ssl"), ("2.4", "", "ssl_server")])
def test_dovecot_shows_each_name_its_own_certificate(monkeypatch, series, before, word):
    mail = golden_server(monkeypatch).model_copy(update={"tls": TLS})
    conf = dovecot.dovecot_conf(context(mail, dovecot_core=series))
    end = "_file" if series == "2.4" else ""
    assert (
        "local_name mail.example.net {\n"
        f"  {word}_cert{end} = {before}{HERE}/mail.example.net/fullchain.pem\n"
        f"  {word}_key{end} = {before}{HERE}/mail.example.net/privkey.pem\n"
        "}\n"
    ) in conf


def test_postfix_reads_the_keys_where_they_lie(monkeypatch):
    mail = golden_server(monkeypatch).model_copy(update={"tls": TLS})
    files = postfix.configuration(context(mail))
    assert b"tls_server_sni_maps = texthash:/etc/postfix/posthaus/certificates\n" in files["main.cf"].data
    assert files["posthaus/certificates"].data.decode().splitlines() == [
        f"{name} {HERE}/{name}/privkey.pem, {HERE}/{name}/fullchain.pem" for name in sorted(NAMES)
    ]


def test_without_further_names_postfix_has_no_table_of_them(monkeypatch):
    mail = golden_server(monkeypatch)
    files = postfix.configuration(context(mail))
    assert "posthaus/certificates" not in files
    assert b"tls_server_sni_maps" not in files["main.cf"].data


def test_apache_shows_them_where_the_name_is_the_webmails_or_a_pages(monkeypatch):
    mail = golden_server(monkeypatch).model_copy(update={"tls": TLS})
    text = apache.apache2_conf(mail, "8.2")
    for name in ("webmail.example.com", "mta-sts.example.net"):
        site = text.split(f'VirtualHost *:443>\n    ServerName "{name}"')[1].split("</VirtualHost>")[0]
        assert f'SSLCertificateFile "{HERE}/{name}/fullchain.pem"' in site
        assert f'SSLCertificateKeyFile "{HERE}/{name}/privkey.pem"' in site
    assert text.count('SSLCertificateFile "/etc/ssl/posthaus/fullchain.pem"') == text.count("SSLCertificateFile") - 2


def test_further_names_are_nobody_elses_to_certify_and_verify_asks_for_them(monkeypatch):
    mail = golden_server(monkeypatch).model_copy(update={"tls": TLS})
    assert mail.names == ("mail.example.com",)
    assert "mta-sts.example.net" not in mail.page_names
    assert "mta-sts.example.com" in mail.page_names
    assert HERE in targets(mail)
    asked = plan(mail, ports(mail))["tls"]
    assert ["smtps", "mail.example.net", 465] in asked
    assert set(NAMES) < set(plan(mail, ports(mail))["names"]), "each means this very host"
    assert ["imaps", "mail.example.net", 993] in asked
    assert ["smtp", "mail.example.net", 25] not in asked
    assert {port for _, _, port in asked} == {listener.port for listener in ports(mail) if listener.kind}


def seen(check: str, port: int | None, certificate: Certified, name: str) -> Observation:
    der = base64.b64encode(certificate.certificate.public_bytes(Encoding.DER)).decode()
    return Observation(check, port, "", name, der)


def test_a_further_name_is_not_held_to_the_certificate_on_disk_but_to_its_own_name():
    own, further = certify("own", names=["mail.example.com"]), certify("further", names=["mail.example.net"])
    disk = seen("disk", None, own, "")
    right = [disk, seen("certificate", 465, own, "mail.example.com"), seen("certificate", 465, further, NAMES[1])]
    assert [result.ok for result in certificates.results(right, ["mail.example.com"], NOW, NAMES)] == [True] * 3
    wrong = [disk, seen("certificate", 993, own, NAMES[1])]
    assert [result.seen for result in certificates.results(wrong, [], NOW, NAMES)][1] == "is not for mail.example.net"
