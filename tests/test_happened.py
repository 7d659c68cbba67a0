"""The report of a failed test holds what its hosts said."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace
from typing import Any

from lab.errors import LabError
from lab.mailhost import MailHost
from tests.on_host.happened import sections


def host(name, run):
    container: Any = SimpleNamespace(name=name, inventory=lambda: (name, {}), run=run)
    return MailHost(container, {})


def test_every_host_among_a_tests_fixtures_says_once_what_happened():
    def said(command, check=True, **options):
        return subprocess.CompletedProcess(command, 0, "rspamd: out of memory\n", "")

    one = host("posthaus-1-debian-13", said)
    assert list(sections([one, "debian-13", one])) == [
        ("what happened on posthaus-1-debian-13", "rspamd: out of memory\n")
    ]


def test_a_host_that_is_gone_hides_no_other_and_not_the_failure():
    def gone(command, **options):
        raise LabError("No such container")

    def silent(command, **options):
        raise subprocess.TimeoutExpired(command, 20)

    there = host("there", lambda command, **options: subprocess.CompletedProcess(command, 0, "it was I", ""))
    assert [text for _, text in sections([host("gone", gone), host("silent", silent), there])] == ["it was I"]
