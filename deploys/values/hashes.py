"""Password hashes: which ones both Dovecot generations and the system read, in the form {SCHEME}hash."""

from __future__ import annotations

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
)
_WEAK = {
    "MD5",
    "MD5-CRYPT",
    "PLAIN-MD5",
    "LDAP-MD5",
    "SMD5",
    "CRAM-MD5",
    "DIGEST-MD5",
    "DES-CRYPT",
    "SHA",
    "SHA1",
    "SSHA",
}
_CLEAR = {"PLAIN", "CLEAR", "CLEARTEXT"}


def canonical(text: str) -> str:
    """``{SCHEME}hash`` for a hash with or without its scheme.

    Raises ValueError for clear text, for hashes that Dovecot 2.4 refuses and for damaged ones. The message never
    holds any of the value.
    """
    if _BAD.search(text):
        raise ValueError(f"holds a blank, a colon or a control character, so it is not a hash; {HELP}")
    scheme, bare = _parts(text)
    if scheme in _CLEAR:
        raise ValueError(f"is clear text, which anyone who reads this file can use; {HELP}")
    if scheme in _WEAK or bare.startswith(("$1$", "$apr1$")):
        raise ValueError(f"is an MD5, DES or plain SHA hash, which Dovecot 2.4 refuses; {HELP}")
    for beginning, name, shape in _KINDS:
        if bare.startswith(beginning):
            return _whole(bare, scheme, name, shape)
    raise ValueError(f"is clear text or an unknown kind of hash; {HELP}")


def bare(canonical_hash: str) -> str:
    """The hash as crypt(3) and /etc/shadow write it, without the scheme."""
    return _parts(canonical_hash)[1]


def _parts(text: str) -> tuple[str | None, str]:
    match = re.fullmatch(r"\{([A-Za-z0-9.-]+)\}(.*)", text)
    return (match[1].upper(), match[2]) if match else (None, text)


def _whole(bare_hash: str, scheme: str | None, name: str, shape: str) -> str:
    if scheme not in (None, name, "CRYPT"):
        raise ValueError(f"says {{{scheme}}} before a hash of another kind; write {{{name}}}, or no scheme at all")
    if not re.fullmatch(shape, bare_hash):
        raise ValueError(f"is not a whole {name} hash (cut off, or changed on the way); {HELP}")
    return f"{{{name}}}{bare_hash}"
