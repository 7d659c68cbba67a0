"""Mailboxes come over from an old server, while it runs and people work: each message once, nothing undone here."""

from __future__ import annotations

import json
import shlex
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploys.checks.deploy import REPORTS
from deploys.migrating.shipped import UNIT
from lab.mailhost import MailHost
from lab.passwords import hashed
from lab.pyinfra import Run
from tests.on_host import conftest
from tests.on_host.converged import Converged
from tests.on_host.oldserver import NAME, OldServer
from tests.on_host.post import arrived, compose, deliver, mailbox
from tests.on_host.settings import PASSWORDS, example
from tests.on_host.test_backup import Folder, bodies, seen

pytestmark = pytest.mark.host

ODD = 'old 100% %u %{user} $x #1 "q" \\ é'  # all that a quoting mistake would trip over
OLD = {"rosa": ODD, "many": "the many messages", "good": "good and well", "wrong": "not this one", "big": "too much"}
PEOPLE = {f"{login}@example.com": f"{login}'s new password" for login in OLD}
# As people name them here, by how the old server names them.
FOLDERS = {
    "INBOX": "INBOX",
    "INBOX.Work": "Work",
    "INBOX.Work.2026 &- so on": "Work/2026 &- so on",
    "INBOX.B&APw-cher": "B&APw-cher",
    "INBOX.Sent Items": "Sent",
}
SHUT = "/srv/old/good/Maildir/.Shut"
FLAGS = (None, r"(\Seen)", r"(\Flagged \Answered \Seen)", "($Forwarded receipts)")


@dataclass
class Moving:
    """The ``new`` host, the ``old`` server, and its CA's certificate."""

    new: MailHost
    old: OldServer
    ca: Path

    def migrate(self, *words: str, trusting: bool = True) -> Run:
        trust = (f"ca={self.ca}",) if trusting else ()
        return self.new.pyinfra("deploys/migrate.py", *(part for w in (*words, *trust) for part in ("--data", w)), "-y")

    def one(self, login: str) -> Run:
        path = self.new.site / "old.password"
        path.write_text(f"{self.old.passwords[login]}\n")
        path.chmod(0o600)
        return self.migrate(f"mailbox={login}@example.com", f"server={NAME}", f"login={login}", f"password_file={path}")

    def report(self) -> dict[str, Any]:
        """What the last run left for programs, by address."""
        path = REPORTS / f"{self.new.entry[0]}.migrate.json"
        return {one["address"]: one for one in json.loads(path.read_text("utf-8"))["people"]}

    def seen(self, login: str) -> dict[str, Folder]:
        return seen(self.new, f"{login}@example.com", PASSWORDS[f"{login}@example.com"])


@pytest.fixture(scope="module")
def moving(converged: Converged, lab_state: Path, release: str) -> Iterator[Moving]:
    PASSWORDS.update(PEOPLE)
    started: list[MailHost] = []

    def start(of: str) -> MailHost:
        started.append(converged.whole(conftest.start(lab_state, of, image=converged.image(of))))
        return started[-1]

    try:
        new, old = start(release), OldServer(start("debian-12"), OLD)
        settings = example(accounts=None)
        settings["mailboxes"] |= {one: {"password": hashed(PEOPLE[one])} for one in PEOPLE}
        settings["mailboxes"]["big@example.com"]["quota"] = "1M"
        new.passwords |= PEOPLE
        run = new.converge(settings)
        assert run.rc == 0, run.output
        yield Moving(new, old, old.known_to(new))
    finally:
        for one in started:
            one.host.remove()


def test_a_mailbox_comes_over_whole_and_a_second_run_takes_nothing(moving: Moving):
    with moving.old.mailbox("rosa") as client:
        for folder in FOLDERS:
            client.create(f'"{folder}"')
            client.subscribe(f'"{folder}"')
    there = {folder: [moving.old.append("rosa", folder, 3, one) for one in FLAGS] for folder in FOLDERS}
    run = moving.one("rosa")
    assert run.rc == 0, run.output
    assert "rosa@example.com: complete, 60 messages new" in run.output, run.output
    found = moving.seen("rosa")
    assert not [name for name in found if "News" in name], "what all people share is nobody's own"
    for old, name in FOLDERS.items():
        assert len(found[name].messages) == sum(map(len, there[old])) == 12, name
        flags = [one for one, _, _ in found[name].messages.values()]
        assert sorted(map(sorted, flags)) == sorted(
            sorted(one.strip("()").split()) if one else [] for one in FLAGS for _ in range(3)
        ), name
        assert {date for _, date, _ in found[name].messages.values()} == {"20-Nov-2025 09:11:12 +0000"}
    with moving.old.mailbox("rosa") as client:
        client.select("INBOX")
        validity = int(client.response("UIDVALIDITY")[1][0])
    assert found["INBOX"].validity == validity, "mail programs would fetch all of it again"
    run = moving.one("rosa")
    assert run.rc == 0, run.output
    assert "rosa@example.com: complete, 0 messages new" in run.output, run.output
    assert moving.seen("rosa") == found


def test_what_people_do_here_meanwhile_stays_and_what_is_deleted_there_is_not_deleted_here(moving: Moving):
    """Each of these undid, lost or doubled a message where dsync alone went on."""
    new, password = moving.new, PASSWORDS["rosa@example.com"]
    before = moving.seen("rosa")
    with mailbox(new, "rosa@example.com", password) as client:
        client.select("INBOX")
        client.store("1", "+FLAGS", r"(\Deleted)")
        client.expunge()
        client._simple_command("MOVE", "1", "Work")
        client.store("1", "+FLAGS", r"(\Flagged mine)")
        client.create("Mine")
        client.select("B&APw-cher")
        client.store("1:3", "+FLAGS", r"(\Deleted)")
        client.expunge()
    message = compose("rosa@example.com")
    assert deliver(new, "rosa@example.com", "", message) == 250
    assert arrived(new, "rosa@example.com", password, message["Subject"]) is not None
    worked = moving.seen("rosa")
    with moving.old.mailbox("rosa") as client:
        client.select("INBOX")
        client.store("7,8", "+FLAGS", r"(\Deleted)")
        client.expunge()
        client.store("5", "-FLAGS", r"(\Seen)")
        client._simple_command("MOVE", "6", "INBOX.Work")  # it is here already, and need not come there
    for new_in in ("INBOX", "INBOX.Work", "INBOX.Sent Items"):
        moving.old.append("rosa", new_in, 2)
    run = moving.one("rosa")
    assert run.rc == 0, run.output
    assert "rosa@example.com: complete, 6 messages new" in run.output, run.output
    after = moving.seen("rosa")
    assert len(bodies(after)) == len(bodies(before)) - 4 + 1 + 6, (
        "deleted here: four; arrived here: one; new there: six"
    )
    for name, folder in worked.items():
        assert folder.messages.items() <= after[name].messages.items(), f"{name}: what people did was undone"
    assert sum(len(one.messages) for one in after.values()) == len(bodies(after)), "a message came twice"
    assert "0 messages new" in moving.one("rosa").output
    assert moving.seen("rosa") == after


def test_one_of_many_who_cannot_be_taken_over_stops_nobody_else(moving: Moving):
    with moving.old.mailbox("good") as client:
        client.create("INBOX.Shut")
    moving.old.append("good", "INBOX", 5)
    moving.old.append("good", "INBOX.Shut", 2)
    moving.old.host.run(f"chmod 0 {SHUT}")
    moving.old.fill("big", 300, lines=400)
    rows = [f"{login}@example.com,{login},{OLD[login]}\n" for login in ("good", "big")]
    rows.append("wrong@example.com,wrong,a wrong password\n")
    people = moving.new.site / "people.csv"
    people.write_text(f"address,login,password\n{''.join(rows)}")
    people.chmod(0o600)
    run = moving.migrate(f"people={people}", f"server={NAME}", trusting=False)
    assert run.rc == 1
    assert "its certificate is not to be trusted" in run.output, run.output
    run = moving.migrate(f"people={people}", f"server={NAME}")
    assert run.rc == 1
    assert "good@example.com: partial, 5 messages new" in run.output, run.output
    report = moving.report()
    assert {one: told["state"] for one, told in report.items()} == {
        "good@example.com": "partial",
        "big@example.com": "failed",
        "wrong@example.com": "failed",
    }
    (shut,) = [row for row in report["good@example.com"]["folders"] if row["why"]]
    assert shut["old"] == "INBOX.Shut"
    assert "the server does not open it: " in shut["why"], "a folder that is refused is no empty one"
    assert "refuses wrong and the password" in report["wrong@example.com"]["why"]
    assert "the quota leaves 1.0 MB; nothing was taken" in report["big@example.com"]["why"]
    assert bodies(moving.seen("big")) == set(), "a mailbox without room would refuse what arrives"
    assert "a wrong password" not in run.output + json.dumps(report) + moving.new.run("journalctl -q -o cat").stdout


def test_a_folder_that_is_opened_later_comes_then_and_who_has_the_address_next_gets_all(moving: Moving):
    """What was written down of the mailbox before is not believed of the one that has its address now."""
    moving.old.host.run(f"chmod 700 {SHUT}")
    run = moving.one("good")
    assert run.rc == 0, run.output
    assert "good@example.com: complete, 2 messages new" in run.output, run.output
    moving.new.run("doveadm kick good@example.com; mv /var/mail/vhosts/example.com/good /var/mail/vhosts/good.left")
    run = moving.one("good")
    assert run.rc == 0, run.output
    assert "good@example.com: complete, 7 messages new" in run.output, run.output
    assert len(bodies(moving.seen("good"))) == 7
    assert "0 messages new" in moving.one("good").output


def test_a_run_that_is_killed_leaves_no_password_and_the_next_one_goes_on(moving: Moving):
    """Also while it works nobody else sees the password."""
    total, new = 1500, moving.new
    moving.old.fill("many", total)
    box = "/var/mail/vhosts/example.com/many/Maildir"
    here = f"ls {box}/cur {box}/new 2>/dev/null | wc -l"
    stop = f"for n in $(seq 1200); do [ $({here}) -gt 50 ] && break; sleep 0.05; done; systemctl kill -s STOP {UNIT}"
    first = threading.Thread(target=moving.one, args=("many",))
    first.start()
    try:
        new.run(stop)
        look = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'"
        said = new.run(look, check=False).stdout
        secret = f"find /run /tmp /var/tmp /var/lib/posthaus -type f -exec grep -lF {shlex.quote(OLD['many'])} {{}} +"
        open_to_others = f"{secret[:-2]}+ 2>/dev/null | xargs -r stat -c '%a %n' | grep -v '^600 '"
        others = new.run(open_to_others, check=False).stdout
    finally:
        new.run(f"systemctl kill -s KILL {UNIT}", check=False)
        first.join(120)
    assert "doveadm" in said, "it was over before anybody looked"
    assert OLD["many"] not in said
    assert others == ""
    assert new.run(secret, check=False).stdout == "", "a file was left"
    some = int(new.run(here).stdout)
    assert some < total, "it was over before it was killed"
    run = moving.one("many")
    assert run.rc == 0, run.output
    assert f"{total:,} there     {total:,} here       0 missing" in run.output, run.output
    found = moving.seen("many")["INBOX"].messages
    assert (len(found), len({digest for _, _, digest in found.values()})) == (total, total)
