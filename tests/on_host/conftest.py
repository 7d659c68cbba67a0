"""Hosts for the tests.

Which releases: the mark ``releases(...)`` of a test, else POSTHAUS_RELEASES, else Debian 12 and 13.

POSTHAUS_IMAGES, while developing: a prefix of images to start the shared hosts from, such as snapshots of converged
hosts (``PREFIXdebian-12``); CI never sets it.

A test that changes a host asks for ``bare_host`` or ``own_mail_host``; ``mail_host`` is shared, and whatever settings,
waiting messages and chosen passwords a test leaves on it are taken back after the test.
"""

from __future__ import annotations

import imaplib
import itertools
import os
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import docker
import pytest

from lab import engine as lab_engine
from lab import host, pyinfra, sweep
from lab.errors import Unavailable
from lab.mailhost import MailHost
from tests.on_host.browsing import soon
from tests.on_host.converged import Converged
from tests.on_host.happened import sections
from tests.on_host.post import mailbox
from tests.on_host.settings import PASSWORDS, example, no_webmail

RELEASES = tuple(os.environ.get("POSTHAUS_RELEASES", "debian-12 debian-13").split())
# Whoever began the run: a process that shares its tests may end while others use what it has made.
RUNNER = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
StartHost = Callable[..., MailHost]
# The queue is empty, and nobody has chosen a password; says whether somebody had.
NOTHING_LEFT = """[ -z "$(postqueue -j)" ] || postsuper -d ALL
cd /var/lib/posthaus-account && for one in chosen apps; do [ ! -s $one ] || { : >$one; echo chosen; }; done"""
_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "releases(*names): the releases that this test runs on, instead of the usual two"
    )
    config.addinivalue_line("markers", "webmail: needs SquirrelMail's source, from its repository or the cache")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Say aloud what is not tested for want of SquirrelMail's source."""
    if item.get_closest_marker("webmail") and (reason := no_webmail()):
        pytest.skip(reason)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that has to do with a release on each of its releases."""
    if "release" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("releases")
        metafunc.parametrize("release", mark.args if mark else RELEASES, indirect=True, scope="session")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test's report holds what its hosts said meanwhile."""
    report = yield
    if report.failed:
        report.sections += sections(getattr(item, "funcargs", {}).values())
    return report


@pytest.fixture(scope="session")
def release(request: pytest.FixtureRequest) -> str:
    """The release of this test's host, such as ``debian-12``."""
    return str(request.param)


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The container engine, free of what killed runs left behind."""
    engine = lab_engine.ensure()
    sweep.leftovers(engine)
    pyinfra.keep_warm()
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def lab_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this session's keys, known hosts and sites lie."""
    return tmp_path_factory.mktemp("lab")


def start(lab_state: Path, release: str, settings: dict[str, Any] | None = None, **options: Any) -> MailHost:
    """Start a bare host, or skip the test, saying aloud why, where its image cannot be had here."""
    name = f"posthaus-{os.getpid()}-{next(_numbers)}-{release}"
    engine = lab_engine.client()  # one for each thread
    try:
        started = host.start(engine, name, release, lab_state, labels=sweep.owner(RUNNER), **options)
    except Unavailable as reason:
        pytest.skip(str(reason))
    return MailHost(started, settings or example(), PASSWORDS)


@pytest.fixture
def start_host(engine: docker.DockerClient, lab_state: Path) -> Iterator[StartHost]:
    """Start hosts, ``start_host(release, user="deploy", sudo_password="…")``; they are removed after the test."""
    started: list[MailHost] = []

    def start_one(release: str, settings: dict[str, Any] | None = None, **options: Any) -> MailHost:
        started.append(start(lab_state, release, settings, **options))
        return started[-1]

    yield start_one
    for mail_host in started:
        mail_host.host.remove()


@pytest.fixture
def bare_host(start_host: StartHost, release: str) -> MailHost:
    """A fresh host with nothing on it, removed after the test."""
    return start_host(release)


@pytest.fixture(scope="session")
def converged(
    engine: docker.DockerClient, lab_state: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Converged]:
    """Converged hosts, and their disks."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    hosts = Converged(engine, shared, partial(start, lab_state))
    yield hosts
    hosts.remove()


@pytest.fixture(scope="session")
def mail_host(converged: Converged, release: str) -> MailHost:
    """A host converged to settings.EXAMPLE over SSH as root (where Ubuntu forbids it: as ubuntu), shared by all."""
    return converged.host(release)


@pytest.fixture(autouse=True)
def _as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever settings a test leaves on the shared host, the next test finds settings.EXAMPLE again, no message that
    waits, and everybody's declared password: which file comes next is not the same in each run."""
    shared = request.getfixturevalue("mail_host") if "mail_host" in request.fixturenames else None
    yield
    if shared is None:
        return
    if shared.settings != example():
        run = shared.converge(example())
        assert run.rc == 0, f"Going back to the usual settings failed:\n{run.output}"
    if "chosen" in shared.run(NOTHING_LEFT, check=False).stdout:
        soon(lambda: declared(shared), 20)  # the next test's own login tells, if it does not help


def declared(host: MailHost) -> bool:
    """Whether everybody gets in by the declared password: Dovecot looks at a file once a second at most."""
    try:
        for login, password in PASSWORDS.items():
            with mailbox(host, login, password):
                pass
    except (imaplib.IMAP4.error, OSError):
        return False
    return True


@pytest.fixture(scope="session")
def snapshot(converged: Converged, release: str) -> str:
    """A converged host's disk as an image."""
    return converged.image(release)


@pytest.fixture
def own_mail_host(start_host: StartHost, converged: Converged, release: str, snapshot: str) -> MailHost:
    """A converged host of this test's own, to be broken at will: a copy of one whose first run is over."""
    return converged.whole(start_host(release, image=snapshot))
