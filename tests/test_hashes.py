"""Hashes of passwords: what both Dovecot generations verify is read, and what else needs is known of each."""

from __future__ import annotations

import base64

import pytest

from deploys.components.dovecot.render import dovecot_conf
from deploys.config.mailserver import MailServer
from deploys.config.warnings import warnings
from deploys.values import hashes
from tests.declared import context


def digest(size: int, salt: int = 0) -> str:
    return base64.b64encode(bytes(range(size + salt))).decode()


MD5_CRYPT = "{MD5-CRYPT}$1$nY66fYFF$Z1d.AKYgdDEcwyuCa.IJd1"
# As written, as it is kept; whether 2.4 wants a permission, whether the password is soon known, whether Unix reads it
READ = [
    ("$2y$05$" + "x" * 53, "{BLF-CRYPT}$2y$05$" + "x" * 53, False, False, True),
    ("{CRYPT}$2y$05$" + "x" * 53, "{BLF-CRYPT}$2y$05$" + "x" * 53, False, False, True),
    ("{MD5}$1$nY66fYFF$Z1d.AKYgdDEcwyuCa.IJd1", MD5_CRYPT, True, True, True),
    ("$1$nY66fYFF$Z1d.AKYgdDEcwyuCa.IJd1", MD5_CRYPT, True, True, True),
    ("{crypt}onqgrAumXdc.U", "{DES-CRYPT}onqgrAumXdc.U", True, True, True),
    ("{SSHA512}" + digest(64, 4), "{SSHA512}" + digest(64, 4), False, False, False),
    ("{ssha256.hex}" + "ab" * 36, "{SSHA256.HEX}" + "ab" * 36, False, False, False),
    ("{SHA256.B64}" + digest(32), "{SHA256.B64}" + digest(32), False, True, False),
    ("{SSHA}" + digest(20, 4), "{SSHA}" + digest(20, 4), False, True, False),
    ("{SMD5}" + digest(16, 4), "{SMD5}" + digest(16, 4), True, True, False),
    ("{PLAIN-MD5}" + "0f" * 16, "{PLAIN-MD5}" + "0f" * 16, True, True, False),
    ("{PBKDF2}$1$XbJUdLthai5Cty7F$5000$" + "0f" * 20, "{PBKDF2}$1$XbJUdLthai5Cty7F$5000$" + "0f" * 20, *[False] * 3),
    ("{CRAM-MD5}" + "0f" * 32, "{CRAM-MD5}" + "0f" * 32, False, True, False),
]
REFUSED = [
    ("{SSHA512}" + digest(64), "not a whole SSHA512 hash"),  # no salt: cut off
    ("{SSHA256}***", "not a whole SSHA256 hash"),
    ("{SHA256.ROT13}" + digest(32), "not a whole SHA256.ROT13 hash"),
    ("{MD5-CRYPT}$1$salt$short", "not a whole MD5-CRYPT hash"),
    ("$apr1$MvBmeOlM$bWlwB5jzvHZqCbjRfz9ZH1", "Apache's"),
    ("{PLAIN}secret", "clear text"),
    ("{OTP}whatever", "unknown kind"),
    ("{DIGEST-MD5}027ebda89fa481fac6d8b4cd3664830c", "unknown kind"),
    ("onqgrAumXdc.U", "clear text or an unknown kind"),
]


@pytest.mark.parametrize(("text", "kept", "permission", "soon_known", "unix"), READ, ids=lambda one: str(one)[:12])
def test_a_hash_that_a_server_had_is_read(text: str, kept: str, permission: bool, soon_known: bool, unix: bool):
    assert hashes.canonical(text) == kept
    found = hashes.needs_permission(kept), hashes.quickly_guessed(kept), hashes.unix(kept)
    assert found == (permission, soon_known, unix)


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_what_no_dovecot_of_ours_verifies_is_refused_and_not_shown(text: str, why: str):
    with pytest.raises(ValueError, match=why) as refused:
        hashes.canonical(text)
    assert text not in str(refused.value)


def server(password: str) -> MailServer:
    boxes = {"tito@example.org": {"password": password}}
    return MailServer.read({"hostname": "mail.example.org", "domains": ["example.org"], "mailboxes": boxes})


@pytest.mark.parametrize(("password", "allowed"), [(MD5_CRYPT, True), ("{SSHA}" + digest(20, 4), False)])
def test_dovecot_is_told_of_weak_schemes_where_one_is_declared_alone(password: str, allowed: bool):
    mail = server(password)
    text = dovecot_conf(context(mail, dovecot_core="2.4"))
    assert ("auth_allow_weak_schemes = yes" in text) is allowed
    assert "weak_schemes" not in dovecot_conf(context(mail, dovecot_core="2.3"))  # it has no such setting
    [warning] = [line for line in warnings(mail) if "chosen anew" in line]
    assert "tito@example.org" in warning
    assert password not in warning


def test_nobody_is_warned_of_a_good_hash():
    assert not [line for line in warnings(server("{SSHA512}" + digest(64, 4))) if "chosen anew" in line]
