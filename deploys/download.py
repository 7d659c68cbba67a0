"""Downloads for hosts that have no way out: the workstation fetches once, checks, and keeps them in its cache.

Safe for several hosts of one run and for several runs at once: whoever needs the same thing waits for the first.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from deploys.values import files

FETCH_SECONDS = 300
ASK_SECONDS = 20  # how long a repository may stay silent
LOCK_SECONDS = 600
LARGEST = 200 << 20  # bytes; a webmail has a hundredth of that


class DownloadError(Exception):
    """Something could not be had, or is not what was declared. The text says what to do."""


def cache() -> Path:
    """Where downloads are kept, as the platform has it: ``~/.cache/posthaus``, or below XDG_CACHE_HOME."""
    return platformdirs.user_cache_path("posthaus", appauthor=False)


def git_archive(url: str, commit: str) -> bytes:
    """A tar of the tree of ``commit`` (40 hex digits), which git itself has verified: the id is the checksum.

    ``url.<base>.insteadOf`` in git's configuration puts a mirror in the place of ``url``. Raises DownloadError.
    """
    name = re.sub(r"[^A-Za-z0-9]+", "-", url.removesuffix(".git").rpartition("/")[2]) or "repository"
    kept = hashlib.sha256(f"{url} {commit}".encode()).hexdigest()[:12]  # with one commit alone
    repository = cache() / "git" / f"{name}-{kept}.git"
    with _locked(repository):
        if not _sound(repository, commit):
            shutil.rmtree(repository, ignore_errors=True)
            _fetch(repository, url, commit)
        if not _sound(repository, commit):
            raise DownloadError(f"{url} gave something else than commit {commit}; name another source")
        return _git(repository, "-c", "tar.umask=0022", "archive", "--format=tar", commit).stdout


def archive_file(location: str, sha256: str) -> bytes:
    """The bytes at ``location`` (a path on the workstation, or an http(s) URL) whose SHA-256 is ``sha256``.

    Raises DownloadError, also when the bytes are others.
    """
    if not location.startswith(("http://", "https://")):
        return _checked(_read(Path(location)), location, sha256)
    kept = cache() / "archives" / sha256
    with _locked(kept):
        if kept.is_file() and hashlib.sha256(kept.read_bytes()).hexdigest() == sha256:
            return kept.read_bytes()
        data = _checked(_get(location), location, sha256)
        _write(kept, data)
        return data


def _fetch(repository: Path, url: str, commit: str) -> None:
    asked = _git(repository.parent, "ls-remote", "--quiet", "--", url, "HEAD", check=False, seconds=ASK_SECONDS)
    if asked.returncode:  # said at once: a fetch from where nobody answers takes minutes to give up
        raise DownloadError(f"git could not fetch {url} ({_last_line(asked.stderr)}); {_ways_out(url)}")
    _git(repository.parent, "init", "--quiet", "--bare", str(repository))
    fetch = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head")
    attempt = _git(repository, *fetch, "--depth=1", "--", url, commit, check=False)
    if attempt.returncode:  # some servers give whole branches only
        attempt = _git(repository, *fetch, "--", url, "+refs/heads/*:refs/heads/*", check=False)
    if attempt.returncode:
        raise DownloadError(f"git could not fetch {url} ({_last_line(attempt.stderr)}); {_ways_out(url)}")
    if _git(repository, "cat-file", "-e", f"{commit}^{{commit}}", check=False).returncode:
        raise DownloadError(f"{url} has no commit {commit}; declare one that it has")


def _ways_out(url: str) -> str:
    return (
        "nothing was changed. Check this workstation's network, or name a mirror: git config --global "
        f"url.MIRROR.insteadOf {url}, or give a file: webmail.source: {{archive: PATH, sha256: SUM}}"
    )


def _sound(repository: Path, commit: str) -> bool:
    """The commit is there, and every object of the cache still is what its name says."""
    return all(
        _git(repository, *command, check=False).returncode == 0
        for command in (("cat-file", "-e", f"{commit}^{{commit}}"), ("fsck", "--full", "--no-dangling", commit))
    )


def _git(
    where: Path, *arguments: str, check: bool = True, seconds: float = FETCH_SECONDS
) -> subprocess.CompletedProcess[bytes]:
    """Run git in ``where``, never asking anything and deaf to the repository that the caller stands in."""
    inherited = {key: value for key, value in os.environ.items() if key not in ("GIT_DIR", "GIT_WORK_TREE")}
    inherited.pop("GIT_INDEX_FILE", None)
    environment = {**inherited, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    if not where.is_dir():
        return subprocess.CompletedProcess(arguments, 128, b"", b"no repository")
    try:
        done = _bounded(["git", "-C", str(where), *arguments], environment, seconds)
    except FileNotFoundError:
        raise DownloadError("git is not installed on this workstation; install it (apt install git)") from None
    except subprocess.TimeoutExpired:
        done = subprocess.CompletedProcess(arguments, 124, b"", f"no end after {seconds:g} s".encode())
    if check and done.returncode:
        raise DownloadError(f"git {arguments[0]} failed in {where} ({_last_line(done.stderr)}); delete that directory")
    return done


def _bounded(command: list[str], environment: dict[str, str], seconds: float) -> subprocess.CompletedProcess[bytes]:
    """Run ``command``; after ``seconds``, or when this run ends before, it and all that it started are ended too."""
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0,
    ) as process:  # fmt: skip
        try:
            out, err = process.communicate(timeout=seconds)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # git talks through a child, which would stay
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no message"


def _read(path: Path) -> bytes:
    try:
        return files.content(path, LARGEST)
    except OSError as error:
        raise DownloadError(f"{path} cannot be read ({error.strerror}); name a file on this workstation") from None


def _get(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            data: bytes = answer.read(LARGEST + 1)
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise DownloadError(
            f"{url} could not be fetched ({reason}); nothing was changed. Check this workstation's network and "
            "proxy, or fetch the file another way and declare its path"
        ) from None
    if len(data) > LARGEST:
        raise DownloadError(f"{url} is larger than {LARGEST >> 20} MiB; that is no webmail")
    return data


def _checked(data: bytes, location: str, sha256: str) -> bytes:
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise DownloadError(
            f"{location} has SHA-256 {found}, and {sha256} is declared; nothing was changed. "
            "Declare the right sum only if you know why the file changed"
        )
    return data


def _write(path: Path, data: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(data)
    new.replace(path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One at a time, across processes. It asks and sleeps and asks again: pyinfra's other hosts share this thread."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(path.name + ".lock"), timeout=LOCK_SECONDS, poll_interval=0.1)
    try:
        held = lock.acquire()
    except Timeout:
        raise DownloadError(
            f"another run has held {lock.lock_file} for {LOCK_SECONDS} s; end it, then run again"
        ) from None
    with held:
        yield
