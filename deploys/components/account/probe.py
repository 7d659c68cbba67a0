"""The service for people's own passwords asks Dovecot. Runs on the host, under its own python3 alone."""

from __future__ import annotations

from deploys.probes.talk import HERE, Silent, Wrong, secret, stream


def probe(port: int, address: str) -> None:
    """Log in as the probe, whose mailbox has no password that anybody could choose."""
    with stream((HERE, port)) as sock, sock.makefile("rb") as lines:

        def said(expected: str, words: str = "") -> str:
            if words:
                sock.sendall(f"{words}\r\n".encode())
            answer = lines.readline().decode("utf-8", "replace").strip()
            if not answer:
                raise Silent("the service for people's own passwords hangs up")
            if not answer.startswith(expected):
                raise Wrong(f"the service for people's own passwords answers {answer}")
            return answer

        said("200")
        said("200", f"user {address}")
        said("200", f"pass {secret()}")
        said("200 0", "apps")
        said("500", "newpass this is no password but a question")
        said("200", "quit")
