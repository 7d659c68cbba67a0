"""What components declare of ports, sockets and state is what their files say."""

from __future__ import annotations

import pytest

from deploys.components import all as every
from deploys.components.component import Component
from deploys.converge import STOPPED_FIRST
from tests.declared import context
from tests.settings import golden_server

EVERYTHING = {"relayhost": None, "resolver": "local", "filter": {"antivirus": True}, "metrics": True}
# Where a program listens by itself: no file of ours has to say so.
OF_THE_PACKAGE = ("127.0.0.1:53", "/run/clamav/clamd.ctl")
NEWER: dict[str, str] = {}
OLDER = {"postsrsd": "1.10-2", "postfix": "3.7.11-0"}


def declared(monkeypatch: pytest.MonkeyPatch, versions: dict[str, str]) -> tuple[Component, ...]:
    return every.declared(context(golden_server(monkeypatch, **EVERYTHING), **versions))


def written(one: Component) -> str:
    """All text of a component's files."""
    files = [file for tree in every.trees([one]) for file in tree.files.values()]
    return "\n".join(file.data.decode() for file in files)


@pytest.mark.parametrize("versions", [NEWER, OLDER], ids=["newer", "older"])
def test_each_port_of_the_host_alone_and_each_socket_stands_in_a_file_of_its_component(monkeypatch, versions):
    said = {part.name: written(part) for part in declared(monkeypatch, versions)}
    for part in declared(monkeypatch, versions):
        for one in part.local:
            last = str(one.port or one.at.rpartition("/")[2])
            assert last in said[part.name] or one.at in OF_THE_PACKAGE, (part.name, one)


def test_nothing_is_declared_twice(monkeypatch):
    parts = declared(monkeypatch, OLDER)
    assert len({one.at for one in every.local(parts)}) == len(every.local(parts)) > 10
    assert len({one.path for one in every.state(parts)}) == len(every.state(parts)) > 5


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, {"/var/mail/vhosts", "/etc/ssl/posthaus"}),
        ({"accounts": "system"}, {"/home", "/etc/ssl/posthaus"}),
        (
            {"accounts": "system", "mailboxes": {"tito@example.com": {}}, "aliases": {}, "catch_all": {}},
            {"/home", "/etc/shadow"},
        ),
    ],
)
def test_messages_are_kept_where_they_lie_and_passwords_where_nobody_else_has_them(monkeypatch, changes, kept):
    state = every.state(every.declared(context(golden_server(monkeypatch, **changes))))
    people = {"/var/mail/vhosts", "/home", "/etc/shadow"}
    paths = {one.path for one in state}
    assert paths >= kept
    assert paths & people == kept & people


def test_a_timer_that_nothing_declares_any_more_stops_before_the_service_that_it_starts_is_gone(monkeypatch):
    kept = {"archive": "30d", "backup": {"repository": "/srv/backups", "password_on_host": "/root/backup.password"}}
    most = context(golden_server(monkeypatch, **{**EVERYTHING, **kept}), **OLDER)
    least = context(golden_server(monkeypatch), **OLDER)
    timers = [{unit for unit in every.units(every.declared(one)).files if ".timer" in unit} for one in (most, least)]
    assert {"posthaus-archive.timer", "posthaus-backup.timer", "posthaus-metrics.timer"} <= timers[0] - timers[1]
    assert timers[0] - timers[1] <= STOPPED_FIRST
