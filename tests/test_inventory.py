"""The operator's own site: found, read by the real command line, and refused before anything is connected to."""

import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from deploys import site
from deploys.access.nodelay import NoDelayTransport
from tests.settings import ROOT, SECRET, example

PYINFRA = Path(sys.executable).with_name("pyinfra")


@pytest.fixture
def make(tmp_path):
    """A site directory with an inventory of one host and the example's settings, or other files."""

    def made(**files):
        directory = tmp_path / "site"
        directory.mkdir(exist_ok=True)
        texts = {"inventory.py": 'mail = ["@local"]\n', "mail.yaml": yaml.safe_dump(example()), **files}
        for name, text in texts.items():
            if text is not None:
                (directory / name).write_text(text)
        return directory

    return made


def pyinfra(directory, *settings, home):
    """Run the command of the README from the project's root, with nobody there to answer a question."""
    environment = {**os.environ, "POSTHAUS_SITE": str(directory), "HOME": str(home), "NO_COLOR": "1"}
    return subprocess.run(
        [PYINFRA, "inventory.py", *settings], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_the_settings_reach_every_host_and_no_hash_is_printed(make, tmp_path):
    run = pyinfra(make(), "debug-inventory", home=tmp_path)
    assert run.returncode == 0, run.stderr
    shown = run.stdout + run.stderr
    assert '"hostname": "mail.example.org"' in shown
    assert '"transport_factory": "NoDelayTransport"' in shown
    assert '"ssh_strict_host_key_checking": "yes"' in shown
    assert "argon2id" not in shown


def test_bad_settings_end_the_run_in_plain_sentences_before_any_connection(make, tmp_path):
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(0.2)
        host = ("127.0.0.1", {"ssh_port": server.getsockname()[1]})
        bad = yaml.safe_dump(example(hostname="mail", mailboxes={"a@example.org": {"password": SECRET}}))
        run = pyinfra(
            make(**{"inventory.py": f"mail = [{host!r}]\n", "mail.yaml": bad}), "deploys/mail.py", "-y", home=tmp_path
        )
        with pytest.raises(TimeoutError):
            server.accept()
    assert run.returncode == 1
    assert "mail.yaml:3: hostname: mail is not fully qualified" in run.stderr
    assert "mailboxes.a@example.org.password: is clear text" in run.stderr
    assert "Traceback" not in run.stdout + run.stderr
    assert SECRET not in run.stdout + run.stderr


def test_a_second_server_has_settings_of_its_own(make, tmp_path):
    inventory = (
        "from deploys.site import settings\n\n"
        'second = {"mail": settings("second.yaml"), "ssh_strict_host_key_checking": "no"}\n'
        'mail = ["@local", ("@docker/second", second)]\n'
    )
    second = yaml.safe_dump(example(hostname="mx.example.org", webmail=False))
    run = pyinfra(make(**{"inventory.py": inventory, "second.yaml": second}), "debug-inventory", home=tmp_path)
    assert run.returncode == 0, run.stderr
    first, _, other = (run.stdout + run.stderr).partition("[@docker/second]")
    assert '"hostname": "mail.example.org"' in first
    assert '"hostname": "mx.example.org"' in other
    assert '"ssh_strict_host_key_checking": "no"' in other


def test_bad_settings_of_a_second_server_end_the_run_too(make, tmp_path):
    inventory = 'from deploys.site import settings\n\nmail = [("@local", {"mail": settings("second.yaml")})]\n'
    run = pyinfra(
        make(**{"inventory.py": inventory, "second.yaml": "hostname: mx\n"}), "debug-inventory", home=tmp_path
    )
    assert run.returncode == 1
    assert "second.yaml:1: hostname: mx is not fully qualified" in run.stderr
    assert "Traceback" not in run.stderr


def test_warnings_are_told_and_do_not_stop_the_run(make, tmp_path):
    wide = yaml.safe_dump(example(trusted_networks=["172.16.0.0/12"]))
    run = pyinfra(make(**{"mail.yaml": wide}), "debug-inventory", home=tmp_path)
    assert run.returncode == 0
    assert run.stderr.count("trusted_networks: 172.16.0.0/12 is wide") == 1


def test_known_hosts_exists_where_there_was_no_ssh_directory(make, tmp_path):
    pyinfra(make(), "debug-inventory", home=tmp_path)
    assert stat.S_IMODE((tmp_path / ".ssh").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / ".ssh" / "known_hosts").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"mail.yaml": None}, "mail.yaml: cannot be read (No such file or directory)"),
        ({"inventory.py": None}, "inventory.py: is missing.\nThere is no host yet."),
    ],
)
def test_a_site_that_lacks_a_file_says_which(make, tmp_path, files, told):
    run = pyinfra(make(**files), "debug-inventory", home=tmp_path)
    assert run.returncode == 1
    assert told in run.stderr
    assert "Traceback" not in run.stderr


def test_a_site_that_is_not_there_is_named(tmp_path):
    run = pyinfra(tmp_path / "none", "debug-inventory", home=tmp_path)
    assert run.returncode == 1
    assert f"POSTHAUS_SITE: {tmp_path}/none is no directory; name the one of your site" in run.stderr


def test_settings_can_be_checked_without_any_host(make):
    good = subprocess.run(
        [sys.executable, "-m", "deploys.site", make() / "mail.yaml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert good.returncode == 0
    assert "good; 1 domains, 2 mailboxes, 0 aliases" in good.stdout


# --- Which site ------------------------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A project's root without any site."""
    monkeypatch.setattr(site, "ROOT", tmp_path)
    monkeypatch.delenv("POSTHAUS_SITE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_site_the_shipped_settings_count_and_there_is_no_host(root):
    assert site.directory() is None
    assert site.mail_yaml() == site.SHIPPED
    with pytest.raises(SystemExit, match="There is no host yet"):
        site.groups()


def test_an_operators_site_comes_before_a_trial_and_a_named_one_before_both(root, monkeypatch):
    (root / ".trial").mkdir()
    assert (site.directory(), site.mail_yaml()) == (root / ".trial", site.SHIPPED)
    (root / ".trial" / "mail.yaml").touch()
    assert site.mail_yaml() == Path(".trial/mail.yaml")
    (root / "site").mkdir()
    assert (site.directory(), site.mail_yaml()) == (root / "site", Path("site/mail.yaml"))
    (root / "mine").mkdir()
    monkeypatch.setenv("POSTHAUS_SITE", "mine")
    assert site.directory() == root / "mine"


def test_groups_are_lists_and_tuples_and_nothing_private(root):
    (root / "site").mkdir()
    (root / "site" / "inventory.py").write_text(
        'import os\nmail = ["a"]\nslow = (["b"], {"x": 1})\n_hidden = ["c"]\nX = 1\n'
    )
    assert site.groups() == {"mail": ["a"], "slow": (["b"], {"x": 1})}


# --- SSH -------------------------------------------------------------------------------------------------------------


def test_small_packets_are_sent_at_once():
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as server,
        closing(socket.create_connection(server.getsockname())) as connection,
    ):
        NoDelayTransport(connection)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000  # milliseconds


# --- script/password -------------------------------------------------------------------------------------------------


def password(line, *settings):
    return subprocess.run(
        [sys.executable, "-m", "deploys.config.password", *settings],
        cwd=ROOT, input=line, capture_output=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "secret",
    [
        " lead and trail ",
        'it\'s "q" $HOME `id` #:%\\',
        "é€ß 漢字 かなカナ",
        " ".join(str(n * n) for n in range(100)) + "YZ",
    ],
)
def test_a_hash_is_of_the_whole_line_and_nothing_else(secret):
    from argon2 import PasswordHasher

    done = password(f"{secret}\n".encode())
    assert done.returncode == 0
    made = done.stdout.decode().removesuffix("\n").removeprefix("{ARGON2ID}")
    assert PasswordHasher().verify(made, secret)
    assert secret.strip() not in done.stdout.decode() + done.stderr.decode()


def test_a_hash_for_unix_users_is_bcrypt():
    import bcrypt

    done = password("a b:c é d:e\n".encode(), "--system")
    assert bcrypt.checkpw("a b:c é d:e".encode(), done.stdout.strip().removeprefix(b"{BLF-CRYPT}"))


@pytest.mark.parametrize(
    ("line", "settings", "code"),
    [
        (b"\n", (), 1),
        (b"", (), 1),
        (b"a\x00b\n", (), 1),
        (b"\xff\n", (), 1),
        (b"x\n", ("--sytem",), 2),
        (b"1\n", (), 1),
    ],
)
def test_no_hash_is_made_of_nothing(line, settings, code):
    done = password(line, *settings)
    assert done.returncode == code
    assert done.stdout == b""
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ("1", "has fewer than 10 characters"),
        ("abababababab", "has fewer than 5 different characters"),
        ("Summer2026!", "is among the first that anybody tries"),
        ("P4ssw0rd2024", "is among the first that anybody tries"),
        ("passwordpassword", "is among the first that anybody tries"),
        ("1234567890", "is among the first that anybody tries"),
        ("qwertzuiop1", "is among the first that anybody tries"),
        ("zyxwvutsrqp", "is among the first that anybody tries"),
    ],
)
def test_a_password_that_anybody_guesses_is_refused_unless_it_is_wanted(secret, told):
    done = password(f"{secret}\n".encode())
    assert (done.returncode, done.stdout) == (1, b"")
    assert f"this password {told}; take a longer one".encode() in done.stderr
    assert password(f"{secret}\n".encode(), "--weak").returncode == 0


@pytest.mark.parametrize("secret", ["correct horse battery", "k7mx-p2wd-93hj", "Sommernachtstraum", "ça va être long"])
def test_a_password_that_nobody_guesses_is_taken(secret):
    assert password(f"{secret}\n".encode()).returncode == 0


# --- The scripts -----------------------------------------------------------------------------------------------------

SCRIPTS = sorted(path.name for path in (ROOT / "script").iterdir() if not path.name.startswith("_"))


@pytest.fixture
def bare_copy(tmp_path):
    """The scripts alone, in a directory where whatever they would start is missing."""
    shutil.copytree(ROOT / "script", tmp_path / "posthaus" / "script")
    return tmp_path / "posthaus"


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_only_helps(bare_copy, script, option):
    done = subprocess.run(
        [bare_copy / "script" / script, option], cwd="/", capture_output=True, text=True, timeout=10, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"script/{script}")
    assert len(done.stdout.splitlines()) >= 2
    assert [path.name for path in bare_copy.iterdir()] == ["script"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_option_that_there_is_not_starts_nothing(bare_copy, script):
    if script == "test":
        return  # its words are pytest's
    done = subprocess.run(
        [bare_copy / "script" / script, "--no-such-option"], capture_output=True, text=True, timeout=10, check=False
    )
    assert done.returncode == 2
    assert f"--no-such-option is not an option of script/{script}; see script/{script} --help" in done.stderr
    assert [path.name for path in bare_copy.iterdir()] == ["script"]


def test_no_file_of_ours_is_read_or_written_in_the_encoding_of_whoever_runs_it():
    bare = re.compile(r"\.read_text\(\)|\.write_text\(\w+\)")
    places = [path for folder in ("deploys", "facts", "operations") for path in (ROOT / folder).rglob("*.py")]
    assert len(places) > 100
    assert not [str(path) for path in places if bare.search(path.read_text("utf-8"))]
