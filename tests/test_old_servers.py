"""Old servers as they may be: what each way of refusing is called, and odd answers that are understood all the same."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploys.migrating.program import login, mailbox
from deploys.migrating.program.folders import Pair
from deploys.migrating.program.imap import Failed, _listed
from deploys.migrating.program.ledger import Ledger, Taken

PASSWORD = 'pässword "\\ 100%'


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate and key of ``localhost``, in one file."""
    path = tmp_path_factory.mktemp("old") / "server.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    more = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(path), "-out", str(path.with_name("certificate"))]
    subprocess.run([*words.split(), *more], check=True, capture_output=True)
    path.write_text(path.read_text() + path.with_name("certificate").read_text())
    return path


@contextmanager
def server(answer: Callable[[bytes], bytes | None], certificate: Path | None) -> Iterator[int]:
    """A server at the port that it yields. ``answer``: to a command without its tag, with TAG in it; None hangs up."""

    def serve() -> None:
        while True:
            try:
                plain, _ = listening.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(plain, server_side=True) if context else plain as client:
                    _talk(client, answer)
            except OSError:
                continue

    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def _talk(client: socket.socket, answer: Callable[[bytes], bytes | None]) -> None:
    client.sendall(b"* OK ready\r\n")
    lines = client.makefile("rb")
    for line in lines:
        tag, _, command = line.strip().partition(b" ")
        said = answer(command)
        if said is None:
            return
        client.sendall(said.replace(b"TAG", tag))
        if said.startswith(b"+"):
            client.sendall(answer(lines.readline().strip()).replace(b"TAG", tag))  # type: ignore[union-attr]


def imap(**answers: bytes | None) -> Callable[[bytes], bytes | None]:
    """Answers by the first word of a command; OK to all others. UID FETCH is FETCH."""

    def answer(command: bytes) -> bytes | None:
        word = command.removeprefix(b"UID ").partition(b" ")[0].decode("latin-1").upper()
        if word == "CAPABILITY":
            return b"* CAPABILITY " + (answers.get("capability") or b"IMAP4rev1") + b"\r\nTAG OK done\r\n"
        return answers.get(word.lower(), b"TAG OK done\r\n")

    return answer


def about(port: int, ca: Path | None, **more: Any) -> dict[str, Any]:
    return {"server": "localhost", "port": port, "login": "iqbal", "password": "p", "ca": str(ca or ""), **more}


def refusal(answer: Callable[[bytes], bytes | None], certificate: Path | None, **more: Any) -> str:
    """Why nobody can be logged in."""
    with server(answer, certificate) as port, pytest.raises(Failed) as failed:
        login.elsewhere({**about(port, certificate), **more})
    return str(failed.value).replace(str(port), "PORT")


def test_each_way_of_not_letting_in_is_said_in_words_without_the_password(certificate: Path):
    other = Path(ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt")
    assert "its certificate is not to be trusted: self-signed certificate. Write the name that stands in it" in refusal(
        imap(), certificate, ca=str(other)
    )
    assert "mismatch, certificate is not valid for '127.0.0.1'" in refusal(imap(), certificate, server="127.0.0.1")
    plain = refusal(imap(), None)
    assert plain.startswith("localhost:PORT does not speak TLS as it has to (")
    assert plain.endswith("; :143 behind its name is STARTTLS")
    assert "[SSL" not in plain
    assert "refuses iqbal and the password: [AUTHENTICATIONFAILED] … is wrong" in refusal(
        imap(login=b"TAG NO [AUTHENTICATIONFAILED] secret is wrong\r\n"), certificate, password="secret"
    )
    assert "the connection was lost at the login" in refusal(imap(login=None), certificate)
    told = refusal(imap(), certificate, password=PASSWORD)
    assert told == "localhost:PORT takes no login or password with letters beyond ASCII (it has no AUTH=PLAIN)"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Failed, match=f"^localhost:{port} cannot be reached: Connection refused$"):
        login.elsewhere(about(port, certificate))


def test_a_password_beyond_ascii_goes_by_plain(certificate: Path):
    seen = []

    def answer(command: bytes) -> bytes | None:
        seen.append(command)
        return imap(capability=b"IMAP4rev1 AUTH=PLAIN", authenticate=b"+ \r\n")(command)

    with server(answer, certificate) as port:
        login.elsewhere(about(port, certificate, password=PASSWORD)).close()
    assert b64encode(f"\0iqbal\0{PASSWORD}".encode()) in seen


def test_a_folder_that_the_old_server_does_not_open_is_named_and_not_taken_for_an_empty_one(certificate: Path):
    def answer(command: bytes) -> bytes | None:
        if command.startswith(b'EXAMINE "Locked"'):
            return b"TAG NO [NOPERM] Permission denied\r\n"
        selected = b"* 0 EXISTS\r\n* OK [UIDVALIDITY 7] \r\n* OK [UIDNEXT 1] \r\nTAG OK done\r\n"
        return imap(examine=selected)(command)

    pairs = [Pair(name, name, name) for name in ("INBOX", "Locked")]
    with server(answer, certificate) as port:
        old = login.elsewhere(about(port, certificate))
        there, shut = mailbox._opened(old, pairs)
        assert (set(there), shut) == ({"INBOX"}, {"Locked": "[NOPERM] Permission denied"})
        with pytest.raises(Failed, match="does not open Locked"):
            old.identities("Locked", {1})
        old.close()


def test_a_server_may_tell_a_messages_uid_after_its_header(certificate: Path):
    """RFC 9051, 7.5.2 has no order; without the UID each message would come once more."""
    header = b"Message-ID: <1@old>\r\n\r\n"
    fetched = b"* 1 FETCH (BODY[HEADER.FIELDS (MESSAGE-ID)] {%d}\r\n%b UID 42)\r\nTAG OK done\r\n" % (
        len(header),
        header,
    )
    selected = b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] \r\nTAG OK done\r\n"
    with server(imap(examine=selected, fetch=fetched), certificate) as port:
        old = login.elsewhere(about(port, certificate))
        assert set(old.identities("INBOX")) == {42}
        old.close()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b'() "/" "Mine & yours"', "Mine & yours"),  # by a server that does not write what RFC 3501 asks for
        (b'() "/" "Gel\xf6scht"', "Gel�scht"),
        (b'(\xff) "/" Work', "Work"),
    ],
)
def test_a_name_that_is_written_wrongly_keeps_nothing_else_from_coming(line: bytes, name: str):
    listed = _listed(line)
    assert listed is not None
    assert listed.name == name


def test_what_was_taken_for_somebody_who_left_is_nothing_that_the_next_one_has(tmp_path: Path):
    """The address is the same; the INBOX, by its UIDVALIDITY, is not."""
    first = Ledger(tmp_path / "a", "iqbal old.example")
    first.of_inbox(5)
    first.folders["INBOX"] = Taken(7, {1, 2})
    first.keep()
    again = Ledger(tmp_path / "a", "iqbal old.example")
    again.of_inbox(5)
    assert (again.former, again.folders["INBOX"].uids) == (False, {1, 2})
    other = Ledger(tmp_path / "a", "iqbal old.example")
    other.of_inbox(6)
    assert (other.former, other.folders) == (True, {})


def test_what_older_versions_wrote_down_counts(tmp_path: Path):
    (tmp_path / "a").write_text('{"iqbal old.example": {"INBOX": {"validity": 7, "uids": "1:2", "unsure": false}}}')
    ledger = Ledger(tmp_path / "a", "iqbal old.example")
    ledger.of_inbox(6)
    assert ledger.folders["INBOX"].uids == {1, 2}
