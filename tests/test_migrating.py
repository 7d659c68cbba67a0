"""What is said of mailboxes elsewhere, folders as other servers name them, and what is remembered of messages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pyinfra.api.exceptions import DeployError

from deploys.components.dovecot.component import MIGRATED
from deploys.config.mailserver import MailServer
from deploys.migrating import people, shipped
from deploys.migrating.deploy import Request
from deploys.migrating.program import main
from deploys.migrating.program.dovecot import complaint, quoted, settings
from deploys.migrating.program.folders import Pair, pairs
from deploys.migrating.program.imap import Folder, _balanced, _listed, identity
from deploys.migrating.program.ledger import Ledger, Taken, numbers, ranges
from deploys.migrating.program.mailbox import batches

WRITE = "write imap.example.org, or imap.example.org:143 for STARTTLS"
HASH = "{SSHA512}" + "A" * 92
MAIL = MailServer.read(
    {
        "hostname": "mail.example.com",
        "domains": ["example.com"],
        "mailboxes": {f"{name}@example.com": {"password": HASH} for name in ("iqbal", "tito")},
        "postmaster": "tito@example.com",
        "webmail": False,
    }
)


def file(place: Path, text: str, mode: int = 0o600) -> str:
    path = place / "people.csv"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return str(path)


def wrong(**said: object) -> list[str]:
    """All that is wrong with what was said."""
    with pytest.raises(DeployError) as error:
        Request.of(MAIL, said)
    return str(error.value).strip().splitlines()


def test_a_file_of_many_says_of_each_where_the_mailbox_comes_from(tmp_path: Path):
    rows = (
        "address,server,login,password\n"
        'iqbal@example.com,old.example:143,iqbal,"a, b"\n'
        "tito@example.com,old.example,,x y \n"
    )
    iqbal, tito = people.read({"people": file(tmp_path, rows)}, MAIL.directory)
    assert (iqbal.server, iqbal.port, iqbal.login, iqbal.password) == ("old.example", 143, "iqbal", "a, b")
    assert (tito.port, tito.login, tito.password) == (993, "tito@example.com", "x y ")
    assert "a, b" not in repr(iqbal)


def test_a_file_of_a_spreadsheet_is_read_as_it_was_saved(tmp_path: Path):
    """With a byte order mark, semicolons, Windows' ends of lines and empty ones."""
    text = '\ufeffAddress;Server;Password\r\n\r\nIqbal@Example.com;old.example;"a;""b"\r\n;;\r\n'
    (iqbal,) = people.read({"people": file(tmp_path, text)}, MAIL.directory)
    assert (iqbal.address, iqbal.login, iqbal.password) == ("iqbal@example.com", "Iqbal@Example.com", 'a;"b')
    said = {"mailbox": "iqbal@example.com", "server": "old.example", "password_file": file(tmp_path, "\ufeffp w\r\n")}
    (iqbal,) = people.read(said, MAIL.directory)
    assert iqbal.password == "p w"


def test_all_that_is_wrong_with_it_is_said_at_once_by_line_and_column(tmp_path: Path):
    name = file(
        tmp_path,
        "address,server,login,password\nnobody@example.com,old.example,n,p\niqbal@example.com,https://old.example/,i,\n"
        "tito@example.com,old.example,t,p,q\niqbal@example.com,old.example:25,i,secret\n",
    )
    assert wrong(people=name, login="x", at_once="99", tls="never") == [
        "login: stands beside people; the file says it of each",
        f"{name}:2: address: nobody@example.com is none of mail.yaml's mailboxes; declare it first",
        f"{name}:3: server: https://old.example/ is no server; {WRITE}",
        f"{name}:3: password: is empty",
        f"{name}:4: has 5 columns, not 4; put what holds a comma in quotes",
        f"{name}:5: server: old.example:25 is no server; {WRITE}",
        f"{name}:5: address: iqbal@example.com stands in line 3, too; what comes from a second place is"
        " a run of its own, with a file of its own",
        "tls: never is not known; say tls=unverified where anybody may pose as the old server, or nothing",
        "at_once: 99 is not from 1 to 32",
    ]


def test_a_file_that_others_may_read_is_refused(tmp_path: Path):
    name = file(tmp_path, "address,server,login,password\n", 0o640)
    assert wrong(people=name) == [f"people: others may read {name} (mode 0640); chmod 600 {name}"]
    said = {"mailbox": "iqbal@example.com", "server": "old.example"}
    assert wrong(**said, password_file=name) == [f"password_file: others may read {name} (mode 0640); chmod 600 {name}"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("address,server,pasword\n", ":1: password: is missing among the columns"),
        ("address,server,pasword\n", ":1: pasword: is none of address, server, login, password"),
        ('address,server,password\n"iqbal@example.com,x,y\n', ":2: is no CSV"),
        ("", ":1: address: is missing"),
        ("address,server,password,address\n", ":1: address: stands there twice"),
        ("\r\naddress,server,password\r\n", ":1: address: is missing"),
        ("address,server,password\r\n,,\r\n", ": has nobody below the names of its columns"),
        ("address;server;password\niqbal@example.com;x;y;z\n", ":2: has 4 columns, not 3; put what holds a semicolon"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(tmp_path: Path, text: str, says: str):
    assert any(says in line for line in wrong(people=file(tmp_path, text)))


def test_who_says_too_little_is_told_what_to_say(tmp_path: Path):
    (line,) = wrong(mailbox="iqbal@example.com")
    assert "--data server=… --data password_file=…" in line
    (line,) = wrong(people=str(tmp_path / "none.csv"))
    assert line.endswith("none.csv: No such file or directory")


def test_the_old_server_is_verified_unless_it_is_said_otherwise(tmp_path: Path):
    assert people.authority({}) == "system"
    assert people.authority({"tls": "unverified"}) == ""
    about = {"server": "old.example", "port": 993, "login": "i", "password": "p"}
    assert "imapc_ssl_verify = yes\n" in settings("2.3", {**about, "ca": "/x"}, "")
    assert "ssl_client_require_valid_cert = yes\n" in settings("2.4", {**about, "ca": "/x"}, "")
    assert "ssl_client_require_valid_cert = no\n" in settings("2.4", {**about, "ca": ""}, "")
    with pytest.raises(people.Wrong, match="holds no certificate"):
        people.authority({"ca": file(tmp_path, "nothing")})


def test_folders_below_inbox_lose_the_prefix_and_get_our_names():
    """As Courier and Cyrus name them, and people's programs."""
    names = ("INBOX", "INBOX.Sent Items", "INBOX.Gesendet", "INBOX.Spam", "INBOX.Work", "INBOX.Work.2026")
    made, odd = pairs(Folder(name, ".") for name in names)
    assert odd == []
    assert [(one.old, one.seen, one.here) for one in made] == [
        ("INBOX", "INBOX", "INBOX"),
        ("INBOX.Gesendet", "Gesendet", "Sent"),
        ("INBOX.Sent Items", "Sent Items", "Sent"),
        ("INBOX.Spam", "Spam", "Junk"),
        ("INBOX.Work", "Work", "Work"),
        ("INBOX.Work.2026", "Work/2026", "Work/2026"),
    ]


def test_a_dot_in_a_name_becomes_what_a_folder_here_can_have():
    made, odd = pairs([Folder("INBOX", "/"), Folder("Work/v1.2", "/"), Folder("a/b", ".")])
    assert [one.here for one in made] == ["INBOX", "Work/v1_2"]
    assert odd == ["a/b"]


def test_of_gmails_all_mail_comes_what_lies_in_no_other_folder():
    gmail = [
        Folder("INBOX"),
        Folder("[Gmail]/All Mail", "/", frozenset({"\\all"})),
        Folder("[Gmail]/Starred", "/", frozenset({"\\flagged"})),
        Folder("[Gmail]/Important", "/", frozenset({"\\important"})),
        Folder("[Gmail]/Sent Mail", "/", frozenset({"\\sent"})),
        Folder("Receipts"),
    ]
    made, _ = pairs(gmail)
    assert [one.here for one in made[:-1]] == ["INBOX", "Receipts", "Sent"]
    assert made[-1] == Pair("[Gmail]/All Mail", "[Gmail]/All Mail", "Archive", rest=True)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b'(\\HasNoChildren) "." INBOX.Work', "INBOX.Work"),
        (b'(\\HasNoChildren) "/" "Entw&APw-rfe &- so"', "Entwürfe & so"),
        (b"(\\Noinferiors) NIL inbox", "INBOX"),
        (b'() "\\\\" "with \\"quotes\\""', 'with "quotes"'),
        ((b'() "/" {5}', b"a b c"), "a b c"),
    ],
)
def test_a_folder_is_read_as_servers_list_it(line: object, name: str):
    listed = _listed(line)
    assert listed is not None
    assert listed.name == name


def test_what_others_share_is_not_ones_own():
    answer = '(("INBOX." ".")) (("user." ".")) (("Shared Folders." ".")("Public." "."))'
    assert _balanced(answer)[1:] == ['(("user." "."))', '(("Shared Folders." ".")("Public." "."))']
    assert _balanced('(("" "/")) NIL NIL')[1:] == ["", ""]


def test_a_message_is_recognized_wherever_it_lies_but_not_one_that_says_nothing_of_itself():
    first = b"Message-ID: <1@x>\r\nSubject: a\r\n folded one\r\nDate: today\r\n\r\n"
    again = b"Date: today\nSubject: a folded one\nMessage-ID: <1@x>\n\n"
    assert identity(first) == identity(again)
    assert identity(b"Subject: a\r\n\r\n").startswith("?")


def test_uids_are_remembered_as_imap_writes_them(tmp_path: Path):
    assert ranges({1, 2, 3, 7, 9, 10}) == "1:3,7,9:10"
    assert numbers("1:3,7,9:10") == {1, 2, 3, 7, 9, 10}
    assert numbers("") == set()
    ledger = Ledger(tmp_path / "a", "iqbal old.example")
    ledger.folders["INBOX"] = Taken(5, {1, 2}, unsure=True)
    ledger.keep()
    assert Ledger(tmp_path / "a", "iqbal old.example").folders == {"INBOX": Taken(5, {1, 2}, unsure=True)}
    assert Ledger(tmp_path / "a", "another old.example").folders == {}


def test_messages_are_copied_in_parts_that_a_broken_line_does_not_cost_much():
    assert [len(one) for one in batches(set(range(450)), {})] == [200, 200, 50]
    sizes = dict.fromkeys(range(4), 30 << 20)
    assert [len(one) for one in batches(set(range(4)), sizes)] == [1, 1, 1, 1]


def test_a_password_is_quoted_as_each_dovecot_reads_it():
    assert quoted("2.3", 'a"b\\%u') == '"a\\"b\\\\%u"'
    assert quoted("2.4", "%{user}") == "\"%{literal('%')}{user}\""


def test_what_doveadm_complains_of_is_told_without_its_noise_and_the_password():
    text = (
        "doveconf: Warning: /run/x line 2: noise\ndoveadm(iqbal)<1><x>: Info: Connected\n"
        "doveadm(iqbal)<1><x>: Error: imapc: Login with secret failed\n"
    )
    assert complaint(text, "secret") == "imapc: Login with … failed"


def test_what_was_taken_is_remembered_where_backups_look():
    assert main.MEMORY == MIGRATED


def test_what_is_shipped_is_one_program_that_runs_by_itself():
    script = shipped.script({"people": [], "at_once": 1})
    done = subprocess.run([sys.executable, "-I", "-B", "-"], input=script, capture_output=True, text=True, env={})
    assert done.stderr.splitlines()[-1:] == ["KeyError: 'RUNTIME_DIRECTORY'"], "it got as far as what systemd says"


def test_a_host_that_was_never_converged_is_told_so(tmp_path: Path):
    environment = {"RUNTIME_DIRECTORY": str(tmp_path), "PATH": str(tmp_path)}
    script = shipped.script({"people": [], "at_once": 1})
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-"], input=script, capture_output=True, text=True, env=environment
    )
    told = "the host has no Dovecot yet: run deploys/mail.py first\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", told)
