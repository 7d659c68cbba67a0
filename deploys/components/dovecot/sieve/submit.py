#!/usr/bin/python3 -IS
"""What Dovecot runs instead of sendmail: takes a message of somebody's Sieve script to the service that sends it as
that person's. Runs on the host: ``submit LOGIN -i -f SENDER -- RECIPIENT…``, the message on stdin.

Exit status (sysexits.h): 0 sent; 1 refused for good; 75 try again.
"""

import json
import os
import socket
import sys

SERVICE = "/run/posthaus-sieve/socket"
SECONDS = 120  # rspamd alone may take 60


def main() -> int:
    os.setresuid(*[os.geteuid()] * 3)  # Dovecot 2.4 leaves root as the real user
    words = sys.argv[1:]
    message = sys.stdin.buffer.read()
    request = {
        "login": words[0],
        "sender": words[words.index("-f") + 1].strip("<>"),
        "recipients": words[words.index("--") + 1 :],
        "size": len(message),  # so that a message cut short is told from a whole one
    }
    with socket.socket(socket.AF_UNIX) as service:
        service.settimeout(SECONDS)
        service.connect(SERVICE)
        service.sendall(json.dumps(request).encode() + b"\n")
        service.sendall(message)
        service.shutdown(socket.SHUT_WR)
        return int(service.recv(16))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, IndexError):
        sys.exit(75)
