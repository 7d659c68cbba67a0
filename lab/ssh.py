"""Keys for the lab's hosts, and the known_hosts lines that keep host key checking on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

_one_at_a_time = Lock()  # hosts start side by side, and all of them take the same key


def key_pair(directory: Path) -> Path:
    """The lab's private key in ``directory`` (0700), made at the first call; the public one lies beside it as .pub."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    path = directory / "id_ed25519"
    with _one_at_a_time:
        if not path.exists():
            _make(path)
    return path


def _make(path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    path.with_suffix(".pub").write_bytes(public + b" posthaus-lab\n")
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))


def public_key(private: Path) -> str:
    """The public half as one authorized_keys line."""
    return private.with_suffix(".pub").read_text().strip()


def known_hosts(address: str, port: int, keys: Sequence[str]) -> str:
    """Lines of a known_hosts file for one host, from the text of its public keys (sshd(8))."""
    name = address if port == 22 else f"[{address}]:{port}"
    return "".join(f"{name} {' '.join(key.split()[:2])}\n" for key in keys)
