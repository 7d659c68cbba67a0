"""Servers of people in a database, and of other projects: described, converged, and every message as it was."""

from __future__ import annotations

import hashlib
import imaplib
import re
import shlex
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploys.adopting import exports
from lab.mailhost import MailHost
from lab.pyinfra import Run
from tests.on_host import exported, guided, mailcow
from tests.on_host import exported_others as others
from tests.on_host.exported import Expected
from tests.on_host.post import arrived, compose, deliver

pytestmark = pytest.mark.host

PAGE = Path(__file__).parents[2] / "docs" / "adopting.md"
# What a host without the world around it needs, and what this test has no use for.
OURS: dict[str, Any] = {
    "dns": {"verify": False}, "resolver": "host", "filter": {"blocklists": False}, "updates": False,
    "webmail": False, "clients": False,
}  # fmt: skip
WATCHED = """#!/bin/sh
{ tr '\\0' ' ' </proc/$$/cmdline; tr '\\0' ' ' </proc/$$/environ; } >>/root/seen
exec /usr/bin/mariadb "$@"
"""


def as_written(host: MailHost, command: str, **words: str) -> Run:
    """Run a command of the page, word for word but for what ``words`` put in the place of its examples."""
    lines = {one.strip() for one in PAGE.read_text(encoding="utf-8").splitlines()}
    [line] = [one for one in lines if one == command] or [one for one in lines if one.startswith(f"{command} ")]
    said = dict(word.partition("=")[::2] for word in shlex.split(line)[3:] if word != "--data")
    said |= {key: value for key, value in words.items() if key == "overwrite"}
    data = [part for key, value in said.items() for part in ("--data", f"{key}={words.get(key, value)}")]
    host.say()
    return host.pyinfra(shlex.split(line)[2], *data, "-y")


def described(host: MailHost, run: Run) -> dict[str, Any]:
    """The mail.yaml that was written."""
    assert run.rc == 0, run.output
    [path] = host.site.glob("adopted-*.yaml")
    assert path.stat().st_mode & 0o777 == 0o600
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def seen(host: MailHost, login: str, password: str) -> Expected:
    """Each folder that ``login`` sees: UIDVALIDITY, and by UID flags and what is in the message."""
    found: Expected = {}
    with imaplib.IMAP4_SSL(host.address, 993, ssl_context=_anybody(), timeout=30) as client:
        client.login(login, password)
        for line in client.list()[1]:
            assert isinstance(line, bytes)
            match = re.fullmatch(r'\(([^)]*)\) "." "?(.*?)"?', line.decode())
            assert match, line
            if not re.search("noselect|nonexistent", match[1], re.I):
                found[match[2].replace(".", "/")] = _folder(client, match[2])
    return {name: folder for name, folder in found.items() if folder[1]}


def _anybody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _folder(client: imaplib.IMAP4, name: str) -> tuple[int, dict[int, tuple[frozenset[str], str]]]:
    client.select(f'"{name}"', readonly=True)
    validity = int(client.response("UIDVALIDITY")[1][0])
    found = {}
    for answer in client.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")[1]:
        if isinstance(answer, tuple):
            [(uid, flags)] = re.findall(r"UID (\d+) FLAGS \(([^)]*)\)", answer[0].decode())
            found[int(uid)] = (frozenset(flags.split()) - {"\\Recent"}, hashlib.sha256(answer[1]).hexdigest())
    return validity, found


def nothing_left_to_do(host: MailHost) -> None:
    again = host.converge()
    assert (again.rc, again.changes) == (0, 0), again.output


@pytest.mark.releases("debian-12")
def test_people_in_a_database_keep_messages_flags_and_passwords(bare_host: MailHost):
    host = guided.postfixadmin(bare_host)
    guided.fill(host)
    before = {login: seen(host, login, guided.PASSWORDS[login]) for login in guided.ACTIVE}
    assert sum(len(messages) for folders in before.values() for _, messages in folders.values()) == 6
    host.write("/usr/local/bin/mariadb", WATCHED, "0755")
    there = host.run(guided.ALL_OF_IT).stdout

    made = described(host, as_written(host, "pyinfra inventory.py deploys/adopt.py"))
    assert host.run(guided.ALL_OF_IT).stdout == there, "nothing was changed"
    assert guided.SECRET not in host.run("cat /root/seen").stdout, "nobody sees the database's password"
    assert "defaults-file" in host.run("cat /root/seen").stdout
    asked = host.run("mariadb -N mysql", input="SELECT argument FROM general_log WHERE user_host LIKE 'mail[%';").stdout
    assert "READ ONLY" in asked
    assert not re.search(r"\b(INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|SET PASSWORD)\b", asked)
    assert made["domains"] == {"alt.example": {"formerly": ["alt.invalid"]}, "other.example": {}}
    assert made["catch_all"] == {"other.example": "sri@other.example"}
    assert made["mailboxes"]["tito@alt.example"]["name"] == "Tito \u00c1"
    assert made["mailboxes"]["ana@alt.example"]["login"] is False

    run = host.converge(made | OURS | {"filter": False})  # rspamd proves nothing here
    assert run.rc == 0, run.output
    for login in guided.ACTIVE:
        assert seen(host, login, guided.PASSWORDS[login]) == before[login]
    with pytest.raises(imaplib.IMAP4.error):
        seen(host, "ana@alt.example", guided.PASSWORDS["ana@alt.example"])
    for address, login in (("tito@alt.invalid", "tito@alt.example"), ("whoever@other.example", "sri@other.example")):
        message = compose(address)
        assert deliver(host, address, message=message) == 250
        assert arrived(host, login, guided.PASSWORDS[login], message["Subject"], seconds=60)
    nothing_left_to_do(host)


def adopted(host: MailHost, kind: str, directory: Path) -> tuple[dict[str, Any], str]:
    """What the page's command for an export of that kind writes, which goes aside, and what it says."""
    command = f"pyinfra inventory.py deploys/adopt.py --data from={kind}"
    run = as_written(host, command, directory=str(directory), hostname="mail.alt.example")
    made = described(host, run)
    [path] = host.site.glob("adopted-*.yaml")
    path.unlink()
    return made, run.output


def brought_here(host: MailHost, archive: str, into: Path) -> None:
    """As the page has it: unpacked on the workstation."""
    into.mkdir(exist_ok=True)
    subprocess.run(["tar", "-C", str(into), "-xz"], input=host.read(archive), check=True)


@pytest.mark.releases("debian-13")
def test_exports_of_docker_mailserver_mail_in_a_box_and_mailcow_move_in_together(
    own_mail_host: MailHost, tmp_path: Path
):
    host = own_mail_host
    typed = others.prepare(host)
    dms = "/opt/dms/docker-data/dms"
    for name, text in exported.files(exported.config(tmp_path / "made")).items():
        host.write(f"{dms}/config/{name}", text)
    before = exported.mail_data(host, f"{dms}/mail-data")
    host.write(f"{dms}/mail-data/{exported.LOCKED}/new/1700000099.M1P1.old", b"CRYPTED\3\7")
    (tmp_path / "box").mkdir()
    before |= others.box(host, tmp_path / "box")
    before |= others.cow(host, tmp_path / "export")

    [lines] = blocks("From docker-mailserver")
    host.run(f"{typed}cd /opt/dms\n{lines}")
    brought_here(host, "/opt/dms/config.tar.gz", tmp_path)
    [lines] = blocks("From Mail-in-a-Box")
    host.run(f"{typed}cd /root\n{lines}")
    brought_here(host, "/root/mail.tar.gz", tmp_path / "mail")
    host.run(f"{typed}rsync{blocks('From mailcow')[1].partition('rsync')[2]}")

    first, said = adopted(host, "docker-mailserver", tmp_path / "config")
    assert "postfix-regexp.cf" in said
    assert "ana@more.example: its messages" in said, "those that nobody could read are not copied"
    assert first["hostname"] == "mail.alt.example"
    assert list(first["messages_from"]) == list(exported.PASSWORDS)
    second, _ = adopted(host, "mail-in-a-box", tmp_path / "mail")
    assert (list(second["messages_from"]), second["postmaster"]) == (list(others.BOXED), "tito@boxed.example")
    third, said = adopted(host, "mailcow", tmp_path / "export")
    assert list(third["messages_from"]) == list(others.COW)
    assert third["mailboxes"][others.AWAY]["login"] is False

    run = host.converge({**first, **together(first, second, third)} | OURS)
    assert run.rc == 0, run.output
    people = exported.PASSWORDS | others.BOXED | others.COW
    for login, password in people.items():
        if login != others.AWAY:
            assert seen(host, login, password) == before[login], login
    with pytest.raises(imaplib.IMAP4.error):
        seen(host, others.AWAY, people[others.AWAY])
    assert "messages=4" in host.run(f"doveadm mailbox status -u {others.AWAY} messages INBOX").stdout
    for person in ("alt.example/tito", "boxed.example/tito"):
        assert host.run(f"cat /var/mail/vhosts/{person}/.dovecot.sieve").stdout == exported.SCRIPT
    for domain, made in (("alt.example", "made"), ("boxed.example", "box/other"), ("second.example", "box/other")):
        key = host.run(f"openssl pkey -in /var/lib/rspamd/dkim/{domain}.mail.key -pubout").stdout
        assert key == exported.public_key(tmp_path / made), domain
    for address, login in {
        "info@boxed.example": "iqbal@second.example", "admin@boxed.example": "tito@boxed.example",
        "sales@cow.invalid": "sri@cow.example", "tito@alt.invalid": "tito@alt.example",
    }.items():  # fmt: skip
        message = compose(address)
        assert deliver(host, address, message=message) == 250
        assert arrived(host, login, people[login], message["Subject"], seconds=60), address
    nothing_left_to_do(host)


def together(*made: dict[str, Any]) -> dict[str, Any]:
    """What several files say of people and addresses, as of one server."""
    return {
        key: {name: said for one in made for name, said in one.get(key, {}).items()}
        for key in ("domains", "mailboxes", "aliases", "catch_all", "messages_from")
    }


@pytest.mark.long  # PostgreSQL alone takes a minute to install
@pytest.mark.releases("debian-13")
@pytest.mark.parametrize("kind", ["pgsql", "sqlite"])
def test_the_tables_of_the_usual_guides_are_read_from_postgresql_and_sqlite(bare_host: MailHost, kind: str):
    host = guided.guide(bare_host, kind)
    made = described(host, as_written(host, "pyinfra inventory.py deploys/adopt.py"))
    assert made["domains"] == ["alt.example", "other.example"]
    assert list(made["mailboxes"]) == ["tito@alt.example", "iqbal@alt.example", "sri@other.example"]
    assert made["mailboxes"]["tito@alt.example"]["password"].startswith("{SHA512-CRYPT}$6$")
    assert made["mailboxes"]["tito@alt.example"]["quota"] == "5G"
    assert made["mailboxes"]["sri@other.example"]["password"].startswith("{SSHA512}")
    assert made["aliases"] == {
        "info@alt.example": ["tito@alt.example", "iqbal@elsewhere.example"],
        "sri@alt.example": ["sri@other.example"],
    }
    assert made["catch_all"] == {"other.example": "sri@other.example"}
    # where Dovecot alone knows the database
    host.run("postconf -X virtual_mailbox_domains virtual_mailbox_maps virtual_alias_maps")
    again = described(host, as_written(host, "pyinfra inventory.py deploys/adopt.py", overwrite="yes"))
    assert again["mailboxes"] == made["mailboxes"]


def blocks(heading: str) -> list[str]:
    """The shell commands below a heading of the page."""
    section = PAGE.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


@pytest.mark.long  # installs MariaDB and Redis
@pytest.mark.releases("debian-12")  # Dovecot 2.3, as mailcow has
def test_what_mailcows_own_programs_export_is_read(bare_host: MailHost, tmp_path: Path):
    host = mailcow.make(bare_host)
    one = f"-u {mailcow.ADDRESS}"
    host.run(f"doveadm save {one}", input="Subject: secret\n\nplain words\n")
    host.run(
        f"doveadm flags add {one} '\\Seen \\Flagged project' mailbox INBOX all && doveadm mailbox create {one} Sent"
    )
    asked = f"doveadm -o mail_plugins= {{}} fetch {one} 'mailbox uid guid flags' all"
    assert host.run("grep -rl 'plain words' /var/vmail", check=False).stdout == "", "they are encrypted there"
    before = host.run(f"doveadm fetch {one} 'mailbox uid guid flags' all").stdout

    export, messages = blocks("From mailcow")
    host.run(f"bash -e <<'PAGE'\n{export}\nPAGE")
    host.run(f"cd /opt/mailcow-dockerized && bash -e <<'PAGE'\n{messages.partition('rsync ')[0]}\nPAGE")
    plain = "/var/vmail/plain/alt.example/tito"
    assert host.run(asked.format(f"-o mail_location=maildir:{plain}")).stdout == before
    assert host.run(f"grep -rl 'plain words' {plain}").stdout

    there = "/opt/mailcow-dockerized/export"
    for name in host.run(f"cd {there} && find . -type f").stdout.split():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(host.read(f"{there}/{name}"))
    found = exports.read("mailcow", str(tmp_path), "/var/vmail/plain")
    [box] = found.mailboxes
    assert (box.address, box.quota, box.messages) == (mailcow.ADDRESS, 3 << 30, f"maildir:{plain}")
    assert [(key.domain, key.selector, key.key.strip()) for key in found.keys] == [("alt.example", "dkim", mailcow.KEY)]
    assert [(alias.address, alias.targets) for alias in found.aliases] == [("info@alt.example", (mailcow.ADDRESS,))]
    assert found.former_domains == {"alt.invalid": "alt.example"}
