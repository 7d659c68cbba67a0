"""Certificates from an ACME CA (Pebble), with a name server that both sides ask."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from lab import acme, sweep
from lab.acme import AcmeLab
from lab.errors import Unavailable
from lab.mailhost import MailHost
from tests.on_host.settings import TITO, example

pytestmark = pytest.mark.host

PORTS = {25: "smtp", 587: "smtp", 465: "", 143: "imap", 993: "", 110: "pop3", 995: "", 4190: "sieve"}
KEYS = "sha256sum /etc/ssl/posthaus/privkey.pem /etc/letsencrypt/live/posthaus/privkey.pem | cut -c1-64"
RENEW = "certbot renew --no-random-sleep-on-renew --server " + acme.DIRECTORY
RUNNING = "for unit in postfix@- postfix dovecot apache2; do systemctl show -p MainPID --value $unit; done"


@pytest.fixture(scope="module")
def acme_ca(engine: docker.DockerClient, lab_state: Path) -> Iterator[AcmeLab]:
    """The CA and the name server of example.com, shared by all tests here."""
    try:
        started = acme.start(engine, f"posthaus-{os.getpid()}-acme", lab_state, ["example.com"], sweep.owner())
    except Unavailable as reason:
        pytest.skip(str(reason))
    yield started
    started.host.remove()


def ordering(host: MailHost, acme_ca: AcmeLab, changes: dict[str, Any] | None = None, **acme_settings: Any) -> Any:
    """Settings by which ``host`` gets its certificate from ``acme_ca``; their files lie in its site."""
    host.say()
    (host.site / "roots.pem").write_text(acme_ca.ca_pem)
    (host.site / "acme.key").write_text(acme_ca.key)
    settings = {"email": TITO, "directory": acme.DIRECTORY, "ca_file": "roots.pem", **acme_settings}
    return example(tls={"acme": settings}, **(changes or {}))


def serials(host: MailHost) -> dict[int, str]:
    """What each TLS port serves now."""
    ports = PORTS | ({443: ""} if host.settings.get("webmail") else {})
    ask = (
        "timeout 10 openssl s_client -connect 127.0.0.1:{} {} </dev/null 2>/dev/null | openssl x509 -noout -serial || :"
    )
    return {
        port: host.run(ask.format(port, f"-starttls {starttls}" if starttls else "")).stdout.strip()
        for port, starttls in ports.items()
    }


def the_serial(host: MailHost) -> str:
    """The one that all ports serve, and the disk has."""
    on_disk = host.run("openssl x509 -noout -serial -in /etc/ssl/posthaus/fullchain.pem").stdout.strip()
    served = serials(host)
    assert set(served.values()) == {on_disk}, served
    return on_disk


def issuer(host: MailHost) -> str:
    return host.run("openssl x509 -noout -issuer -in /etc/ssl/posthaus/fullchain.pem").stdout


def test_a_bare_host_without_webmail_has_its_certificate_after_the_first_run(bare_host: MailHost, acme_ca: AcmeLab):
    acme.use(bare_host.host, acme_ca)
    acme_ca.publish("mail.example.com", bare_host.address)
    settings = ordering(bare_host, acme_ca, {"webmail": False, "clients": False})
    before = acme_ca.orders
    run = bare_host.converge(settings)
    assert run.rc == 0, run.output
    assert acme_ca.orders == before + 1
    assert "Pebble Intermediate" in issuer(bare_host)
    first = the_serial(bare_host)
    assert (
        "ASN1 OID: prime256v1" in bare_host.run("openssl x509 -noout -text -in /etc/ssl/posthaus/fullchain.pem").stdout
    )
    assert bare_host.run("systemctl --failed --no-legend").stdout == ""
    assert bare_host.run("systemctl is-enabled certbot.timer && systemctl is-active certbot.timer").stdout.split() == [
        "enabled",
        "active",
    ]
    assert "0.0.0.0:443" not in bare_host.run("ss -Hltn").stdout, "only challenges are served here"

    again = bare_host.converge(settings)
    assert (again.rc, again.changes) == (0, 0), again.output
    assert acme_ca.orders == before + 1, "nothing was ordered twice"
    assert bare_host.verify().rc == 0

    keys, running = bare_host.run(KEYS).stdout, bare_host.run(RUNNING).stdout
    bare_host.run(f"{RENEW} --dry-run")
    bare_host.run(f"{RENEW} -q --force-renewal")
    renewed = time.monotonic()
    assert the_serial(bare_host) != first
    assert time.monotonic() - renewed < 60
    assert bare_host.run(KEYS).stdout == keys, "DANE: a renewal keeps the key"
    assert bare_host.run(RUNNING).stdout == running, "reloaded, not restarted"
    again = bare_host.converge(settings)
    assert (again.rc, again.changes) == (0, 0), again.output


@pytest.mark.webmail
def test_a_name_without_address_is_named_before_anything_is_ordered(own_mail_host: MailHost, acme_ca: AcmeLab):
    host = own_mail_host
    acme.use(host.host, acme_ca)
    acme_ca.publish("mail.example.com", host.address)
    acme_ca.withdraw("webmail.example.com")
    settings = ordering(host, acme_ca)
    held, orders = the_serial(host), acme_ca.orders
    run = host.converge(settings)
    assert run.rc == 1
    assert "has no address for: webmail.example.com (publish A or AAAA; nothing was ordered)" in run.output
    assert acme_ca.orders == orders
    assert the_serial(host) == held
    assert host.run("systemctl is-active postfix dovecot apache2").stdout.split() == ["active"] * 3
    verified = host.verify()
    assert verified.rc == 1
    assert "has no address for: webmail.example.com" in verified.output

    acme_ca.publish("webmail.example.com", host.address)
    apache = host.run("systemctl show -p MainPID --value apache2").stdout
    run = host.converge(settings)
    assert run.rc == 0, run.output
    assert the_serial(host) != held
    assert host.run("systemctl show -p MainPID --value apache2").stdout == apache, "certbot came through our Apache"
    assert host.verify().rc == 0, "the webmail trusts it, too"
    assert host.converge(settings).changes == 0


@pytest.mark.webmail
@pytest.mark.releases("debian-13")
def test_a_silent_ca_costs_nothing_but_a_warning_while_the_certificate_lasts(own_mail_host: MailHost, acme_ca: AcmeLab):
    host = own_mail_host
    acme.use(host.host, acme_ca)
    for name in ("mail.example.com", "webmail.example.com", "post.example.com"):
        acme_ca.publish(name, host.address)
    silent = acme.DIRECTORY.replace(":14000", ":14001")

    run = host.converge(ordering(host, acme_ca, directory=silent))
    assert run.rc == 1, "a certificate that only holds the place is no success"
    assert "Connection refused" in run.output
    assert host.converge(ordering(host, acme_ca)).rc == 0
    good = the_serial(host)
    assert "certbot.timer" in host.verify().output
    failing = f"/usr/bin/certbot -q renew --force-renewal --no-random-sleep-on-renew --server {silent}"
    host.write("/run/systemd/system/certbot.service.d/failing.conf", f"[Service]\nExecStart=\nExecStart={failing}\n")
    host.run("systemctl daemon-reload; systemctl start certbot.service", check=False)
    verified = host.verify()
    assert verified.rc == 0, "the old certificate lasts"
    assert re.search(r"served, 89 days left; the last renewal failed: .*Connection refused", verified.output), (
        verified.output
    )
    host.run("rm -r /run/systemd/system/certbot.service.d; systemctl daemon-reload")

    run = host.converge(ordering(host, acme_ca, directory=silent))
    assert run.rc == 0, run.output
    assert "no new certificate, the old one stays" in run.output
    assert the_serial(host) == good
    assert "Connection refused" in host.verify().output

    run = host.converge(ordering(host, acme_ca, {"webmail": {"hostname": "post.example.com"}}, directory=silent))
    assert run.rc == 1, "the old certificate lacks a name"
    assert the_serial(host) == good


def published(host: MailHost, acme_ca: AcmeLab) -> list[str]:
    """The digests of port 25's keys in the DNS."""
    said = acme_ca.host.run("dig +short @127.0.0.1 TLSA _25._tcp.mail.example.com").stdout
    return sorted("".join(line.split()[3:]).lower() for line in said.splitlines())


def digest(host: MailHost, key: str) -> str:
    made = f"openssl pkey -in /etc/ssl/posthaus/{key} -pubout -outform DER | sha256sum | cut -c1-64"
    return host.run(made).stdout.strip()


def roll(host: MailHost) -> Any:
    return host.pyinfra("deploys/rollover.py", "-y")


@pytest.mark.webmail
def test_the_next_key_is_published_before_it_is_served_and_a_renewal_changes_neither(
    own_mail_host: MailHost, acme_ca: AcmeLab
):
    host = own_mail_host
    acme.use(host.host, acme_ca)
    for name in ("mail.example.com", "webmail.example.com"):
        acme_ca.publish(name, host.address)
    dns = {"mode": "rfc2136", "server": acme_ca.address, "key": {"file": "acme.key"}, "ttl": 60}
    of_host = {"tlsa": True, "verify": False, "resolver": acme_ca.address, "blocklists": []}
    changes = {"dns": of_host, "domains": {"example.com": {"dns": dns}, "example.net": None}}
    settings = ordering(host, acme_ca, changes)
    run = host.converge(settings)
    assert run.rc == 0, run.output
    assert host.run("stat -c %a%U /etc/ssl/posthaus/next-privkey.pem").stdout == "600root\n"
    first, second = digest(host, "privkey.pem"), digest(host, "next-privkey.pem")
    assert first != second
    again = host.converge(settings)
    assert (again.rc, again.changes) == (0, 0), again.output

    run = roll(host)
    assert run.rc == 1
    assert f"ca.acme.test lacks _25._tcp.mail.example.com TLSA 3 1 1 {second}" in run.output
    host.pyinfra("deploys/dns.py", "-y")
    assert published(host, acme_ca) == sorted([first, second])
    host.run(f"{RENEW} -q --force-renewal")
    assert (digest(host, "privkey.pem"), digest(host, "next-privkey.pem")) == (first, second)

    before = the_serial(host)
    for _ in range(2):
        run = roll(host)
        assert run.rc == 1, "others may still remember the record without the next key"
        assert "run this again then" in run.output
    assert the_serial(host) == before
    host.run("awk '{print $1, $2 - 61}' /var/lib/posthaus/next-key-seen >/tmp/seen")  # a minute goes by
    host.run("cat /tmp/seen >/var/lib/posthaus/next-key-seen")
    archive = "ls /etc/letsencrypt/archive/posthaus; readlink /etc/letsencrypt/live/posthaus/*.pem"
    run_foundation = host.run(archive).stdout

    host.say(ordering(host, acme_ca, changes, directory=acme.DIRECTORY.replace(":14000", ":14001")))
    run = roll(host)
    assert run.rc == 1
    assert "Connection refused" in run.output
    assert (the_serial(host), host.run(archive).stdout) == (before, run_foundation), "certbot has the old key again"
    host.say(settings)
    run = roll(host)
    assert run.rc == 0, run.output
    assert the_serial(host) != before
    third = digest(host, "next-privkey.pem")
    assert digest(host, "privkey.pem") == second
    assert third not in (first, second)
    assert second in published(host, acme_ca), "what is served was published before"
    host.pyinfra("deploys/dns.py", "-y")
    assert published(host, acme_ca) == sorted([second, third])
    host.run(f"{RENEW} -q --force-renewal")
    assert digest(host, "privkey.pem") == second
    again = host.converge(settings)
    assert (again.rc, again.changes) == (0, 0), again.output


@pytest.mark.webmail
@pytest.mark.releases("debian-12")
def test_no_key_is_lost_on_the_way_to_other_sources_and_back(own_mail_host: MailHost, acme_ca: AcmeLab):
    host = own_mail_host
    acme.use(host.host, acme_ca)
    for name in ("mail.example.com", "webmail.example.com"):
        acme_ca.publish(name, host.address)
    local = host.run("sha256sum /etc/ssl/posthaus/ca/*.key").stdout
    assert host.converge(ordering(host, acme_ca)).rc == 0
    keys, orders, ordered = host.run(KEYS).stdout, acme_ca.orders, the_serial(host)

    run = host.converge(example())
    assert run.rc == 0, run.output
    assert the_serial(host) != ordered
    assert host.run("sha256sum /etc/ssl/posthaus/ca/*.key").stdout == local
    assert host.run("ls /etc/letsencrypt/renewal-hooks/deploy", check=False).stdout == ""
    assert "autorenew = False" in host.read("/etc/letsencrypt/renewal/posthaus.conf").decode()
    assert host.converge(example()).changes == 0

    assert host.converge(ordering(host, acme_ca)).rc == 0
    assert (host.run(KEYS).stdout, acme_ca.orders, the_serial(host)) == (keys, orders, ordered)
    assert host.converge(ordering(host, acme_ca)).changes == 0


@pytest.mark.webmail
@pytest.mark.releases("debian-12")
def test_the_hook_alone_brings_a_certificate_to_every_port_and_refuses_a_wrong_key(
    own_mail_host: MailHost, acme_ca: AcmeLab
):
    host = own_mail_host
    acme.use(host.host, acme_ca)
    for name in ("mail.example.com", "webmail.example.com"):
        acme_ca.publish(name, host.address)
    challenge = {"rfc2136": {"server": acme_ca.address, "key": {"file": "acme.key"}, "wait": 1}}
    settings = ordering(host, acme_ca, challenge=challenge)
    run = host.converge(settings)
    assert run.rc == 0, run.output
    assert "authenticator = dns-rfc2136" in host.read("/etc/letsencrypt/renewal/posthaus.conf").decode()
    assert host.run("stat -c %a%U /etc/letsencrypt/posthaus/rfc2136.ini").stdout == "600root\n"
    assert acme_ca.key.split('"')[3] not in run.output + run.stdout
    assert host.converge(settings).changes == 0

    before = the_serial(host)
    host.run(f"{RENEW} -q --force-renewal --no-directory-hooks")
    assert the_serial(host) == before, "the hook has not run yet"
    host.run("run-parts --exit-on-error /etc/letsencrypt/renewal-hooks/deploy")
    after = the_serial(host)
    assert after != before

    host.run(
        "cd /etc/letsencrypt/live/posthaus && rm privkey.pem && "
        "openssl ecparam -name prime256v1 -genkey -out privkey.pem"
    )
    run = host.run("run-parts --exit-on-error /etc/letsencrypt/renewal-hooks/deploy", check=False)
    assert run.returncode == 1
    assert "the key does not belong to the certificate" in run.stderr
    assert the_serial(host) == after
