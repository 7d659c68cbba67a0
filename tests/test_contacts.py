"""Contacts as vCard and as an old SquirrelMail kept them, into either webmail's address book: each once, none lost."""

from __future__ import annotations

import fcntl
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api.exceptions import DeployError

from deploys import shipping
from deploys.addressbooks import vcards
from deploys.addressbooks.contact import Contact
from deploys.addressbooks.deploy import MODULES
from deploys.addressbooks.program import main, personal, roundcube, squirrelmail
from deploys.addressbooks.program.rows import Failed
from deploys.addressbooks.request import WORDS, Request
from deploys.config.mailserver import MailServer

HASH = "{SSHA512}" + "A" * 92
IQBAL, TITO = "iqbal@example.com", "tito@example.com"
OLD = """BEGIN:VCARD\r
VERSION:2.1\r
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=\r
=BCrgen\r
TEL;HOME;VOICE:+49 1\r
EMAIL;PREF;INTERNET:juergen@example.org\r
NOTE;ENCODING=QUOTED-PRINTABLE:line one=0D=0Aline two\r
END:VCARD\r
"""
USUAL = """BEGIN:VCARD
VERSION:3.0
N:Lima;Ana;Maria;Dr.;
FN:Dr. Ana Lima
item1.EMAIL;TYPE=INTERNET:ana@example.net
EMAIL;TYPE=INTERNET,WORK:ana@work.example
ORG:Example\\, Ltd;Sales
ADR;TYPE=HOME:;;Street 1;Town;;123;Germany
NICKNAME:annie
NOTE:a\\nb\\;c | "quoted" \\\\ end
END:VCARD
"""
NEW = """BEGIN:VCARD
VERSION:4.0
FN:Zoë 漢字
EMAIL;PREF=1:mailto:zoe@example.com
TEL;VALUE=uri;TYPE="voice,home":tel:+1-555-555
END:VCARD
"""
GROUP = "BEGIN:VCARD\nVERSION:4.0\nKIND:group\nFN:Friends\nMEMBER:urn:uuid:1\nEND:VCARD\n"
NO_ADDRESS = "BEGIN:VCARD\nVERSION:3.0\nFN:The Doctor\nN:;;;;\nTEL:+49 30 1\nEND:VCARD\n"
# As Roundcube 1.6 makes it (SQL/sqlite.initial.sql).
SCHEMA = """
CREATE TABLE users (
  user_id integer NOT NULL PRIMARY KEY,
  username varchar(128) NOT NULL default '',
  mail_host varchar(128) NOT NULL default '',
  created datetime NOT NULL default '0000-00-00 00:00:00',
  last_login datetime DEFAULT NULL,
  failed_login datetime DEFAULT NULL,
  failed_login_counter integer DEFAULT NULL,
  language varchar(16),
  preferences text DEFAULT NULL
);
CREATE UNIQUE INDEX ix_users_username ON users(username, mail_host);
CREATE TABLE contacts (
  contact_id integer NOT NULL PRIMARY KEY,
  user_id integer NOT NULL REFERENCES users (user_id) ON DELETE CASCADE ON UPDATE CASCADE,
  changed datetime NOT NULL default '0000-00-00 00:00:00',
  del tinyint NOT NULL default '0',
  name varchar(128) NOT NULL default '',
  email text NOT NULL default '',
  firstname varchar(128) NOT NULL default '',
  surname varchar(128) NOT NULL default '',
  vcard text NOT NULL default '',
  words text NOT NULL default ''
);
INSERT INTO users (user_id, username, mail_host) VALUES (7, 'iqbal@example.com', '127.0.0.1');
"""


def mail(**settings: Any) -> MailServer:
    return MailServer.read(
        {
            "hostname": "mail.example.com",
            "domains": ["example.com", "example.org"],
            "mailboxes": {one: {"password": HASH} for one in (IQBAL, TITO, "tito@example.org")},
            "postmaster": TITO,
            "webmail": {"program": "squirrelmail"},
            **settings,
        }
    )


def said(**words: object) -> dict[str, object]:
    return {**dict.fromkeys(WORDS), **{word.rstrip("_"): value for word, value in words.items()}}


def wrong(server: MailServer | None = None, **words: object) -> list[str]:
    """All that is wrong with what was said."""
    with pytest.raises(DeployError) as error:
        Request.of(server or mail(), said(**words))
    return str(error.value).strip().splitlines()


def written(place: Path, *cards: str) -> str:
    path = place / "contacts.vcf"
    path.write_bytes("".join(cards).encode())
    return str(path)


def contacts(place: Path, *cards: str) -> list[dict[str, Any]]:
    """As the host's program gets them."""
    return [asdict(one) for one in vcards.read(written(place, *cards))]


def book(place: Path) -> list[str]:
    return (place / f"{IQBAL}.abook").read_text("utf-8").splitlines()


def test_one_file_has_cards_of_every_version_and_groups_are_left_out(tmp_path: Path):
    old, usual, new = vcards.read(written(tmp_path, OLD, USUAL, GROUP, NEW))
    assert (old.name, old.first, old.last, old.emails) == (
        "Jürgen Müller",
        "Jürgen",
        "Müller",
        (("juergen@example.org", ""),),
    )
    assert (usual.name, usual.first, usual.last, usual.nickname) == ("Dr. Ana Lima", "Ana", "Lima", "annie")
    assert usual.emails == (("ana@example.net", ""), ("ana@work.example", "WORK"))
    assert (new.name, new.emails, new.label) == ("Zoë 漢字", (("zoe@example.com", ""),), "+1-555-555")
    assert "NOTE:line one\\nline two\r\n" in old.lines
    assert "TEL;TYPE=HOME,VOICE:+49 1\r\n" in old.lines
    assert "N:Lima;Ana;Maria;Dr.;\r\n" in usual.lines
    assert "ADR;TYPE=HOME:;;Street 1;Town;;123;Germany\r\n" in usual.lines


def test_what_programs_write_that_is_not_quite_a_vcard_is_read_whole(tmp_path: Path):
    telephone = (
        "BEGIN:VCARD\nVERSION:2.1\nN:Café, Ltd;;;;\nEMAIL;HOME:c@example.org\nNOTE:one, two\n"
        "PHOTO;ENCODING=BASE64;JPEG:/9j/4AAQSkZJRgABAQ\nAAAQABAAD\n\nEND:VCARD\n"
    )
    oldest = "begin:vcard\nn:Bird;T\norg;quoted-printable:Caf=C3=A9;B, C\nemail;internet:t@example.org\nend:vcard\n"
    latin = "BEGIN:VCARD\nFN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:J=FCrgen\nURL:https\\://a.example/?b,c\nEND:VCARD\n"
    first, second, third = vcards.read(written(tmp_path, telephone, oldest, latin))
    assert (first.name, first.label, first.emails) == ("Café, Ltd", "one, two", (("c@example.org", "HOME"),))
    assert "PHOTO" not in first.lines
    assert (second.name, second.label) == ("T Bird", "Café, B, C")
    assert third.name == "Jürgen"
    assert "URL:https://a.example/?b\\,c\r\n" in third.lines


def test_all_that_is_wrong_with_a_file_is_said_at_once_by_line_and_card(tmp_path: Path):
    odd = "BEGIN:VCARD\nFN;CHARSET=KLINGON;ENCODING=QUOTED-PRINTABLE:=FC\nEND:VCARD\n"
    empty = "BEGIN:VCARD\nVERSION:3.0\nEND:VCARD\n"
    name = written(
        tmp_path, "junk\nmore\n", NEW, "BEGIN:VCARD\nFN:x\nno property\nEND:VCARD\n", empty, odd, "BEGIN:VCARD\n"
    )
    assert wrong(mailbox="nobody@example.com", from_=name) == [
        "mailbox: nobody@example.com is none of mail.yaml's mailboxes; declare it first",
        f"{name}:1: stands outside any card; each is from BEGIN:VCARD to END:VCARD",
        f"{name}:11: card 2 is no vCard that can be read; mend it or take it out",
        f"{name}:13: card 3 has neither a name nor an e-mail address; take it out",
        f"{name}:17: card 4 is no vCard that can be read; mend it or take it out",
        f"{name}:19: the card that begins here has no END:VCARD",
    ]
    (tmp_path / "contacts.vcf").write_bytes(b"BEGIN:VCARD\nFN:J\xfcrgen\nEND:VCARD\n")
    assert wrong(mailbox=IQBAL, from_=name) == [f"{name}:2: is not UTF-8; save the file so"]
    (tmp_path / "contacts.vcf").write_bytes(b"")
    assert wrong(mailbox=IQBAL, from_=name) == [f"{name}: holds no vCard"]
    assert wrong(mailbox=IQBAL, from_="/nowhere.vcf") == ["from: /nowhere.vcf: No such file or directory"]


def test_whose_they_are_and_where_from_is_said_once(tmp_path: Path):
    name = written(tmp_path, NEW)
    ways = "--data mailbox=ADDRESS --data from=contacts.vcf, or --data squirrelmail=DIRECTORY"
    assert wrong() == [f"say where contacts come from, one of the two: {ways}"]
    assert wrong(from_=name) == [f"say whose they are: {ways}"]
    assert "webmail: false" in wrong(mail(webmail=False), mailbox=IQBAL, from_=name)[0]
    assert wrong(mailbox=IQBAL, from_=name, charset="utf-8") == [
        "charset: is for squirrelmail alone; a vCard says it itself"
    ]


def test_address_books_of_an_old_squirrelmail_find_their_people(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "Iqbal.abook").write_bytes(
        'ana|Ana|"Li""ma | x"|ana@example.net|\r\nb|J\xfcrgen||j@example.org|Chef\n\n'.encode("iso-8859-1")
    )
    (tmp_path / f"{TITO}.abook").write_text("c|Żółć||z@example.org|\n", "utf-8")
    (tmp_path / "gone.abook").write_text("d|D||d@example.org|\n")
    request = Request.of(mail(), said(squirrelmail=tmp_path, charset="latin1"))
    found = {one["address"]: one["contacts"] for one in request.plan["books"]}
    assert [(one["name"], one["emails"]) for one in found[IQBAL]] == [
        ('Ana Li"ma | x', (("ana@example.net", ""),)),
        ("Jürgen", (("j@example.org", ""),)),
    ]
    assert [one["first"] for one in found[TITO]] == ["Żółć"]
    assert request.nobodys == (str(tmp_path / "gone.abook"),)
    assert "ana@example.net" not in repr(request)


def test_what_is_wrong_with_address_books_is_said_by_file_and_line(tmp_path: Path):
    assert "holds no .abook" in wrong(squirrelmail=tmp_path)[0]
    (tmp_path / "iqbal.abook").write_bytes(b"a|A||a@example.org|\nb|J\xfcrgen||j@example.org|\n")
    (tmp_path / "tito.abook").write_text("c|C||c@example.org|\n")
    (tmp_path / f"{TITO}.abook").write_text("c|C||c@example.org|\nd|D\n")
    assert sorted(wrong(squirrelmail=tmp_path)) == [
        f"{tmp_path}/iqbal.abook:2: is not UTF-8; say what it is, such as --data charset=iso-8859-1",
        f"{tmp_path}/tito.abook: may be of {TITO} or tito@example.org; rename it to ADDRESS.abook",
        f"{tmp_path}/{TITO}.abook:2: has 2 fields, not 5; mend it or take it out",
    ]
    assert "charset: klingon is not known" in wrong(squirrelmail=tmp_path, charset="klingon")[0]
    assert "give the data directory" in wrong(squirrelmail=tmp_path / "none")[0]


def test_squirrelmail_gets_each_address_once_and_what_is_there_stays_as_it_is(tmp_path: Path):
    there = 'annie|Annie|Other|other@example.net|hand "made"\njm|jürgen|MÜLLER|Juergen@Example.ORG|'
    (tmp_path / f"{IQBAL}.abook").write_text(there, "utf-8")
    cards = contacts(tmp_path, OLD, USUAL, NEW, NO_ADDRESS)
    told = squirrelmail.add(tmp_path, IQBAL, cards)
    assert (told.added, told.there) == (2, 1)
    assert told.left == ["The Doctor: has no e-mail address, without which SquirrelMail keeps nobody"]
    assert book(tmp_path) == [
        *there.splitlines(),
        'annie-2|Ana|Lima|ana@example.net|"Example, Ltd, Sales; a b;c | ""quoted"" / end"',
        'annie-3|Ana|Lima|ana@work.example|"Example, Ltd, Sales; a b;c | ""quoted"" / end"',
        "Zoë_漢字|Zoë 漢字||zoe@example.com|+1-555-555",
    ]
    assert (tmp_path / f"{IQBAL}.abook").read_text("utf-8").startswith(there + "\n")
    again = squirrelmail.add(tmp_path, IQBAL, cards)
    assert (again.added, again.there, len(book(tmp_path))) == (0, 3, 5)


def test_a_line_is_never_longer_than_squirrelmail_reads_and_its_nicknames_are_ones_it_allows(tmp_path: Path):
    note = '|"ä' * 3000
    card = f'BEGIN:VCARD\nVERSION:3.0\nFN:A: "B" #1!\nN:;;;;\nEMAIL:a@example.org\nNOTE:{note}\nEND:VCARD\n'
    squirrelmail.add(tmp_path, IQBAL, contacts(tmp_path, card))
    content = (tmp_path / f"{IQBAL}.abook").read_bytes()
    assert 1900 < len(content) <= squirrelmail.LONGEST
    [row] = squirrelmail._rows(content.removesuffix(b"\n"))
    assert (row[0], row[3], len(row)) == ("A_B_1", "a@example.org", 5)
    assert (tmp_path / f"{IQBAL}.abook").stat().st_mode & 0o777 == 0o600


def test_what_squirrelmail_writes_over_is_added_again(tmp_path: Path):
    """It gives up its lock, and then copies the new address book over the old one, as an edit by a person does."""
    path = tmp_path / f"{IQBAL}.abook"
    path.write_text("a|A||a@example.org|\n")
    cards = contacts(tmp_path, NEW)
    squirrelmail.add(tmp_path, IQBAL, cards)
    path.write_text("a|A edited||a@example.org|\n")  # into the same file, without what came meanwhile
    squirrelmail.settle(tmp_path, [{"address": IQBAL, "contacts": cards}])
    assert book(tmp_path) == ["a|A edited||a@example.org|", "Zoë_漢字|Zoë 漢字||zoe@example.com|+1-555-555"]


def test_who_edits_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / f"{IQBAL}.abook"
    path.write_text("")
    cards = contacts(tmp_path, NEW)
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        adding = threading.Thread(target=squirrelmail.add, args=(tmp_path, IQBAL, cards))
        adding.start()
        time.sleep(0.3)
        assert path.read_text() == ""
    adding.join(30)
    assert len(book(tmp_path)) == 1
    (tmp_path / f"{IQBAL}.abook.tmp").write_text("")
    monkeypatch.setattr(squirrelmail, "SECONDS", 1.0)
    monkeypatch.setattr(squirrelmail.time, "time", lambda: path.stat().st_mtime)
    with pytest.raises(Failed, match="run this again"):
        squirrelmail.add(tmp_path, IQBAL, cards)


def test_a_link_in_the_place_of_an_address_book_is_not_followed(tmp_path: Path):
    (tmp_path / f"{IQBAL}.abook").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        squirrelmail.add(tmp_path, IQBAL, contacts(tmp_path, NEW))
    assert not (tmp_path / "elsewhere").exists()


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = str(tmp_path / "roundcube.sqlite")
    with sqlite3.connect(path) as made:
        made.executescript(SCHEMA)
    return path


def table(database: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(database) as opened:
        return opened.execute(
            "SELECT name, email, firstname, surname, words FROM contacts ORDER BY contact_id"
        ).fetchall()


def test_roundcube_gets_each_contact_whole_and_once(database: str, tmp_path: Path):
    cards = contacts(tmp_path, OLD, USUAL, NO_ADDRESS)
    told = roundcube.add(database, IQBAL, cards)
    assert (told.added, told.there, told.left) == (3, 0, [])
    names = [row[:4] for row in table(database)]
    assert names == [
        ("Jürgen Müller", "juergen@example.org", "Jürgen", "Müller"),
        ("Dr. Ana Lima", "ana@example.net,ana@work.example", "Ana", "Lima"),
        ("The Doctor", "", "The Doctor", ""),
    ]
    again = roundcube.add(database, IQBAL, cards)
    assert (again.added, again.there, len(table(database))) == (0, 3, 3)


def test_of_a_contact_that_is_there_roundcube_gets_the_addresses_that_are_not(database: str, tmp_path: Path):
    with sqlite3.connect(database) as opened:
        opened.execute(
            "INSERT INTO contacts (user_id, name, email) VALUES (7, 'dr. ana LIMA', 'x@y.example,ANA@example.net')"
        )
        opened.execute("INSERT INTO contacts (user_id, name, email, del) VALUES (7, 'Zoë 漢字', 'zoe@example.com', 1)")
        opened.execute("INSERT INTO contacts (user_id, name, email) VALUES (8, 'Zoë 漢字', 'zoe@example.com')")
    told = roundcube.add(database, IQBAL, contacts(tmp_path, USUAL, NEW))
    assert (told.added, told.there) == (2, 0)
    rows = table(database)[3:]
    assert [row[1] for row in rows] == ["ana@work.example", "zoe@example.com"]
    assert "zoe" in rows[1][4].split()
    with sqlite3.connect(database) as opened:
        [(card,)] = opened.execute("SELECT vcard FROM contacts WHERE email = 'ana@work.example'").fetchall()
    [read] = vcards.read(written(tmp_path, card))
    assert (read.name, read.emails, read.nickname) == ("Dr. Ana Lima", (("ana@work.example", "WORK"),), "annie")


def test_whoever_roundcube_does_not_know_is_named_and_the_others_go_on(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def unable(address: str) -> None:
        raise Failed("has never logged in at Roundcube")

    monkeypatch.setattr(roundcube, "_create", unable)
    monkeypatch.setattr(main, "become", lambda user: None)
    cards = contacts(tmp_path, NEW)
    books = [{"address": one, "contacts": cards} for one in (TITO, IQBAL)]
    assert (
        main.main({"program": "roundcube", "preferences": "", "database": database, "books": books, "people": [{}]})
        == 1
    )
    said = capsys.readouterr()
    assert said.err == f"{TITO}: nothing is added: has never logged in at Roundcube\n"
    assert said.out.splitlines() == [
        f"{IQBAL}: 1 contact added, 0 there already",
        "signatures and preferences of 1: left out, for Roundcube has others",
        "1 contact added, 0 there already",
    ]


def test_signature_and_harmless_preferences_of_an_old_squirrelmail_are_read(tmp_path: Path):
    (tmp_path / "iqbal.sig").write_bytes("Gr\xfc\xdfe\r\nIqbal\r\n\r\n".encode("latin-1"))
    (tmp_path / "iqbal.pref").write_text(
        "full_name=Iqbal\ntrash_folder=INBOX.Trash\nuse_signature=1\nreply_to=\nidentities=2\nemail_address1=x@y.example\n"
    )
    request = Request.of(mail(), said(squirrelmail=tmp_path, charset="latin1"))
    assert request.plan["people"] == [
        {"address": IQBAL, "signature": "Grüße\nIqbal", "preferences": {"full_name": "Iqbal", "use_signature": "1"}}
    ]
    assert "Iqbal" not in repr(request)


def test_what_somebody_has_chosen_in_squirrelmail_stays_and_what_is_lacking_is_added(tmp_path: Path):
    default = tmp_path / "default_pref"
    default.write_text("full_name=\ndo_not_reply_to_self=1\n")
    chosen = {"full_name": "Iqbal", "use_signature": "1"}
    new = personal.add(tmp_path, IQBAL, "Bye", chosen, str(default))
    assert new == ["signature added", "2 preferences added"]
    pref, sig = tmp_path / f"{IQBAL}.pref", tmp_path / f"{IQBAL}.sig"
    assert pref.read_text() == "do_not_reply_to_self=1\nfull_name=Iqbal\nuse_signature=1\n"
    assert (sig.read_text(), sig.stat().st_mode & 0o777, pref.stat().st_mode & 0o777) == ("Bye", 0o600, 0o600)
    assert personal.add(tmp_path, IQBAL, "Another", {"full_name": "Another"}, str(default)) == []
    pref.write_text("full_name=Mine\nuse_signature=0\n")
    assert personal.add(tmp_path, IQBAL, "", {**chosen, "show_num": "50"}) == ["1 preference added"]
    assert pref.read_text() == "full_name=Mine\nuse_signature=0\nshow_num=50\n"
    pref.unlink()
    pref.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_text("")
    with pytest.raises(OSError, match="symbolic links"):
        personal.add(tmp_path, IQBAL, "", chosen)


def test_the_program_is_one_script_and_says_where_a_host_has_no_such_webmail(tmp_path: Path):
    cards = [asdict(Contact("Ä 'x' \"y\" {z}", "", "", "", "", (), ""))]
    books = [{"address": IQBAL, "contacts": cards}]
    plan = {
        "program": "squirrelmail",
        "preferences": str(tmp_path / "none"),
        "database": "",
        "books": books,
        "people": [],
    }
    script = shipping.script(main, MODULES, plan)
    done = subprocess.run([sys.executable, "-I", "-B", "-"], input=script, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, f"the host has no {tmp_path}/none: run deploys/mail.py first\n")
