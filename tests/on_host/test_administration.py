"""docs/administration.md: each of its commands, typed as it stands there, and what people notice of it."""

from __future__ import annotations

import imaplib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from lab.mailhost import MailHost
from tests.on_host.post import arrived, compose, deliver, mailbox
from tests.on_host.settings import IQBAL, TITO, example
from tests.settings import ROOT

pytestmark = pytest.mark.host

PAGE = ROOT / "docs" / "administration.md"
SECONDS = 600
Type = Callable[[str], str]


def sections() -> dict[str, list[str]]:
    """Of each heading, the blocks to be typed."""
    parts = re.split(r"^#+ (.*)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    blocks = {
        head: re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
        for head, text in zip(parts[::2], parts[1::2], strict=True)
    }
    return {head: found for head, found in blocks.items() if found}


@pytest.fixture
def typed(mail_host: MailHost, tmp_path: Path) -> Iterator[Type]:
    """Types all blocks of a section as an administrator does, who logs in to the host by its name; what they say."""
    mail_host.say(example())
    _, data = mail_host.entry
    ssh = tmp_path / "ssh"
    ssh.write_text(
        "#!/bin/sh\nshift\n"
        f"exec {'/usr/bin/ssh'} -F /dev/null -p {data['ssh_port']} -i {data['ssh_key']} -o BatchMode=yes"
        f' -o UserKnownHostsFile={data["ssh_known_hosts_file"]} {data["ssh_user"]}@{data["ssh_hostname"]} "$@"\n'
    )
    ssh.chmod(0o755)
    path = f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "POSTHAUS_SITE": str(mail_host.site), "PATH": path, "NO_COLOR": "1"}

    def type_section(heading: str) -> str:
        said = ""
        for line in "".join(sections()[heading]).splitlines():
            done = subprocess.run(
                ["bash", "-c", line], cwd=ROOT, env=environment, input="\n",
                capture_output=True, text=True, timeout=SECONDS,
            )  # fmt: skip
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
            said += done.stdout + done.stderr
        mail_host.settings = yaml.safe_load((mail_host.site / "mail.yaml").read_text(encoding="utf-8"))
        return said

    yield type_section
    gone = "/var/mail/vhosts/example.com/maria* /var/mail/vhosts/.archive /var/lib/posthaus-archive/*"
    mail_host.run(f"rm -rf {gone}; doveadm mailbox delete -r -u {TITO} Maria", check=False)


def shown(text: str) -> str:
    """The password that a command has made."""
    return re.findall(r"(?:nowhere else|, Phone): ([a-z0-9-]{10,})$", text, re.MULTILINE)[-1]


def lets_in(host: MailHost, login: str, password: str) -> bool:
    try:
        with mailbox(host, login, password):
            return True
    except imaplib.IMAP4.error:
        return False


@pytest.mark.releases("debian-13")
def test_the_page_is_typed_word_for_word(mail_host: MailHost, typed: Type):
    tried: list[str] = []

    def section(heading: str) -> str:
        tried.append(heading)
        return typed(heading)

    asked = compose(IQBAL)
    assert deliver(mail_host, IQBAL, message=asked) == 250
    assert arrived(mail_host, IQBAL, mail_host.password(IQBAL), asked["Subject"], seconds=60)

    assert "nothing changed" in section("From day to day")
    said = section("Somebody forgot their password")
    assert lets_in(mail_host, IQBAL, shown(said))
    assert not lets_in(mail_host, IQBAL, mail_host.password(IQBAL))
    his_new = shown(said)

    said = section("A program that cannot keep a secret, or a phone that may get lost")
    assert f"{IQBAL} has 1 app passwords" in said
    assert not lets_in(mail_host, IQBAL, shown(said.partition("has 1 app")[0]))

    maria = shown(section("A new person"))
    assert "staff@example.com  tito@example.com, iqbal@example.com\n" in section("A list of thirty people")
    assert "nothing is held" in section("Somebody has sent too much")
    said = section("The message that did not arrive")
    assert asked["Message-ID"] in said
    assert f"→ {IQBAL} has it: stored in INBOX" in said
    assert "no such message waits" in section("What waits in the queue")
    assert "203.0.113.7 is not shut out" in section("Somebody reaches neither mail nor webmail any more")
    assert " dovecot[" in section("The logs")
    assert re.search(rf"^{IQBAL} .* 1 G", section("Who uses the disk"), re.MULTILINE)
    assert "away ACTIVE" in section("Somebody is away")

    assert "can no longer log in" in section("Nobody shall log in for a while")
    assert not lets_in(mail_host, IQBAL, his_new)
    assert lets_in(mail_host, "maria@example.com", maria), "the run of this section made her mailbox"
    hers = compose("maria@example.com")
    assert deliver(mail_host, "maria@example.com", message=hers) == 250
    assert arrived(mail_host, "maria@example.com", maria, hers["Subject"], seconds=60)

    section("Somebody has another name, or moves to another address")
    old = compose("maria@example.com")
    assert deliver(mail_host, "maria@example.com", message=old) == 250
    for message in (hers, old):
        assert arrived(mail_host, "maria.gomez@example.com", maria, message["Subject"], seconds=60)

    section("Somebody leaves")
    assert lets_in(mail_host, IQBAL, his_new), "enabled again"
    his = compose("maria@example.com")
    assert deliver(mail_host, "maria@example.com", message=his) == 250
    assert arrived(mail_host, TITO, mail_host.password(TITO), his["Subject"], seconds=60)
    assert arrived(mail_host, TITO, mail_host.password(TITO), hers["Subject"], "Maria/INBOX", seconds=60)

    maria = shown(section("Somebody comes back, or was removed by mistake"))
    assert arrived(mail_host, "maria.gomez@example.com", maria, hers["Subject"], seconds=60)

    assert tried == list(sections()), "nothing on the page is left out"
