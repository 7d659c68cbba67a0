"""The distribution's next release under a running mail server, as docs/upgrading.md leads through it word for word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploys.components.roundcube.options import STATE as ROUNDCUBE
from facts.watch import PROGRAM
from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host import poppassd
from tests.on_host.backups import REPOSITORY, Folder, converge, seen
from tests.on_host.converged import PROBES
from tests.on_host.post import arrived, compose, deliver, mailbox
from tests.on_host.settings import IQBAL, TITO, example
from tests.on_host.test_backup import CHOSEN, KEYS, RULE, Bare, bare  # noqa: F401
from tests.on_host.test_learning import HAM, SPAM, learned, moved, written
from tests.on_host.test_roundcube import client as at_roundcube
from tests.on_host.test_search import found
from tests.on_host.test_search import written as in_base64

pytestmark = pytest.mark.host

PAGE = (Path(__file__).parents[2] / "docs" / "upgrading.md").read_text(encoding="utf-8")
DATABASE = f"{ROUNDCUBE}/db/roundcube.sqlite"
PREFERENCES = "/var/lib/squirrelmail/data/iqbal@example.com.pref"
PEOPLE = "select username, identities.name, contacts.email from users join identities using (user_id)"
PEOPLE += " join contacts using (user_id)"


def section(title: str) -> list[str]:
    """The commands of a section of the page, in their order."""
    (text,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return re.findall(r"^(?: {4}| {7})(\S.*)$", text, re.MULTILINE)


def declared() -> dict[str, Any]:
    """All whose data an upgrade might lose."""
    return example(
        webmail={"hostname": "webmail.example.com", "program": "roundcube"},
        search=True,
        backup={"repository": REPOSITORY, "password": {"file": "backup.password"}},
    )


@dataclass(frozen=True)
class Kept:
    """What must be the same afterwards. ``folders``: of IQBAL; ``apps``: an app password of hers."""

    folders: dict[str, Folder]
    app: str
    learned: tuple[int, int]
    queue: list[str]
    keys: str
    roundcube: str


def queue(host: MailHost) -> list[str]:
    return sorted(json.loads(line)["queue_id"] for line in host.run("postqueue -j").stdout.splitlines())


def roundcube(host: MailHost) -> str:
    return host.run(f"sqlite3 {DATABASE}", input=f"{PEOPLE};").stdout


def fill(host: MailHost) -> Kept:
    """Two people's mail and all that lies around it."""
    assert host.run(f"doveadm sieve put -u {IQBAL} -a rules", input=RULE).returncode == 0
    password = host.password(IQBAL)
    with mailbox(host, IQBAL, password) as client:
        client.create("Orders")
    order = compose(IQBAL)
    order.replace_header("Subject", "an order")
    assert deliver(host, IQBAL, message=order) == 250
    assert arrived(host, IQBAL, password, "an order", "Orders"), "the script is compiled by now"
    with mailbox(host, IQBAL, password) as client:
        client.create("Work/2026")
        for number, flags in enumerate((None, r"(\Seen)", r"(\Flagged \Answered)", "($Forwarded receipts)")):
            client.append("Work/2026", flags, None, compose(IQBAL, 2000 * number).as_bytes())
        client.append("INBOX", "", None, in_base64("Laporan keuangan").as_bytes())
        assert found(client, "keuangan") == 1, "there is an index by now"
    app = poppassd.ask(host, IQBAL, password, "newapp phone").removeprefix("200 ")
    moved(host, [written(SPAM, 1), written(SPAM, 2)], "INBOX", "Junk")
    moved(host, [written(HAM, 3)], "Junk", "INBOX")
    assert poppassd.change(host, TITO, host.password(TITO), CHOSEN).startswith("200")
    at_roundcube(host, IQBAL)
    contact = f"insert into contacts (user_id, name, email) select user_id, 'Tito', '{TITO}' from users"
    host.run(f"sqlite3 {DATABASE}", input=f"{contact} where username = '{IQBAL}';")
    host.write(PREFERENCES, "full_name=Iqbal\n", "0660")
    gateway = host.run("ip route | awk '/^default/ {print $3; exit}'").stdout.strip()  # nothing takes messages there
    host.run(f'echo on its way | sendmail -f {TITO} "somebody@[{gateway}]"')
    wait_until(lambda: queue(host), 30, "no message is on its way")
    kept = Kept(seen(host, IQBAL, password), app, learned(host), queue(host), host.run(KEYS).stdout, roundcube(host))
    assert kept.learned == (2, 1)
    assert kept.roundcube.startswith(f"{IQBAL}|")
    return kept


def all_of_it_is_there(host: MailHost, kept: Kept, restored: bool = False) -> None:
    """``restored``: from a backup, after which UIDs go on further, and what was on its way has other names."""
    password = host.password(IQBAL)
    now = seen(host, IQBAL, password)
    came_since = {"INBOX", "Orders", "Trash"}
    for name, folder in kept.folders.items():
        assert now[name].validity == folder.validity, name
        assert {uid: now[name].messages.get(uid) for uid in folder.messages} == folder.messages, name
        assert restored or name in came_since or now[name].next_uid == folder.next_uid, name
    with mailbox(host, IQBAL, kept.app) as client:
        assert found(client, "keuangan") == 1
    with mailbox(host, TITO, CHOSEN):
        pass
    assert learned(host) == kept.learned
    assert restored or set(kept.queue) <= set(queue(host))
    assert len(queue(host)) >= len(kept.queue)
    assert host.run(KEYS).stdout == kept.keys
    assert roundcube(host) == kept.roundcube
    at_roundcube(host, IQBAL)
    if not restored:  # SquirrelMail's are in the backups of a host that serves it
        assert host.run(f"cat {PREFERENCES}").stdout == "full_name=Iqbal\n"
    order = compose(IQBAL)
    order.replace_header("Subject", "another order")
    assert deliver(host, IQBAL, message=order) == 250
    assert arrived(host, IQBAL, password, "another order", "Orders", seconds=60), "her filter does nothing"


def step(host: MailHost, command: str, fails: bool = False) -> str:
    """What a command of the page says: at the workstation or on the host."""
    if command == "reboot":
        host.host.container.restart()
        host.host.wait()
        host.entry = host.host.inventory()  # the engine may give it another address
        wait_until(lambda: not host.run(PROBES, check=False).returncode, 240, "its services do not work")
        return ""
    if command.startswith("pyinfra inventory.py "):
        run = host.pyinfra(*command.split()[2:], "-y")
        assert (run.rc != 0) == fails, run.output
        return run.output
    done = host.run(command, check=False, timeout=1200)
    assert (done.returncode != 0) == fails, done.stdout[-3000:] + done.stderr[-1000:]
    return done.stdout + done.stderr


IN_PLACE = "In place: Debian 12 to 13"
# A source that says neither who made it nor of which release it is, and a package that somebody holds.
OTHERS = """set -e; mkdir -p /srv/others; apt-mark hold tzdata
printf '%s\\n' 'Package: other' 'Version: 1' 'Architecture: all' 'Filename: ./other.deb' 'Size: 1' >/srv/others/Packages
echo 'deb [trusted=yes] file:/srv/others ./' >/etc/apt/sources.list.d/others.list
"""
# As Debian 12 has them on newer installations, with no sources.list beside.
DEB822 = """set -e; keys=/usr/share/keyrings/debian-archive-keyring.gpg
stanza() { printf 'Types: deb\\nURIs: %s\\nSuites: %s\\nComponents: main\\nSigned-By: %s\\n\\n' "$1" "$2" $keys; }
{ stanza http://deb.debian.org/debian 'bookworm bookworm-updates'
stanza http://security.debian.org/debian-security bookworm-security; } >/etc/apt/sources.list.d/debian.sources
rm /etc/apt/sources.list
"""
FAILED = "systemctl list-units --failed --plain --no-legend | cut -d ' ' -f 1 | sort"


def what_is_not_in_order_is_told_and_stands_in_nobodys_way(said: str) -> None:
    assert re.search(r"the new release's sources +reached +reached +ok", said), said
    assert re.search(r"package sources of others +none +file:/srv/others +warn", said), said
    assert re.search(r"packages on hold +none +tzdata +warn", said), said
    assert re.search(r"kept back: .*tzdata", said), said


def services_run(host: MailHost) -> None:
    """As the host tells its administrator."""
    looks = host.run(f"python3 -I -B {PROGRAM} --json", check=False).stdout.splitlines()
    found = {one["key"]: one for one in map(json.loads, looks) if one.get("key", "").startswith("services.")}
    assert "services.postfix" in found
    assert [one for one in found.values() if not one["ok"]] == []


@pytest.mark.releases("debian-12")
def test_a_release_is_upgraded_in_place_and_nothing_is_lost(own_mail_host: MailHost) -> None:
    host = own_mail_host
    converge(host, declared())
    kept = fill(host)
    host.run(DEB822 + OTHERS)
    failed = host.run(FAILED).stdout
    *steps, sources, lists, upgrade, mail, flush, reboot, again, verify = section(IN_PLACE)
    for command in steps:
        said = step(host, command, fails="before_upgrade" in command)  # a message is on its way: 1
    assert re.search(r"Dovecot +2\.3\.\d+ now +2\.4\.\d+ then +ok", said), said
    assert re.search(r"further packages +by deploys/mail.py +dovecot-flatcurve +ok", said), said
    assert " FAIL" not in said, said
    what_is_not_in_order_is_told_and_stands_in_nobodys_way(said)
    host.run("apt-mark unhold tzdata; rm /etc/apt/sources.list.d/others.list")
    step(host, sources)
    refused = step(host, mail, fails=True)
    assert "its package sources are those of trixie, and it is bookworm still" in refused, refused
    step(host, lists)
    upgraded = host.run(upgrade, check=False, timeout=1200)
    said = upgraded.stdout + upgraded.stderr
    wrong = re.findall(r"^ (\S+)\r?$", said.partition("Errors were encountered")[2], re.MULTILINE)
    assert wrong in ([], ["dovecot-core"]), said[-2000:]
    assert (upgraded.returncode != 0) == bool(wrong), said[-2000:]
    meanwhile = compose(IQBAL)
    code = deliver(host, IQBAL, message=meanwhile)
    assert code in (250, 451)
    step(host, mail)
    step(host, flush)
    subject = meanwhile["Subject"]
    assert code == 451 or arrived(host, IQBAL, host.password(IQBAL), subject, seconds=90), "what waited does not arrive"
    assert host.converge().changes == 0
    assert host.run(FAILED).stdout == failed, "what the former release left is told as a failure"
    services_run(host)
    step(host, reboot)
    step(host, again)
    verified = step(host, verify)
    assert "FAIL" not in verified
    assert host.run("cat /etc/debian_version").stdout.startswith("13")
    all_of_it_is_there(host, kept)


@contextmanager
def waits_for(host: MailHost, said: str) -> Iterator[None]:
    """A run changes nothing, and says why; after what the caller does it is as welcome as ever."""
    run = host.converge()
    assert run.rc != 0
    assert "nothing was changed" in run.output
    assert said in run.output, run.output
    yield
    run = host.converge()
    assert (run.rc, run.changes) == (0, 0), run.output


HOLDS = "import fcntl, time; f = open('/var/lib/dpkg/lock-frontend', 'r+'); fcntl.lockf(f, fcntl.LOCK_EX)"


def test_a_run_waits_while_apt_upgrades_the_host(mail_host: MailHost) -> None:
    unit = "systemd-run --quiet --collect --unit=at-work"
    mail_host.run(f'{unit} python3 -c "{HOLDS}; time.sleep(300)" apt-get full-upgrade')
    inode = mail_host.run("stat -c %i /var/lib/dpkg/lock-frontend").stdout.strip()
    try:
        wait_until(lambda: f":{inode} " in mail_host.run("cat /proc/locks").stdout, 30, "nobody holds the lock")
        with waits_for(mail_host, "is upgrading this host: wait until it has ended"):
            mail_host.run("systemctl stop at-work")
    finally:
        mail_host.run("systemctl stop at-work", check=False)


HALF = """set -e; mkdir -p /root/half/DEBIAN
printf '%s\\n' 'Package: half' 'Version: 1' 'Architecture: all' 'Maintainer: Ana <ana@example.net>' \\
    'Description: needs another' 'Depends: hello' >/root/half/DEBIAN/control
dpkg-deb -b /root/half /root/half.deb; dpkg --unpack /root/half.deb
"""


def test_a_run_waits_where_an_upgrade_stopped_half_way(mail_host: MailHost) -> None:
    mail_host.run(HALF)
    try:
        with waits_for(mail_host, "stopped half way: not set up: 1 of them; still to be installed: hello. As root"):
            for command in section("When it stops half way")[:2]:
                step(mail_host, command, fails=command.startswith("dpkg"))
    finally:
        mail_host.run("dpkg --purge --force-all half hello; rm -r /root/half*", check=False)


@pytest.mark.long
@pytest.mark.releases("debian-12")
def test_an_upgrade_that_was_cut_off_goes_on_where_it_stopped(own_mail_host: MailHost) -> None:
    host = own_mail_host
    _, sources, lists, upgrade, mail = (section(IN_PLACE)[at] for at in (0, 4, 5, 6, 7))
    step(host, sources)
    step(host, lists)
    unit = "systemd-run --quiet --unit=cut-off --setenv=DEBIAN_FRONTEND=noninteractive"
    host.run(f"{unit} sh -c '{upgrade} >/root/apt.log 2>&1'")
    wait_until(lambda: "Unpacking dovecot-core" in host.run("cat /root/apt.log").stdout, 600, "apt does not get there")
    host.run("systemctl kill --signal=KILL cut-off; sleep 1; systemctl stop cut-off", check=False)
    refused = step(host, mail, fails=True)
    assert "an upgrade of its packages stopped half way" in refused, refused
    for command in section("When it stops half way"):
        host.run(command, check=False, timeout=1200)
    step(host, mail)
    assert host.converge().changes == 0
    verified = host.verify()
    assert verified.rc == 0, verified.output


@pytest.mark.long
@pytest.mark.releases("debian-12")
def test_a_new_host_of_the_next_release_takes_over_by_a_backup(own_mail_host: MailHost, bare: Bare) -> None:  # noqa: F811
    """What tests/on_host/test_backup.py proves of mail, of all else that an upgrade might lose."""
    old = own_mail_host
    converge(old, declared())
    kept = fill(old)
    step(old, "pyinfra inventory.py deploys/backup.py")
    old.run(f"tar -C {REPOSITORY} -cf /root/backups.tar .")
    saved = old.read("/root/backups.tar")
    old.host.remove()
    new = bare("debian-13")
    new.run(f"mkdir -p {REPOSITORY} && tar -C {REPOSITORY} -xf -", input=saved)
    converge(new, declared())
    for command in ("restore", "mail"):
        step(new, f"pyinfra inventory.py deploys/{command}.py")
    assert new.converge().changes == 0
    all_of_it_is_there(new, kept, restored=True)
    verified = new.verify()
    assert verified.rc == 0, verified.output
