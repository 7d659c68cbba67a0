"""From end to end: options, a host's own keys, files on the workstation, and a name server that takes updates."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from deploys.config.reading.errors import SettingsError
from deploys.records.collect import contexts
from deploys.records.options import Records
from deploys.records.resolver import Resolver
from facts.dns import Publishable
from tests.dns_server import KEY, SECRET, authoritative, needs

ROOT = Path(__file__).parents[1]
HASH = "{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$s2eARlyVNW6GgIZ9/BE/mw$dPAD+YIMY9Q/7PvFx2jsDdtfy2QLgPOnM7vW50e1cWI"
SETTINGS = f"""\
hostname: mail.example.com
domains: [example.com, example.net]
mailboxes: {{tito@example.com: {{password: "{HASH}"}}}}
"""
BARE = "$TTL 300\n@ IN SOA ns1 hostmaster 1 3600 600 86400 300\n@ IN NS ns1\nns1 IN A 192.0.2.53\nwww IN A 192.0.2.80\n"


@dataclass
class Site:
    """An operator's directory, whose only host is this machine."""

    home: Path
    port: int

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("pyinfra")), *options, "inventory.py", "deploys/dns.py"]
        environment = {**os.environ, "POSTHAUS_SITE": str(self.home), "HOME": str(self.home)}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)

    def held(self, name: str, kind: str) -> tuple[str, ...]:
        return tuple(sorted(Resolver("127.0.0.1", self.port).ask(name, kind).values))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home, keys = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("keys")
    rsa, ed = generate_private_key(65537, 2048), Ed25519PrivateKey.generate()
    pem = rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (keys / "example.com.mail.key").write_bytes(pem)
    seed = ed.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    (keys / "example.com.mail-ed25519.key").write_bytes(base64.b64encode(seed))  # as rspamd keeps it
    (home / "rsa").write_text(_base64(rsa.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)))
    (home / "ed").write_text(_base64(ed.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)))
    (home / "mail.yaml").write_text(SETTINGS)
    (home / "key").write_text(f'key "{KEY}" {{\n\talgorithm hmac-sha256;\n\tsecret "{SECRET}";\n}};\n')
    with authoritative(tmp_path_factory.mktemp("dns"), {"example.com": BARE}) as port:
        updated = {"mode": "rfc2136", "server": "127.0.0.1", "port": port, "key": {"file": "key"}}
        settings = {"addresses": ["192.0.2.25"], "keys": str(keys), "domains": {"example.com": {"dns": updated}}}
        (home / "inventory.py").write_text(f"mail = [('@local', {{'dns': {settings!r}}})]\n")
        yield Site(home, port)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@needs("named")
def test_one_command_writes_the_files_prints_the_table_and_updates_the_server(site: Site):
    run = site.run("-y")
    assert run.returncode == 0, run.stderr
    assert sorted(path.name for path in (site.home / "dns").iterdir()) == [
        f"example.{domain}.{kind}" for domain in ("com", "net") for kind in ("txt", "yaml", "zone")
    ]
    assert (site.home / "dns" / "example.net.txt").read_text() in run.stderr
    assert "25.2.0.192.in-addr.arpa." in run.stderr
    assert site.held("example.com", "MX") == ("10 mail.example.com.",)
    assert site.held("www.example.com", "A") == ("192.0.2.80",)
    assert SECRET not in run.stdout + run.stderr


@needs("named")
def test_the_published_keys_are_those_that_the_host_signs_with(site: Site):
    assert site.run("-y").returncode == 0
    texts = {
        selector: Resolver("127.0.0.1", site.port).ask(f"{selector}._domainkey.example.com", "TXT").texts
        for selector in ("mail", "mail-ed25519")
    }
    assert texts == {
        "mail": (f"v=DKIM1; k=rsa; p={(site.home / 'rsa').read_text()}",),
        "mail-ed25519": (f"v=DKIM1; k=ed25519; p={(site.home / 'ed').read_text()}",),
    }


@needs("named")
def test_a_second_run_changes_nothing_and_a_dry_one_never_does(site: Site):
    assert site.run("-y").returncode == 0
    before = {path.name: path.read_bytes() for path in (site.home / "dns").iterdir()}
    again = site.run("--json", "-y")
    assert again.returncode == 0, again.stderr
    totals = json.loads(again.stdout)["results"]["totals"]
    assert (totals["success"], totals["error"]) == (0, 0)
    assert SECRET not in again.stdout + again.stderr
    assert {path.name: path.read_bytes() for path in (site.home / "dns").iterdir()} == before
    (site.home / "dns" / "example.net.txt").unlink()
    assert site.run("--dry").returncode == 0
    assert not (site.home / "dns" / "example.net.txt").exists()


def test_bad_settings_end_the_run_with_a_sentence_and_write_nothing(tmp_path: Path):
    (tmp_path / "mail.yaml").write_text(SETTINGS)
    settings = "{'domains': {'example.com': {'dns': {'nameservers': {'ns1.example.com': []}}}}}"
    (tmp_path / "inventory.py").write_text(f"mail = [('@local', {{'dns': {settings}}})]\n")
    run = Site(tmp_path, 0).run("-y")
    assert run.returncode != 0
    assert "ns1.example.com is inside example.com; say its addresses" in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "dns").exists()


def test_options_for_an_unknown_domain_are_refused():
    settings = Records.model_validate({"domains": {"example.org": {}}})
    with pytest.raises(SettingsError, match=r"example\.org: is not among domains"):
        contexts("mail.example.com", ["example.com"], None, ["imap"], settings, Publishable())


def test_a_domain_consents_to_the_reports_that_another_one_sends_here():
    settings = Records.model_validate({"domains": {"example.net": {"dmarc": {"rua": ["dmarc@example.com"]}}}})
    com, net = contexts("mail.example.com", ["example.com", "example.net"], None, ["imap"], settings, Publishable())
    assert (com.reports_for, net.reports_for) == (("example.net",), ())


def test_the_hosts_public_addresses_are_published_and_its_private_ones_only_without_any():
    on_host = Publishable(v4=("192.0.2.1",), v6=("2001:db8::1",))
    seen = contexts("mail.example.com", ["example.com"], None, ["pop3"], Records(), on_host)[0]
    said = contexts("mail.example.com", ["example.com"], None, ["pop3"], Records(addresses=("192.0.2.9",)), on_host)[0]
    assert (seen.addresses, said.addresses) == (("192.0.2.1", "2001:db8::1"), ("192.0.2.9",))
    assert seen.offered == {"pop3", "pop3s", "submission", "submissions"}
