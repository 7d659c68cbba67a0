"""A webmail's half of the conversation about one's own password, at port 106 of a test host."""

from __future__ import annotations

import json
from collections.abc import Sequence

from lab.mailhost import MailHost

# On the host, for it answers there alone; what is said and heard travels by stdin and stdout.
_PROGRAM = """
import json, socket, sys
words = json.load(sys.stdin)
heard = []
with socket.create_connection(("127.0.0.1", 106), 100) as sock, sock.makefile("rb") as lines:
    def line():
        return lines.readline().decode().rstrip("\\r\\n")
    heard.append(line())
    for word in words:
        if not heard[-1].startswith("200"):
            break
        sock.sendall(word.encode() + b"\\r\\n")
        heard.append(line())
        if word == "apps" and heard[-1].startswith("200 "):
            heard += [line() for _ in range(int(heard[-1][4:]))]
            heard.append("200 that was all")
print(json.dumps(heard))
"""


def talk(host: MailHost, *words: str) -> list[str]:
    """What the service says to each of ``words``, up to its first refusal; the greeting first."""
    heard: list[str] = json.loads(host.run(f"python3 -c '{_PROGRAM}'", input=json.dumps(words)).stdout)
    return heard


def ask(host: MailHost, address: str, password: str, words: str) -> str:
    """The answer to one command of somebody who knows the password."""
    return talk(host, f"user {address}", f"pass {password}", words)[-1]


_OPENS = r"""
import imaplib, json, sys
login, secret, origin = json.load(sys.stdin)
imap = imaplib.IMAP4("127.0.0.1", 143)
if origin:
    imap.xatom("ID", "(\"x-originating-ip\" \"%s\")" % origin)
try:
    print(imap.login(login, secret)[0])
except imaplib.IMAP4.error:
    print("NO")
"""


def opens_here(host: MailHost, login: str, secret: str, origin: str = "") -> bool:
    """Whether Dovecot takes it from the host itself, as it does of a webmail that says where the browser is."""
    return host.run(f"python3 -c '{_OPENS}'", input=json.dumps([login, secret, origin])).stdout.strip() == "OK"


def change(host: MailHost, address: str, old: str, new: str) -> str:
    """The answer to a change of password."""
    return ask(host, address, old, f"newpass {new}")


def apps(host: MailHost, address: str, password: str) -> Sequence[str]:
    """The labels of the app passwords, the oldest first."""
    said = talk(host, f"user {address}", f"pass {password}", "apps")
    return [line.partition(" ")[2] for line in said[4:-1]]
