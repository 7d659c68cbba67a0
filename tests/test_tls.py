"""A certificate that would not work is refused before any service is touched, with what would be right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import NameOID

from deploys.components.tls.render import files
from deploys.values.certificates import problems, root

NOW = datetime(2026, 11, 25, tzinfo=UTC)
NAMES = ("mail.example.com", "webmail.example.com")
SIGNS = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
    key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
)  # fmt: skip


@dataclass(frozen=True)
class Certified:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: CertificateIssuerPrivateKeyTypes

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.locked_pem(None)

    def locked_pem(self, passphrase: bytes | None) -> bytes:
        lock = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def certify(
    called: str,
    issuer: Certified | None = None,
    names: Sequence[str] = (),
    ca: bool = False,
    key: CertificateIssuerPrivateKeyTypes | None = None,
    begin: datetime = NOW - timedelta(days=30),
    end: datetime = NOW + timedelta(days=60),
) -> Certified:
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, called)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if issuer:  # Python 3.13 and later ask for this, and for the next one
        whose = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
        builder = builder.add_extension(whose, critical=False)
    if ca:
        builder = builder.add_extension(SIGNS, critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
    return Certified(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


ROOT = certify("Root", ca=True)
MIDDLE = certify("Middle", ROOT, ca=True)
LEAF = certify("Leaf", MIDDLE, NAMES)
CHAIN = LEAF.pem + MIDDLE.pem


def the_problem(chain: bytes, key: bytes, names: Sequence[str] = NAMES, now: datetime = NOW) -> str:
    [problem] = problems(chain, key, names, now)
    return problem


@pytest.mark.parametrize("chain", [CHAIN, CHAIN + ROOT.pem])
def test_a_full_chain_with_its_key_is_good(chain: bytes):
    assert problems(chain, LEAF.key_pem, NAMES, NOW) == []


def test_a_wildcard_covers_one_label_and_not_the_bare_domain():
    leaf = certify("Leaf", MIDDLE, ["*.example.com"])
    assert problems(leaf.pem + MIDDLE.pem, leaf.key_pem, NAMES, NOW) == []
    problem = the_problem(leaf.pem + MIDDLE.pem, leaf.key_pem, ["example.com", "a.b.example.com", "mail.example.com"])
    assert "does not cover example.com, a.b.example.com: it is for *.example.com" in problem


def test_a_self_signed_certificate_of_ones_own_is_good():
    leaf = certify("Own", names=NAMES)
    assert problems(leaf.pem, leaf.key_pem, NAMES, NOW) == []


def test_a_leaf_alone_lacks_its_issuer():
    problem = the_problem(LEAF.pem, LEAF.key_pem)
    assert "lacks the issuer of “CN=Leaf”: append the certificate of “CN=Middle”" in problem


def test_an_intermediate_left_out_is_named():
    assert "after “CN=Leaf” comes its issuer “CN=Middle”, not “CN=Root”" in the_problem(
        LEAF.pem + ROOT.pem, LEAF.key_pem
    )


def test_a_chain_that_begins_with_the_intermediate_is_told_the_right_order():
    problem = the_problem(MIDDLE.pem + LEAF.pem, LEAF.key_pem)
    assert "begins with “CN=Middle”; the server's own certificate, “CN=Leaf”, comes first" in problem


def test_the_key_of_another_certificate_is_refused_without_showing_it():
    other = certify("Other")
    problem = the_problem(CHAIN, other.key_pem)
    assert problem.startswith("tls.key belongs to another certificate than “CN=Leaf”")
    assert other.key_pem.decode().splitlines()[1] not in problem


def test_a_locked_key_is_refused_with_the_way_to_unlock_it():
    problem = the_problem(CHAIN, LEAF.locked_pem(b"secret"))
    assert problem.startswith("tls.key is locked with a passphrase")
    assert "openssl pkey -in" in problem


def test_an_expired_certificate_is_refused_with_its_date():
    leaf = certify("Leaf", MIDDLE, NAMES, end=NOW - timedelta(days=1))
    assert "“CN=Leaf” expired on 2026-11-24; renew it" in the_problem(leaf.pem + MIDDLE.pem, leaf.key_pem)


def test_an_expired_intermediate_counts_too():
    middle = certify("Middle", ROOT, ca=True, end=NOW)
    leaf = certify("Leaf", middle, NAMES)
    assert "“CN=Middle” expired" in the_problem(leaf.pem + middle.pem, leaf.key_pem)


def test_a_certificate_of_tomorrow_is_refused_today():
    leaf = certify("Leaf", MIDDLE, NAMES, begin=NOW + timedelta(hours=6))
    assert "valid only from 2026-11-25 06:00 UTC" in the_problem(leaf.pem + MIDDLE.pem, leaf.key_pem)


def test_a_certificate_without_alternative_names_covers_nothing():
    leaf = certify("mail.example.com", MIDDLE)
    assert "it is for no DNS name" in the_problem(leaf.pem + MIDDLE.pem, leaf.key_pem)


def test_a_key_that_clients_refuse_as_too_short_is_refused_here():
    leaf = certify("Leaf", MIDDLE, NAMES, key=rsa.generate_private_key(65537, 1024))
    assert "RSA key of 1024 bits" in the_problem(leaf.pem + MIDDLE.pem, leaf.key_pem)


def test_files_in_each_others_place_are_recognised():
    found = problems(LEAF.key_pem, CHAIN, NAMES, NOW)
    assert "tls.certificate holds a private key" in found[0]
    assert "tls.key holds no private key" in found[1]


def test_all_that_is_wrong_is_said_at_once():
    leaf = certify("Leaf", MIDDLE, ["www.example.com"], end=NOW - timedelta(days=1))
    assert len(problems(leaf.pem, certify("Other").key_pem, NAMES, NOW)) == 3


def test_only_a_root_in_the_chain_is_trusted_by_the_host():
    assert root(CHAIN) is None
    assert root(CHAIN + ROOT.pem) == ROOT.pem.decode()
    assert root(certify("Own", names=NAMES).pem) is None


def test_the_key_is_for_root_alone_and_the_chain_for_all():
    given = files(CHAIN, LEAF.key_pem)
    assert {path: file.mode for path, file in given.items()} == {"fullchain.pem": "0644", "privkey.pem": "0600"}
    assert given["privkey.pem"].data == LEAF.key_pem
    assert LEAF.key_pem.decode() not in repr(given)
