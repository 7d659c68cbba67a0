"""The options and the accounts of a trial: two people on example.com, with random passwords."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from lab import site
from lab.network import ENGINES
from lab.passwords import hashed, random_password

PEOPLE = {"tito@example.com": "Tito", "iqbal@example.com": "Iqbal"}


def passwords(directory: Path) -> dict[str, str]:
    """Each person's password, made at the first call and kept in ``directory`` in a file that only its owner reads."""
    path = directory / "passwords.yaml"
    if not path.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        site.write_private(path, yaml.safe_dump({address: random_password() for address in PEOPLE}))
    return dict(yaml.safe_load(path.read_text()))


def settings(secrets: Mapping[str, str], webmail: Mapping[str, Any] | bool = True) -> dict[str, Any]:
    """The content of mail.yaml for these people; the passwords go in as hashes. ``webmail``: its options, or whether
    there is one."""
    people = {
        address: {"password": hashed(secret), "name": PEOPLE.get(address, address)}
        for address, secret in secrets.items()
    }
    # A container may reach neither the DNS's root servers nor blocklists.
    alone: dict[str, Any] = {"resolver": "host", "filter": {"blocklists": False}, "dns": {"verify": False}}
    alone["bans"] = {"never": list(ENGINES)}  # a published port shows every client under the engine's own address
    if webmail is not True:
        alone["webmail"] = webmail
    return {"hostname": "mail.example.com", "domains": ["example.com"], "mailboxes": people, **alone}


def write(directory: Path, hosts: list[site.HostEntry], webmail: Mapping[str, Any] | bool = True) -> dict[str, str]:
    """Make ``directory`` the trial's site and return the passwords. Existing settings stay: they may be edited."""
    secrets = passwords(directory)
    path = directory / "mail.yaml"
    if not path.exists():
        site.write_private(path, yaml.safe_dump(settings(secrets, webmail), allow_unicode=True, sort_keys=False))
    site.write_private(directory / "inventory.py", site.inventory(hosts))
    return secrets
