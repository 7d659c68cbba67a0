"""The program for people's own passwords: what it hears, what it writes, what it forgets."""

from __future__ import annotations

import hashlib
import multiprocessing
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pyinfra.api.exceptions import DeployError

from deploys.components import all as every
from deploys.components.account import render
from deploys.components.account.operator import Request
from deploys.components.account.options import SERVICES, WEBMAIL_SERVICES, note
from deploys.components.account.program import account, conversation, pace, passwords, rows, sessions, settle, webmail
from deploys.components.account.program.account import RefusedError
from deploys.values.strength import weakness
from tests.declared import context
from tests.settings import ARGON2, ROOT, golden_server

TITO, ANA = "tito@example.com", "ana/b@example.com"  # a slash may stand in an address (RFC 5322, 3.2.3)
RIGHT, NEW, LATER = "twelve brown owls", "seventeen quiet herons", "eleven loud kestrels"
HASH, OTHER_HASH = "{ARGON2ID}$argon2id$one", "{ARGON2ID}$argon2id$two"


class Dovecot:
    """What Dovecot would say to a name and a password, from the files as they lie there."""

    def __init__(self, declared: dict[str, str]) -> None:
        self.declared = declared  # passwords by address, as mail.yaml has them
        self.reads = True

    def login(self, name: str, password: str, service: str = passwords.SERVICE) -> str | None:
        mark = rows.declared().get(name, "")
        digest = hashlib.sha256(password.encode()).hexdigest()
        if f"{digest}/{name}/{mark}/{service}:" in Path(rows.APPS).read_text():
            return name
        if f"{digest}/127.0.0.1/{name}/{mark}/{service}:" in "".join(path.read_text() for path in session_files()):
            return name
        chosen = [line for line in Path(rows.CHOSEN).read_text().splitlines() if line.startswith(f"{name}/{mark}:")]
        if chosen:
            return name if self.reads and chosen == [f"{name}/{mark}:hash of {password}::::::"] else None
        return name if self.declared.get(name) == password else None

    def opened(self, name: str, password: str, service: str = passwords.SERVICE) -> tuple[str, str] | None:
        """The same with the note, which is one behind where it has not read it yet."""
        found = self.login(name, password, service)
        return (found, rows.declared().get(name, "") if self.reads else "of before") if found else None


def session_files() -> list[Path]:
    return sorted(Path(webmail.SESSIONS).iterdir())


@pytest.fixture(autouse=True)
def dovecot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dovecot:
    """The program's files below ``tmp_path``, two mailboxes with the same password, and nobody who waits."""
    names = {rows: ("STATE", "CHOSEN", "APPS", "DECLARED"), pace: ("DIRECTORY",), webmail: ("SESSIONS",)}
    for module, named in names.items():
        for name in named:
            path = tmp_path / name.lower()
            path.mkdir() if name in ("STATE", "DIRECTORY", "SESSIONS") else path.touch()
            monkeypatch.setattr(module, name, str(path))
    monkeypatch.setattr(sessions, "ENDING", str(tmp_path / "ending"))
    monkeypatch.setattr(sessions.os, "geteuid", lambda: 990)  # as the service: tests may run as root
    monkeypatch.setattr(account, "_CACHED", 0)
    found = Dovecot({TITO: RIGHT, ANA: RIGHT})
    monkeypatch.setattr(passwords, "login", found.login)
    monkeypatch.setattr(passwords, "opened", found.opened)
    monkeypatch.setattr(passwords, "hashed", lambda password: f"hash of {password}")
    declare({TITO: HASH, ANA: HASH})
    return found


def declare(hashes: dict[str, str]) -> None:
    Path(rows.DECLARED).write_text("".join(f"{address}:{one}::::::\n" for address, one in hashes.items()))


def talk(*lines: bytes) -> list[str]:
    """All that is answered to a client that says these lines and goes."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b"".join(line + b"\r\n" for line in lines))
        ours.shutdown(socket.SHUT_WR)
        conversation.serve(theirs)
        theirs.shutdown(socket.SHUT_WR)
        return ours.makefile("rb").read().decode().split("\r\n")[:-1]


def opened(*lines: str, password: str = RIGHT, name: str = TITO) -> list[str]:
    """What is answered to the lines of somebody who is in."""
    return talk(*(line.encode() for line in (f"user {name}", f"pass {password}", *lines, "quit")))[3:-1]


def test_a_change_counts_once_dovecot_takes_it_and_app_passwords_go_on(dovecot):
    secret = opened("newapp phone")[0].removeprefix("200 ")
    assert opened(f"newpass {NEW}", "apps", f"newpass {LATER}")[0] == "200 The password is changed"
    assert [dovecot.login(TITO, one) for one in (RIGHT, NEW, LATER)] == [None, None, TITO]
    assert dovecot.login(TITO, secret, "imap") == TITO
    assert dovecot.login(ANA, RIGHT) == ANA
    assert opened("apps", password=LATER)[1].endswith(" phone")


def test_what_dovecot_does_not_take_is_put_back(dovecot):
    opened(f"newpass {NEW}")
    before = Path(rows.CHOSEN).read_text()
    dovecot.reads = False
    monkey = account.Account(TITO, NEW)
    with pytest.raises(RefusedError, match="changed elsewhere"):
        monkey.change(LATER)
    dovecot.declared[TITO] = RIGHT
    with pytest.raises(passwords.UnavailableError):
        account.Account(ANA, RIGHT).change(NEW)
    assert Path(rows.CHOSEN).read_text() == before
    assert dovecot.login(ANA, RIGHT) == ANA


def test_the_second_of_two_who_change_it_at_once_is_told(dovecot):
    first, second = account.Account(TITO, RIGHT), account.Account(TITO, RIGHT)
    first.change(NEW)
    with pytest.raises(RefusedError, match="has just been changed elsewhere"):
        second.change(LATER)
    assert dovecot.login(TITO, NEW) == TITO


@pytest.mark.parametrize(
    "lines",
    [
        (b"\x00" * 600,),
        (b"user a\xff\xfe",),
        (b"user " + b"x" * 5000,),
        (b"newpass now",),
        (b"user tito@example.com", b"pass a\x00b"),
        (b"user tito@example.com", b"pass "),
        (b"user tito@example.com",),
        (b"pass " + RIGHT.encode(), b"user tito@example.com"),
        (b"user tito@example.com\rpass x",),
    ],
)
def test_what_is_no_conversation_ends_in_one_refusal(lines):
    said = talk(*lines)
    assert [line[:4] for line in said].count("500 ") == 1
    assert said[-1].startswith("500 ")


def test_whoever_knows_no_password_can_do_nothing():
    assert talk(b"user " + TITO.encode(), b"pass wrong", f"newpass {NEW}".encode())[-1] == (
        "500 The current password is wrong"
    )
    assert Path(rows.CHOSEN).read_text() == ""


@pytest.mark.parametrize(
    ("new", "why"),
    [
        ("short", "fewer than 10 characters"),
        ("x" * 129, "at most 128"),
        ("a tab\tis not typed", "cannot be typed"),
        (RIGHT, "the current one"),
        ("tito@example.com", "easily guessed"),
        ("exampletito1", "easily guessed"),
        ("Wachtwoord99", "first that anybody tries"),
        ("sekolah123456", "easily guessed"),
    ],
)
def test_a_weak_password_is_refused_and_none_of_it_is_shown(new, why):
    (said,) = opened(f"newpass {new}")
    assert said.startswith("500 The new password ")
    assert why in said
    assert new not in said


def test_script_password_refuses_by_the_same_list():
    assert "easily guessed" in weakness("sekolah123456")
    assert weakness(NEW) == weakness("kX8d-29fL0") == ""


def test_an_unknown_word_is_told_what_there_is_and_the_conversation_goes_on():
    assert opened("vacation", "apps") == ["500 There are newpass, apps, newapp, dropapp, session and quit", "200 0"]


@pytest.mark.parametrize("label", ["", "a:b", "x" * 41, "tab\there", " phone", "bell\x07"])
def test_the_name_of_an_app_password_is_printable_and_short(label):
    assert opened(f"newapp {label}")[0].startswith("500 The name of an app password is 1 to 40")


def test_app_passwords_are_listed_by_their_names_and_each_is_revoked_alone(dovecot):
    first, second, again, refused = opened("newapp phone", "newapp Büro: no", "newapp phone", "dropapp tablet")
    assert second.startswith("500")
    assert "already" in again
    assert refused == "500 There is no app password of this name"
    other = opened("newapp Büro", name=ANA)[0].removeprefix("200 ")
    secret = first.removeprefix("200 ")
    assert [dovecot.login(TITO, secret, service) for service in SERVICES] == [TITO] * 4
    assert [dovecot.login(TITO, secret), dovecot.login(ANA, secret, "imap")] == [None, None]
    listed = opened("apps")
    assert listed[0] == "200 1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d phone", listed[1])
    assert opened("dropapp phone") == ["200 The app password is revoked"]
    assert dovecot.login(TITO, secret, "imap") is None
    assert dovecot.login(ANA, other, "imap") == ANA
    assert secret not in Path(rows.APPS).read_text()


def session(name: str = TITO, password: str = RIGHT) -> str:
    (said,) = opened("session", name=name, password=password)
    assert said.startswith("200 session-")
    return said.removeprefix("200 ")


def test_a_session_of_the_webmail_opens_mail_until_somebody_logs_out_and_changes_no_password(dovecot):
    one, other, anas = session(), session(), session(ANA)
    assert [dovecot.login(TITO, one, service) for service in WEBMAIL_SERVICES] == [TITO] * 3
    assert [dovecot.login(TITO, one), dovecot.login(TITO, one, "pop3"), dovecot.login(ANA, one, "imap")] == [None] * 3
    assert one not in "".join(path.read_text() for path in session_files())
    assert talk(b"forget " + one.encode())[1:] == ["200 The session has ended"]
    assert dovecot.login(TITO, one, "imap") is None
    assert dovecot.login(TITO, other, "imap") == TITO
    assert dovecot.login(ANA, anas, "imap") == ANA


def test_a_changed_password_ends_the_sessions_of_its_mailbox_alone_and_the_page_that_asked_begins_another(dovecot):
    one, other, anas = session(), session(), session(ANA)
    changed, begun = opened(f"newpass {NEW}", "session")
    assert changed.startswith("200")
    assert [dovecot.login(TITO, secret, "imap") for secret in (one, other)] == [None, None]
    assert dovecot.login(TITO, begun.removeprefix("200 "), "imap") == TITO
    assert dovecot.login(ANA, anas, "imap") == ANA


def test_sessions_end_with_the_declared_hash_even_one_that_began_before_dovecot_had_read_it(dovecot):
    one, anas = session(), session(ANA)
    declare({TITO: OTHER_HASH, ANA: HASH})
    assert dovecot.login(TITO, one, "imap") is None
    dovecot.reads = False  # it takes the password of before, under the note of before
    with pytest.raises(passwords.UnavailableError):
        account.Account(TITO, RIGHT).session()
    declare({TITO: HASH, ANA: HASH})
    with rows.locked():
        webmail.prune()
    assert dovecot.login(ANA, anas, "imap") == ANA
    declare({ANA: "!"})
    with rows.locked():
        webmail.prune()
    assert "".join(path.read_text() for path in session_files()) == ""


def test_a_session_that_nobody_asks_for_is_forgotten_after_two_hours(dovecot, monkeypatch):
    lasting, left = session(), session()
    now = webmail.time.time()
    monkeypatch.setattr(webmail.time, "time", lambda: now + 5000)
    assert talk(b"renew " + lasting.encode())[1:] == ["200 The session goes on"]
    monkeypatch.setattr(webmail.time, "time", lambda: now + 9000)
    session()
    assert [dovecot.login(TITO, secret, "imap") for secret in (lasting, left)] == [TITO, None]
    assert talk(b"renew " + left.encode())[1:] == ["500 There is no such session"]


def test_no_session_begins_with_a_password_that_has_just_been_changed(dovecot):
    late = account.Account(TITO, RIGHT)
    opened(f"newpass {NEW}")
    with pytest.raises(RefusedError, match="changed elsewhere"):
        late.session()
    assert "".join(path.read_text() for path in session_files()) == ""


def test_no_mailbox_has_more_than_so_many(monkeypatch):
    monkeypatch.setattr(account, "MOST_APPS", 2)
    assert "revoke one" in opened("newapp a", "newapp b", "newapp c")[2]


def test_another_hash_or_none_forgets_what_was_chosen_and_a_mailbox_without_a_password_waits():
    for name in (TITO, ANA):
        opened(f"newpass {NEW}", "newapp phone", name=name)
    declare({TITO: "!", ANA: HASH})
    assert rows.prune() == []
    declare({TITO: HASH, ANA: OTHER_HASH})
    assert rows.prune() == [ANA]
    assert len(Path(rows.APPS).read_text().splitlines()) == len(SERVICES)
    declare({ANA: HASH})
    assert rows.prune() == [TITO]
    assert (Path(rows.CHOSEN).read_text(), Path(rows.APPS).read_text()) == ("", "")


def test_sessions_end_in_one_way_here_and_in_runs():
    folders = ("deploys", "operations", "facts")
    scripts = {path for one in folders for path in (ROOT / one).rglob("*") if path.suffix in (".py", ".sh", ".j2")}
    kicks = {path.relative_to(ROOT) for path in scripts if "doveadm kick" in path.read_text(encoding="utf-8")}
    assert kicks == {Path("operations/sessions.sh")}
    assert "log_out()" in render.program()["deploys/components/account/program/sessions.sh"].data.decode()


def test_sessions_end_where_the_hash_is_another_or_gone():
    before = f"{TITO}:::::::note=1\n{ANA}:::::::note=2\nx@example.com:::::::note=3\n"
    now = f"{TITO}:::::::note=1\n{ANA}:::::::note=4\nnew@example.com:::::::note=5\n"
    assert settle.changed(before, now) == [ANA, "x@example.com"]


def test_every_write_is_seen_by_whoever_looks_at_whole_seconds_and_leaves_no_other_file():
    times = []
    for number in range(3):
        rows.write(rows.CHOSEN, [f"row {number}"])
        times.append(int(Path(rows.CHOSEN).stat().st_mtime))
    assert times == sorted(set(times))
    assert [path.name for path in Path(rows.STATE).iterdir()] == []
    assert oct(Path(rows.CHOSEN).stat().st_mode)[-4:] == "0640"


def _hold(directory: str, name: str, held, done) -> None:
    pace.DIRECTORY = directory
    with pace.turn(name):
        held.set()
        done.wait(60)


def test_one_password_of_a_mailbox_is_tried_at_a_time_and_who_waits_in_vain_is_told(monkeypatch):
    monkeypatch.setattr(pace, "PATIENCE", 1)
    there = multiprocessing.get_context("spawn")
    held, done = there.Event(), there.Event()
    other = there.Process(target=_hold, args=(pace.DIRECTORY, TITO, held, done))
    other.start()
    assert held.wait(60)
    try:
        assert "in a minute" in talk(b"user " + TITO.encode(), b"pass x")[-1]
    finally:
        done.set()
        other.join(60)
    assert talk(b"user " + TITO.encode(), b"pass x")[-1] == "500 The current password is wrong"


def test_a_note_tells_one_hash_from_another_and_tells_nothing_of_it():
    assert note(HASH) != note(OTHER_HASH)
    assert len(note(ARGON2)) == 32
    assert note(ARGON2) not in ARGON2


def test_the_host_gets_the_program_whole_with_the_library_and_its_licence(tmp_path):
    for path, file in render.program().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(file.data)
    assert (tmp_path / "zxcvbn" / "LICENSE").exists()
    code = f"import sys; sys.path = [{str(tmp_path)!r}, *[p for p in sys.path if 'site-packages' not in p]];"
    code += "from deploys.components.account.program import main; from deploys.values import strength;"
    code += "print(strength.weakness('sekolah123456'))"
    done = subprocess.run([sys.executable, "-I", "-B", "-c", code], capture_output=True, text=True)
    assert "easily guessed" in done.stdout, done.stderr


def test_people_with_unix_accounts_have_passwd_and_nothing_of_this_is_there(monkeypatch):
    found = {one.name: one for one in every.declared(context(golden_server(monkeypatch, accounts="system")))}
    assert "Account" not in found
    paths = {path for tree in every.trees(found.values()) for path in tree.files}
    assert not {"notes", "posthaus-account.socket"} & paths


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((None, None, None), "say whose"),
        (("nobody@example.org", None, None), "none of mail.yaml's mailboxes"),
        (("tito@example.com", "a", "b"), "two runs"),
        (("tito@example.com", "a:b", None), "make: The name of an app password"),
        (("tito@example.com", None, ""), "revoke: The name of an app password"),
    ],
)
def test_what_the_operator_asks_for_wrongly_is_refused_in_a_sentence(monkeypatch, words, why):
    mail = golden_server(monkeypatch)
    with pytest.raises(DeployError, match=why):
        Request.of(mail, *words)
    assert Request.of(mail, "Tito@example.com", None, None) == Request(TITO)


def test_what_the_operator_revokes_leaves_nothing_in_the_way_of_peoples_own_changes(monkeypatch, tmp_path):
    kicked: list[str] = []
    monkeypatch.setattr(sessions, "ENDING", str(tmp_path / "asked"))
    monkeypatch.setattr(sessions, "kick", kicked.extend)
    monkeypatch.setattr(sessions.os, "geteuid", lambda: 0)
    sessions.end("tito@example.com")
    assert kicked == ["tito@example.com"]
    assert not (tmp_path / "asked").exists(), "the service could not write to a directory of root's"
    monkeypatch.setattr(sessions.os, "geteuid", lambda: 990)
    sessions.end("tito@example.com")
    assert [one.name for one in (tmp_path / "asked").iterdir()] == [b"tito@example.com".hex()]
