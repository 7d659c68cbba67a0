"""Certificates by ACME: the options, the files they become, and who answers at port 80."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploys.checks import acme
from deploys.components.apache import render as apache
from deploys.components.certbot import render
from deploys.components.tls.acme import LETS_ENCRYPT, Acme
from deploys.config.mailserver import MailServer
from deploys.config.reading.errors import SettingsError
from deploys.config.warnings import warnings
from facts.acme import AcmeState
from tests.declared import packages, parts, ports, targets
from tests.settings import SECRET, about, example
from tests.test_tls import certify

NOW = datetime.now(UTC)
ROOT = certify("Root", ca=True, begin=NOW - timedelta(days=1), end=NOW + timedelta(days=9))
KEY = "hmac-sha256:acme-key:c2VjcmV0IHNlY3JldCBzZWNyZXQ="


def server(base: Path | str = ".", webmail: Any = None, clients: Any = None, **acme: Any) -> MailServer:
    order = {"acme": {"email": "hostmaster@example.org", **acme}}
    return MailServer.read(example(tls=order, webmail=webmail, clients=clients), base=base)


def refusals(**acme: Any) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        server(**acme)
    return refused.value.lines


def declared(mail: MailServer) -> Acme:
    assert mail.tls.acme
    return mail.tls.acme


@pytest.fixture
def by_dns(monkeypatch: pytest.MonkeyPatch) -> MailServer:
    monkeypatch.setenv("ACME_KEY", KEY)
    return server(
        webmail=False, clients=False, challenge={"rfc2136": {"server": "192.0.2.53", "key": {"env": "ACME_KEY"}}}
    )


def test_an_address_is_enough_and_lets_encrypt_is_asked():
    mail = server()
    assert declared(mail).directory == LETS_ENCRYPT
    assert {"certbot", "apache2"} <= set(packages(mail))
    assert "python3-certbot-dns-rfc2136" not in packages(mail)


def test_without_acme_no_certbot_is_installed():
    assert "certbot" not in packages(MailServer.read(example()))


def test_of_more_domains_than_a_certificate_has_room_for_the_first_are_served_and_the_others_named():
    domains = [f"d{number}.example.org" for number in range(40)]
    settings = example(tls={"acme": {"email": "hostmaster@example.org"}}, domains=["example.org", *domains])
    mail = MailServer.read(settings)
    assert len(mail.names) + len(mail.page_names) <= 100
    assert mail.paged == ("example.org", *domains[:31])
    assert set(mail.policy_domains) == set(mail.paged)
    (warning,) = [line for line in warnings(mail) if line.startswith("clients: ")]
    assert "a certificate holds 100 names, so d31.example.org, d32.example.org, d33.example.org and 6 more" in warning
    assert not [line for line in warnings(MailServer.read({**settings, "clients": False})) if "certificate" in line]


@pytest.mark.parametrize(
    ("acme", "key", "reason"),
    [
        ({"email": "nobody"}, "tls.acme.email", "is not a mail address"),
        ({"directory": "http://ca.example.org/dir"}, "tls.acme.directory", "is no https URL"),
        ({"ca_file": "nowhere.pem"}, "tls.acme.ca_file", "cannot be read"),
        ({"challenge": "tls-alpn-01"}, "tls.acme.challenge", "write http-01, or {rfc2136:"),
        ({"challenge": {"rfc2136": {"key": {"env": "ACME_KEY"}}}}, "tls.acme.challenge.rfc2136.server", "is missing"),
    ],
)
def test_what_cannot_be_ordered_is_refused_by_its_key(
    acme: dict[str, Any], key: str, reason: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ACME_KEY", KEY)
    assert reason in about(refusals(**acme), key)


def test_files_of_ones_own_and_acme_exclude_each_other(tmp_path: Path):
    (tmp_path / "chain.pem").write_bytes(ROOT.pem)
    (tmp_path / "key.pem").write_bytes(ROOT.key_pem)
    settings = {"certificate": "chain.pem", "key": "key.pem", "acme": {"email": "hostmaster@example.org"}}
    with pytest.raises(SettingsError) as refused:
        MailServer.read(example(tls=settings), base=tmp_path)
    assert "write one or the other" in about(refused.value.lines, "tls.acme")


def test_a_key_of_no_use_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ACME_KEY", SECRET)
    reasons = refusals(challenge={"rfc2136": {"server": "192.0.2.53", "key": {"env": "ACME_KEY"}}})
    assert "tsig-keygen" in about(reasons, "tls.acme.challenge.rfc2136.key")
    assert SECRET not in "".join(reasons)


def test_a_file_without_certificates_is_no_ca_file(tmp_path: Path):
    (tmp_path / "roots.pem").write_text("nothing")
    assert "holds no certificate" in about(refusals(base=tmp_path, ca_file="roots.pem"), "tls.acme.ca_file")


def test_the_host_trusts_every_certificate_of_ca_file(tmp_path: Path):
    other = certify("Other", ca=True)
    (tmp_path / "roots.pem").write_bytes(b"a remark\n" + ROOT.pem + other.pem)
    assert declared(server(tmp_path, ca_file="roots.pem")).roots == (ROOT.pem + other.pem).decode()
    assert declared(server()).roots == ""


def test_apache_answers_the_ca_on_every_name_and_leads_everything_else_to_https():
    mail = server()
    text = apache.apache2_conf(mail, "8.2")
    assert 'Alias /.well-known/acme-challenge/ "/var/lib/posthaus-acme/.well-known/acme-challenge/"' in text
    assert (
        r'RedirectMatch permanent "^(?!/\\.well-known/acme-challenge/)/(.*)$" "https://webmail.example.org/$1"' in text
    )


def test_without_webmail_apache_serves_challenges_at_port_80_alone():
    mail = server(webmail=False, clients=False)
    text = apache.challenges_conf(mail.hostname)
    assert [line for line in text.splitlines() if line.startswith("Listen")] == ["Listen 80"]
    assert "ssl" not in text
    (apache_itself,) = [part for part in parts(mail) if part.name == "Apache"]
    assert [listener.port for listener in apache_itself.listens] == [80]
    assert {"/etc/apache2", "/etc/letsencrypt"} <= set(targets(mail))


def test_a_challenge_in_the_dns_needs_no_apache(by_dns: MailServer):
    assert "apache2" not in packages(by_dns)
    assert "python3-certbot-dns-rfc2136" in packages(by_dns)
    assert 80 not in {listener.port for listener in ports(by_dns)}
    assert "/etc/apache2" not in targets(by_dns)


def test_the_key_of_the_dns_is_for_root_alone_and_on_no_command_line(by_dns: MailServer):
    acme = declared(by_dns)
    credentials = render.letsencrypt(acme)["posthaus/rfc2136.ini"]
    assert credentials.mode == "0600"
    assert credentials.data.decode() == (
        "dns_rfc2136_server = 192.0.2.53\ndns_rfc2136_port = 53\ndns_rfc2136_name = acme-key\n"
        "dns_rfc2136_secret = c2VjcmV0IHNlY3JldCBzZWNyZXQ=\ndns_rfc2136_algorithm = HMAC-SHA256\n"
    )
    secret = KEY.rpartition(":")[2]
    assert secret not in " ".join(render.options(acme)) + repr(by_dns) + str(by_dns.to_json())


def test_the_hook_is_shell_that_parses_and_reloads_all_that_read_the_certificate():
    hook = render.hook()
    assert subprocess.run(["sh", "-n"], input=hook, text=True, check=False).returncode == 0
    assert "postfix.service dovecot.service apache2.service" in hook


@pytest.mark.parametrize(
    ("there", "ok", "seen"),
    [
        (AcmeState(), False, "not ordered yet"),
        (
            AcmeState(failure="2026-11-25 08:00 UTC no address for: a.example.org"),
            False,
            "no address for: a.example.org",
        ),
        (AcmeState(server=LETS_ENCRYPT, served=True, renews=True), True, "certbot renews it"),
        (AcmeState(server=LETS_ENCRYPT, served=True, renews=True, failure="refused"), True, "the last order failed"),
        (AcmeState(server=LETS_ENCRYPT, served=True), False, "does not renew it"),
        (AcmeState(server="https://elsewhere/", served=True, renews=True), False, "another one is served"),
        (None, None, "not looked at"),
    ],
)
def test_verify_says_whether_the_certificate_came(there: AcmeState | None, ok: bool | None, seen: str):
    result = acme.results(there, declared(server()), NOW)[0]
    assert result.ok is ok
    assert seen in result.seen


@pytest.mark.parametrize("why", [{"failure": "refused"}, {"unrenewed": "no answer at port 80"}])
def test_verify_says_why_the_last_order_or_renewal_failed_and_how_many_days_are_left(why: dict[str, Any]):
    there = AcmeState(server=LETS_ENCRYPT, served=True, renews=True, **why)
    result = acme.results(there, declared(server()), NOW, timedelta(days=20, hours=3))[0]
    assert (result.verdict, "20 days left" in result.seen) == ("warn", True)
    assert next(iter(why.values())) in result.seen


@pytest.mark.parametrize(
    ("there", "verdict", "seen"),
    [
        (AcmeState(), "FAIL", "not enabled, or stopped: nothing renews"),
        (AcmeState(timer=True), "ok", "enabled; has not gone off yet"),
        (AcmeState(timer=True, ran=int(NOW.timestamp()) - 3600), "ok", "enabled; went off 20"),
        (AcmeState(timer=True, ran=int(NOW.timestamp()) - 3 * 86400), "warn", "enabled; went off 20"),
    ],
)
def test_verify_says_whether_the_timer_renews_and_when_it_last_went_off(there: AcmeState, verdict: str, seen: str):
    result = acme.results(there, declared(server()), NOW)[1]
    assert result.verdict == verdict
    assert result.seen.startswith(seen)


def test_names_that_wait_for_the_dns_are_grey_and_red_where_a_policy_is_read_there():
    there = AcmeState(names=("mail.example.org",))
    [grey] = acme.uncovered(there, ["mail.example.org", "autoconfig.example.org"], ["mta-sts.example.org"])
    assert (grey.verdict, grey.seen) == ("unknown", "lacks autoconfig.example.org")
    assert "publish their addresses" in grey.remedy
    [red] = acme.uncovered(there, ["mta-sts.example.org"], ["mta-sts.example.org"])
    assert red.verdict == "FAIL"
    assert acme.uncovered(there, ["mail.example.org"], []) == []


def test_verify_says_nothing_about_acme_where_it_is_not_declared():
    assert acme.results(AcmeState(), None, NOW) == []
