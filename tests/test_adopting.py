"""What is found of a server made by hand becomes a mail.yaml that is good, whatever it holds; secrets stay in it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from deploys.adopting.description import Found, FoundAlias, FoundKey, FoundMailbox, FoundRelayhost, merged
from deploys.adopting.place import put
from deploys.adopting.report import report
from deploys.adopting.settings import NothingToAdoptError
from deploys.adopting.write import Written, written
from deploys.config import read
from deploys.config.mailserver import MailServer

HASH = "{SHA512-CRYPT}$6$salt$" + "x" * 86
PLAIN = FoundMailbox("tito@example.com", HASH)
LEAST = Found(hostname="mail.example.com", domains=("example.com",), mailboxes=(PLAIN,))


@pytest.fixture(scope="module")
def pem() -> str:
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def made(*parts: Found) -> Written:
    return written(merged(*parts), "adopted-test", "mail.example.com")


def read_back(found: Written, where: Path) -> MailServer:
    return read.settings(put(where, "adopted-test", found))


def test_what_was_found_is_read_back_from_the_file(tmp_path: Path, pem: str):
    more = Found(
        domains=("example.net",),
        mailboxes=(
            FoundMailbox("TITO@example.com", "{SSHA}other", 5 << 30, "maildir:/var/vmail/tito", name="Tito Puente"),
            FoundMailbox("ana@example.net", HASH, 0, "mbox:/a:INBOX=/b", sieve="/home/ana/.sieve", active=False),
        ),
        aliases=(FoundAlias("info@example.com", ("tito@example.com", "elsewhere@example.org")),),
        catch_all={"example.net": "ana@example.net"},
        relayhost=FoundRelayhost("smtp.example.org", 587, "tito", "the relay's password"),
        keys=(FoundKey("example.com", "default", "/etc/opendkim/default.private", pem),),
        webmail="webmail.example.com",
        vmail=(1001, 1002),
        takeover=("postfix", "dovecot"),
    )
    mail = read_back(made(LEAST, more), tmp_path)

    tito, ana = mail.mailboxes["tito@example.com"], mail.mailboxes["ana@example.net"]
    assert (tito.password, tito.quota, tito.name, tito.login) == (HASH, 5 << 30, "Tito Puente", True)
    assert (ana.quota, ana.login) == (0, False)
    assert mail.aliases == {"info@example.com": ("tito@example.com", "elsewhere@example.org")}
    assert mail.catch_all == {"example.net": "ana@example.net"}
    assert mail.relayhost
    assert mail.relayhost.password
    assert mail.relayhost.password.get_secret_value() == "the relay's password"
    signed = mail.domain_settings["example.com"].dkim
    assert signed.selector == "default"
    assert signed.key
    assert mail.messages_from["tito@example.com"].messages == "maildir:/var/vmail/tito"
    assert mail.messages_from["ana@example.net"].sieve == "/home/ana/.sieve"
    assert (mail.vmail.uid, mail.vmail.group_id, mail.takeover) == (1001, 1002, ("postfix", "dovecot"))
    assert mail.webmail
    assert mail.webmail.hostname == "webmail.example.com"
    assert mail.domains == ("example.com", "example.net")


def test_what_mail_yaml_refuses_is_named_and_the_rest_is_good(tmp_path: Path):
    bad = Found(
        domains=("bad_domain",),
        mailboxes=(
            FoundMailbox("o'brien@example.com", HASH),
            FoundMailbox("somebody@bad_domain", HASH),
            FoundMailbox("lost@example.com", HASH, messages="maildir:relative/path"),
        ),
        aliases=(
            FoundAlias(
                "all@example.com", ("tito@example.com", "|/usr/bin/vacation", "o'brien@example.com", "/dev/null")
            ),
            FoundAlias("loop@example.com", ("loop@example.com",)),
            FoundAlias("lost@example.com", ("tito@example.com",)),
            FoundAlias("tito@example.com", ("tito@example.com",)),
        ),
        catch_all={"example.com": "nobody@example.com"},
    )
    found = made(LEAST, bad)
    mail = read_back(found, tmp_path)

    assert set(mail.mailboxes) == {"tito@example.com", "lost@example.com"}
    assert mail.aliases == {
        "all@example.com": ("tito@example.com",),
        "lost@example.com": ("lost@example.com", "tito@example.com"),
    }
    assert not mail.catch_all
    assert not mail.messages_from
    told = "\n".join(found.not_understood)
    for named in ("o'brien@", "@bad_domain", "vacation", "/dev/null", "loop@", "nobody@", "not a whole path", "a copy"):
        assert named in told
    for line in found.not_understood:
        assert f"# - {line}" in found.text


def test_a_password_in_clear_text_goes_on_as_a_hash_and_an_unreadable_one_is_nobodys(tmp_path: Path):
    boxes = (
        FoundMailbox("ana@example.com", "{PLAIN}open sesame: 1"),
        FoundMailbox("iqbal@example.com", "{OTP}unreadable words"),
        FoundMailbox("sri@example.com"),
    )
    found = made(LEAST, Found(mailboxes=boxes))
    mail = read_back(found, tmp_path)

    assert "open sesame" not in found.text
    assert "unreadable" not in found.text
    hashed = mail.mailboxes["ana@example.com"].password or ""
    assert PasswordHasher().verify(hashed.removeprefix("{ARGON2ID}"), "open sesame: 1")
    for address in ("iqbal@example.com", "sri@example.com"):
        assert mail.mailboxes[address].password, "it receives, and nobody knows the password"
        assert any(line.startswith(f"{address}: its password") for line in found.not_understood)


def test_of_unix_users_no_hash_is_written(tmp_path: Path):
    found = made(LEAST, Found(accounts="system", hostname="ignored.example.com"))
    mail = read_back(found, tmp_path)
    assert (mail.accounts, mail.mailboxes["tito@example.com"].password) == ("system", None)
    assert HASH not in found.text


def test_a_host_that_is_called_as_its_domain_gets_a_name_of_its_own(tmp_path: Path):
    found = made(Found(hostname="example.com"), LEAST)
    assert read_back(found, tmp_path).hostname == "mail.example.com"
    assert any("the DNS has to know that name" in line for line in found.not_understood)


def test_a_key_that_cannot_sign_here_is_told(tmp_path: Path, pem: str):
    keys = (FoundKey("example.com", "Big_One", "/etc/opendkim/k", pem), FoundKey("example.net", "mail", "/k", "no PEM"))
    found = made(LEAST, Found(domains=("example.net",), keys=keys))
    mail = read_back(found, tmp_path)
    assert all(domain.dkim.key is None for domain in mail.domain_settings.values())
    told = [line for line in found.not_understood if "DKIM" in line]
    assert len(told) == 2
    assert "Big_One" in told[0]
    assert "/k holds no private key" in told[1]
    assert "PRIVATE KEY" not in "\n".join(found.not_understood) + found.text


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (Found(), "no host name"),
        (Found(hostname="mail.example.com"), "no mail domain"),
        (Found(hostname="mail.example.com", domains=("example.com",)), "no mailbox"),
        (Found(hostname="short", domains=("example.com",), mailboxes=(PLAIN,)), "not fully qualified"),
    ],
)
def test_where_there_is_no_mail_server_nothing_is_written(found: Found, what: str):
    with pytest.raises(NothingToAdoptError, match=what):
        made(found)


def test_the_files_are_their_owners_alone_and_overwrite_nobodys(tmp_path: Path, pem: str):
    found = made(LEAST, Found(keys=(FoundKey("example.com", "mail", "/k", pem),)))
    path = put(tmp_path / "new", "adopted-test", found)
    files = sorted(path.parent.iterdir())
    assert [one.name for one in files] == ["adopted-test.dkim-example.com.pem", "adopted-test.yaml"]
    assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}
    path.unlink()
    with pytest.raises(FileExistsError, match=r"dkim-example\.com\.pem"):
        put(path.parent, "adopted-test", found)
    assert not path.exists(), "nothing at all is written then"
    put(path.parent, "adopted-test", found, overwrite=True)
    assert path.read_text() == found.text


def test_the_report_counts_and_holds_no_secret(pem: str):
    more = Found(
        relayhost=FoundRelayhost("smtp.example.org", 587, "tito", "relay secret"),
        keys=(FoundKey("example.com", "mail", "/k", pem),),
        not_understood=("transport_maps: \x1b[31m of a kind that is not read",),
    )
    found = made(LEAST, more)
    text = report("mail.example.com", Path("site/adopted-test.yaml"), found)
    assert "mailboxes  1: tito@example.com" in text
    assert "\x1b" not in text
    assert "transport_maps" in text
    for secret in ("relay secret", "PRIVATE KEY", HASH):
        assert secret not in text
        assert secret not in repr(found) + repr(merged(LEAST, more))
