"""Contacts from elsewhere stand in the webmail's address book, beside those that the person has written there."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.mailhost import MailHost
from lab.pyinfra import Run
from tests.on_host.browsing import client
from tests.on_host.settings import IQBAL, TITO
from tests.test_contacts import NEW, USUAL

pytestmark = [pytest.mark.host, pytest.mark.webmail, pytest.mark.releases("debian-12")]

PAGE = (Path(__file__).parents[2] / "docs" / "moving.md").read_text(encoding="utf-8")
BOOKS = f"/var/lib/squirrelmail/data/{IQBAL}.abook /var/lib/squirrelmail/data/{TITO}.abook"

OF_IQBAL = f"/var/lib/squirrelmail/data/{IQBAL}.*"


def as_written(host: MailHost, command: str, file: str) -> Run:
    """Run a command of the page, word for word, but for where its ``file`` lies."""
    assert f"    pyinfra inventory.py {command}\n" in PAGE, command
    run = host.pyinfra(*shlex.split(command.replace(f"={file}", f"={host.site / file}")), "-y")
    assert run.rc == 0, run.output
    return run


@pytest.fixture
def host(mail_host: MailHost) -> Iterator[MailHost]:
    mail_host.run(
        f"rm -f {BOOKS}; rm -rf /root/kept; mkdir /root/kept; cp -a {OF_IQBAL} /root/kept/ 2>/dev/null || true"
    )
    yield mail_host
    mail_host.run(f"rm -f {BOOKS} {OF_IQBAL}; cp -a /root/kept/. /var/lib/squirrelmail/data/; rm -r /root/kept")


def test_they_come_once_beside_what_the_person_has_written(host: MailHost):
    iqbal = client(host, IQBAL)
    form = iqbal.get("/src/addressbook.php").form_with("addaddr[email]")
    own = {"addaddr[nickname]": "annie", "addaddr[email]": TITO, "addaddr[firstname]": "محمد"}
    iqbal.submit(form, "addaddr[SUBMIT]", (), **own)

    old = host.site / "squirrelmail-data"
    old.mkdir(parents=True, exist_ok=True)
    (host.site / "contacts.vcf").write_text(USUAL + NEW, "utf-8")
    (old / "iqbal.abook").write_text('ana|Ana|Lima|ANA@example.net|\nbob|Bob||bob@example.org|the "one"\n')
    (old / "tito.abook").write_text("ana|Ana|Lima|ana@example.net|\n")
    (old / "iqbal.sig").write_text("Greetings from the old server\r\nIqbal\r\n")
    (old / "iqbal.pref").write_text("use_signature=1\ntrash_folder=INBOX.Old Trash\n")
    (old / "gone.abook").write_text("x|X||x@example.org|\n")
    cards = "deploys/contacts.py --data mailbox=iqbal@example.com --data from=contacts.vcf"
    books = "deploys/contacts.py --data squirrelmail=squirrelmail-data"
    run = as_written(host, cards, "contacts.vcf")
    assert f"{IQBAL}: 2 contacts added, 0 there already" in run.output, run.output
    run = as_written(host, books, "squirrelmail-data")
    assert f"{IQBAL}: 1 contact added, 1 there already" in run.output, run.output
    assert f"{TITO}: 1 contact added, 0 there already" in run.output, run.output
    assert "gone.abook: nobody has a mailbox by this name" in run.output
    assert f"{IQBAL}: signature added, 1 preference added" in run.output, run.output
    assert "Greetings from the old server" in client(host, IQBAL).get("/src/compose.php").text
    assert "Old Trash" not in host.run(f"cat {OF_IQBAL}").stdout, "folders have other names here"
    again = as_written(host, books, "squirrelmail-data")
    assert f"{IQBAL}: signature and preferences are chosen there already" in again.output, again.output
    assert "0 contacts added, 2 there already" in as_written(host, cards, "contacts.vcf").output

    page = iqbal.get("/src/addressbook.php")
    for shown in ("محمد", TITO, "ana@example.net", "ana@work.example", "Zoë 漢字", "zoe@example.com", 'the "one"'):
        assert page.text.count(shown) == 1, (shown, page.text)
    assert "corrupted" not in page.text
    owners = host.run(f"stat -c '%U:%G %a' {BOOKS}").stdout
    assert owners == "www-data:www-data 600\n" * 2
    assert "bob@example.org" not in client(host, TITO).get("/src/addressbook.php").text

    iqbal.submit(page.form_with("addaddr[email]"), "addaddr[SUBMIT]", (), **{**own, "addaddr[nickname]": "later"})
    assert host.run(f"cut -d'|' -f1 {BOOKS.split()[0]}").stdout.split() == [
        *("annie", "annie-2", "annie-3", "Zoë_漢字", "bob", "later"),
    ]
