"""The webmail's tree: fetched once and verified on the workstation, switched as a whole on the host."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from deploys.components.squirrelmail.options import Source, Webmail
from deploys.components.squirrelmail.source import squirrelmail_tree
from deploys.download import DownloadError, archive_file, cache, git_archive

ROOT = Path(__file__).parent.parent
FILES = {
    "src/login.php": "<?php // log in",
    "config/config_default.php": "<?php $x = 1;",
    "config/config_local.php": "<?php // theirs",
    "README": "read me",
}


def git(where: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Tito", "-c", "user.email=tito@example.com")
    done = subprocess.run(["git", "-C", str(where), *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def write(where: Path, files: dict[str, str]) -> None:
    for path, content in files.items():
        (where / path).parent.mkdir(parents=True, exist_ok=True)
        (where / path).write_text(content)
        (where / path).chmod(0o755)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return cache()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A small SquirrelMail in git."""
    where = tmp_path / "squirrelmail"
    where.mkdir()
    git(where, "init", "--quiet")
    write(where, FILES)
    git(where, "add", "--all")
    git(where, "commit", "--quiet", "--message", "As it is")
    return where


@pytest.fixture
def commit(repository: Path) -> str:
    return git(repository, "rev-parse", "HEAD")


def packed(files: dict[str, str], *links: tuple[str, str], mode: str = "w:bz2") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content.encode()))
        for path, target in links:
            member = tarfile.TarInfo(path)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return buffer.getvalue()


def in_file(tmp_path: Path, data: bytes) -> Source:
    path = tmp_path / "squirrelmail.tar.bz2"
    path.write_bytes(data)
    return Source(archive=str(path), sha256=hashlib.sha256(data).hexdigest())


# --- the workstation ---


def test_a_commit_is_fetched_once_and_then_comes_from_the_cache(repository: Path, commit: str):
    first = git_archive(str(repository), commit)
    shutil.rmtree(repository)
    assert git_archive(str(repository), commit) == first


def test_a_cache_that_rotted_is_fetched_again(repository: Path, commit: str, own_cache: Path):
    first = git_archive(str(repository), commit)
    kept = [path for path in own_cache.rglob("objects/**/*") if path.is_file()]
    for path in kept:
        path.chmod(0o600)
        path.write_bytes(b"\0" * path.stat().st_size)
    assert git_archive(str(repository), commit) == first


def test_a_commit_that_the_repository_lacks_is_named(repository: Path):
    with pytest.raises(DownloadError, match="0123456789abcdef0123456789abcdef01234567"):
        git_archive(str(repository), "0123456789abcdef0123456789abcdef01234567")


def test_a_repository_out_of_reach_is_said_with_its_remedies(tmp_path: Path, commit: str):
    with pytest.raises(DownloadError, match=r"nothing was changed.*insteadOf.*webmail\.source: \{archive"):
        git_archive(str(tmp_path / "nowhere"), commit)


def test_four_runs_at_once_share_one_cache(repository: Path, commit: str):
    ask = "import hashlib, sys; from deploys.download import git_archive; "
    ask += "print(hashlib.sha256(git_archive(*sys.argv[1:])).hexdigest())"
    command = [sys.executable, "-c", ask, str(repository), commit]
    runs = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert {run.communicate()[0] for run in runs} == {
        hashlib.sha256(git_archive(str(repository), commit)).hexdigest() + "\n"
    }


GREENLETS = """
from gevent import monkey; monkey.patch_all()
import gevent, sys
from deploys.download import _locked, cache

said = []
def host(name):
    with _locked(cache() / "webmail"):
        said.append(name)
        gevent.sleep(0.3)
        said.append(name)
def another():
    gevent.sleep(0.15)
    said.append("another")
gevent.joinall([gevent.spawn(host, "mx1"), gevent.spawn(host, "mx2"), gevent.spawn(another)], raise_error=True)
print(*said)
"""


def test_a_host_that_waits_for_anothers_download_holds_up_no_third_one():
    """pyinfra's hosts share one thread: whoever waits in the kernel would stop them all, and for good."""
    run = subprocess.run(
        [sys.executable, "-c", GREENLETS], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    assert run.stdout.split() == ["mx1", "another", "mx1", "mx2", "mx2"], run.stderr


def test_an_archive_with_another_sum_is_refused_with_both_sums(tmp_path: Path):
    (tmp_path / "x.tar").write_bytes(b"changed")
    with pytest.raises(DownloadError, match=rf"{hashlib.sha256(b'changed').hexdigest()}.*{'0' * 64} is declared"):
        archive_file(str(tmp_path / "x.tar"), "0" * 64)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """A web server that serves ``tmp_path``; its address."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_an_archive_comes_by_http_once(tmp_path: Path, web: str):
    (tmp_path / "x.tar").write_bytes(b"archive")
    sha256 = hashlib.sha256(b"archive").hexdigest()
    assert archive_file(f"{web}/x.tar", sha256) == b"archive"
    (tmp_path / "x.tar").unlink()
    assert archive_file(f"{web}/x.tar", sha256) == b"archive"


def test_two_commits_of_one_repository_are_kept_beside_each_other(repository: Path, commit: str, tmp_path: Path):
    environment = {
        "GIT_AUTHOR_NAME": "x",
        "GIT_AUTHOR_EMAIL": "x@x",
        "GIT_COMMITTER_NAME": "x",
        "GIT_COMMITTER_EMAIL": "x@x",
    }
    git = ["git", "-C", str(repository)]
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "next"], check=True, env={**os.environ, **environment})
    later = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    git_archive(str(repository), commit)
    git_archive(str(repository), later)
    repository.rename(tmp_path / "away")
    assert git_archive(str(repository), commit)
    assert git_archive(str(repository), later)


def test_an_archive_that_the_web_lacks_is_said_with_its_remedies(web: str):
    with pytest.raises(DownloadError, match=r"(?i)not found.*declare its path"):
        archive_file(f"{web}/x.tar", "0" * 64)


def test_the_tree_is_roots_plain_files_with_the_configuration_linked(repository: Path, commit: str):
    data = squirrelmail_tree(Webmail(source=Source(git=str(repository), commit=commit)))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = {member.name: member for member in archive}
        default = archive.extractfile("config/config.php")
        assert default
        assert default.read().decode() == FILES["config/config_default.php"]
    assert members["config/config_local.php"].linkname == "/etc/squirrelmail/config_local.php"
    assert {member.uname for member in members.values()} == {"root"}
    assert {member.mode for member in members.values() if member.isreg()} == {0o644}


def test_every_host_and_every_workstation_gets_the_same_bytes(tmp_path: Path):
    data = packed({f"squirrelmail.stable/squirrelmail/{path}": text for path, text in FILES.items()})
    one, other = (
        in_file(tmp_path, data),
        Source(archive=str(tmp_path / "copy.tar"), sha256=hashlib.sha256(data).hexdigest()),
    )
    (tmp_path / "copy.tar").write_bytes(data)
    assert squirrelmail_tree(Webmail(source=one)) == squirrelmail_tree(Webmail(source=other))
    with tarfile.open(fileobj=io.BytesIO(squirrelmail_tree(Webmail(source=one)))) as archive:
        assert "src/login.php" in archive.getnames()  # the archive's own top folders are gone


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (packed({"../../etc/passwd": "x", **FILES}), "is no plain file"),
        (packed(FILES, ("src/key.php", "/etc/shadow")), "is no plain file"),
        (packed({"README": "another program"}), "holds no SquirrelMail"),
        (b"<html>404</html>", "is no tar archive"),
    ],
)
def test_an_archive_that_cannot_be_squirrelmail_is_refused(tmp_path: Path, data: bytes, complaint: str):
    with pytest.raises(DownloadError, match=complaint):
        squirrelmail_tree(Webmail(source=in_file(tmp_path, data)))


# --- the host: the very script that runs there, on a directory here ---


SETTINGS = {"LOCK_SECONDS": "5", "LEASE_SECONDS": "60", "WHO": "ana@workstation", "STAMP": ".posthaus"}


class Host:
    """A directory that stands for a host's file system."""

    def __init__(self, root: Path):
        self.target, self.versions, self.root = root / "share" / "webmail", root / "versions", root

    def unpack(self, stamp: str, data: bytes, sum: str | None = None) -> subprocess.CompletedProcess[str]:
        script = "\n".join((ROOT / "operations" / part).read_text() for part in ("lock.sh", "unpack.sh"))
        settings = [
            str(self.target),
            str(self.versions),
            stamp.split()[0],
            stamp,
            sum or hashlib.sha256(data).hexdigest(),
        ]
        return subprocess.run(
            ["sh", "-c", script, "unpack", *settings],
            env={**os.environ, **SETTINGS, "LOCK": str(self.root / "lock"), "LEASE": str(self.root / "lease")},
            input=base64.encodebytes(data).decode(), capture_output=True, text=True, check=False,
        )  # fmt: skip

    def kept(self) -> list[str]:
        return sorted(path.name.partition(".")[0] for path in self.versions.iterdir())


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "host")


def version(text: str) -> bytes:
    return packed({"index.php": text}, mode="w:gz")


def test_a_new_version_is_switched_to_and_the_one_before_is_kept(host: Host):
    for number in ("one", "two", "three"):
        assert host.unpack(f"{number} 1", version(number)).returncode == 0
    assert (host.target / "index.php").read_text() == "three"
    assert (host.target / ".posthaus").read_text() == "three 1\n"
    assert host.kept() == ["three", "two"]


def test_a_damaged_upload_changes_nothing(host: Host):
    host.unpack("one 1", version("one"))
    refused = host.unpack("two 1", version("two"), sum="0" * 64)
    assert refused.returncode != 0
    assert "damaged" in refused.stderr
    assert (host.target / "index.php").read_text() == "one"
    assert host.kept() == ["one"]


def test_a_directory_that_is_not_ours_is_left_alone(host: Host):
    host.target.mkdir(parents=True)
    (host.target / "index.php").write_text("somebody's own")
    refused = host.unpack("one 1", version("one"))
    assert refused.returncode != 0
    assert "is not ours" in refused.stderr
    assert (host.target / "index.php").read_text() == "somebody's own"


def test_what_a_killed_run_left_behind_goes(host: Host):
    host.unpack("one 1", version("one"))
    (host.versions / "two.abc123").mkdir()
    (host.versions / "two.abc123.tar.gz").write_bytes(b"half")
    host.target.with_name("webmail.posthaus-new").symlink_to(host.versions / "two.abc123")
    assert host.unpack("two 1", version("two")).returncode == 0
    assert (host.target / "index.php").read_text() == "two"
    assert host.kept() == ["one", "two"]
    assert [path.name for path in host.target.parent.iterdir()] == ["webmail"]
