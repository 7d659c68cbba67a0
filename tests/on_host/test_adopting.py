"""Servers made by hand become ours as docs/adopting.md says, word for word: messages, flags and passwords go on."""

from __future__ import annotations

import imaplib
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from lab import pyinfra, site
from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host import handmade_mail as handmade
from tests.on_host import poppassd
from tests.on_host.settings import example
from tests.on_host.test_taking_over import FILES

pytestmark = pytest.mark.host

PAGE = (Path(__file__).parents[2] / "docs" / "adopting.md").read_text(encoding="utf-8")
STORED = (
    "cd / && find home var/mail var/vmail -path var/mail/vhosts -prune -o -path '*/Maildir' -prune -o -type f -print0"
)
MESSAGES = f"({STORED} 2>/dev/null) | sort -z | xargs -0 sha256sum"
# What test hosts are told besides: nobody publishes these names, and rspamd and PHP prove nothing here.
BESIDES = {name: example()[name] for name in ("dns", "resolver", "updates", "bans")} | {"filter": False}
WEAK = "mailboxes: whoever gets hold of the hashes of"
NAME = "mail.example.com"  # on the page
CHOSEN = "seventeen quiet herons"  # in the place of a password whose hash is an old MD5


def steps() -> list[str]:
    """The page's commands in their order, word for word."""
    return re.findall(r"^       ((?:pyinfra|mv site|script/).*)$", PAGE, re.MULTILINE)


def on_the_host() -> str:
    """Those that are for the host itself."""
    return "\n".join(re.findall(r"^       ((?:a2dissite|mv /usr).*)$", PAGE, re.MULTILINE))


def followed(host: MailHost, command: str, *options: str) -> pyinfra.Run:
    """One of them, for this host; the site is beside the working directory, as the page has it."""
    words = shlex.split(command.replace(NAME, host.name))
    if words[0] == "pyinfra":
        return pyinfra.pyinfra(host.site, *words[2:], "-y", *options)
    if words[0] == "mv":
        done = subprocess.run(words, cwd=host.site.parent, check=True, capture_output=True, text=True)
        mail = host.site / "mail.yaml"
        mail.write_text(mail.read_text(encoding="utf-8") + yaml.safe_dump(BESIDES), encoding="utf-8")
    else:
        environment = pyinfra.site_environment(host.site)
        done = subprocess.run(words, cwd=pyinfra.ROOT, env=environment, capture_output=True, text=True)
    return pyinfra.Run(done.returncode, None, done.stderr, done.stdout)


def described(host: MailHost) -> str:
    """What adopt says of the host, which is as before; there is no mail.yaml yet."""
    site.write(host.site, [host.entry], {})
    (host.site / "mail.yaml").unlink()
    before = host.run(f"{FILES}; {MESSAGES}").stdout
    adopt, *_ = steps()
    run = followed(host, adopt)
    assert run.rc == 0, run.output
    assert host.run(f"{FILES}; {MESSAGES}").stdout == before, "nothing was changed"
    again = followed(host, adopt)
    assert again.rc != 0
    assert "overwrite=yes" in again.output
    text = (host.site / f"adopted-{host.name}.yaml").read_text(encoding="utf-8")
    for secret in re.findall(r'password: "([^"]*)"', text):
        assert secret not in run.output + run.stdout
    return run.output


def taken_over(host: MailHost, change: Callable[[Path], None] = lambda mail: None) -> pyinfra.Run:
    """The rest of the page but for verify and dns, which know nothing of this; the run that converged."""
    _, move, validate, dry, converge, *_ = steps()
    followed(host, move)
    change(host.site / "mail.yaml")
    valid = followed(host, validate)
    assert valid.rc == 0, valid.output
    foreseen = followed(host, dry, "--json")
    assert foreseen.rc == 0, foreseen.output
    run = followed(host, converge, "--json")
    assert run.rc == 0, run.output
    return pyinfra.Run(run.rc, run.json, valid.output + run.output, run.stdout)


def everything(host: MailHost, logins: dict[str, str]) -> dict[str, tuple[dict[str, handmade.Folder], set[str]]]:
    return {login: handmade.seen(host, login, password) for login, password in logins.items()}


def goes_on(
    host: MailHost, before: dict[str, tuple[dict[str, handmade.Folder], set[str]]], logins: dict[str, str]
) -> None:
    """All that anybody saw they see, by their own passwords, and nothing happens twice."""
    for login, (folders, subscribed) in everything(host, logins).items():
        old_folders, old_subscribed = before[login]
        assert {name: folders.get(name) for name in old_folders} == old_folders, login
        assert old_subscribed <= subscribed
    again = pyinfra.converge(host.site)
    assert (again.rc, again.changes) == (0, 0), again.output


def arrives(host: MailHost, to: str, login: str, password: str) -> None:
    host.run(f"printf 'Subject: afterwards\\n\\nnew\\n' | sendmail -f somebody@example.org {to}")

    def there() -> bool:
        folders, _ = handmade.seen(host, login, password)
        return any(b"Subject: afterwards" in text for *_, text in folders["INBOX"].messages.values())

    wait_until(there, 60, f"no message to {to} came to {login}")


@pytest.mark.webmail
@pytest.mark.releases("debian-12")
def test_unix_users_with_mbox_files_and_a_squirrelmail_move_in(bare_host: MailHost) -> None:
    host = handmade.unix_users(bare_host)
    logins = {name: handmade.PASSWORDS[name] for name in ("tito", "iqbal")}
    before = everything(host, logins)
    said = described(host)
    for line in ("list leads to a program", "left out: backup-job", "webmail.alt.example is the name of a web site"):
        assert line in " ".join(said.split())
    originals = host.run(MESSAGES).stdout

    host.run(f"set -e\n{on_the_host()}")
    run = taken_over(host)
    assert "messages copied into our store: tito (10 messages), iqbal (10 messages)" in run.output
    goes_on(host, before, {**logins})
    arrives(host, "sales@alt.example", "iqbal", logins["iqbal"])
    assert set(originals.splitlines()) <= set(host.run(MESSAGES).stdout.splitlines()), "old files are as they were"
    page = host.run("curl -sk --connect-to ::127.0.0.1: https://webmail.alt.example/src/login.php").stdout
    assert 'value="Login"' in page


@pytest.mark.releases("debian-13")
def test_virtual_users_in_files_move_in(bare_host: MailHost) -> None:
    host = handmade.virtual_users(bare_host)
    logins = {handmade.address(name): handmade.PASSWORDS[name] for name in handmade.SCHEMES}
    before = everything(host, logins)
    said = " ".join(described(host).split())
    assert "Unix users and virtual mailboxes on one host" in said
    assert "changes it no more: maria@unix.example" in said
    originals, key = host.run(MESSAGES).stdout, host.read("/etc/opendkim/keys/alt.private")

    def without_webmail(mail: Path) -> None:
        mail.write_text(mail.read_text(encoding="utf-8") + "webmail: false\nclients: false\n", encoding="utf-8")

    run = taken_over(host, without_webmail)
    assert f"{WEAK} tito@alt.example soon" in run.output
    for login in logins:
        assert f"{login} (10 messages)" in run.output
    goes_on(host, before, logins)
    [hers] = handmade.seen(host, "maria@unix.example", handmade.PASSWORDS["maria"])[0]["INBOX"].messages.values()
    assert (b"Subject: hers" in hers[2], "\\Seen" in hers[0]) == (True, True)
    arrives(host, "maria@unix.example", "maria@unix.example", handmade.PASSWORDS["maria"])
    assert poppassd.change(host, "tito@alt.example", logins["tito@alt.example"], CHOSEN).startswith("200")
    handmade.login(host, "tito@alt.example", CHOSEN)
    with pytest.raises(imaplib.IMAP4.error):
        handmade.login(host, "tito@alt.example", logins["tito@alt.example"])
    arrives(host, "anybody@more.example", "sri@more.example", logins["sri@more.example"])
    assert set(originals.splitlines()) <= set(host.run(MESSAGES).stdout.splitlines()), "old files are as they were"
    assert host.run("cat /var/mail/vhosts/alt.example/tito/sieve/*.sieve").stdout == handmade.SIEVE
    [pem] = host.site.glob("*.dkim-alt.example.pem")
    modulus = "openssl rsa -noout -modulus"
    assert host.run(modulus, input=pem.read_bytes()).stdout == host.run(modulus, input=key).stdout
