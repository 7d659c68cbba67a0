"""The hash of a password, for mail.yaml (script/password).

Asks for the password twice, or reads one line of standard input where there is no terminal.

  --system  a hash that Unix logins read too (accounts: system)
  --weak    take the password even if anybody would guess it
"""

from __future__ import annotations

import getpass
import secrets
import sys

import bcrypt
from argon2 import PasswordHasher

from deploys.values import hashes, strength

# The least that OWASP's password storage cheat sheet recommends: a login costs 19 MiB and some 20 ms.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
_LEGIBLE = "abcdefghijkmnpqrstuvwxyz23456789"
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


def generated() -> str:
    """A password that nobody guesses (80 bits), of letters and digits that nobody takes for one another."""
    return "-".join("".join(secrets.choice(_LEGIBLE) for _ in range(4)) for _ in range(4))


def ask(weak: bool = False) -> str:
    """A password typed twice without echo; or one line of standard input, whole but for its line break.

    ValueError where it is none, or one that anybody guesses (``weak``: that is nothing against it).
    """
    if not sys.stdin.isatty():
        return _usable(sys.stdin.buffer.readline().decode("utf-8").removesuffix("\n").removesuffix("\r"), weak)
    password = _usable(getpass.getpass("Password: "), weak)
    if getpass.getpass("Once more: ") != password:
        raise ValueError("these were two different passwords")
    return password


def _usable(password: str, weak: bool) -> str:
    if not password or "\x00" in password:
        raise ValueError("a password is at least one character, and none of them is NUL")
    if not weak and (why := strength.weakness(password)):
        raise ValueError(f"this password {why}, or say --weak to have it all the same")
    return password


def main(arguments: list[str]) -> int:
    """Print one hash on standard output. 1, and a sentence on standard error, if there can be none."""
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    if unknown := [option for option in arguments if option not in ("--system", "--weak")]:
        print(f"{unknown[0]} is not an option; there are --system (for accounts: system) and --weak", file=sys.stderr)
        return 2
    try:
        password = ask("--weak" in arguments)
        print(unix(password) if "--system" in arguments else argon2(password))
    except (ValueError, EOFError, KeyboardInterrupt) as error:
        print(f"No hash: {error or 'nothing was typed'}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
