"""Backups: what mail.yaml may say, what is kept, and how it is taken while people work."""

from __future__ import annotations

import errno
import io
import itertools
import json
import os
import pwd
import re
import shutil
import sqlite3
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyinfra.api.exceptions import DeployError

from deploys.components.all import state as state_of
from deploys.components.backup import render
from deploys.components.backup.operator import Request
from deploys.components.backup.program import (
    beside,
    fetch,
    held,
    join,
    look,
    make,
    prove,
    stage,
    state,
    strangers,
    swap,
    uids,
)
from deploys.components.backup.program.restic import Failed, Restic, Snapshot, complaint, counted, literally, secrets_in
from deploys.components.backup.program.restore import chosen
from deploys.components.component import Tree
from deploys.components.watch.program.backups import interrupted, results
from deploys.config import read
from deploys.config.reading.errors import SettingsError
from deploys.values import utf7
from tests.declared import context, parts
from tests.settings import SECRET, server

DAY = 86_400


def declared(**more: object) -> dict[str, object]:
    return {"repository": "/srv/backups", "password_on_host": "/root/backup.password", **more}


def message(home: Path, place: str, text: str = "a message") -> Path:
    path = home / place
    for part in ("cur", "new", "tmp"):
        (path.parent.parent / part).mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def texts(home: Path) -> dict[str, str]:
    return {
        str(path.relative_to(home)): path.read_text()
        for path in sorted(home.rglob("*"))
        if path.parent.name in "curnew"
    }


# --- what mail.yaml may say


@pytest.mark.parametrize(
    ("options", "key", "said"),
    [
        ({"repository": "/srv/backups"}, "backup.password", "is missing; write {file: path}, or password_on_host"),
        (declared(repository="backups"), "backup.repository", "no whole path"),
        (declared(repository=f"rest:https://me:{SECRET}@host/"), "backup.repository", "holds a password"),
        (declared(password_on_host="password"), "backup.password_on_host", "no whole path"),
        (declared(environment={"RESTIC_PASSWORD": {"env": "X"}}), "backup.environment", "is said by backup.password"),
        (declared(keep={"daily": 0}), "backup.keep.daily", "write 1 or more"),
        (declared(at="3 am"), "backup.at", "no time of day"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_key_and_without_any_secret(options, key, said):
    with pytest.raises(SettingsError) as refused:
        server(backup=options)
    assert key in str(refused.value)
    assert said in str(refused.value)
    assert SECRET not in str(refused.value)


def test_of_unix_users_homes_and_logins_only_the_mail_is_kept():
    """Unix passwords bring logins back, and homes hold what is none of a mail server's business."""
    people: dict[str, object] = {"tito@example.com": {}, "ana@example.com": {}}
    unix = server(backup=declared(), accounts="system", mailboxes=people, aliases={}, catch_all={})
    made = render.plan(replace(context(unix), others=parts(unix)))
    assert made["people"] == {"ana@example.com": "ana", "tito@example.com": "tito"}
    assert not {"/home", "/etc/shadow"} & set(made["state"])
    assert "/etc/ssl/posthaus" in made["state"]
    assert render.plan(context(server(backup=declared())))["people"] == {}


def test_secrets_lie_where_root_alone_may_read_and_nowhere_else(tmp_path, monkeypatch):
    (tmp_path / "password").write_text(f"{SECRET}\n")
    monkeypatch.setenv("KEY_ID", f"{SECRET}-id")
    (tmp_path / "mail.yaml").write_text(
        "hostname: mail.example.com\ndomains: [example.com]\nmailboxes: {tito@example.com: {}}\n"
        "# as my predecessor had it\naccounts: virtual\n"
        "backup: {repository: 's3:https://s3.example.org/mail', password: {file: password},"
        " environment: {AWS_ACCESS_KEY_ID: {env: KEY_ID}}}\n".replace(
            "{}", "{password: '" + "$2b$12$" + "b" * 53 + "'}"
        )
    )
    mail = read.settings(tmp_path / "mail.yaml")
    files = render.settings(mail)
    assert {file.mode for file in files.values()} == {"0600"}
    assert files["password"].data == f"{SECRET}\n".encode()
    assert json.loads(files["environment.json"].data) == {"AWS_ACCESS_KEY_ID": f"{SECRET}-id"}
    assert "# as my predecessor had it" in files["mail.yaml"].data.decode(), "the words that made it are kept, too"
    assert mail.backup
    others = [*render.program(context(mail)).values(), *render.units(mail.backup).values()]
    assert not [file for file in others if SECRET.encode() in file.data]
    assert SECRET not in repr(mail) + json.dumps(mail.to_json())


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (("nobody@example.com", None, None, None), "none of mail.yaml's mailboxes"),
        ((None, "yesterday", None, None), "at: yesterday is no day; write 2026-11-20"),
        ((None, None, "Work", None), "folder: say whose, with --data mailbox=ADDRESS"),
        ((None, None, None, "drop"), "newer: say keep"),
    ],
)
def test_what_is_asked_for_wrongly_is_refused_before_any_host_is_asked(said, why):
    with pytest.raises(DeployError, match=re.escape(why)):
        Request.of_restore(server(backup=declared()), *said)


def test_what_is_asked_for_is_what_the_host_is_told():
    mail = server(backup=declared())
    assert Request.of_restore(mail, None, None, None, None).words == ("restore", "newest", "refuse")
    assert Request.of_restore(mail, None, "2026-11-20", None, "keep").words == ("restore", "2026-11-20", "keep")
    asked = Request.of_restore(mail, "Tito@example.com", "2026-11-20 14:30", "Work & play", None)
    assert asked.words == ("mailbox", "tito@example.com", "2026-11-20 14:30", "Work & play")
    assert Request.of_restore(mail, "tito@example.com", None, None, None, same="yes").words[3:] == ("", "same")
    assert Request.of_restore(mail, None, None, None, None, same="yes").words[2:] == ("refuse", "same")
    assert Request.of_backup(mail, None, "yes").words == ("make", "begin")
    assert Request.of_backup(mail, "yes", None).words == ("list",)
    with pytest.raises(DeployError, match="declares no backup"):
        Request.of_backup(server(), None, None)


# --- what is kept


def test_everything_that_any_component_calls_its_state_is_kept():
    mail = server(backup=declared(), webmail={"program": "roundcube"}, aliases={"out@example.com": ["a@example.net"]})
    whole = {one.path for one in state_of(parts(mail))}
    (made,) = [one for one in parts(mail) if one.name == "Backup"]
    (tree,) = [tree for tree in made.of(Tree) if tree.target == render.PROGRAM]
    plan = json.loads(tree.files["plan.json"].data)
    assert {*plan["state"], plan["store"], plan["spool"]} == whole
    assert {"dovecot.service", "postfix.service", "posthaus-redis.service", "apache2.service"} <= set(plan["units"])


def test_what_a_program_has_in_memory_is_written_first_or_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    told: list[str] = []
    file = tmp_path / "written"
    monkeypatch.setattr(make, "WAITS", ())
    make._written([["sh", "-c", f"echo it >{file}; echo OK"], ["false"], ["/no/such/program"]], told.append)
    assert file.read_text() == "it\n"
    assert [line.partition(":")[0] for line in told] == ["false", "/no/such/program"]
    (made,) = [one for one in parts(server(backup=declared())) if one.name == "Backup"]
    (tree,) = [tree for tree in made.of(Tree) if tree.target == render.PROGRAM]
    (redis,) = json.loads(tree.files["plan.json"].data)["written_by"]
    assert redis[-1] == "save"


def test_without_a_word_of_it_there_is_no_backup():
    assert "Backup" not in [one.name for one in parts(server())]


# --- how mailboxes are taken


def test_a_mailbox_is_taken_with_its_flags_lists_scripts_and_links_and_without_what_dovecot_makes_again(tmp_path):
    home = tmp_path / "example.com" / "tito"
    message(home, "Maildir/cur/1.a:2,S")
    message(home, "Maildir/new/2.a")
    message(home, "Maildir/.Work &- play.2026/cur/3.a:2,Fa")
    message(home, "Maildir/.temp.a.lock/cur/4.a:2,")  # people call folders what they like
    (home / "Maildir/.temp.a.lock/dovecot-uidlist").write_text("3 V1 N2 Gab\n1 :4.a\n")
    (home / ".sieve-compiled").mkdir()
    for name in ("dovecot-uidlist", "dovecot-keywords", "subscriptions", "dovecot-acl", "maildirsize"):
        (home / "Maildir" / name).write_text(f"{name}\n")
    (home / "Maildir" / "dovecot-uidlist").write_text("3 V1 N3 Gab\n1 :1.a\n2 :2.")  # Dovecot is only just writing it
    (home / "Maildir" / "dovecot.index.cache").write_text("index")
    (home / "sieve").mkdir()
    (home / "sieve" / "rules.sieve").write_text("keep;")
    (home / "sieve" / "rules.svbin").write_text("compiled")
    (home / ".dovecot.sieve").symlink_to("sieve/rules.sieve")
    target = tmp_path / ".backup"
    told = stage.everything(tmp_path, target)
    assert (told["mailboxes"], told["messages"], told["copied"], told["unreadable"]) == (1, 4, 0, 0)
    assert told["counts"] == {"example.com/tito": 4}
    there = target / "example.com" / "tito"
    assert texts(there) == texts(home)
    assert (there / "Maildir/cur/1.a:2,S").samefile(home / "Maildir/cur/1.a:2,S"), "a message takes no room twice"
    assert (there / "Maildir/dovecot-uidlist").read_text() == "3 V1 N3 Gab\n1 :1.a\n"
    assert (there / "Maildir/.temp.a.lock/dovecot-uidlist").read_text() == "3 V1 N2 Gab\n1 :4.a\n"
    assert not (there / ".sieve-compiled").exists()
    assert os.readlink(there / ".dovecot.sieve") == "sieve/rules.sieve"
    assert {path.name for path in (there / "Maildir").iterdir() if path.is_file()} == {
        "dovecot-uidlist", "dovecot-keywords", "subscriptions", "dovecot-acl",
    }  # fmt: skip
    assert [path.name for path in (there / "sieve").iterdir()] == ["rules.sieve"]


def test_no_message_is_missed_while_somebody_moves_all_of_them_about(tmp_path):
    """Each message exists at every moment, in one of two folders and under one of many names."""
    home = tmp_path / "example.com" / "tito"
    for number in range(200):
        message(home, f"Maildir/cur/{number}.a:2,")
    message(home, "Maildir/.Other/cur/seen.a:2,S")
    stop = threading.Event()

    def work() -> None:
        flags = turn = 0
        while not stop.is_set():
            turn, flags = 1 - turn, (flags + 1) % 2
            source, target = (home / "Maildir/cur", home / "Maildir/.Other/cur")[:: 1 if turn else -1]
            for name in os.listdir(source):
                os.rename(source / name, target / f"{name.partition(':')[0]}:2,{'S' * flags}")

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for number in range(8):
            target = tmp_path / f".backup{number}"
            stage.everything(tmp_path, target)
            taken = {name.rpartition("/")[2].partition(":")[0] for name in texts(target)}
            assert {f"{number}.a" for number in range(200)} <= taken
    finally:
        stop.set()
        thread.join()


def test_what_cannot_be_read_is_told_and_keeps_nothing_else_from_being_taken():
    with tempfile.TemporaryDirectory() as directory:
        store = Path(directory, "store")
        message(store / "example.com/tito", "Maildir/cur/1.a:2,S")
        (store / "example.com/tito/Maildir/.Shut").mkdir(mode=0)
        (store / "example.net").mkdir(mode=0)
        root = os.geteuid() == 0  # to whom nothing is shut
        if root:
            for where, directories, files in os.walk(directory):
                for name in (".", *directories, *files):
                    os.chown(os.path.join(where, name), 65534, 65534)
            os.seteuid(65534)
        try:
            told = stage.everything(store, store / ".backup")
        finally:
            if root:
                os.seteuid(0)
        assert (told["mailboxes"], told["messages"], told["unreadable"]) == (1, 1, 2)
        assert set(told["unread"]) == {str(store / "example.com/tito/Maildir/.Shut"), str(store / "example.net")}
        lacks = next(results({"last": {"at": 0, "messages": 1, "bytes": 1, **told}}, 60))
        assert lacks.verdict == "warn"
        assert "1 minute ago, 1 message, 1; 2 files or directories of mailboxes lack, such as /" in lacks.seen


def test_a_database_is_copied_whole_with_what_is_not_yet_in_its_file(tmp_path):
    (tmp_path / "db").mkdir()
    database = sqlite3.connect(tmp_path / "db" / "roundcube.sqlite")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE contacts (name)")
    database.execute("INSERT INTO contacts VALUES ('Ana')")
    database.commit()
    assert (tmp_path / "db" / "roundcube.sqlite-wal").stat().st_size > 0
    state.copy(tmp_path / "db", tmp_path / "copy")
    assert os.listdir(tmp_path / "copy") == ["roundcube.sqlite"]
    assert [*sqlite3.connect(tmp_path / "copy" / "roundcube.sqlite").execute("SELECT name FROM contacts")] == [("Ana",)]


# --- how they come back


def test_no_uid_is_given_out_twice():
    before = b"3 V1795779591 N105 Gb07ebc32\n1 :1.a\n"
    assert uids.beyond(before) == b"3 V1795779591 N100105 Gb07ebc32\n1 :1.a\n"
    assert uids.beyond(b"3 V17 N1\n") == b"3 V17 N100001\n"
    assert uids.beyond(b"1 17 105\n1 1.a\n") == b"1 17 105\n1 1.a\n", "a list that we do not know stays as it is"
    since = b"3 V1795779591 N100209 Gb07ebc32\n"
    assert uids.beyond(before, since).startswith(b"3 V1795779591 N200209 "), "restored once more, after some days"
    assert uids.beyond(before, b"3 V18 N7000000\n").startswith(b"3 V1795779591 N100105 "), "another folder's"


def test_mail_that_has_come_since_stays_and_what_was_there_is_kept(tmp_path):
    store, restored, former = tmp_path / "store", tmp_path / "restored", tmp_path / "former"
    old, now = restored / "example.com/tito", store / "example.com/tito"
    message(old, "Maildir/cur/1.a:2,Sa", "old")
    (old / "Maildir/dovecot-uidlist").write_text("3 V1 N2 Gab\n1 :1.a\n")
    message(now, "Maildir/cur/1.a:2,", "old")
    message(now, "Maildir/new/2.a", "new")
    message(now, "Maildir/.Sent/cur/3.a:2,Sb", "sent")
    message(store / "example.com/ana", "Maildir/new/4.a", "hers")
    assert join.newer({"1.a"}, store) == {"tito@example.com": 2, "ana@example.com": 1}
    assert join.newer({"1.a", "2.a", "3.a", "4.a"}, store) == {}
    assert join.everything(restored, store, former) == {"mailboxes": 1, "messages": 2}
    assert texts(now) == {"Maildir/.Sent/cur/3.a:2,S": "sent", "Maildir/cur/1.a:2,Sa": "old", "Maildir/new/2.a": "new"}
    assert (now / "Maildir/dovecot-uidlist").read_text().startswith("3 V1 N100002 ")
    assert texts(store / "example.com/ana") == {"Maildir/new/4.a": "hers"}
    assert (former / "example.com/tito/Maildir/cur/1.a:2,").exists()


def host_before(tmp_path: Path) -> Path:
    """Three mailboxes, of which a backup knows two, and what came since."""
    store = tmp_path / "store"
    for name in ("ana", "tito", "zoe"):
        message(store / "example.com" / name, "Maildir/cur/1.a:2,S", f"old of {name}")
        message(store / "example.com" / name, "Maildir/new/2.a", f"new of {name}")
    return store


def fetched(tmp_path: Path) -> Path:
    restored = tmp_path / "restored"
    shutil.rmtree(restored, ignore_errors=True)
    for name in ("ana", "bob", "tito"):
        message(restored / "example.com" / name, "Maildir/cur/1.a:2,S", f"old of {name}")
        message(restored / "example.com" / name, "Maildir/cur/0.a:2,S", f"lost of {name}")
    return restored


def test_mailboxes_that_cannot_all_be_put_in_place_stay_as_they_were(tmp_path, monkeypatch):
    store, restored, former = host_before(tmp_path), fetched(tmp_path), tmp_path / "former"
    before, rename = texts(store), os.rename

    def full(source: Path, target: Path) -> None:
        if target == store / "example.com/tito" and source.is_relative_to(restored):
            raise OSError(errno.ENOSPC, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError, match="No space left"):
        join.everything(restored, store, former)
    assert texts(store) == before
    assert not former.exists()


def test_mailboxes_on_another_file_system_are_copied_where_they_cannot_be_moved(tmp_path, monkeypatch):
    store, restored, rename = host_before(tmp_path), fetched(tmp_path), os.rename

    def elsewhere(source: Path, target: Path) -> None:
        if source == store / "example.com/tito":
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target)

    monkeypatch.setattr(os, "rename", elsewhere)
    assert join.everything(restored, store, tmp_path / "former") == {"mailboxes": 3, "messages": 2}
    assert len(texts(store / "example.com/tito")) == 3
    assert texts(tmp_path / "former/example.com/tito").keys() == {"Maildir/cur/1.a:2,S", "Maildir/new/2.a"}


@pytest.mark.parametrize("elsewhere", [False, True], ids=["one file system", "mailboxes on another one"])
def test_a_restore_that_is_killed_at_any_moment_can_be_run_again(tmp_path, monkeypatch, elsewhere):
    """The host loses its power just before the first file is renamed or deleted, the second, and so on. Then it is up
    again, and a message comes for everybody before anybody runs the restore once more."""
    if elsewhere:
        for word in ("rename", "link"):
            monkeypatch.setattr(os, word, _not_across(getattr(os, word), "store"))
    for fatal in itertools.count():
        place = tmp_path / str(fatal)
        place.mkdir()
        store = host_before(place)
        if not _killed(fatal, fetched(place), store, place / "former"):
            break
        for name in ("ana", "tito"):
            message(store / "example.com" / name, "Maildir/new/9.a", f"late of {name}")
        join.interrupted(store, place / "former")
        join.interrupted(store, place / "former")  # this one was killed before it went on
        join.everything(fetched(place), store, place / "former again")
        for name, kinds in (("ana", "lost old new late"), ("bob", "lost old"), ("tito", "lost old new late")):
            there = texts(store / "example.com" / name)
            assert sorted(there.values()) == sorted(f"{kind} of {name}" for kind in kinds.split()), (fatal, there)
        assert texts(store / "example.com/zoe").keys() == {"Maildir/cur/1.a:2,S", "Maildir/new/2.a"}
    assert fatal > (40 if elsewhere else 4)


def _not_across(what: Callable[..., None], top: str) -> Callable[..., None]:
    """As the system calls where all below a directory ``top`` is a file system of its own."""

    def checked(source: Path, target: Path, **more: object) -> None:
        if (top in Path(source).parts) != (top in Path(target).parts):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        what(source, target, **more)

    return checked


def _killed(fatal: int, restored: Path, store: Path, former: Path) -> bool:
    """Whether the process died before the file number ``fatal`` that it renamed or deleted."""
    if not (child := os.fork()):
        number = itertools.count()

        def dying(what: Callable[..., None]) -> Callable[..., None]:
            def counted(*words: object, **more: object) -> None:
                if next(number) == fatal:
                    os._exit(9)
                what(*words, **more)

            return counted

        for word in ("rename", "unlink", "rmdir"):
            setattr(os, word, dying(getattr(os, word)))
        join.everything(restored, store, former)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def queue_file(path: Path, moment: str, recipients: bytes = b"R\x03ana") -> Path:
    """As cleanup(8) writes one; a recipient who has it becomes one that is done, in place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"C\x03  7T" + bytes([len(moment)]) + moment.encode() + recipients + b"M\x00")
    return path


def test_messages_that_were_on_their_way_are_held_once_however_often_a_host_is_restored(tmp_path, monkeypatch):
    me = pwd.getpwuid(os.getuid())
    monkeypatch.setattr(pwd, "getpwnam", lambda name: me)
    staged, spool, memory = tmp_path / "staged", tmp_path / "spool", tmp_path / "held"
    (spool / "hold").mkdir(parents=True)
    queue_file(staged / "A1", "1795792377 552272")
    queue_file(staged / "B2", "1795792378 100000")
    queue_file(spool / "deferred/B/B2", "1795792378 100000", b"D\x03ana")  # still on its way here
    queue_file(spool / "hold/A1", "1795799999 900000")  # another, whose queue ID is given out anew
    done = held.put(staged, spool, memory)
    assert [path.name for path in done.values()] == ["A10"]
    held.remember(memory, done)
    assert held.put(staged, spool, memory) == {}
    (spool / "hold/A10").unlink()
    assert held.put(staged, spool, memory) == {}, "what somebody dropped or released comes back no more"


def test_what_an_older_program_cannot_read_is_left_in_the_backup(tmp_path, monkeypatch):
    """Redis would start with it never again."""
    (tmp_path / "bin").mkdir()
    reader = tmp_path / "bin" / fetch.READER
    reader.write_text('#!/bin/sh\n/usr/bin/grep -q REDIS0010 "$1"\n')
    reader.chmod(0o755)
    monkeypatch.setattr(fetch, "PATH", str(tmp_path / "bin"))
    redis = tmp_path / "state/var/lib/posthaus-redis"
    redis.mkdir(parents=True)
    (redis / "learned.rdb").write_text("REDIS0012")
    (redis / "older.rdb").write_text("REDIS0010")
    assert fetch.unreadable(tmp_path / "state") == ["/var/lib/posthaus-redis/learned.rdb"]
    assert os.listdir(redis) == ["older.rdb"]


def test_a_disk_without_room_is_told_before_anything_is_fetched(tmp_path):
    with pytest.raises(Failed, match=r"has [\d,]+ MB left, and 1,127,428,915 MB are needed"):
        fetch.room(tmp_path, 1 << 50)
    fetch.room(tmp_path, 1 << 10)


def test_one_mailbox_comes_back_beside_the_present_one_however_often(tmp_path):
    present = tmp_path / "present"
    message(present, "Maildir/cur/9.a:2,S", "present")
    for again in ("", " (2)"):
        restored = tmp_path / "restored"
        message(restored, "Maildir/cur/1.a:2,S", "in")
        message(restored, "Maildir/.Entw&APw-rfe.2026/cur/2.a:2,a", "draft")
        (restored / "Maildir/.Entw&APw-rfe.2026/dovecot-keywords").write_text("0 receipts\n")
        told = beside.put(restored, present, "Restored 2026-11-20", "")
        top = f"Restored 2026-11-20{again}"
        names = {"INBOX": f"{top}/INBOX", "Entwürfe/2026": f"{top}/Entwürfe/2026"}
        assert told == {"folders": names, "messages": 2}
        assert texts(present)[f"Maildir/.{top}.Entw&APw-rfe.2026/cur/2.a:2,a"] == "draft"
        assert (present / f"Maildir/.{top}.Entw&APw-rfe.2026/dovecot-keywords").read_text() == "0 receipts\n"
    assert texts(present)["Maildir/cur/9.a:2,S"] == "present"


def test_of_a_mailbox_that_cannot_come_back_whole_nobody_sees_a_part(tmp_path, monkeypatch):
    restored, present = tmp_path / "restored", tmp_path / "present"
    message(present, "Maildir/cur/9.a:2,S", "present")
    message(restored, "Maildir/cur/1.a:2,S", "in")
    message(restored, "Maildir/.Work/cur/2.a:2,S", "work")
    monkeypatch.setattr(beside, "_moved", _full_at(beside._moved, "Work"))
    with pytest.raises(OSError, match="No space"):
        beside.put(restored, present, "Restored 2026-11-20", "")
    assert sorted(path.name for path in (present / "Maildir").glob(".*")) == []
    monkeypatch.undo()
    assert beside.put(restored, present, "Restored 2026-11-20", "Work")["messages"] == 1
    assert not [*(present / "Maildir").glob("posthaus*")]


def _full_at(what: Callable[[Path, Path], int], folder: str) -> Callable[[Path, Path], int]:
    def tried(source: Path, target: Path) -> int:
        if folder in str(source):
            raise OSError(errno.ENOSPC, "No space left on device")
        return what(source, target)

    return tried


def test_where_a_service_does_not_stop_nothing_is_changed_and_all_run_again(tmp_path, monkeypatch):
    asked = []

    def systemctl(word: str, *units: str) -> str:
        asked.append((word, *units))
        return "Job for dovecot.service timed out" if word == "stop" else ""

    monkeypatch.setattr(swap, "_systemctl", systemctl)
    plan = {"memory": str(tmp_path), "store": str(tmp_path / "store"), "units": ["dovecot", "postfix"]}
    with pytest.raises(Failed, match=r"not all services stop: Job for dovecot\.service timed out"):
        swap.swap(plan, [], tmp_path / "homes", tmp_path / "staged")
    assert asked == [("stop", "postfix", "dovecot"), ("start", "dovecot", "postfix")]
    assert list(tmp_path.iterdir()) == []


def test_one_folder_comes_back_with_those_below_it_and_no_other(tmp_path):
    message(tmp_path / "present", "Maildir/cur/9.a:2,S")
    for folder in ("", ".Work", ".Work.2026", ".Workshop"):
        message(tmp_path / "restored", f"Maildir/{folder}/cur/1{folder}:2,S")
    told = beside.put(tmp_path / "restored", tmp_path / "present", "Restored 2026-11-20", "Work")
    assert [*told["folders"].values()] == ["Restored 2026-11-20/Work", "Restored 2026-11-20/Work/2026"]


def test_a_folder_whose_name_leaves_no_room_comes_back_under_a_shorter_one(tmp_path):
    message(tmp_path / "present", "Maildir/cur/9.a:2,S")
    long = "&ZeVnLIqe-" * 25
    message(tmp_path / "restored", f"Maildir/.{long}/cur/1.a:2,S", "deep")
    told = beside.put(tmp_path / "restored", tmp_path / "present", "Restored 2026-11-20", "")
    assert told == {"folders": {"日本語" * 25: "Restored 2026-11-20/Long name 1"}, "messages": 1}
    assert texts(tmp_path / "present")["Maildir/.Restored 2026-11-20.Long name 1/cur/1.a:2,S"] == "deep"


def test_messages_beside_keep_their_uids_for_the_keywords_that_are_known_by_them(tmp_path):
    message(tmp_path / "present", "Maildir/cur/9.a:2,S")
    message(tmp_path / "restored", "Maildir/cur/1.a:2,S")
    (tmp_path / "restored/Maildir/dovecot-uidlist").write_text("3 V17 N9 Gb07ebc32\n7 G12 :1.a\n8 :2.a\n")
    beside.put(tmp_path / "restored", tmp_path / "present", "Restored 2026-11-20", "")
    copied = (tmp_path / "present/Maildir/.Restored 2026-11-20.INBOX/dovecot-uidlist").read_text()
    head, *lines = copied.splitlines()
    validity, following = re.fullmatch(r"3 V(\d+) N(\d+)", head).groups()  # type: ignore[union-attr]
    assert (int(validity) > 17, following, lines) == (True, "9", ["7 G12 :1.a", "8 :2.a"])


@pytest.mark.parametrize(
    "name", ["Entwürfe", "Work & play", "日本/語", "a&b", "€", "🙂 smile", "plain", "\ufb50 one", "x\ufbff"]
)
def test_folders_are_called_as_people_call_them(name):
    assert utf7.decoded(utf7.encoded(name)) == name
    assert utf7.encoded("Entwürfe 台北") == "Entw&APw-rfe &U,BTFw-"


@pytest.mark.parametrize("name", ["A&B", "&!!-", "&U-", "&2D0-", "caf\udce9"])
def test_a_folder_whose_name_is_no_modified_utf_7_is_called_as_it_is(name):
    """As programs of others and hands make them: no backup comes to grief over one."""
    assert utf7.decoded(name) == name


def test_a_day_names_the_last_backup_until_its_end():
    found = [Snapshot(f"{n}{'0' * 63}", f"2026-11-{day}T03:20:11.1+00:00", ()) for n, day in enumerate((18, 20, 21))]
    assert chosen(found, "newest") == found[2]
    assert chosen(found, "2026-11-20") == found[1]
    assert chosen(found, "2026-11-19") == found[0]
    assert chosen(found, "2026-11-21 03:19") == found[1]
    assert chosen(found, "10000000") == found[1]
    with pytest.raises(Failed, match="no backup is as old as 2026-11-01; the oldest is of 2026-11-18"):
        chosen(found, "2026-11-01")


def archive(*messages: tuple[str, str]) -> io.BytesIO:
    """As restic dumps a directory."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, text in messages:
            about = tarfile.TarInfo(f"var/mail/vhosts/.backup/example.com/tito/{name}")
            about.size = len(text)
            tar.addfile(about, io.BytesIO(text.encode()))
    made.seek(0)
    return made


def test_a_backup_is_proved_by_messages_that_are_as_they_are_here(tmp_path):
    message(tmp_path, "Maildir/cur/1.a:2,S", "one")
    message(tmp_path, "Maildir/.Sent/cur/2.a:2,", "two")
    message(tmp_path, "Maildir/new/3.a", "has come since")
    found = (("Maildir/cur/1.a:2,", "one"), ("Maildir/.Sent/cur/2.a:2,", "two"), ("Maildir/new/0.a", "deleted since"))
    lists = (("Maildir/dovecot-uidlist", "3 V1 N2"), ("Maildir/dovecot-keywords", "0 a"))
    sample = prove.Sample(tmp_path / "sample", 1000)
    assert prove.compared(archive(*found, *lists), tmp_path, "tito@example.com", sample) == (2, 1)
    assert sample.messages == 3
    assert texts(sample.home) == dict(found), "what Dovecot is to open"
    assert (sample.home / "Maildir" / "dovecot-uidlist").read_text() == "3 V1 N2"
    with pytest.raises(Failed, match="came back from the backup as another: 1"):
        prove.compared(archive(("Maildir/cur/1.a:2,", "One")), tmp_path, "tito@example.com", sample)


def test_a_sample_takes_no_more_room_than_it_has_and_all_is_compared_nevertheless(tmp_path):
    message(tmp_path, "Maildir/cur/1.a:2,S", "one")
    message(tmp_path, "Maildir/cur/2.a:2,S", "too long")
    sample = prove.Sample(tmp_path / "sample", 6)
    found = (("Maildir/cur/1.a:2,", "one"), ("Maildir/cur/2.a:2,", "too long"), ("../../Maildir/../cur/3.a:2,", "x"))
    assert prove.compared(archive(*found), tmp_path, "tito@example.com", sample) == (2, 1)
    assert (sample.messages, texts(sample.home)) == (1, {"Maildir/cur/1.a:2,": "one"})


def test_what_restic_complains_of_holds_no_secret():
    known = secrets_in(f"rest:https://me:{SECRET}@host/", {"AWS_SECRET_ACCESS_KEY": "key/of+mine"})
    text = f"Fatal: unable to open rest:https://me:{SECRET}@host/\nkey/of+mine is refused\n"
    said = complaint("backup", 1, text, known)
    assert said == "restic backup (exit status 1): Fatal: unable to open rest:https://me:…@host/ / … is refused"
    assert secrets_in("sftp:mail@host:/srv/mail", {}) == []
    assert secrets_in("rest:http://me:@host/", {"EMPTY": ""}) == [], "or every letter would be hidden"


def test_what_restic_complains_of_is_said_in_the_words_of_mail_yaml():
    wrong = complaint("cat", 12, "Fatal: wrong password or no key found\n")
    assert "wrong password or no key found: the password (backup.password, or" in wrong
    assert "log in there by hand once" in complaint("cat", 1, "Fatal: unable to start the sftp session, error: EOF\n")


def test_nobody_gets_mail_of_whoever_had_the_address_before(tmp_path):
    plan = {"archive": str(tmp_path / "archive"), "store": str(tmp_path / "store")}
    for name in (
        "example.com/maria.20261120T101112Z",
        "example.com/ana.20261119T235959Z",
        "example.com/b.c.20270101T000000Z",
    ):
        (tmp_path / "archive" / name).mkdir(parents=True)
    at = "2026-11-20T01:00:00.123456789+01:00"
    assert strangers.since(plan, at) == {"b.c@example.com": "2027-01-01", "maria@example.com": "2026-11-20"}
    assert "maria@example.com" not in strangers.since(plan, "2026-11-20T11:11:13+01:00")
    (tmp_path / "store/example.com/b.c").mkdir(parents=True)
    assert strangers.served(plan, strangers.since(plan, at)) == {"b.c@example.com": "2027-01-01"}


def test_an_address_is_no_pattern():
    assert literally("/var/mail/a*b[c]?") == "/var/mail/a\\*b\\[c\\]\\?"


# --- what status says


def test_status_tells_a_restore_that_did_not_come_to_its_end(tmp_path):
    assert list(interrupted(tmp_path / "restoring")) == []
    (tmp_path / "restoring").write_text("2026-11-20-101112")
    (line,) = interrupted(tmp_path / "restoring")
    assert (line.verdict, line.remedy.split(";")[0]) == ("FAIL", "run deploys/restore.py again")


def test_status_tells_a_failed_or_late_backup_and_an_old_check():
    last = {"at": 10 * DAY, "messages": 2140, "bytes": 3 << 30}
    now = 10 * DAY + 5 * 3600
    (good, checked) = results({"last": last, "checked": 9 * DAY}, now)
    assert (good.verdict, good.seen) == ("ok", "5 hours ago, 2,140 messages, 3 G")
    assert (checked.verdict, checked.seen) == ("ok", "1 day ago: whole")
    proved = {"at": now - DAY, "address": "ana@example.com", "messages": 12, "gone": 1, "opened": 13}
    *_, told = results({"last": last, "proved": proved}, now)
    assert (told.verdict, told.seen) == ("ok", "1 day ago: 13 messages of ana@example.com came back, Dovecot opened 13")
    del proved["opened"]  # as it was remembered before Dovecot was asked
    assert [one.key for one in results({"last": last, "proved": proved}, now)] == ["backup.last"]
    assert next(results({"last": last}, now + DAY)).verdict == "warn"
    assert next(results({"last": last}, now + 4 * DAY)).verdict == "FAIL"
    (failed,) = results({"last": last, "failed": {"at": now - 60, "why": "restic backup: no route to host"}}, now)
    assert failed.verdict == "FAIL"
    assert "no route to host (the last: 5 hours ago" in failed.seen
    assert next(results({}, now)).verdict == "warn"


# --- what there is, and what would come back


class Kept(Restic):
    """What restic says of two backups, the first one of before numbers were kept beside it."""

    def __init__(self, files: dict[str, int], counts: dict[str, int]) -> None:
        self.inside, self.counts = files, counts

    def snapshots(self) -> list[Snapshot]:
        tags = ("posthaus", "installation-1", *counted(12, 48_240)[1::2])
        return [
            Snapshot("1" * 64, "2026-11-19T03:20:11+00:00", ("posthaus",)),
            Snapshot("2" * 64, "2026-11-20T03:20:11+00:00", tags, 6_500_000_000),
        ]

    def files(self, snapshot: str, path: str) -> Iterator[tuple[str, int]]:
        return ((name, number) for name, number in self.inside.items() if name.startswith(path))

    def file(self, snapshot: str, path: str) -> bytes:
        messages = sum(self.counts.values())
        about = {"counts": self.counts, "mailboxes": len(self.counts), "messages": messages, "queued": 1}
        return json.dumps(
            {**about, "release": "Debian GNU/Linux 13 (trixie)", "state": ["/var/lib/posthaus/dkim"]}
        ).encode()


BOX = "/store/.backup/example.com/iqbal/Maildir"
KEPT = Kept(
    {
        f"{BOX}/cur/1.a:2,S": 900,
        f"{BOX}/.Work/new/2.a": 900,
        f"{BOX}/.Work/cur/3.a:2,S": 5000,
        f"{BOX}/.Work/dovecot-uidlist": 90,
        f"{BOX}/.Work.2026/cur/4.a:2,S": 1,
        f"{BOX}/.B&APw-ro/maildirfolder": 0,
        "/store/.backup/example.com/iqbal/sieve/rules.sieve": 10,
    },
    {"example.com/iqbal": 4},
)


def told_by(what, *words) -> list[str]:
    told: list[str] = []
    what(
        {"host": "mail.example.com", "mailboxes": "/store/.backup", "staged": "/s", "people": {}},
        KEPT,
        told.append,
        *words,
    )
    return told


def test_a_list_of_backups_says_what_is_in_each_and_nothing_that_nobody_knows():
    assert told_by(look.listed, "") == [
        "backup    begun             mailboxes   messages      size",
        "11111111  2026-11-19 03:20          –          –         –",
        "22222222  2026-11-20 03:20         12     48,240    6.1 GB",
        "2 backups of mail.example.com",
    ]
    assert told_by(look.listed, "iqbal@example.com")[1].split()[3:] == ["1", "4", "–"]
    assert told_by(look.listed, "nobody@example.com")[2].split()[3:] == ["0", "0", "6.1", "GB"]


def test_what_a_restore_of_one_mailbox_would_do_is_said_by_folder(tmp_path):
    def seen(folder: str) -> list[str]:
        told: list[str] = []
        plan = {"host": "h", "mailboxes": "/store/.backup", "staged": "/s", "store": str(tmp_path), "people": {}}
        look.foreseen(plan, KEPT, told.append, "iqbal@example.com", "2026-11-20", folder)
        return told

    assert seen("")[1:] == [
        "iqbal@example.com: 4 messages would be put beside what is there, in:",
        "  Restored 2026-11-20/Büro               0",
        "  Restored 2026-11-20/INBOX              1",
        "  Restored 2026-11-20/Work               2",
        "  Restored 2026-11-20/Work/2026          1",
        "it takes 24 KB on the disk, and there is room",
        "nothing was changed; the same without look=yes does it",
    ]
    assert [line.split()[1] for line in seen("Work")[2:4]] == ["2026-11-20/Work", "2026-11-20/Work/2026"]
    assert len(seen("inbox")) == 5
    with pytest.raises(Failed, match=r"has no folder Wrk of iqbal@example\.com; it has Büro, INBOX, Work, Work/2026"):
        seen("Wrk")


def test_what_a_restore_of_all_would_do_says_whose_mail_it_has_not(tmp_path):
    message(tmp_path / "example.com/iqbal", "Maildir/cur/9.a:2,S")
    message(tmp_path / "example.com/iqbal", "Maildir/cur/1.a:2,")
    plan = {"host": "h", "mailboxes": "/store/.backup", "staged": "/s", "store": str(tmp_path), "people": {}}
    told: list[str] = []
    look.foreseen(plan, KEPT, told.append, "", "newest", "")
    assert told[0] == "backup 22222222 of 2026-11-20 03:20, made on Debian GNU/Linux 13 (trixie)"
    assert "as they were then: /var/lib/posthaus/dkim" in told
    assert [line for line in told if line.startswith("mailboxes here hold messages that the backup has not: iqbal@")]
    assert not any("1.a" in line for line in told)


def test_what_a_newer_restic_complains_of_in_json_is_said_in_words():
    text = '{"message_type":"exit_error","code":10,"message":"Fatal: repository does not exist: no such file"}\n'
    told = complaint("snapshots", 10, text)
    assert told.startswith(
        "restic snapshots (exit status 10): Fatal: repository does not exist: no such file: nothing is"
    )
    assert "{" not in told


def test_what_is_asked_for_is_listed_or_looked_at_without_a_change():
    mail = server(backup=declared())
    assert Request.of_backup(mail, "yes", None, "Gone@example.com").words == ("list", "gone@example.com")
    asked = Request.of_restore(mail, "gone@example.com", "2026-11-20", "Work", None, "yes")
    assert asked.words == ("look", "gone@example.com", "2026-11-20", "Work"), "also of somebody who has left"
    with pytest.raises(DeployError, match="mailbox: goes with list=yes"):
        Request.of_backup(mail, None, None, "tito@example.com")
