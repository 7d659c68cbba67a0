"""Where people's own passwords lie, and how Dovecot finds them. Also on the host, under its own python3 alone."""

from __future__ import annotations

import hashlib

USER = "posthaus-account"
STATE = "/var/lib/posthaus-account"
CHOSEN = f"{STATE}/chosen"  # a passwd-file of Dovecot's: address/note, and the hash of the password that counts
APPS = f"{STATE}/apps"  # the same: SHA-256 of the secret/address/note/service, for each app password and each service
# A directory of the same, 256 files by how the key begins: SHA-256 of the secret/from where/address/note/service
SESSIONS = f"{STATE}/webmail"
NOTES = "/etc/dovecot/notes"  # the note of each mailbox that has a password in mail.yaml
SOCKET = "/run/dovecot/auth-account"
SERVICE = "posthaus-account"  # as which the service asks Dovecot: no app password has a row for it
SERVICES = ("imap", "pop3", "sieve", "smtp")  # what mail programs log in to, as Dovecot and Postfix call it
WEBMAIL_SERVICES = ("imap", "sieve", "smtp")  # what a webmail logs in to
WEBMAIL_AT = "127.0.0.1"  # and from where


def note(declared_hash: str) -> str:
    """What tells one declared hash from another: whatever was chosen is found under the note of its own time alone, so
    another hash in mail.yaml counts from the moment that Dovecot reads it, and nothing of before does."""
    return hashlib.sha256(declared_hash.encode()).hexdigest()[:32]
