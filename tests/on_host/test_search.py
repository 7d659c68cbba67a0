"""`search: true`: words of messages are found by an index, which is made when somebody searches."""

from __future__ import annotations

import imaplib
from email.message import EmailMessage

import pytest

from lab.mailhost import MailHost
from tests.on_host.post import compose, mailbox
from tests.on_host.settings import IQBAL, PASSWORDS, example

pytestmark = pytest.mark.host

MAILDIR = "/var/mail/vhosts/example.com/iqbal/Maildir"
INDEXES = f"ls -d {MAILDIR}/fts-flatcurve {MAILDIR}/xapian-indexes 2>/dev/null || true"


def written(text: str, subtype: str = "plain") -> EmailMessage:
    """As it travels, none of these words can be read: the body is in Base64."""
    message = compose(IQBAL)
    message.set_content(text, subtype=subtype, cte="base64")
    return message


def put(client: imaplib.IMAP4, *messages: EmailMessage) -> None:
    for message in messages:
        assert client.append("INBOX", "", "", message.as_bytes())[0] == "OK"


def found(client: imaplib.IMAP4, word: str) -> int:
    """In how many messages of INBOX the server finds ``word``."""
    client.select("INBOX")
    client.literal = word.encode()  # type: ignore[attr-defined]  # imaplib has no other way to send UTF-8
    answer, numbers = client.search("UTF-8", "BODY")
    assert answer == "OK", numbers
    return len(numbers[0].split())


def test_words_are_found_by_an_index_as_they_are_without_one(mail_host: MailHost):
    with mailbox(mail_host, IQBAL, PASSWORDS[IQBAL]) as client:
        put(client, written("Die Überweisung kommt am Montag."), written("<p>Laporan <b>keuangan</b></p>", "html"))
        without = [found(client, word) for word in ("Überweisung", "keuangan", "nowhere")]
    assert without == [1, 1, 0]

    run = mail_host.converge(example(search=True))
    assert run.rc == 0, run.output
    assert not mail_host.run(INDEXES).stdout, "nobody has searched"
    with mailbox(mail_host, IQBAL, PASSWORDS[IQBAL]) as client:
        assert [found(client, word) for word in ("Überweisung", "keuangan", "nowhere")] == without
        assert mail_host.run(INDEXES).stdout
        assert found(client, "überweis") == 1, "the beginning of a word, in small letters"
        put(client, written("Noch eine Überweisung."))
        assert found(client, "Überweisung") == 2, "what has come since is found, too"
        client.store("1:*", "+FLAGS.SILENT", "\\Deleted")
        client.expunge()
        assert found(client, "Überweisung") == 0
