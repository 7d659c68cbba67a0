"""The name of an archived mailbox's directory says whose it was, and since when."""

from pathlib import Path

import pytest

from deploys.values import archived


@pytest.mark.parametrize("local", ["ana", "b.c", "o'neil", "a.20260101T000000Z"])
def test_a_name_says_whose_and_since_when(local):
    kept = Path("/var/lib/posthaus/archive/example.com", archived.name(local, 1_795_000_000.7))
    assert archived.whose(kept) == (f"{local}@example.com", 1_795_000_000)


@pytest.mark.parametrize("name", ["ana", "ana.new", ".20260101T000000Z", "ana.20261301T000000Z", "ana.20260101T000000"])
def test_other_directories_are_nobodys(name):
    assert archived.whose(Path("/archive/example.com", name)) is None
