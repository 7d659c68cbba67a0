"""Unix users' homes: what is taken of them for a backup, and how it is put back."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from deploys.components.backup.program import coming, homes, person
from deploys.components.backup.program.stage import Taken, mailbox
from deploys.components.watch.program.backups import results
from tests.test_backup import message, texts

STAMP = "2026-11-20-031500"


def a_home(place: Path) -> Path:
    message(place, "Maildir/cur/1.a:2,S", "old")
    message(place, "Maildir/new/2.a", "new")
    (place / "Maildir/dovecot-uidlist").write_text("3 V1 N3 Gab\n1 :1.a\n2 :2.a\n")
    (place / "sieve").mkdir()
    (place / "sieve/rules.sieve").write_text("keep;")
    (place / ".dovecot.sieve").symlink_to("sieve/rules.sieve")
    (place / "private.txt").write_text("a letter")
    return place


def taken(home: Path, target: Path) -> Taken:
    found = Taken()
    target.mkdir()
    mailbox(home, target, found, homes.OURS)
    return found


def test_of_a_home_the_mail_is_taken_and_nothing_else(tmp_path):
    home = a_home(tmp_path / "tito")
    assert taken(home, tmp_path / "staged").messages == 2
    there = tmp_path / "staged"
    assert texts(there) == texts(home)
    assert (there / "Maildir/cur/1.a:2,S").samefile(home / "Maildir/cur/1.a:2,S")
    assert sorted(os.listdir(there)) == [".dovecot.sieve", "Maildir", "sieve"]
    assert os.readlink(there / ".dovecot.sieve") == "sieve/rules.sieve"


def test_a_maildir_that_lies_on_another_disk_is_taken_too(tmp_path):
    home = a_home(tmp_path / "tito")
    (home / "Maildir").rename(tmp_path / "disk")
    (home / "Maildir").symlink_to(tmp_path / "disk")
    assert taken(home, tmp_path / "staged").messages == 2
    assert (tmp_path / "staged/Maildir/dovecot-uidlist").read_text().startswith("3 V1 N3")


def test_links_that_somebody_puts_among_messages_are_none(tmp_path):
    home = a_home(tmp_path / "tito")
    (tmp_path / "secret").write_text("secret")
    (home / "Maildir/cur/3.a:2,").symlink_to(tmp_path / "secret")
    (home / "Maildir/.Away").symlink_to(tmp_path)
    (home / "Maildir/dovecot-keywords").symlink_to(tmp_path / "secret")
    os.mkfifo(home / "Maildir/cur/4.a:2,")
    assert taken(home, tmp_path / "staged").messages == 2
    assert not [
        path
        for path in (tmp_path / "staged").rglob("*")
        if path.is_file() and path.read_text() == "secret" and not path.is_symlink()
    ]
    coming._plain(tmp_path / "staged")
    links = [path.name for path in (tmp_path / "staged").rglob("*") if path.is_symlink()]
    assert links == [".dovecot.sieve"]


def at_home(tmp_path: Path) -> Path:
    """Somebody's, to whom mail has come since; what a backup had lies in it."""
    home = a_home(tmp_path / "home")
    message(home, "Maildir/new/9.a", "came since")
    (home / "sieve/other.sieve").write_text("discard;")
    back = home / coming.COMING
    message(back, "Maildir/cur/1.a:2,Sa", "old")
    message(back, "Maildir/cur/0.a:2,S", "lost")
    (back / "Maildir/dovecot-uidlist").write_text("3 V1 N3 Gab\n1 :1.a\n2 :0.a\n")
    return home


def test_what_comes_back_is_joined_with_what_has_come_since_and_the_rest_stays(tmp_path):
    home = at_home(tmp_path)
    told = coming._put(home, STAMP)
    assert told == {"parts": ["Maildir", "sieve"], "messages": 2, "before": True}
    now = {name: text for name, text in texts(home).items() if name.startswith("Maildir")}
    assert now == {
        "Maildir/cur/0.a:2,S": "lost", "Maildir/cur/1.a:2,Sa": "old",
        "Maildir/new/2.a": "new", "Maildir/new/9.a": "came since",
    }  # fmt: skip
    assert (home / "Maildir/dovecot-uidlist").read_text().startswith("3 V1 N100003 ")
    assert sorted(os.listdir(home / "sieve")) == ["other.sieve", "rules.sieve"]
    assert (home / "private.txt").read_text() == "a letter"
    assert (home / coming.before(STAMP) / "Maildir/cur/1.a:2,S").exists()
    coming._back(home, STAMP, told["parts"])
    assert texts(home / "Maildir") == {"cur/1.a:2,S": "old", "new/2.a": "new", "new/9.a": "came since"}
    assert not (home / coming.before(STAMP)).exists()


def test_a_home_whose_restore_is_killed_at_any_moment_loses_nothing(tmp_path):
    """A message comes before anybody runs it once more; that one is killed, too, before it has fetched anything."""
    for fatal in itertools.count():
        home = at_home(tmp_path / str(fatal))
        if not _killed(fatal, home):
            break
        message(home, "Maildir/new/10.a", "late")
        coming._interrupted(home, STAMP)
        coming._interrupted(home, STAMP)
        there = sorted(texts(home / "Maildir").values())
        assert [text for text in there if text != "lost"] == ["came since", "late", "new", "old"], fatal
        assert (home / "sieve/rules.sieve").exists(), fatal
    assert fatal == 4


def test_a_message_that_somebody_deletes_after_a_restore_stays_deleted(tmp_path):
    home = at_home(tmp_path)
    coming._put(home, STAMP)
    (home / "Maildir/new/9.a").unlink()
    coming._interrupted(home, STAMP)
    assert "came since" not in texts(home / "Maildir").values()


def _killed(fatal: int, home: Path) -> bool:
    """Whether the process died before its renaming number ``fatal``."""
    if not (child := os.fork()):
        rename, number = os.rename, itertools.count()

        def dying(source: Path, target: Path) -> None:
            if next(number) == fatal:
                os._exit(9)
            rename(source, target)

        os.rename = dying  # type: ignore[assignment]
        coming._put(home, STAMP)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_links_lie_beside_a_home_only_where_nobody_but_root_may_write(tmp_path, monkeypatch):
    plan = {"memory": "/var/lib/posthaus/backup"}
    homes_of = {"tito": "/usr/tito", "ana": str(tmp_path / "ana")}
    monkeypatch.setattr(person, "known", lambda login: type("User", (), {"pw_dir": homes_of[login]}))
    assert homes.beside(plan, "tito", "x") == Path("/usr/x")
    tmp_path.chmod(0o777)
    assert homes.beside(plan, "ana", "x") == Path("/var/lib/posthaus/backup/x")


def test_whoever_waits_for_mail_and_is_not_there_is_named(monkeypatch):
    with pytest.raises(
        coming.Failed, match=r"Unix users that are not here: no-such-user \(12 messages\).*; nothing was changed"
    ):
        coming.ready({"no-such-user": {"at": "/home/.posthaus-backup/no-such-user", "messages": 12}})


def test_whoever_has_no_password_on_the_new_host_is_named():
    people = {login: {"messages": 1} for login in ("ana", "iqbal", "tito", "elsewhere")}
    shadow = "root:*:1::::::\nana:!:1::::::\niqbal:$y$j9T$abc:1::::::\ntito::1::::::\ncarla:!*:1::::::\n"
    assert coming.shut(people, shadow) == ["ana", "tito"]


def test_status_tells_whose_mail_lacks_and_where_to_look():
    last = {"at": 0, "messages": 1, "bytes": 1, "unreadable": 1, "unread": ["ana: not done after 3,600 seconds"]}
    lacks = next(results({"last": last}, 60))
    assert (lacks.verdict, "such as ana: not done after" in lacks.seen) == ("warn", True)
    assert "Unix user" in lacks.remedy
