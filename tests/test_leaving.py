"""Mailboxes that go to the archive: who goes, what of a person goes along, and that it comes back."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api.exceptions import DeployError

from deploys.components.archive import render
from deploys.components.archive.operator import Request
from deploys.components.archive.program import dotlock, keeping, person, rights, roundcube_user, store
from deploys.components.archive.program.entries import begun, ended, entries
from deploys.components.archive.program.main import OWNERS, READERS, ROOTS
from deploys.components.backup.program import stage
from deploys.components.dovecot.render import SHARING
from deploys.components.watch.program import archives
from deploys.config.reading.errors import SettingsError
from deploys.summary.fold import kept
from facts.leaving import Leaving, LeavingOnHost
from facts.stores import StoresOnHost, digest
from operations import leaving
from tests.declared import parts
from tests.settings import server

TITO, ANA = "tito@example.com", "ana@example.com"
DAY = 86_400


# --- what mail.yaml may say, and what follows


def test_nothing_is_ever_deleted_unless_a_time_is_declared():
    assert render.units(server(), "/somewhere") == {}
    assert render.plan(server())["keeps"] is None
    assert render.plan(server(archive="30d"))["keeps"] == 30 * DAY
    assert sorted(render.units(server(archive="30d"), "/somewhere")) == [render.SERVICE, render.TIMER]
    assert kept(server()) == "in the archive for ever"
    assert "Archive" not in [one.name for one in parts(server(accounts="system"))]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"archive": "10m"}, "archive: 10m is out of range; write a span from 1d to 3650d"),
        ({"archive": "for ever"}, "archive: is no span of time"),
        ({"archive": "30d", "accounts": "system"}, "archive: is for virtual mailboxes; take it away"),
    ],
)
def test_a_time_that_cannot_be_is_refused(changes: dict[str, Any], said: str):
    with pytest.raises(SettingsError) as error:
        server(**changes)
    assert any(said in line for line in error.value.lines), error.value.lines


def test_a_run_says_until_when():
    now = datetime(2026, 11, 27, 12, tzinfo=UTC)
    assert leaving.until(30 * DAY, now) == "until 2026-12-27"
    assert leaving.until(None, now) == "for ever"


# --- who goes

OURS = LeavingOnHost(ours=True)


def decided(stores: StoresOnHost, found: LeavingOnHost, *declared: str, **more: Any) -> list[tuple[str, str]]:
    return leaving.decided(stores, found, declared, more.pop("former", ()), **more)


def noted(*addresses: str) -> LeavingOnHost:
    return LeavingOnHost(ours=True, noted=addresses)


def test_who_is_no_longer_declared_is_noted_first_and_moved_once_dovecot_knows_them_no_more():
    assert decided(StoresOnHost(listed=(TITO, ANA)), OURS, TITO) == [("note", ANA)]
    assert decided(StoresOnHost(), noted(ANA), TITO, links=True) == [("take", ANA)]
    assert decided(StoresOnHost(), noted(ANA), TITO) == [("end", ANA)]
    assert decided(StoresOnHost(), OURS, TITO) == []


def test_who_has_another_name_now_or_is_there_again_stays():
    both = StoresOnHost(listed=(TITO, ANA))
    assert decided(both, OURS, TITO, former=(ANA,)) == []
    assert decided(both, noted(ANA), TITO, former=(ANA,)) == [("keep", ANA)]
    assert decided(both, noted(ANA), TITO, ANA) == [("keep", ANA)]
    assert decided(StoresOnHost(), noted(ANA), TITO, ANA) == [("keep", ANA)], "Dovecot has what is declared"


def test_where_a_run_died_the_next_one_goes_on_even_if_the_name_is_somebody_elses_by_then():
    assert decided(StoresOnHost(listed=(TITO, ANA)), noted(ANA), TITO) == []
    assert decided(StoresOnHost(listed=(TITO,)), noted(ANA), TITO, ANA) == [("end", ANA)], "before Dovecot knows her"


def test_a_list_that_somebody_else_wrote_takes_nobody_away():
    assert decided(StoresOnHost(listed=(TITO, ANA)), LeavingOnHost(), TITO) == []


def test_a_namesake_and_what_is_past_its_time_are_told():
    found = LeavingOnHost(ours=True, archived=((ANA, "2026-11-20"),), due=(("old@example.com", "2026-01-01"),))
    goes, comes, due = leaving.told(StoresOnHost(listed=(TITO, "x@example.com")), found, {TITO, ANA}, (), 30 * DAY)
    assert goes[0].startswith("x@example.com goes to the archive (/var/mail/vhosts/.archive), until 2")
    assert comes == [
        f"{ANA} begins empty: what was there until 2026-11-20 lies in the archive; if it is the same person's:"
        f" pyinfra inventory.py deploys/archive.py --data back={ANA}"
    ]
    assert due == [
        "old@example.com, in the archive since 2026-01-01, is past its time and is deleted with the next night"
    ]


def test_the_host_says_what_is_in_the_archive_where_its_list_of_mailboxes_becomes_another(tmp_path, monkeypatch):
    users = tmp_path / "users"
    users.write_text(f"{TITO}:x::::::\n")
    for name in ("ana.20261120T101112Z", "carla.20250101T000000Z", "being.written"):
        (tmp_path / "archive" / "example.com" / name).mkdir(parents=True)
        if "Z" in name:
            (tmp_path / "archive" / "example.com" / name / "about.json").write_text("{}")
    (tmp_path / "leaving").write_text(f"{ANA}\n")

    def asked(*declared: str, keeps: int = 0) -> LeavingOnHost:
        command = Leaving().command(digest(declared), keeps)
        for path, here in (
            ("/etc/dovecot/users", users),
            ("/var/lib/posthaus-archive", tmp_path / "archive"),
            ("/var/lib/posthaus/leaving", tmp_path / "leaving"),
        ):
            command = command.replace(path, str(here))
        return Leaving().process(subprocess.check_output(["sh", "-c", command], text=True).splitlines())

    assert asked(TITO) == LeavingOnHost(noted=(ANA,))
    years = int(time.time()) - 1_760_000_000 + 60  # since October 2025
    found = asked(TITO, ANA, keeps=years)
    assert found.archived == (("carla@example.com", "2025-01-01"), (ANA, "2026-11-20"))
    assert found.due == (("carla@example.com", "2025-01-01"),)


# --- what goes along


@pytest.fixture
def plan(tmp_path: Path) -> dict[str, Any]:
    """A host of ana's and another ana's, in a domain whose name begins alike."""
    plan = {
        name: str(tmp_path / name)
        for name in ("store", "state", "leaving", "users", "told", "chosen", "shared", "preferences", "database")
    }
    for name in ("told", "chosen", "preferences"):
        os.mkdir(plan[name])
    chosen, apps = tmp_path / "chosen" / "chosen", tmp_path / "chosen" / "apps"
    chosen.write_text(f"{TITO}/n1:h::::::\n{ANA}/n2:h::::::\n")
    apps.write_text(f"d1/{ANA}/n2/imap:::::::nopassword\nd2/{TITO}/n1/imap:::::::nopassword\n")
    for name in (f"{ANA}.pref", f"{ANA}.abook", f"{ANA}.au.pref"):
        (tmp_path / "preferences" / name).write_text(name)
    (tmp_path / "told" / ANA).write_text("")
    home = tmp_path / "store" / "example.com" / "ana"
    for folder in ("Maildir", "Maildir/.Work"):
        for part in ("cur", "new", "tmp"):
            (home / folder / part).mkdir(parents=True)
        (home / folder / "cur" / f"1.{folder.count('/')}:2,S").write_text("a message")
    (home / "Maildir" / "dovecot-acl").write_text("user=tito@example.com lr\n")
    (tmp_path / "users").write_text(f"{TITO}:h::::::\n{ANA}:h::::::\n")
    return {**plan, "passwords": {str(chosen): 0, str(apps): 1}, "keeps": None}


def ask(plan: dict[str, Any]) -> keeping.Ask:
    def asked(word: str, *words: str, more: str = "") -> Any:
        told = [more] if word in READERS else []
        return json.loads(json.dumps(OWNERS[word](Path(plan["store"]), *words, *told)))

    return asked


def run(plan: dict[str, Any], *lines: str) -> list[str]:
    return keeping.run(plan, ask(plan), lines)


def content(top: Path) -> dict[str, str]:
    files = [path for path in sorted(top.rglob("*")) if path.is_file()]
    return {str(path.relative_to(top)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_all_of_a_person_goes_along_and_comes_back(plan: dict[str, Any], tmp_path: Path, monkeypatch):
    monkeypatch.setattr(keeping, "_doveadm", lambda *words, **_: "")
    before = content(tmp_path)
    home = tmp_path / "store" / "example.com" / "ana"
    run(plan, f"note {ANA}")
    assert content(tmp_path)["leaving"]
    (said,) = run(plan, f"take {ANA}")
    (one,) = entries(Path(plan["state"]))
    archived = store.place(Path(plan["store"]), "example.com", one.name)
    assert said == f"{ANA}: 2 messages are in the archive now ({archived})"
    assert home.is_symlink()
    (home / "Maildir" / "new" / "late").write_text("a message that was on its way")
    assert (archived / "Maildir" / "new" / "late").exists()
    run(plan, f"end {ANA}")
    assert not os.path.lexists(home)
    assert Path(plan["leaving"]).read_text() == ""
    assert len(entries(Path(plan["state"]))) == 1
    for path in plan["passwords"]:
        assert ANA not in Path(path).read_text()
        assert TITO in Path(path).read_text()
    assert os.listdir(plan["preferences"]) == [f"{ANA}.au.pref"]
    assert list(keeping.listed(plan, ask(plan)))[-1] == "1 mailbox in the archive"

    told = list(keeping.back(plan, ask(plan), ANA, ANA))
    assert told[0].startswith(f"{ANA} has 2 messages again")
    after = content(tmp_path)
    gone = {"store/example.com/ana/Maildir/dovecot-acl", "told/ana@example.com"}
    passwords = {f"chosen/{os.path.basename(path)}" for path in plan["passwords"]}
    assert {k: v for k, v in before.items() if k not in gone | passwords} == {
        k: v
        for k, v in after.items()
        if k not in passwords and k not in ("leaving", "store/example.com/ana/Maildir/new/late")
    }
    for path in plan["passwords"]:
        assert sum(ANA in line for line in person.read(path)) == 1
    assert entries(Path(plan["state"])) == []


def test_what_somebody_has_by_now_is_not_overwritten(plan: dict[str, Any], tmp_path: Path, monkeypatch):
    asked: list[tuple[str, ...]] = []

    def doveadm(*words: str, **_: Any) -> str:
        asked.append(words)
        return ""

    monkeypatch.setattr(keeping, "_doveadm", doveadm)
    run(plan, f"end {ANA}")
    (one,) = entries(Path(plan["state"]))
    new = tmp_path / "store" / "example.com" / "ana" / "Maildir" / "cur"
    new.mkdir(parents=True)
    (new / "hers").write_text("another ana's message")
    (said,) = keeping.back(plan, ask(plan), ANA, ANA)
    assert said == f"{ANA} has 2 messages of {ANA} in Archived {one.day}/…; the archive keeps them, too"
    source = store.place(Path(plan["store"]), "example.com", one.name) / "Maildir"
    assert ("import", "-u", ANA, "-s", f"maildir:{source}", f"Archived {one.day}", "ALL") in asked
    assert os.listdir(new) == ["hers"]

    (new / "hers").unlink()
    pref = Path(plan["preferences"], f"{ANA}.pref")
    pref.write_text("another ana's")
    told = list(keeping.back(plan, ask(plan), ANA, ANA))
    assert pref.read_text() == "another ana's"
    assert "has these already" in told[0]
    assert len(entries(Path(plan["state"]))) == 1, "what could not be given back is still there"
    (empty,) = (tmp_path / "store" / "example.com").glob(".ana.empty.*")
    assert store.count(empty) == 0


def test_a_mailbox_that_nobody_has_or_that_is_not_there_is_refused(plan: dict[str, Any]):
    with pytest.raises(keeping.Failed, match=r"the archive has no mailbox carla@example\.com; it has: nobody's"):
        list(keeping.back(plan, ask(plan), "carla@example.com", TITO))
    run(plan, f"end {ANA}")
    with pytest.raises(keeping.Failed, match=r"carla@example\.com has no mailbox on this host yet"):
        list(keeping.back(plan, ask(plan), ANA, "carla@example.com"))


def test_a_run_that_died_halfway_is_gone_on_with_and_nothing_is_there_twice(plan: dict[str, Any]):
    unfinished = begun(Path(plan["state"]), ANA, 1_800_000_000)
    ask(plan)("move", "example.com", "ana", unfinished.name)
    assert entries(Path(plan["state"])) == []
    run(plan, f"end {ANA}")
    (one,) = entries(Path(plan["state"]))
    assert (one.kept, one.messages) == (unfinished, 2)
    assert time.time() - one.at < 60, "it is kept from now on, not from when that run died"
    assert run(plan, f"end {ANA}") == [], "nothing is left to take"


TITOS = "store/example.com/tito/Maildir"


@pytest.fixture
def let_in(plan: dict[str, Any], tmp_path: Path) -> Path:
    """Tito has let ana, and others, into two folders of his. His inbox is shared by mail.yaml as well."""
    for folder, guid in ((f"{TITOS}/.Club &- Caf&AOk-", "a" * 32), (f"{TITOS}/.Old", "b" * 32), (TITOS, "c" * 32)):
        (tmp_path / folder / "cur").mkdir(parents=True)
        (tmp_path / folder / "dovecot-uidlist").write_text(f"3 V1795806515 N1 G{guid}\n")
        (tmp_path / folder / "dovecot-acl").write_text(
            f"user=iqbal@example.com lr\nuser={ANA} lr\n-user={ANA} w\nuser=x.{ANA} lr\ngroup={ANA} l\n"
        )
    (tmp_path / "store/shared-mailboxes").write_text(
        "".join(
            f"shared/shared-boxes/user/{pair}\n1\n"
            for pair in (f"{ANA}/{TITO}", f"iqbal@example.com/{TITO}", f"{TITO}/{ANA}")
        )
    )
    return tmp_path / TITOS


def hers(let_in: Path) -> dict[str, list[str]]:
    """Ana's rows, by folder."""
    found = {path.parent.name: path.read_text().splitlines() for path in let_in.rglob("dovecot-acl")}
    assert all("user=iqbal@example.com lr" in rows for rows in found.values()), "others keep what they have"
    return {name: mine for name, rows in found.items() if (mine := [row for row in rows if f"r={ANA}" in row])}


def test_what_somebody_was_let_into_leaves_and_comes_back_with_them(plan: dict[str, Any], let_in: Path, monkeypatch):
    monkeypatch.setattr(keeping, "_doveadm", lambda *words, **_: "")
    index = let_in.parents[2] / "shared-mailboxes"
    before, indexed = hers(let_in), index.read_text().split()
    assert len(before) == 3
    _, said = run(plan, f"end {ANA}")
    assert said.startswith(f"{ANA} is let no more into ")
    assert "Club & Café of tito@example.com" in said
    assert hers(let_in) == {}
    assert f"/user/{ANA}/" not in index.read_text()

    shutil.rmtree(let_in / ".Old")
    for part in ("cur", "dovecot-uidlist"):  # another folder of the same name
        (let_in / ".Old").mkdir(exist_ok=True)
        (let_in / ".Old" / part).write_text("3 V1795806999 N1 G" + "d" * 32 + "\n")
    (let_in / ".Club &- Caf&AOk-").rename(let_in / ".Renamed")
    told = list(keeping.back(plan, ask(plan), ANA, ANA))
    assert f"{ANA} is let in again: " in " ".join(told)
    assert f"{ANA} was let into others, too, which are gone: Old of tito@example.com" in told
    assert f"{TITO} had been let into INBOX of {ANA}, and is not now" in told
    assert hers(let_in) == {"Maildir": before["Maildir"], ".Renamed": next(iter(before.values()))}
    assert sorted(index.read_text().split()) == sorted(indexed)
    assert entries(Path(plan["state"])) == [], "no paper is left"


def test_what_mail_yaml_shares_is_not_given_back_by_the_archive(plan: dict[str, Any], let_in: Path, monkeypatch):
    monkeypatch.setattr(keeping, "_doveadm", lambda *words, **_: "")
    home = Path(plan["store"], "example.com/tito")
    Path(plan["shared"]).write_text(f"{TITO} {home} {ANA},x@example.com\n")
    run(plan, f"end {ANA}")
    assert hers(let_in) == {}
    list(keeping.back(plan, ask(plan), ANA, ANA))
    assert hers(let_in) == {}


def test_whoever_has_the_address_next_is_let_in_nowhere(plan: dict[str, Any], let_in: Path, monkeypatch):
    """Also by what a run of an older version left, or somebody gave to the address when nobody had it."""
    monkeypatch.setattr(keeping, "_doveadm", lambda *words, **_: "")
    with monkeypatch.context() as older:
        older.setattr(keeping.letting, "taken", lambda *_: [])
        run(plan, f"end {ANA}")
    before = hers(let_in)
    assert len(before) == 3
    run(plan, f"come {ANA}")
    assert hers(let_in) == {}
    list(keeping.back(plan, ask(plan), ANA, ANA))
    assert hers(let_in) == before


def test_somebody_with_another_name_is_let_in_where_they_were(plan: dict[str, Any], let_in: Path, monkeypatch):
    assert not OWNERS.keys() & ROOTS.keys(), "a word is root's or the owner's"
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{ANA} maria@example.com\n{TITO} t@example.com\n"))
    keeping.handed_over(plan, ask(plan))
    assert hers(let_in) == {}
    rows = (let_in / "dovecot-acl").read_text().splitlines()
    assert [row for row in rows if "maria" in row] == ["user=maria@example.com lr", "-user=maria@example.com w"]
    assert f"group={ANA} l" in rows
    index = (let_in.parents[2] / "shared-mailboxes").read_text().split("\n")[::2]
    assert [one.removeprefix("shared/shared-boxes/user/") for one in index if one] == [
        "maria@example.com/t@example.com",
        "iqbal@example.com/t@example.com",
        "t@example.com/maria@example.com",
    ]
    assert sorted(os.listdir(plan["preferences"])) == [
        "ana@example.com.au.pref",
        "maria@example.com.abook",
        "maria@example.com.pref",
    ]
    for path, at in plan["passwords"].items():
        assert sum(person._of(line, at) == "maria@example.com" for line in person.read(path)) == 1


def test_a_file_of_dovecots_is_changed_as_dovecot_does_it(tmp_path: Path, monkeypatch):
    path, lock = tmp_path / "dovecot-acl", tmp_path / "dovecot-acl.lock"
    path.write_text("user=a lr\n")
    path.chmod(0o640)
    lock.write_text("")
    monkeypatch.setattr(dotlock, "PATIENCE", 0.1)
    with pytest.raises(TimeoutError, match="is held by another program"):
        dotlock.changed(path, lambda lines: [])
    os.utime(lock, (1, 1))  # whoever held it has died
    dotlock.changed(path, lambda lines: [*lines, "user=b lr"])
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("user=a lr\nuser=b lr\n", 0o640)
    assert os.listdir(tmp_path) == ["dovecot-acl"]
    assert os.path.basename(SHARING) == rights.INDEX


def test_a_return_that_died_halfway_is_gone_on_with(plan: dict[str, Any], tmp_path: Path, monkeypatch):
    monkeypatch.setattr(keeping, "_doveadm", lambda *words, **_: "")
    run(plan, f"end {ANA}")
    with monkeypatch.context() as dying:
        dying.setattr(keeping.person, "given_back", _dies)
        with pytest.raises(KeyboardInterrupt):
            list(keeping.back(plan, ask(plan), ANA, ANA))
    assert store.holds(tmp_path / "store" / "example.com" / "ana")
    told = list(keeping.back(plan, ask(plan), ANA, ANA))
    assert told[0].startswith(f"{ANA} has 2 messages again")
    assert all(any(ANA in line for line in person.read(path)) for path in plan["passwords"])
    assert entries(Path(plan["state"])) == []


def test_somebody_who_never_had_a_message_comes_back_with_what_there_was(plan: dict[str, Any], tmp_path, monkeypatch):
    monkeypatch.setattr(keeping, "_doveadm", lambda *words, **_: "")
    shutil.rmtree(tmp_path / "store" / "example.com" / "ana")
    run(plan, f"end {ANA}")
    list(keeping.back(plan, ask(plan), ANA, ANA))
    assert sorted(os.listdir(plan["preferences"])) == [f"{ANA}.abook", f"{ANA}.au.pref", f"{ANA}.pref"]


def _dies(*_: object) -> None:
    raise KeyboardInterrupt


def test_what_came_to_a_new_mailbox_meanwhile_and_cannot_be_imported_is_named(plan: dict[str, Any], monkeypatch):
    def doveadm(*words: str, **_: Any) -> str:
        if words[0] == "import":
            raise keeping.Failed("doveadm import: no")
        return ""

    monkeypatch.setattr(keeping, "_doveadm", doveadm)
    run(plan, f"end {ANA}")
    asked = ask(plan)
    late = "/var/mail/vhosts/example.com/.ana.empty.1"
    given = list(
        keeping.back(plan, lambda *words, **more: asked(*words, **more) or (late * (words[0] == "place")), ANA, ANA)
    )
    assert given[0] == f"what had come to {ANA} meanwhile lies in {late} (doveadm import: no)"
    assert given[1].startswith(f"{ANA} has 2 messages again"), "all else is in its place"


def test_a_mailbox_that_is_a_link_of_somebodys_is_said_to_stay(plan: dict[str, Any], tmp_path: Path):
    home = tmp_path / "store" / "example.com" / "ana"
    home.rename(tmp_path / "large")
    home.symlink_to(tmp_path / "large")
    assert f"{home} stays where it is, for it is a link to {tmp_path / 'large'}" in run(plan, f"end {ANA}")[0]


def test_a_second_who_leaves_within_a_second_has_a_place_of_their_own(tmp_path: Path):
    first = begun(tmp_path, ANA, 1_800_000_000)
    ended(first, 1, 1_800_000_000)
    assert begun(tmp_path, ANA, 1_800_000_000).name != first.name


def test_where_paths_cannot_change_places_a_home_moves_all_the_same(plan: dict[str, Any], monkeypatch):
    monkeypatch.setattr(store, "exchanged", lambda one, other: False)
    run(plan, f"take {ANA}")
    (one,) = entries(Path(plan["state"]))
    assert one.messages == 2
    assert (Path(plan["store"]) / "example.com" / "ana" / "Maildir").is_dir(), "by the link"


def test_only_what_is_past_its_time_is_deleted(plan: dict[str, Any]):
    run(plan, f"end {ANA}")
    assert list(keeping.expired(plan, ask(plan))) == []
    assert list(keeping.expired({**plan, "keeps": DAY}, ask(plan))) == []
    (one,) = entries(Path(plan["state"]))
    old = one.kept.with_name("ana.20250101T000000Z")
    archived = store.place(Path(plan["store"]), "example.com", one.name)
    ended(one.kept, 2, 1_735_689_600)
    one.kept.rename(old)
    archived.rename(archived.with_name(old.name))
    assert list(keeping.expired(plan, ask(plan))) == [], "no time is declared"
    assert list(keeping.expired({**plan, "keeps": 30 * DAY}, ask(plan))) == [
        f"{ANA}, in the archive since 2025-01-01: 2 messages deleted, after 30 days"
    ]
    assert entries(Path(plan["state"])) == []
    assert not [*archived.parent.iterdir()]


def test_roundcubes_user_sleeps_under_a_name_that_nobody_has(plan: dict[str, Any]):
    with closing(sqlite3.connect(plan["database"])) as database:
        database.executescript(
            "create table users (user_id integer primary key, username text);"
            "create table contacts (contact_id integer, user_id integer, name text);"
            "create table contactgroups (contactgroup_id integer, user_id integer);"
            "create table contactgroupmembers (contactgroup_id integer, contact_id integer);"
            f"insert into users values (1, '{ANA}'), (2, '{TITO}');"
            "insert into contacts values (1, 1, 'hers'), (2, 2, 'his');"
            "insert into contactgroups values (7, 1), (8, 2);"
            "insert into contactgroupmembers values (7, 1), (8, 2);"
        )

    def names() -> list[str]:
        with closing(sqlite3.connect(plan["database"])) as database:
            return [name for (name,) in database.execute("select username from users order by user_id")]

    run(plan, f"end {ANA}")
    (one,) = entries(Path(plan["state"]))
    assert names() == [f"{ANA} archived as {one.name}", TITO]
    person.given_back(plan, ANA, one.kept)
    assert names() == [ANA, TITO]
    with closing(sqlite3.connect(plan["database"])) as database:
        database.executescript(
            "create table identities (user_id integer, email text);"
            f"insert into identities values (1, '{ANA}'), (1, 'info@example.com'), (2, '{ANA}')"
        )
    assert not roundcube_user.handed_over(plan["database"], ANA, TITO), "who has something already keeps it"
    assert roundcube_user.handed_over(plan["database"], ANA, "maria@example.com")
    with closing(sqlite3.connect(plan["database"])) as database:
        found = [*database.execute("select email from identities")]
    assert found == [("maria@example.com",), ("info@example.com",), (ANA,)]
    assert roundcube_user.renamed(plan["database"], "maria@example.com", ANA)
    person.taken(plan, ANA, one.kept)
    person.forgotten(plan, ANA, one.kept)
    assert names() == [TITO]
    with closing(sqlite3.connect(plan["database"])) as database:
        for table in ("contacts", "contactgroups", "contactgroupmembers"):
            assert database.execute(f"select count(*) from {table}").fetchone() == (1,), table


def test_a_backup_takes_the_archive_along(plan: dict[str, Any], tmp_path: Path):
    run(plan, f"end {ANA}")
    told = stage.everything(Path(plan["store"]), tmp_path / "staged")
    assert told["messages"] == 2
    (one,) = entries(Path(plan["state"]))
    assert (tmp_path / "staged" / ".archive" / "example.com" / one.name / "Maildir" / "cur" / "1.0:2,S").exists()
    assert any(state.path == render.STATE for part in parts(server()) for state in part.state)


# --- what is told of it


def test_status_tells_how_many_are_kept_and_which_goes_next(plan: dict[str, Any]):
    assert list(archives.results([], 30 * DAY, time.time())) == []
    run(plan, f"end {ANA}")
    (line,) = archives.archive(plan["state"], None)
    assert (line.seen, line.verdict) == ("1 mailbox, 2 messages", "ok")
    (line,) = archives.results([(ANA, 1_800_000_000, 2)], 30 * DAY, 1_800_000_000)
    assert line.seen == f"1 mailbox, 2 messages; next to be deleted: {ANA}, on 2027-02-14"
    (line,) = archives.results([(ANA, 1_800_000_000, 2)], 30 * DAY, 1_800_000_000 + 33 * DAY)
    assert line.verdict == "warn"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("carla@example.com", None, None, None), "is none of mail.yaml's mailboxes; declare it first"),
        (("no address", TITO, None, None), "back: 'no address' is not a mail address"),
        ((None, TITO, None, None), "say whose mailbox shall come back"),
        ((TITO, None, "yesterday", None), "at: yesterday is no day"),
        ((TITO, None, None, " "), "folder: say a name"),
    ],
)
def test_whatever_is_asked_wrongly_is_refused_before_any_host_is_asked(words: Any, said: str):
    with pytest.raises(DeployError, match=said):
        Request.of(server(), *words)
    assert Request.of(server(), None, None, None, None).words == ("list",)
    assert Request.of(server(), ANA, TITO, "2026-11-20", "Ana").words == ("back", ANA, TITO, "2026-11-20", "Ana")
