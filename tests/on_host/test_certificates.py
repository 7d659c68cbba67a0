"""The local CA, the operator's own certificate, and the way from one to the other: no key is ever lost."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lab.mailhost import MailHost
from tests.on_host.foundation import run_foundation
from tests.on_host.settings import example
from tests.test_tls import NAMES, certify

pytestmark = pytest.mark.host

DIRECTORY = "/etc/ssl/posthaus"
VERIFY = f"openssl verify -x509_strict -verify_hostname {{}} -purpose sslserver {DIRECTORY}/fullchain.pem"
KEYS = f"sha256sum {DIRECTORY}/ca/ca.key {DIRECTORY}/ca/leaf.key {DIRECTORY}/privkey.pem | cut -c1-64"
NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = {"begin": NOW - timedelta(days=1), "end": NOW + timedelta(days=60)}
ROOT = certify("Root", ca=True, **TODAY)
MIDDLE = certify("Middle", ROOT, ca=True, **TODAY)
LEAF = certify("Leaf", MIDDLE, NAMES, **TODAY)
TRUSTS = "stat -c '%i %Y' /etc/ssl/certs/ca-certificates.crt"
BARE = {"packages": ["openssl", "ca-certificates"]}


def test_the_local_ca_is_trusted_and_certifies_every_name(bare_host: MailHost, tmp_path: Path):
    run = run_foundation(tmp_path, bare_host, **BARE, names=NAMES)
    assert run.rc == 0, run.output
    keys = bare_host.run(KEYS).stdout
    for name in NAMES:
        assert "OK" in bare_host.run(VERIFY.format(name)).stdout
    assert bare_host.run(f"stat -c %a%U {DIRECTORY}/privkey.pem {DIRECTORY}/ca/*.key").stdout == "600root\n" * 3
    context = ssl.create_default_context(cadata=bare_host.ca.read_text())
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # what Python 3.13 and later ask of a CA
    assert len(context.get_ca_certs()) == 1
    assert run_foundation(tmp_path, bare_host, **BARE, names=NAMES).changes == 0

    trusted = bare_host.run(TRUSTS).stdout
    more = [*NAMES, "mail.example.net"]
    assert run_foundation(tmp_path, bare_host, **BARE, names=more).changes == 1
    assert bare_host.run(TRUSTS).stdout == trusted, "the same CA is no reason to read all that Debian trusts"
    assert "OK" in bare_host.run(VERIFY.format("mail.example.net")).stdout
    assert bare_host.run(KEYS).stdout == keys
    assert run_foundation(tmp_path, bare_host, **BARE, names=more).changes == 0


@pytest.mark.releases("debian-13")
def test_a_certificate_near_its_end_or_damaged_is_issued_anew_for_the_same_key(bare_host: MailHost, tmp_path: Path):
    run_foundation(tmp_path, bare_host, **BARE, names=NAMES)
    keys = bare_host.run(KEYS).stdout
    short = (
        f"cd {DIRECTORY}/ca && openssl x509 -in leaf.pem -signkey leaf.key -days 29 -out new && mv new leaf.pem",
        f"rm {DIRECTORY}/fullchain.pem",
        f"chmod 644 {DIRECTORY}/privkey.pem",
        "rm /usr/local/share/ca-certificates/posthaus.crt && update-ca-certificates --fresh",
        "rm /etc/ssl/certs/ca-certificates.crt",
        f"rm {DIRECTORY}/ca/ca.pem",
    )
    for damage in short:
        bare_host.run(damage)
        run = run_foundation(tmp_path, bare_host, **BARE, names=NAMES)
        assert (run.rc, run.changes) == (0, 1), f"{damage}\n{run.output}"
        assert "OK" in bare_host.run(VERIFY.format(NAMES[0])).stdout
        assert bare_host.run(KEYS).stdout == keys
        assert run_foundation(tmp_path, bare_host, **BARE, names=NAMES).changes == 0


def test_from_the_local_ca_to_own_files_and_back(bare_host: MailHost, tmp_path: Path):
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(LEAF.pem + MIDDLE.pem + ROOT.pem)
    key.write_bytes(LEAF.key_pem)
    own = {"certificate": str(chain), "key": str(key), "names": NAMES}
    assert run_foundation(tmp_path, bare_host, **BARE, names=NAMES).rc == 0
    local = bare_host.run(KEYS).stdout

    run = run_foundation(tmp_path, bare_host, **BARE, **own)
    assert (run.rc, run.changes) == (0, 2), run.output
    assert LEAF.key_pem.decode().splitlines()[1] not in run.output + run.stdout
    assert bare_host.read(f"{DIRECTORY}/privkey.pem") == LEAF.key_pem
    assert bare_host.run(f"stat -c %a%U {DIRECTORY}/privkey.pem").stdout == "600root\n"
    assert bare_host.run("grep -c BEGIN /usr/local/share/ca-certificates/posthaus.crt").stdout == "1\n"
    assert run_foundation(tmp_path, bare_host, **BARE, **own).changes == 0

    assert run_foundation(tmp_path, bare_host, **BARE, names=NAMES).changes == 1
    assert bare_host.run(KEYS).stdout == local
    assert run_foundation(tmp_path, bare_host, **BARE, names=NAMES).changes == 0


@pytest.mark.releases("debian-13")
def test_a_certificate_that_does_not_serve_is_refused_and_the_old_one_stays(bare_host: MailHost, tmp_path: Path):
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    run_foundation(tmp_path, bare_host, **BARE, names=NAMES)
    before = bare_host.run(f"sha256sum {DIRECTORY}/*.pem").stdout
    chain.write_bytes(LEAF.pem)
    key.write_bytes(certify("Other").key_pem)
    run = run_foundation(tmp_path, bare_host, **BARE, certificate=str(chain), key=str(key), names=NAMES)
    assert run.rc == 1
    assert "refused" in run.output
    assert "Traceback" not in run.output
    assert bare_host.run(f"sha256sum {DIRECTORY}/*.pem").stdout == before


TRUSTED = "/usr/local/share/ca-certificates/test-root.crt"
BY_NAME = ("mail.example.net", "webmail.example.com")


@pytest.mark.webmail
def test_a_further_name_is_shown_its_own_certificate_and_everybody_else_the_server_s(mail_host: MailHost):
    host, named = mail_host, {}
    host.say()
    for name in BY_NAME:
        leaf = certify(name, MIDDLE, [name], **TODAY)
        (host.site / f"{name}.pem").write_bytes(leaf.pem + MIDDLE.pem)
        (host.site / f"{name}.key").write_bytes(leaf.key_pem)
        named[name] = {"certificate": f"{name}.pem", "key": f"{name}.key"}
    settings = example(tls={"sni": named})
    run = host.converge(settings)
    assert run.rc == 0, run.output
    served = "openssl x509 -noout -serial -in {}"
    own = host.run(served.format(f"{DIRECTORY}/fullchain.pem")).stdout
    ports = {"465": "", "587": "-starttls smtp", "25": "-starttls smtp", "993": "", "143": "-starttls imap"}
    for name in BY_NAME:
        serial = host.run(served.format(f"{DIRECTORY}-sni/{name}/fullchain.pem")).stdout
        assert serial != own
        web = {"443": ""} if name.startswith("webmail") else {}
        for port, how in (ports | web).items():
            assert shown(host, port, how, name) == serial, (port, name)
    for port, how in ports.items():
        assert shown(host, port, how, "mail.example.com") == own, port
        assert shown(host, port, how, "nobody.example.com") == own, port
    modes = host.run(f"stat -c '%a %U' {DIRECTORY}-sni/*/privkey.pem").stdout
    assert modes == "600 root\n" * 2
    assert host.run("grep -rl 'PRIVATE KEY' /etc/postfix /etc/dovecot/dovecot.conf", check=False).stdout == ""
    again = host.converge(settings)
    assert (again.rc, again.changes) == (0, 0), again.output
    assert "clients refuse it" in host.verify().output, "nobody trusts who signed them"
    host.write(TRUSTED, ROOT.pem)
    host.run("update-ca-certificates")
    verified = host.verify()
    host.run(f"rm {TRUSTED}; update-ca-certificates --fresh")
    assert verified.rc == 0, verified.output
    assert host.converge(example()).rc == 0
    assert host.run(f"ls {DIRECTORY}-sni", check=False).stdout == ""
    assert host.converge().changes == 0, "what was removed last must not look like news to anybody"
    assert shown(host, "465", "", "mail.example.net") == shown(host, "993", "", "mail.example.net")


def shown(host: MailHost, port: str, how: str, name: str) -> str:
    """The serial of what a client sees that asks for ``name``."""
    ask = f"timeout 10 openssl s_client -connect 127.0.0.1:{port} -servername {name} {how}"
    return host.run(f"{ask} </dev/null 2>/dev/null | openssl x509 -noout -serial").stdout
