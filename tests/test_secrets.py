"""Password hashes, the relayhost's secret, certificates: read whole, never shown."""

import string
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from deploys.config.password import argon2, unix
from deploys.config.warnings import warnings
from tests.declared import context
from tests.settings import ARGON2, BCRYPT, SECRET, SHA512, about
from tests.test_tls import certify

# --- Certificates ----------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path):
    """A chain and its key, written where mail.yaml is; the options that name them."""
    now = datetime.now(UTC)
    begin, end = now - timedelta(days=1), now + timedelta(days=30)
    ca = certify("CA", ca=True, begin=begin, end=end)

    def made(*names, stem=""):
        leaf = certify("mail", ca, names, begin=begin, end=end)
        (tmp_path / f"{stem}chain.pem").write_bytes(leaf.pem + ca.pem)
        (tmp_path / f"{stem}key.pem").write_bytes(leaf.key_pem)
        (tmp_path / f"{stem}key.pem").chmod(0o600)
        return {"certificate": f"{stem}chain.pem", "key": f"{stem}key.pem"}

    return made


NAMES = ("mail.example.org", "webmail.example.org")


def test_a_certificate_of_ones_own_is_found_from_the_directory_of_mail_yaml(accepted, certificate, tmp_path):
    mail = accepted(tls=certificate(*NAMES), clients=False)
    assert (mail.tls.certificate, mail.tls.key) == (tmp_path / "chain.pem", tmp_path / "key.pem")
    assert warnings(mail) == []


def test_a_certificate_that_does_not_cover_the_webmail_is_refused(refusal, certificate):
    assert "does not cover webmail.example.org" in about(refusal(tls=certificate(NAMES[0])), "tls.certificate")


def test_the_key_of_another_certificate_is_refused(refusal, certificate, tmp_path):
    tls = certificate(*NAMES)
    (tmp_path / "key.pem").write_bytes(certify("other").key_pem)
    assert "belongs to another certificate" in about(refusal(tls=tls), "tls.key")


def test_further_names_have_certificates_of_their_own_and_the_server_s_need_not_cover_them(accepted, certificate):
    further = {"webmail.example.org": certificate("webmail.example.org", stem="other-")}
    mail = accepted(tls={**certificate(NAMES[0]), "sni": further}, clients=False)
    assert mail.names == ("mail.example.org",)
    assert mail.tls.chain_of("webmail.example.org") == "/etc/ssl/posthaus-sni/webmail.example.org/fullchain.pem"
    assert mail.tls.chain_of("mail.example.org") == mail.tls.chain_path


def test_what_is_wrong_with_a_further_name_is_said_at_its_own_place(refusal, certificate, tmp_path):
    further = {"mail.example.net": certificate("mail.example.com", stem="other-")}
    place = "tls.sni.mail.example.net"
    assert "does not cover mail.example.net" in about(refusal(tls={"sni": further}), f"{place}.certificate")
    (tmp_path / "other-key.pem").write_bytes(certify("other").key_pem)
    assert "belongs to another certificate" in about(refusal(tls={"sni": further}), f"{place}.key")
    own = {"mail.example.org": certificate("mail.example.org", stem="own-")}
    assert "write its certificate and key at tls itself" in about(refusal(tls={"sni": own}), "tls.sni.mail.example.org")
    nowhere = {"mail.example.net": {"certificate": "nowhere.pem"}}
    assert "is missing" in about(refusal(tls={"sni": nowhere}), f"{place}.key")


def test_a_key_that_everybody_can_read_is_a_warning(accepted, certificate, tmp_path):
    tls = certificate(*NAMES)
    (tmp_path / "key.pem").chmod(0o644)
    (warning,) = warnings(accepted(tls=tls, clients=False))
    assert warning.startswith("tls.key: ")
    assert "chmod 600" in warning


# --- Passwords -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (ARGON2, ARGON2),
        (ARGON2.removeprefix("{ARGON2ID}"), ARGON2),
        (SHA512, "{SHA512-CRYPT}" + SHA512),
        ("{SHA512-CRYPT}" + SHA512, "{SHA512-CRYPT}" + SHA512),
        ("{crypt}" + SHA512, "{SHA512-CRYPT}" + SHA512),
        ("$5$rounds=5000$salt$" + "a" * 43, "{SHA256-CRYPT}$5$rounds=5000$salt$" + "a" * 43),
        (BCRYPT, "{BLF-CRYPT}" + BCRYPT),
        (BCRYPT.replace("$2b$", "$2y$"), "{BLF-CRYPT}" + BCRYPT.replace("$2b$", "$2y$")),
        (BCRYPT.replace("$2b$", "$2a$"), "{BLF-CRYPT}" + BCRYPT.replace("$2b$", "$2a$")),
        ("$y$j9T$salt$" + "a" * 43, "{CRYPT}$y$j9T$salt$" + "a" * 43),
    ],
)
def test_hashes_that_both_dovecots_read_are_taken_with_or_without_their_scheme(accepted, said, kept):
    mailbox = accepted(mailboxes={"a@example.org": {"password": said}}).mailboxes["a@example.org"]
    assert mailbox.password == kept
    assert mailbox.crypt == kept.partition("}")[2]


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (SECRET, "clear text or an unknown kind"),
        ("{PLAIN}" + SECRET, "is clear text"),
        ("{CLEARTEXT}" + SECRET, "is clear text"),
        ("$1$salt$" + SECRET, "MD5"),
        ("{MD5-CRYPT}$1$salt$" + SECRET, "MD5"),
        ("{SSHA}" + SECRET, "is not a whole SSHA hash"),
        (SECRET + ":x", "a colon"),
        (SECRET + " x", "a blank"),
        (SECRET + "\n", "a control character"),
        (SHA512[:-1], "is not a whole SHA512-CRYPT hash"),
        (ARGON2 + "=", "is not a whole ARGON2ID hash"),
        ("{BLF-CRYPT}" + SHA512, "before a hash of another kind; write {SHA512-CRYPT}"),
        ("$HOME", "clear text"),
        ("#hash", "clear text"),
        ("100%u", "clear text"),
        ("é€ß", "clear text"),
    ],
)
def test_anything_else_is_refused_without_showing_it(refusal, said, wrong):
    reason = about(refusal(mailboxes={"a@example.org": {"password": said}}), "mailboxes.a@example.org.password")
    assert wrong in reason
    assert said not in reason
    assert "script/password" in reason or "write {SHA512-CRYPT}" in reason


def test_a_mailbox_without_a_password_is_refused(refusal):
    reason = about(refusal(mailboxes={"a@example.org": {}}), "mailboxes.a@example.org.password")
    assert "is missing, so nobody could log in; script/password" in reason


def test_no_repr_shows_a_hash_or_a_secret(accepted, monkeypatch):
    monkeypatch.setenv("RELAY_PASSWORD", SECRET)
    relayhost = {"host": "smtp.example.net", "username": "tito", "password": {"env": "RELAY_PASSWORD"}}
    mail = accepted(relayhost=relayhost)
    assert mail.relayhost.password.get_secret_value() == SECRET
    for shown in (repr(mail), repr(mail.directory), repr(context(mail)), str(mail.to_json())):
        assert SECRET not in shown
        assert "argon2id" not in shown


# --- Secrets of the relayhost ----------------------------------------------------------------------------------------


ODD = ["a b", " lead", 'foo\\"bar', "it's", "a:b", "{PLAIN}x", "$HOME", "100%u", "#hash", "`id`", ";reboot"]
ODD += ["é€ß 漢", "p*ss?", "a" * 100 + "Z", "%s{0}", "\\n", "'", '"', "x" * 5000]
_random = Random(7)
ODD += ["".join(_random.choices(string.printable[:95] + "éß漢€", k=_random.randint(1, 40))).rstrip() for _ in range(50)]


@pytest.mark.parametrize("secret", ODD)
def test_every_character_of_a_secret_in_a_file_is_kept(accepted, tmp_path, secret):
    (tmp_path / "relay.secret").write_bytes(f"{secret}\n".encode())
    relayhost = {"host": "smtp.example.net", "username": "tito", "password": {"file": "relay.secret"}}
    assert accepted(relayhost=relayhost).relayhost.password.get_secret_value() == secret


def test_a_password_that_postfix_would_cut_is_refused_and_not_shown(refusal, tmp_path):
    (tmp_path / "relay.secret").write_text("trailing blank \n")
    relayhost = {"host": "smtp.example.net", "username": "tito", "password": {"file": "relay.secret"}}
    reason = about(refusal(relayhost=relayhost), "relayhost.password")
    assert "ends with a blank" in reason
    assert "trailing" not in reason


def test_a_file_of_one_secret_may_end_as_windows_ends_lines(accepted, tmp_path):
    (tmp_path / "s").write_bytes(b"one\r\n")
    mail = accepted(relayhost={"host": "smtp.example.net", "username": "tito", "password": {"file": "s"}})
    assert mail.relayhost.password.get_secret_value() == "one"


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ({"file": "absent"}, "cannot be read (No such file"),
        ({"file": "empty"}, "the secret is empty"),
        ({"file": "two-lines"}, "put it there on one line"),
        ({"file": "latin"}, "is not UTF-8"),
        ({"env": "NOT_SET_ANYWHERE"}, "no environment variable NOT_SET_ANYWHERE is set"),
        ({"env": SECRET}, "no environment variable of that name is set"),
        ({"file": "a", "env": "B"}, "write {file: path} or {env: NAME}"),
        ({"fiel": "a"}, "write {file: path} or {env: NAME}"),
        (1234, "write {file: path} or {env: NAME}"),
    ],
)
def test_a_secret_that_cannot_be_had_is_refused(refusal, tmp_path, password, reason):
    (tmp_path / "empty").write_text("")
    (tmp_path / "two-lines").write_text(f"{SECRET}\n{SECRET}\n")
    (tmp_path / "latin").write_bytes(b"\xfc\n")
    relayhost = {"host": "smtp.example.net", "username": "tito", "password": password}
    assert reason in about(refusal(relayhost=relayhost), "relayhost.password")


@pytest.mark.parametrize(
    ("relayhost", "key", "right"),
    [
        ({}, "relayhost.host", "is missing"),
        ({"host": "[smtp.example.net]:587"}, "relayhost.host", "letters, digits and inner hyphens"),
        ({"host": "smtp.example.net", "username": "tito"}, "relayhost.password", "write both or neither"),
        ({"host": "smtp.example.net", "port": 465}, "relayhost.port", "add tls: implicit"),
        ({"host": "smtp.example.net", "tls": "implicit"}, "relayhost.port", "write tls: starttls, or port: 465"),
        ({"host": "smtp.example.net", "tls": "none"}, "relayhost.tls", "write 'starttls' or 'implicit'"),
    ],
)
def test_a_relayhost_that_makes_no_sense_is_refused(refusal, relayhost, key, right):
    assert right in about(refusal(relayhost=relayhost), key)


# --- script/password -------------------------------------------------------------------------------------------------


def test_made_hashes_are_what_mail_yaml_takes(accepted):
    made = {"a@example.org": {"password": argon2("a b:c'\"#é")}, "b@example.org": {"password": unix("a b:c'\"#é")}}
    mail = accepted(mailboxes=made)
    assert mail.mailboxes["a@example.org"].password.startswith("{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$")
    assert mail.mailboxes["b@example.org"].password.startswith("{BLF-CRYPT}$2b$")
    accepted(accounts="system", mailboxes={"b@example.org": made["b@example.org"]})


def test_a_password_that_bcrypt_would_cut_is_refused():
    with pytest.raises(ValueError, match="more than 72 bytes"):
        unix("é" * 37)
