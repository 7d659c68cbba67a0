"""Hosts for the tests.

Which releases: the mark ``releases(...)`` of a test, else POSTHAUS_RELEASES, else Debian 12 and 13.

POSTHAUS_IMAGES, while developing: a prefix of images to start the shared hosts from, such as snapshots of converged
hosts (``PREFIXdebian-12``); CI never sets it.

A test that changes a host asks for ``bare_host`` or ``own_mail_host``; ``mail_host`` is shared, and whatever words a
test leaves on it are taken back after the test.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker
import pytest

from lab import engine as lab_engine
from lab import host, sweep
from lab.errors import Unavailable
from lab.mailhost import MailHost
from lab.progress import step
from tests.on_host.settings import PASSWORDS, example, no_webmail

RELEASES = tuple(os.environ.get("POSTHAUS_RELEASES", "debian-12 debian-13").split())
IMAGES = os.environ.get("POSTHAUS_IMAGES")
AT_ONCE = 2  # first runs side by side: dpkg keeps one core busy
StartHost = Callable[..., MailHost]
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


@pytest.fixture(scope="session")
def release(request: pytest.FixtureRequest) -> str:
    """The release of this test's host, such as ``debian-12``."""
    return str(request.param)


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The container engine, free of what killed runs left behind."""
    engine = lab_engine.ensure()
    sweep.leftovers(engine)
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
        started = host.start(engine, name, release, lab_state, labels=sweep.owner(), **options)
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
def first_runs(
    engine: docker.DockerClient, lab_state: Path, request: pytest.FixtureRequest
) -> Iterator[dict[str, Future[MailHost]]]:
    """The shared host of every release that some test asks for, all converging side by side.

    Where several processes share the tests, this one does not know which will be its own: see ``mail_host``.
    """
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    items = [item for item in request.session.items if alone and "first_runs" in getattr(item, "fixturenames", ())]
    wanted = dict.fromkeys(item.callspec.params["release"] for item in items)  # type: ignore[attr-defined]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {release: pool.submit(first_run, lab_state, release) for release in wanted}
        yield runs
    for run in runs.values():
        if not run.exception():
            run.result().host.remove()


def first_run(lab_state: Path, release: str) -> MailHost:
    """A bare host and its first converge, which has to succeed. The host is removed if it does not."""
    mail_host = start(lab_state, release, image=f"{IMAGES}{release}" if IMAGES else None)
    try:
        with step(f"Converging a bare {release} for the tests"):
            run = mail_host.converge()
            assert run.rc == 0, f"The first run on {release} failed:\n{run.output}"
    except BaseException:
        mail_host.host.remove()
        raise
    return mail_host


@pytest.fixture(scope="session")
def mail_host(first_runs: dict[str, Future[MailHost]], lab_state: Path, release: str) -> MailHost:
    """A host converged to words.EXAMPLE over SSH as root (where Ubuntu forbids it: as ubuntu), shared by all."""
    if release not in first_runs:
        first_runs[release] = Future()
        first_runs[release].set_result(first_run(lab_state, release))
    return first_runs[release].result()


@pytest.fixture(autouse=True)
def _as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever words a test leaves on the shared host, the next test finds words.EXAMPLE again."""
    shared = request.getfixturevalue("mail_host") if "mail_host" in request.fixturenames else None
    yield
    if shared is not None and shared.settings != example():
        run = shared.converge(example())
        assert run.rc == 0, f"Going back to the usual words failed:\n{run.output}"


@pytest.fixture(scope="session")
def snapshot(mail_host: MailHost, engine: docker.DockerClient) -> Iterator[str]:
    """The converged host's disk as an image."""
    tag = mail_host.host.snapshot(f"{mail_host.name}-snapshot")
    yield tag
    engine.images.remove(tag, force=True)


@pytest.fixture
def own_mail_host(start_host: StartHost, mail_host: MailHost, snapshot: str) -> MailHost:
    """A converged host of this test's own, to be broken at will: a copy of ``mail_host``, up in seconds."""
    copy = start_host(mail_host.release, image=snapshot)
    for path in ("/etc/hostname", "/etc/hosts"):  # the engine mounts its own over these, so no image holds them
        copy.run(f"cat > {path}", input=mail_host.read(path).replace(mail_host.address.encode(), copy.address.encode()))
    copy.run("hostname -F /etc/hostname")
    return copy
