"""Passwords that somebody guesses: too short, what everybody takes, or the address. Also on the host.

NIST SP 800-63B, 5.1.1.2: long enough, and none of the common ones; no rules about kinds of characters.
"""

from __future__ import annotations

import re

from zxcvbn import zxcvbn

LEAST = 10  # characters: whoever guesses over the network meets a limit of tries, and a stolen hash is slow to try
DISTINCT = 5
LEAST_GUESSES = 1e8  # with which zxcvbn's third of four steps begins: beyond what is tried without the hash
LOOKED_AT = 72  # characters: whatever follows makes a password no weaker, and takes long
HELP = "take a longer one that you use nowhere else, such as four words at random"
_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        password passwort motdepasse contrasena senha wachtwoord parola admin administrator root user guest test
        testing tester login webmail email mail server letmein welcome willkommen hello hallo iloveyou loveyou
        secret geheim changeme changeit default qwerty qwertyuiop qwertz qwertzuiop azerty azertyuiop asdfghjkl
        yxcvbnm zxcvbnm abc abcdef abcdefg abcdefgh abcd monkey dragon football baseball princess sunshine master
        shadow superman batman trustno michael jennifer summer sommer winter spring autumn fall herbst january
        february march april june july august september october november december monday friday sunday computer
        internet google facebook company
        """,
    )
)
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl")
_LEET = str.maketrans("4@3105$7!", "aaeiossti")


def weakness(password: str, address: str = "") -> str:
    """Why ``password`` is weak and what would be better; empty where nothing is seen. Holds none of it.

    ``address``: the mailbox's, whose parts everybody tries.
    """
    if len(password) < LEAST:
        return f"has fewer than {LEAST} characters; {HELP}"
    if len(set(password)) < DISTINCT:
        return f"has fewer than {DISTINCT} different characters; {HELP}"
    if _is_a_row(password.lower()) or _is_common(password.lower()):
        return f"is among the first that anybody tries; {HELP}"
    known = [address, *re.split(r"[\W_]+", address), *_WORDS]
    if zxcvbn(password[:LOOKED_AT], user_inputs=known)["guesses"] < LEAST_GUESSES:
        return f"is easily guessed; {HELP}"
    return ""


def _is_a_row(text: str) -> bool:
    """All of it stands side by side on a keyboard, or counts up or down."""
    rest = text
    for row in _ROWS:
        for line in (row, row[::-1]):
            rest = re.sub("|".join(re.escape(line[at : at + 4]) for at in range(len(line) - 3)), "", rest)
    return len(rest) <= 3


def _is_common(text: str) -> bool:
    """A common word, once or twice, with digits and signs around it (Summer2026!), or digits in it (P4ssw0rd)."""
    bare = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)
    return any(part in _WORDS for word in (bare, bare.translate(_LEET)) for part in (word, word[: len(word) // 2]))
