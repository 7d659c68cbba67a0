"""Contacts of several people, each told of, into the webmail that this host has; as the user whom it runs as."""

from __future__ import annotations

import os
import pwd
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploys.addressbooks.program import personal, roundcube, squirrelmail
from deploys.addressbooks.program.rows import Failed, Told


def main(plan: Mapping[str, Any]) -> int:
    """``plan``: ``program``, which webmail; ``preferences`` and ``database``, where each keeps its own; ``books``, each
    with ``address`` and ``contacts``; ``people``, each with ``address``, ``signature`` and ``preferences``. Returns the
    exit status: 1 if anybody's could not be added."""
    is_squirrelmail = plan["program"] == "squirrelmail"
    place = plan["preferences" if is_squirrelmail else "database"]
    if not os.path.exists(place):
        print(f"the host has no {place}: run deploys/mail.py first", file=sys.stderr)
        return 1
    become(squirrelmail.USER if is_squirrelmail else roundcube.USER)
    failed, added, there = 0, 0, 0
    done = []
    for book in plan["books"]:
        address, contacts = book["address"], book["contacts"]
        try:
            told = (
                squirrelmail.add(Path(place), address, contacts)
                if is_squirrelmail
                else roundcube.add(place, address, contacts)
            )
        except (Failed, OSError, sqlite3.Error) as why:
            print(f"{address}: nothing is added: {why}", file=sys.stderr, flush=True)
            failed += 1
            continue
        added, there = added + told.added, there + told.there
        print("\n".join(lines(address, told)), flush=True)
        done.append(book)
    if is_squirrelmail and added:
        try:
            squirrelmail.settle(Path(place), done)
        except (Failed, OSError) as why:
            print(f"whether all of it is there still is not sure: {why}", file=sys.stderr)
            failed += 1
    failed += _people(place, plan["people"]) if is_squirrelmail else _left_out(plan["people"])
    print(counted(added, there), flush=True)
    return 1 if failed else 0


def _people(place: str, people: Sequence[Mapping[str, Any]]) -> int:
    """Signatures and preferences; how many people's could not be put there."""
    failed = 0
    for one in people:
        try:
            done = personal.add(Path(place), one["address"], one["signature"], one["preferences"])
        except OSError as why:
            print(f"{one['address']}: signature and preferences: {why.strerror}", file=sys.stderr, flush=True)
            failed += 1
            continue
        told = ", ".join(done) or "signature and preferences are chosen there already"
        print(f"{one['address']}: {told}", flush=True)
    return failed


def _left_out(people: Sequence[Mapping[str, Any]]) -> int:
    if people:
        print(f"signatures and preferences of {len(people):,}: left out, for Roundcube has others", flush=True)
    return 0


def lines(address: str, told: Told) -> list[str]:
    """For a person."""
    head = f"{address}: {counted(told.added, told.there)}"
    return [head, *(f"  left out: {one}" for one in told.left)]


def counted(added: int, there: int) -> str:
    """Such as "12 contacts added, 2 there already"."""
    return f"{added:,} contact{'s' if added != 1 else ''} added, {there:,} there already"


def become(user: str) -> None:
    """Nothing of this needs root, who could be led elsewhere by a link."""
    if os.geteuid() == 0:
        about = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(about.pw_gid)
        os.setuid(about.pw_uid)
    os.umask(0o077)
