"""What an inventory gets wrong is told before any host is connected to; what bars the way to a host, in a sentence."""

import socket
import subprocess

import paramiko
import pytest

from deploys.access import inventory, sentences
from deploys.access.sentences import Login
from deploys.access.session import Answer, Session
from tests.settings import SECRET
from tests.test_inventory import make, pyinfra  # noqa: F401  (a fixture)

LOGIN = Login("mail.example.com", 22, "tito")
FAR = Login("192.0.2.1", 2222, "tito", key="~/.ssh/mail", keys="known")


def refusal(**names):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  (the sentence is looked at)
        inventory.groups(names)
    return str(caught.value)


# --- The inventory ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({"mail": "mail.example.com"}, 'mail: is text; write a list, such as mail = ["mail.example.com"]'),
        ({"mail": []}, "mail: names no host"),
        ({}, "it: names no host"),
        ({"mail": ("mail.example.com", {"ssh_user": "tito"})}, "mail: is one host, or several in round brackets"),
        ({"mail": ("a.example", "b.example")}, "mail: is one host, or several in round brackets"),
        ({"mail": [7]}, "mail: holds something that is neither a name nor a name with its data"),
        ({"mail": [["a.example", {}]]}, "mail: holds something that is neither"),
        ({"mail": ["", "a b"]}, "'a b' is not the name of a host"),
        ({"mail": ["tito@mail.example.com"]}, 'write ("mail.example.com", {"ssh_user": "tito"})'),
        ({"mail": ["mail.example.com:2222"]}, 'write ("mail.example.com", {"ssh_port": 2222})'),
        (
            {"mail": [("a.example", {"ssh_usr": "tito"})]},
            "ssh_usr: pyinfra knows no such option; did you mean ssh_user?",
        ),
        ({"mail": [("a.example", {"_sudo_pasword": SECRET})]}, "did you mean _sudo_password?"),
        ({"mail": (["a.example"], {"_sudoo": True})}, "mail: _sudoo: pyinfra knows no such option"),
        (
            {"mail": [("a.example", {"mail": "second.yaml"})]},
            'write "mail": settings("second.yaml"), with `from deploys',
        ),
        ({"mail": [("a.example", {"mail": {"hostname": "a"}})]}, 'write "mail": settings("second.yaml")'),
        ({"mail": [("a.example", {"_sudo_password": 1234})]}, "_sudo_password: is not text; write it in quotes"),
        ({"mail": [("a.example", {"ssh_port": "ssh"})]}, "ssh_port: is not a port"),
        ({"mail": [("a.example", {"ssh_key": "/nowhere/key"})]}, "/nowhere/key cannot be read (No such file"),
        ({"mail": [("a.example", {"ssh_key": "~nosuchuser/key"})]}, "a user whom this workstation does not have"),
    ],
)
def test_an_inventory_that_means_nothing_is_told_with_what_would(names, told):
    text = refusal(**names)
    assert told in text
    assert SECRET not in text


def test_all_that_is_wrong_with_an_inventory_is_told_at_once():
    text = refusal(mail=["tito@a.example", ("b.example", {"ssh_usr": "x"})], other="fine", hosts="c.example")
    assert len(text.splitlines()) == 3


@pytest.mark.parametrize(
    ("begin", "told"),
    [
        ("ssh-ed25519 AAAA tito@laptop\n", "holds the public key; name the private one, "),
        ("PuTTY-User-Key-File-3: ssh-ed25519\n", "PuTTY's own form"),
        ("hello\n", "is no private key"),
        ("", "is no private key"),
    ],
)
def test_a_key_that_is_none_is_told_before_any_connection(tmp_path, begin, told):
    (tmp_path / "key.pub").write_text(begin)
    assert told in refusal(mail=[("a.example", {"ssh_key": str(tmp_path / "key.pub")})])


def test_a_real_key_and_the_former_option_are_taken(tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    data = {"ssh_key": str(tmp_path / "key"), "_sudo": True}
    found = inventory.groups({"mail": [("a.example", {**data, "_use_sudo_password": True})], "_x": ["b"], "n": 1})
    assert found == {"mail": [("a.example", data)]}


@pytest.mark.parametrize(
    ("files", "options", "told"),
    [
        ({"inventory.py": 'mail = "@local"\n'}, (), "inventory.py: mail: is text; write a list"),
        ({"inventory.py": "mail = []\n"}, (), "inventory.py: mail: names no host"),
        ({"inventory.py": "mail = [\n\n"}, (), "inventory.py:1: '[' was never closed; this file is Python"),
        ({"inventory.py": "import nosuchmodule\n"}, (), "inventory.py:1: ModuleNotFoundError: No module named"),
        (
            {"inventory.py": '\nmail = [("@local", {"mail": settings("mail.yaml")})]\n'},
            (),
            "inventory.py:2: NameError: name 'settings' is not defined; write `from deploys.site import settings`",
        ),
        ({}, ("--limit", "typo"), "--limit typo: names no host; the inventory has @local"),
        ({}, ("--limit", "mail", "--limit", "typo"), "--limit typo: names no host"),
        ({}, ("--exclude", "@local"), "--exclude @local: leaves no host"),
        ({}, ("--limit", "mail", "--exclude", "@l*"), "--exclude @l*: leaves no host"),
    ],
)
def test_a_run_that_would_reach_nobody_is_an_error(make, tmp_path, files, options, told):  # noqa: F811
    run = pyinfra(make(**files), "fact", "server.Hostname", *options, home=tmp_path)
    assert run.returncode == 1
    assert told in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("option", [("--limit", "mail"), ("--limit", "@loc*"), ("--exclude", "typo")])
def test_names_that_there_are_limit_a_run(make, tmp_path, option):  # noqa: F811
    assert pyinfra(make(), "debug-inventory", *option, home=tmp_path).returncode == 0


# --- The way ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            paramiko.SSHException("StrictPolicy: No host key for 192.0.2.1 found in known_hosts"),
            "`ssh -p 2222 -o UserKnownHostsFile=known -i ~/.ssh/mail tito@192.0.2.1` shows it and accepts it, once",
        ),
        (paramiko.AuthenticationException("Authentication failed."), "does not let tito log in by the key ~/.ssh/mail"),
        (socket.gaierror(-2, "Name or service not known"), "the name 192.0.2.1 leads nowhere (Name or service"),
        (ConnectionRefusedError(111, "Connection refused"), "cannot be reached at port 2222 (Connection refused)"),
        (TimeoutError("timed out"), "cannot be reached at port 2222 (nothing answers)"),
        (
            paramiko.SSHException("Error reading SSH protocol banner"),
            "(Error reading SSH protocol banner): see what `ssh",
        ),
        (EOFError(), "(EOFError): see what `ssh"),
        (ValueError("Invalid private key file: x"), "ssh_key: ~/.ssh/mail is no private key that can be read"),
    ],
)
def test_no_way_to_a_host_is_a_sentence_with_the_remedy(error, told):
    assert told in sentences.unreachable(error, FAR)


def test_a_changed_host_key_names_the_command_that_forgets_it():
    old, new = paramiko.RSAKey.generate(1024), paramiko.RSAKey.generate(1024)
    told = sentences.unreachable(paramiko.BadHostKeyException("192.0.2.1", new, old), FAR)
    assert "`ssh-keygen -f known -R [192.0.2.1]:2222`" in told
    assert "ssh-keygen -R mail.example.com" in sentences.unreachable(paramiko.BadHostKeyException("x", new, old), LOGIN)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("works", ""),
        ("works /var/tmp/pyinfra-sudo-askpass-x", ""),
        ("root", ""),
        ("missing", "sudo is not installed"),
        ("asks", "there is no terminal to ask at"),
        ("mounts /var/tmp /tmp", "none may run in /var/tmp, /tmp (mounted noexec)"),
        ("refuses Sorry, try again. sudo: no password was provided", "refuses the password of tito (tried once)"),
        ("refuses tito is not in the sudoers file.", "sudo refuses tito: tito is not in the sudoers file."),
        ("refuses The account is locked due to 3 failed logins.", "sudo refuses tito: The account is locked"),
        ("", "the login shell of tito does not run commands"),
    ],
)
def test_no_way_to_become_root_is_a_sentence_with_the_remedy(answer, told):
    assert told in sentences.no_root(answer, LOGIN)
    assert bool(sentences.no_root(answer, LOGIN)) == bool(told)


class Wire:
    """A client that keeps what it is sent and answers ``lines``; as open as a channel can be."""

    def __init__(self, *lines):
        self.lines, self.sent, self.typed = lines, [], b""
        self.channel, self.closed = self, True

    def exec_command(self, command):
        self.sent.append(command)
        return self, self, self

    def write(self, data):
        self.typed += data

    def __iter__(self):
        return iter(self.lines)


def test_a_password_goes_to_stdin_and_stands_in_no_command():
    wire = Wire()
    session = Session(wire)
    session.password = "it's 'so'; $HOME"
    quoted = "'it'\"'\"'s '\"'\"'so'\"'\"'; $HOME'"
    session.exec_command(f"env SUDO_ASKPASS=/x PYINFRA_SUDO_PASSWORD={quoted} sudo -H -A -k sh -c 'id -u'")
    assert "so" not in wire.sent[0].replace("posthaus", "")
    assert wire.typed == b"it's 'so'; $HOME\n"
    assert "sudo -H -A -k sh -c" in wire.sent[0]


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (["Welcome\n", "MARK\n", "0\n"], ["0\n"]),
        (["no line break MARK\r\n", "MARK\n"], ["MARK\n"]),
        (["MARK\n"], []),
        (["Welcome to RouterOS\n"], ["Welcome to RouterOS\n"]),
    ],
)
def test_what_a_shell_says_before_the_command_is_no_answer(lines, answer):
    assert list(Answer(Wire(*lines), "MARK")) == answer
