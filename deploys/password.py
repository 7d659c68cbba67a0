"""The hash of a password, for mail.yaml (script/password)."""

from __future__ import annotations

import getpass
import sys

import bcrypt
from argon2 import PasswordHasher

from deploys.values import hashes

# The least that OWASP's password storage cheat sheet recommends: a log-in costs 19 MiB and some 20 ms.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
_BCRYPT_BYTES = 72  # bcrypt looks at no more, so a longer password would be weaker than it looks


def argon2(password: str) -> str:
    """``{ARGON2ID}$argon2id$…``, which both Dovecot generations read. Salted: never the same twice."""
    return hashes.canonical("{ARGON2ID}" + _HASHER.hash(password.encode()))


def unix(password: str) -> str:
    """``{BLF-CRYPT}$2b$…``, which crypt(3) reads too, for Unix users. ValueError beyond 72 bytes."""
    if len(password.encode()) > _BCRYPT_BYTES:
        raise ValueError(
            f"this password has more than {_BCRYPT_BYTES} bytes, and bcrypt reads no more; take a shorter one"
        )
    return hashes.canonical("{BLF-CRYPT}" + bcrypt.hashpw(password.encode(), bcrypt.gensalt(12)).decode())


def ask() -> str:
    """A password typed twice without echo; or one line of standard input, whole but for its line break."""
    if not sys.stdin.isatty():
        return _usable(sys.stdin.buffer.readline().decode("utf-8").removesuffix("\n").removesuffix("\r"))
    password = _usable(getpass.getpass("Password: "))
    if getpass.getpass("Once more: ") != password:
        raise ValueError("these were two different passwords")
    return password


def _usable(password: str) -> str:
    if not password or "\x00" in password:
        raise ValueError("a password is at least one character, and none of them is NUL")
    return password


def main(arguments: list[str]) -> int:
    """Print one hash on standard output. 1, and a sentence on standard error, if there can be none."""
    if arguments not in ([], ["--system"]):
        print(f"{arguments[0]} is not an option; there is only --system, for accounts: system", file=sys.stderr)
        return 2
    try:
        password = ask()
        print(unix(password) if arguments else argon2(password))
    except (ValueError, EOFError, KeyboardInterrupt) as error:
        print(f"No hash: {error or 'nothing was typed'}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
