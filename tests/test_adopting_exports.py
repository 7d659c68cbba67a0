"""Servers of other projects, as their exports lie on the workstation: who has a mailbox there, and what leads where."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyinfra.api.exceptions import DeployError

from deploys.adopting import exports
from deploys.adopting.description import Found, FoundMailbox
from deploys.adopting.exports import copies, dockermailserver, mailcow, mailinabox
from deploys.adopting.exports.places import NotAnExportError
from deploys.adopting.place import put
from deploys.adopting.sources import Export
from deploys.adopting.write import written
from deploys.config import read

SHA512 = "{SHA512-CRYPT}$6$" + "s" * 16 + "$" + "h" * 86
BCRYPT = "{BLF-CRYPT}$2y$05$" + "b" * 53
PEM = "-----BEGIN PRIVATE KEY-----\nbm9uZQ==\n-----END PRIVATE KEY-----\n"


def lay(base: Path, **files: str) -> Path:
    """``base`` with files by their names below it."""
    for name, text in files.items():
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return base


def box(found: Found, address: str) -> FoundMailbox:
    return next(one for one in found.mailboxes if one.address == address)


def aliases(found: Found) -> dict[str, tuple[str, ...]]:
    return {one.address: one.targets for one in found.aliases}


def said(found: Found, *words: str) -> bool:
    return any(all(word in sentence for word in words) for sentence in found.not_understood)


@pytest.fixture
def dms(tmp_path: Path) -> Path:
    return lay(
        tmp_path,
        **{
            "postfix-accounts.cf": f"# people\ntito@example.com|{SHA512}\n\nO.Brien@Example.com|{SHA512}|userdb_x=1\n"
            f"sri@bücher.example|{BCRYPT}\n",
            "postfix-virtual.cf": "info@example.com  tito@example.com,iqbal@elsewhere.example\n"
            "sales@example.com\ttito@example.com sri@bücher.example\n@example.net @example.com\n"
            "@example.org tito@example.com\ntito@example.com tito@example.com\nroot tito@example.com\n",
            "dovecot-quotas.cf": "tito@example.com:5G\nsri@bücher.example:lots\n",
            "postfix-regexp.cf": "/^test[0-9]+@/ tito@example.com\n",
            "postfix-send-access.cf": "tito@example.com \t\t REJECT\n",
            "user-patches.sh": "#!/bin/bash\necho hello\n",
            "postfix-main.cf": "# nothing but a remark\n",
            "tito@example.com.dovecot.sieve": "keep;\n",
            "opendkim/keys/example.com/mail.private": PEM,
            "opendkim/keys/example.com/mail.txt": "mail._domainkey IN TXT ( … )\n",
            "rspamd/dkim/rsa-2048-2023-dkim-xn--bcher-kva.example.private.txt": PEM,
        },
    )


def test_docker_mailservers_people_with_hashes_quotas_and_places(dms: Path):
    found = dockermailserver.read(dms, "/srv/mail-data")
    tito = box(found, "tito@example.com")
    assert (tito.password, tito.quota) == (SHA512, 5 << 30)
    assert tito.messages == "maildir:/srv/mail-data/example.com/tito"
    assert tito.sieve == "/srv/mail-data/example.com/tito/home/.dovecot.sieve"
    assert box(found, "o.brien@example.com").messages == "maildir:/srv/mail-data/Example.com/O.Brien"
    assert box(found, "o.brien@example.com").quota == 0, "no limit there is none here"
    assert said(found, "lots", "no limit")
    assert said(found, "o.brien@example.com", "third column")


def test_docker_mailservers_aliases_catch_alls_and_domains_of_another_name(dms: Path):
    found = dockermailserver.read(dms)
    assert aliases(found) == {
        "info@example.com": ("tito@example.com", "iqbal@elsewhere.example"),
        "sales@example.com": ("tito@example.com", "sri@xn--bcher-kva.example"),
    }
    assert found.catch_all == {"example.org": "tito@example.com"}
    assert found.former_domains == {"example.net": "example.com"}
    assert set(found.domains) == {"example.com", "xn--bcher-kva.example", "example.org"}
    assert said(found, "root", "no whole address")
    assert box(found, "tito@example.com").messages == "", "nobody said where they are"


def test_what_of_docker_mailserver_has_no_option_is_named(dms: Path):
    found = dockermailserver.read(dms)
    assert said(found, "postfix-regexp.cf")
    assert said(found, "user-patches.sh")
    assert said(found, "tito@example.com might not send")
    assert not said(found, "postfix-main.cf"), "nothing is in it"


def test_docker_mailservers_keys_of_both_signers(dms: Path):
    found = dockermailserver.read(lay(dms, **{"postfix-accounts.cf": f"sri@xn--bcher-kva.example|{BCRYPT}\n"}))
    assert {(one.domain, one.selector, one.key) for one in found.keys} == {
        ("example.com", "mail", PEM),
        ("xn--bcher-kva.example", "2023-dkim", PEM),
    }


@pytest.fixture
def box_of_mail(tmp_path: Path) -> Path:
    lay(tmp_path, **{"dkim/mail.private": PEM})
    with closing(sqlite3.connect(tmp_path / "users.sqlite")) as database:
        database.executescript(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, password TEXT NOT NULL, extra,"
            " privileges TEXT NOT NULL DEFAULT '', quota TEXT NOT NULL DEFAULT '0');"
            "CREATE TABLE aliases (id INTEGER PRIMARY KEY, source TEXT NOT NULL UNIQUE, destination TEXT NOT NULL,"
            " permitted_senders TEXT);"
            "CREATE TABLE auto_aliases (id INTEGER PRIMARY KEY, source TEXT NOT NULL UNIQUE, destination TEXT NOT NULL,"
            " permitted_senders TEXT);"
            f"INSERT INTO users (email, password, privileges, quota) VALUES ('tito@example.com', '{SHA512}', 'admin',"
            f" '0'), ('iqbal@example.com', '{SHA512}', '', '5G');"
            "INSERT INTO aliases (source, destination, permitted_senders) VALUES"
            " ('administrator@box.example.com', 'tito@example.com', NULL),"
            " ('info@example.com', 'tito@example.com, iqbal@example.com', 'iqbal@example.com'),"
            " ('@example.net', '@example.com', NULL), ('@example.org', 'iqbal@example.com', NULL),"
            " ('nobody@example.com', '', 'tito@example.com');"
            "INSERT INTO auto_aliases (source, destination) VALUES"
            " ('admin@example.com', 'administrator@box.example.com'),"
            " ('postmaster@example.com', 'administrator@box.example.com'),"
            " ('postmaster@box.example.com', 'administrator@box.example.com'), ('@www.example.com', '@example.com');"
        )
        database.commit()
    return tmp_path


def test_mail_in_a_boxs_people_aliases_and_key(box_of_mail: Path):
    before = (box_of_mail / "users.sqlite").read_bytes()
    found = mailinabox.read(box_of_mail, "/srv/mail")
    assert found.domains == ("example.com", "example.org")
    assert box(found, "iqbal@example.com").quota == 5 << 30
    assert box(found, "tito@example.com").messages == "maildir:/srv/mail/mailboxes/example.com/tito"
    assert box(found, "tito@example.com").sieve == "/srv/mail/sieve/example.com/tito.sieve"
    assert aliases(found) == {
        "info@example.com": ("tito@example.com", "iqbal@example.com"),
        "admin@example.com": ("tito@example.com",),
        "postmaster@example.com": ("tito@example.com",),
    }
    assert (found.catch_all, found.former_domains) == (
        {"example.org": "iqbal@example.com"},
        {"example.net": "example.com"},
    )
    assert found.postmaster == "tito@example.com"
    assert {(one.domain, one.selector) for one in found.keys} == {("example.com", "mail"), ("example.org", "mail")}
    assert said(found, "info@example.com", "iqbal@example.com", "one by one")
    assert (box_of_mail / "users.sqlite").read_bytes() == before
    assert sorted(path.name for path in box_of_mail.iterdir()) == ["dkim", "users.sqlite"], "nothing beside it"


MAILCOW = {
    "domain.tsv": "domain\tdescription\tbackupmx\tactive\nexample.com\tOurs\t0\t1\nexample.org\tNULL\t0\t1\n"
    "relay.example\t\t1\t1\noff.example\t\t0\t0\n",
    "mailbox.tsv": "username\tpassword\tname\tquota\tkind\tauthsource\tattributes\tactive\n"
    f'tito@example.com\t{BCRYPT}\tTi\\tto\t3221225472\t\tmailcow\t{{"force_pw_update": "0"}}\t1\n'
    f"iqbal@example.com\t{BCRYPT}\tNULL\t0\t\tmailcow\t{{}}\t2\n"
    f"room@example.com\t{BCRYPT}\tRoom\t0\tlocation\tmailcow\t{{}}\t1\n"
    "sri@example.org\t\tSri\t0\t\tkeycloak\t{}\t1\n"
    f"ana@off.example\t{BCRYPT}\tAna\t0\t\tmailcow\t{{}}\t1\n",
    "alias.tsv": "id\taddress\tgoto\tdomain\tinternal\tactive\n"
    "1\ttito@example.com\ttito@example.com\texample.com\t0\t1\n"
    "2\tinfo@example.com\ttito@example.com,iqbal@example.com\texample.com\t0\t1\n"
    "3\t@example.org\ttito@example.com,iqbal@example.com\texample.org\t0\t1\n"
    "4\tnoreply@example.com\tnull@localhost\texample.com\t0\t1\n"
    "5\tall@example.com\ttito@example.com\texample.com\t1\t1\n6\told@example.com\ttito@example.com\texample.com\t0\t0\n",
    "alias_domain.tsv": "alias_domain\ttarget_domain\tactive\nexample.net\texample.com\t1\noff.net\texample.com\t0\n",
    "dkim/example.com.dkim.pem": PEM,
}


def test_mailcows_people_and_who_of_them_may_log_in(tmp_path: Path):
    found = mailcow.read(lay(tmp_path, **MAILCOW), "/srv/vmail")
    assert [one.address for one in found.mailboxes] == ["tito@example.com", "iqbal@example.com", "sri@example.org"]
    tito = box(found, "tito@example.com")
    assert (tito.password, tito.name, tito.quota, tito.active) == (BCRYPT, "Ti\tto", 3 << 30, True)
    assert tito.messages == "maildir:/srv/vmail/example.com/tito"
    assert not box(found, "iqbal@example.com").active, "who may not log in, and gets mail"
    assert box(found, "sri@example.org").password is None
    assert said(found, "sri@example.org", "keycloak")
    assert said(found, "room@example.com")
    assert said(found, "ana@off.example")


def test_mailcows_aliases_and_domains(tmp_path: Path):
    found = mailcow.read(lay(tmp_path, **MAILCOW))
    assert found.domains == ("example.com", "example.org")
    assert found.former_domains == {"example.net": "example.com"}
    everyone = ("tito@example.com", "iqbal@example.com")
    assert aliases(found) == {"info@example.com": everyone, "catch-all@example.org": everyone}
    assert found.catch_all == {"example.org": "catch-all@example.org"}
    for words in (
        ("noreply@example.com", "throws"),
        ("all@example.com", "people here alone"),
        ("old@example.com", "switched off"),
        ("relay.example", "backup MX"),
        ("off.net", "switched off"),
    ):
        assert said(found, *words)
    assert [(one.domain, one.selector) for one in found.keys] == [("example.com", "dkim")]


@pytest.mark.parametrize("reader", [dockermailserver, mailcow, mailinabox])
def test_a_directory_that_is_no_export_says_what_it_lacks(reader: Any, tmp_path: Path):
    with pytest.raises(NotAnExportError, match=r"has no .*docs/adopting\.md"):
        reader.read(tmp_path)
    with pytest.raises(NotAnExportError, match="is no directory"):
        reader.read(tmp_path / "nowhere")


def test_another_sqlite_database_is_not_taken_for_mail_in_a_boxs(tmp_path: Path):
    with closing(sqlite3.connect(tmp_path / "users.sqlite")) as database:
        database.execute("CREATE TABLE something (else_ TEXT)")
    with pytest.raises(NotAnExportError, match="no tables users and aliases"):
        mailinabox.read(tmp_path)
    (tmp_path / "users.sqlite").write_text("no database\n" * 99)
    with pytest.raises(NotAnExportError, match="cannot be read as a SQLite database"):
        mailinabox.read(tmp_path)


def test_no_hash_is_in_what_is_printed_of_a_person(dms: Path):
    assert SHA512 not in repr(dockermailserver.read(dms))


@pytest.mark.parametrize("kind", ["docker-mailserver", "mail-in-a-box", "mailcow"])
def test_each_export_becomes_a_mail_yaml_that_is_good(kind: str, request: pytest.FixtureRequest, tmp_path: Path):
    pem = rsa.generate_private_key(65537, 2048)
    text = pem.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    directories = {"docker-mailserver": "dms", "mail-in-a-box": "box_of_mail"}
    directory = request.getfixturevalue(directories[kind]) if kind in directories else lay(tmp_path, **MAILCOW)
    keys = {"docker-mailserver": "opendkim/keys/example.com/mail.private", "mail-in-a-box": "dkim/mail.private"}
    lay(directory, **{keys.get(kind, "dkim/example.com.dkim.pem"): text})
    found = replace(exports.read(kind, str(directory), "/srv/old"), hostname="mail.example.org")
    mail = read.settings(put(tmp_path / "made", "adopted", written(found, "adopted", kind)))
    assert "tito@example.com" in mail.mailboxes
    assert mail.directory.quota_of("iqbal@example.com" if kind != "docker-mailserver" else "o.brien@example.com") in (
        0,
        5 << 30,
    )
    assert mail.directory.expand("info@example.com").mailboxes[0] == "tito@example.com"
    assert mail.directory.expand("info@example.net").mailboxes[0] == "tito@example.com", "by the domain's other name"
    assert mail.directory.expand("whoever@example.org").mailboxes
    assert mail.messages_from["tito@example.com"].messages.endswith("/example.com/tito")
    assert mail.records.of("example.com").dkim.selector in ("mail", "dkim")


def test_what_is_no_kind_of_export_is_told_with_those_that_are(tmp_path: Path):
    with pytest.raises(NotAnExportError, match="docker-mailserver, mail-in-a-box or mailcow"):
        exports.read("mailu", str(tmp_path))
    with pytest.raises(NotAnExportError, match="directory="):
        exports.read("mailcow", "")
    with pytest.raises(NotAnExportError, match="messages=srv"):
        exports.read("mailcow", str(lay(tmp_path, **MAILCOW)), "srv")


def test_messages_that_only_the_old_server_reads_are_not_taken_along(tmp_path: Path):
    beginnings = {
        "plain": b"From: x\nSubject: CRYPTED\n\nDovecot-LZ4\n",
        "locked": b"CRYPTED\x03\x07\x02\x00",
        "lz4": b"Dovecot-LZ4\r*\x9b\xc5\x00",
        "gzip": b"\x1f\x8b\x08\x00",
        "xz": b"\xfd7zXZ\x00",
    }
    boxes = [
        FoundMailbox(f"{name}@example.com", messages=f"maildir:{tmp_path}/{name}") for name in (*beginnings, "gone")
    ]
    for name, beginning in beginnings.items():
        folder = tmp_path / name / ".Sent" / "cur"
        folder.mkdir(parents=True)
        (tmp_path / name / "cur").mkdir()
        (folder / "1.a:2,S").write_bytes(beginning)
    found = Found(mailboxes=tuple(boxes))
    command = copies.COMMAND.get_raw_value()
    done = subprocess.run(["sh", "-c", command], input=copies.asked(found).encode(), capture_output=True, check=True)
    kept = copies.those_there(found, done.stdout.decode().splitlines())
    assert [one.address for one in kept.mailboxes if one.messages] == [
        f"{name}@example.com" for name in ("plain", "lz4", "gzip")
    ]
    assert said(kept, "gone@example.com", "not there")
    assert said(kept, "xz@example.com", "only the old server reads them")


def test_what_is_said_of_an_export_goes_with_its_kind():
    assert Export.said(None, None, None, None) is None
    assert Export.said("mailcow", "export", None, None) == Export("mailcow", "export")
    with pytest.raises(DeployError, match="from=docker-mailserver"):
        Export.said(None, "export", None, None)
