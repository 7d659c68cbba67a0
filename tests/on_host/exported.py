"""A docker-mailserver, exported: the config directory and the mail directory, laid out as its documentation says."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from lab.mailhost import MailHost

PASSWORDS = {
    "tito@alt.example": "geheim eins",
    "o.brien_1=x@alt.example": "geheim zwei",
    "sri@more.example": "geheim drei",
}
# ruff: noqa: E501
HASHES = {
    "tito@alt.example": "{SHA512-CRYPT}$6$tito0123456789ab$6etYgOe1Jv6ImGKuAgkN6lxN7xLOt5tPgoJijwfWoye8c16Ysm1X01Ssc2nJpFhexVR0N5uLAOq7sJYrmVeR1/",
    "o.brien_1=x@alt.example": "{SHA512-CRYPT}$6$brien0123456789a$BnYomHOoZ.2kkA4nf4J3jR8qDfZwf6o6ygdcPlLbbPeT2yMT4uxVQQtXLauRxuE7hEiq6v1YLYkHRsfrY7XFL.",
    "sri@more.example": "{BLF-CRYPT}$2b$05$v6lsJQOnPua4YJmkSPALM.Hxi7GF0eQTOwhIF9D/eKdSerlW6t.pm",
}
LOCKED = "more.example/ana"  # whose messages only the old server can read
KEY = "opendkim/keys/alt.example/mail.private"
SCRIPT = 'require "fileinto";\nif header :contains "subject" "order" { fileinto "Orders"; }\n'
VALIDITY = 1700000000
FLAGS = {"F": "\\Flagged", "R": "\\Answered", "S": "\\Seen", "T": "\\Deleted", "D": "\\Draft"}
Expected = dict[
    str, tuple[int, dict[int, tuple[frozenset[str], str]]]
]  # by folder: UIDVALIDITY, (flags, SHA-256) by UID


def config(where: Path) -> Path:
    """The config directory, as ``setup`` and its documentation make it."""
    tito, _, sri = PASSWORDS
    key = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    files = {
        "postfix-accounts.cf": "".join(f"{one}|{hashed}\n" for one, hashed in HASHES.items())
        + f"ana@more.example|{HASHES[tito]}\n",
        "postfix-virtual.cf": f"info@alt.example {tito},{sri}\noutside@alt.example somebody@elsewhere.example\n"
        f"@more.example {sri}\n@alt.invalid @alt.example\n",
        "dovecot-quotas.cf": f"{tito}:5G\n",
        "postfix-regexp.cf": "/^test[0-9]+@/ tito@alt.example\n",
        f"{tito}.dovecot.sieve": SCRIPT,
        KEY: key.decode(),
    }
    for name, text in files.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_text(text, encoding="utf-8")
    return where


def files(where: Path) -> dict[str, str]:
    """The texts below a directory, by their paths there."""
    return {
        str(path.relative_to(where)): path.read_text(encoding="utf-8") for path in where.rglob("*") if path.is_file()
    }


def public_key(where: Path) -> str:
    """The public half of the key that signs alt.example (PEM)."""
    key = load_pem_private_key((where / KEY).read_bytes(), None).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def mail_data(host: MailHost, where: str, people: Iterable[str] = PASSWORDS) -> dict[str, Expected]:
    """The mail directory at ``where`` on the host, owned as it was in the container; what is in it, by person."""
    files: dict[str, str] = {}
    found = {}
    for number, address in enumerate(people):
        local, _, domain = address.partition("@")
        base = f"{domain}/{local}"
        folders = {"INBOX": "", "Sent": ".Sent", "Archive/2024": ".Archive.2024", "Entw&APw-rfe": ".Entw&APw-rfe"}
        found[address] = {
            name: _folder(files, f"{base}/{place}".rstrip("/"), VALIDITY + number, f"{address} {name}")
            for name, place in folders.items()
        }
        files[f"{base}/subscriptions"] = "V\t2\n\nSent\nArchive\t2024\n"
        files[f"{base}/home/.dovecot.sieve"] = SCRIPT if number == 0 else ""
    host.run(f"mkdir -p {where} && tar -C {where} -x", input=_tar({name: text for name, text in files.items() if text}))
    host.run(f"chown -R 5000:5000 {where}")
    return found


def _folder(
    files: dict[str, str], base: str, validity: int, about: str
) -> tuple[int, dict[int, tuple[frozenset[str], str]]]:
    """A Maildir with its UIDs and keywords, as Dovecot writes them; UIDs have gaps, as after deletions."""
    messages: dict[int, tuple[frozenset[str], str]] = {}
    rows = [f"3 V{validity} N12 G{hashlib.md5(base.encode()).hexdigest()}"]
    for uid, letters in {1: "", 3: "S", 7: "FS", 11: "RSa"}.items():
        text = f"From: somebody@elsewhere.example\nTo: you@alt.example\nSubject: {about} {uid}\n\nBody {uid}\n"
        name = f"{VALIDITY + uid}.M{uid}P1.old,S={len(text)}"
        files[f"{base}/{'cur' if letters else 'new'}/{name}{f':2,{letters}' if letters else ''}"] = text
        rows.append(f"{uid} :{name}")
        flags = frozenset("project" if letter == "a" else FLAGS[letter] for letter in letters)
        messages[uid] = (flags, hashlib.sha256(text.replace("\n", "\r\n").encode()).hexdigest())
    files[f"{base}/dovecot-uidlist"] = "\n".join([*rows, ""])
    files[f"{base}/dovecot-keywords"] = "0 project\n"
    if "/." in base:
        files[f"{base}/maildirfolder"] = ""
    return validity, messages


def _tar(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in files.items():
            about = tarfile.TarInfo(name)
            about.size, about.mode, about.mtime = len(text.encode()), 0o600, VALIDITY
            archive.addfile(about, io.BytesIO(text.encode()))
    return packed.getvalue()
