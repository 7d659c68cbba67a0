"""Password hashes: which ones both Dovecot generations read, in the form {SCHEME}hash.

What the schemes are: https://doc.dovecot.org/ (password schemes), crypt(5). Which ones 2.4 refuses unless it is told
otherwise was tried out on both.
"""

from __future__ import annotations

import base64
import binascii
import re

HELP = "script/password makes a hash to put here, in quotes"
_BASE64 = r"[A-Za-z0-9+/]"
_CRYPT64 = r"[./A-Za-z0-9]"
_BAD = re.compile(r"[\x00-\x20\x7f:]")
# What stands in front of a hash of each kind, the scheme that Dovecot calls it, and its whole shape (crypt(5)).
_KINDS = (
    ("$6$", "SHA512-CRYPT", rf"\$6\$(rounds=\d+\$)?{_CRYPT64}{{1,16}}\${_CRYPT64}{{86}}"),
    ("$5$", "SHA256-CRYPT", rf"\$5\$(rounds=\d+\$)?{_CRYPT64}{{1,16}}\${_CRYPT64}{{43}}"),
    ("$2", "BLF-CRYPT", rf"\$2[aby]\$\d\d\${_CRYPT64}{{53}}"),
    ("$argon2id$", "ARGON2ID", rf"\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\${_BASE64}+\${_BASE64}+"),
    ("$argon2i$", "ARGON2I", rf"\$argon2i\$v=19\$m=\d+,t=\d+,p=\d+\${_BASE64}+\${_BASE64}+"),
    ("$y$", "CRYPT", rf"\$y\${_CRYPT64}+\${_CRYPT64}{{1,86}}\${_CRYPT64}{{43}}"),
    ("$1$", "MD5-CRYPT", rf"\$1\${_CRYPT64}{{0,8}}\${_CRYPT64}{{22}}"),
)
# Those that nothing tells apart without their scheme: bytes of the digest, and whether a salt follows it.
_DIGESTS = {
    "SSHA512": (64, True),
    "SSHA256": (32, True),
    "SSHA": (20, True),
    "SHA512": (64, False),
    "SHA256": (32, False),
    "SHA": (20, False),
    "SHA1": (20, False),
    "SMD5": (16, True),
    "LDAP-MD5": (16, False),
    "PLAIN-MD5": (16, False),
}
_SHAPES = {
    "PBKDF2": r"\$1\$[^$]+\$\d+\$[0-9a-f]{40}",
    "SCRAM-SHA-1": rf"\d+(,{_BASE64}+=*){{3}}",
    "SCRAM-SHA-256": rf"\d+(,{_BASE64}+=*){{3}}",
    "CRAM-MD5": r"[0-9a-f]{64}",
    "DES-CRYPT": rf"{_CRYPT64}{{13}}",
}
_ENCODINGS = ("HEX", "B64", "BASE64")  # which may follow a scheme after a dot
_SAME = {"MD5": "MD5-CRYPT"}  # two names of one scheme
# Dovecot 2.4 reads these with auth_allow_weak_schemes alone.
_NEED_PERMISSION = {"MD5-CRYPT", "SMD5", "LDAP-MD5", "PLAIN-MD5", "DES-CRYPT"}
# Whoever gets hold of these finds out most passwords within hours.
_QUICKLY_GUESSED = {*_NEED_PERMISSION, "SHA", "SHA1", "SSHA", "SHA256", "SHA512", "CRAM-MD5"}
_UNIX = {"SHA512-CRYPT", "SHA256-CRYPT", "BLF-CRYPT", "CRYPT", "MD5-CRYPT", "DES-CRYPT"}
_CLEAR = {"PLAIN", "CLEAR", "CLEARTEXT", "PLAIN-TRUNC"}


def canonical(text: str) -> str:
    """``{SCHEME}hash`` for a hash with or without its scheme.

    Raises ValueError for clear text, for hashes that one of both Dovecot generations does not read, and for damaged
    ones. The message never holds any of the value.
    """
    if _BAD.search(text):
        raise ValueError(f"holds a blank, a colon or a control character, so it is not a hash; {HELP}")
    scheme, bare = _parts(text)
    if scheme in _CLEAR:
        raise ValueError(f"is clear text, which anyone who reads this file can use; {HELP}")
    if bare.startswith("$apr1$"):
        raise ValueError(f"is an MD5 hash of Apache's, which Dovecot does not read; {HELP}")
    plain = scheme.partition(".")[0] if scheme else ""
    if plain in _DIGESTS or scheme in _SHAPES:
        return _of_scheme(bare, scheme or "", plain)
    for beginning, name, shape in _KINDS:
        if bare.startswith(beginning):
            return _whole(bare, scheme, name, shape)
    if scheme == "CRYPT" and re.fullmatch(_SHAPES["DES-CRYPT"], bare):
        return f"{{DES-CRYPT}}{bare}"
    raise ValueError(f"is clear text or an unknown kind of hash; {HELP}")


def bare(canonical_hash: str) -> str:
    """The hash as crypt(3) and /etc/shadow write it, without the scheme."""
    return _parts(canonical_hash)[1]


def kind(text: str) -> str:
    """The scheme that stands before a hash, or "" where none does; nothing of the hash."""
    return _parts(text)[0] or ""


def clear_text(text: str) -> str | None:
    """The password itself, where ``text`` is one with a scheme that says so (``{PLAIN}secret``)."""
    scheme, bare = _parts(text)
    return bare if scheme in _CLEAR else None


def needs_permission(canonical_hash: str) -> bool:
    """Whether Dovecot 2.4 reads it only where weak schemes are allowed (auth_allow_weak_schemes)."""
    return kind(canonical_hash).partition(".")[0] in _NEED_PERMISSION


def quickly_guessed(canonical_hash: str) -> bool:
    """Whether its password should be chosen anew: who gets hold of the hash tries billions of passwords a second."""
    return kind(canonical_hash).partition(".")[0] in _QUICKLY_GUESSED


def unix(canonical_hash: str) -> bool:
    """Whether Unix logins read it (crypt(5))."""
    return kind(canonical_hash) in _UNIX


def _parts(text: str) -> tuple[str | None, str]:
    match = re.fullmatch(r"\{([A-Za-z0-9.-]+)\}(.*)", text)
    if not match:
        return None, text
    scheme = match[1].upper()
    return _SAME.get(scheme, scheme), match[2]


def _of_scheme(bare_hash: str, scheme: str, plain: str) -> str:
    whole = (
        _digest_is_whole(bare_hash, scheme, *_DIGESTS[plain])
        if plain in _DIGESTS
        else bool(re.fullmatch(_SHAPES[scheme], bare_hash))
    )
    if not whole:
        raise ValueError(f"is not a whole {scheme} hash (cut off, or changed on the way); {HELP}")
    return f"{{{scheme}}}{bare_hash}"


def _digest_is_whole(bare_hash: str, scheme: str, size: int, salted: bool) -> bool:
    plain, _, encoding = scheme.partition(".")
    if encoding and encoding not in _ENCODINGS:
        return False
    try:
        if encoding == "HEX" or (not encoding and plain == "PLAIN-MD5"):
            found = bytes.fromhex(bare_hash)
        else:
            found = base64.b64decode(bare_hash, validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(found) > size if salted else len(found) == size


def _whole(bare_hash: str, scheme: str | None, name: str, shape: str) -> str:
    if scheme not in (None, name, "CRYPT"):
        raise ValueError(f"says {{{scheme}}} before a hash of another kind; write {{{name}}}, or no scheme at all")
    if not re.fullmatch(shape, bare_hash):
        raise ValueError(f"is not a whole {name} hash (cut off, or changed on the way); {HELP}")
    return f"{{{name}}}{bare_hash}"
