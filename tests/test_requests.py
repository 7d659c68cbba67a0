"""What ``--data`` asks of a run is judged whole before any host is connected to, also what nobody reads."""

from __future__ import annotations

import ast
import re
import socket
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from pyinfra.api.exceptions import DeployError

from deploys import requests
from deploys.addressbooks import request as contacts
from deploys.migrating import people
from tests.settings import ROOT, example, server
from tests.test_inventory import make, pyinfra

__all__ = ["make"]  # the fixture
DEPLOYS = sorted(path for path in (ROOT / "deploys").glob("*.py") if requests.usage(path))
BACKUP = {"repository": "/srv/backups", "password_on_host": "/root/backup.password"}


def read_by(deploy: Path) -> set[str]:
    """The words that a deploy looks up in ``host.data.said``, by its text."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(deploy.read_text("utf-8"))):
        if isinstance(node, ast.Call) and "data.said.get" in ast.unparse(node):
            found |= {
                str(one.value) for one in ast.walk(node) if isinstance(one, ast.Constant) and one.value is not None
            }
    return found


@pytest.mark.parametrize("deploy", DEPLOYS, ids=[path.name for path in DEPLOYS])
def test_how_a_deploy_is_run_names_each_word_that_it_reads(deploy):
    wanted = {"migrate.py": set(people.WORDS), "contacts.py": set(contacts.WORDS), "mail.py": {"confirm"}}
    assert requests.known(deploy) == wanted.get(deploy.name, read_by(deploy))
    assert "host.data.get(" not in deploy.read_text().replace('host.data.get("dns")', ""), (
        "what pyinfra makes of a word is not what was typed"
    )


def test_a_word_that_nobody_reads_ends_the_run_before_any_connection(make, tmp_path):
    """A restore of one mailbox, misspelt, would be one of the whole host."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.settimeout(0.2)
        host = ("127.0.0.1", {"ssh_port": listening.getsockname()[1]})
        files = {"inventory.py": f"mail = [{host!r}]\n", "mail.yaml": yaml.safe_dump(example(backup=BACKUP))}
        words = ("mailbx=bob@example.org", "at=2026-02-30", "newer=drop")
        data = [part for word in words for part in ("--data", word)]
        run = pyinfra(make(**files), "deploys/restore.py", "-y", *data, home=tmp_path)
        with pytest.raises(TimeoutError):
            listening.accept()
    assert run.returncode == 1
    said = run.stderr[run.stderr.index("mailbx") :].splitlines()
    assert said == [
        "mailbx: is no word of deploys/restore.py; did you mean mailbox?",
        "at: 2026-02-30 is no day; write 2026-11-20, or '2026-11-20 14:30', or a backup's ID",
        "newer: say keep, and mail that the backup has not stays beside what comes back",
        "usage:",
        *(f"  {line}" for line in requests.usage(ROOT / "deploys/restore.py")),
    ]


def test_a_word_without_a_value_is_told_in_a_sentence(make, tmp_path):
    run = pyinfra(make(), "deploys/restore.py", "-y", "--data", "mailbox", home=tmp_path)
    assert run.returncode == 1
    assert "--data mailbox: write --data mailbox=VALUE\nusage:\n  pyinfra inventory.py deploys/restore.py" in run.stderr
    assert "Traceback" not in run.stderr


def test_of_several_hosts_the_one_that_does_not_know_a_mailbox_is_named(make, tmp_path):
    inventory = (
        "from deploys.site import settings\n\n"
        'mail = [("one.example.org", {}), ("two.example.org", {"mail": settings("second.yaml")})]\n'
    )
    second = yaml.safe_dump(example(hostname="mx.example.org", backup=BACKUP, mailboxes=boxes_of("carol")))
    files = {"inventory.py": inventory, "mail.yaml": yaml.safe_dump(example(backup=BACKUP)), "second.yaml": second}
    run = pyinfra(make(**files), "deploys/restore.py", "-y", "--data", "mailbox=bob@example.org", home=tmp_path)
    assert run.returncode == 1
    assert "two.example.org: mailbox: bob@example.org is none of mail.yaml's mailboxes\nusage:" in run.stderr
    assert "one.example.org" not in run.stderr


def boxes_of(name):
    return {f"{name}@example.org": example()["mailboxes"]["bob@example.org"]}


@pytest.mark.parametrize(
    ("deploy", "said", "reasons"),
    [
        ("backup.py", {"list": "all", "begin": "no"}, ["list: say list=yes", "begin: say begin=yes", "are two runs"]),
        ("restore.py", {"folder": "Work", "at": "soon"}, ["at: soon is no day", "folder: say whose"]),
        ("restore.py", {"mailbox": "tito@example.com", "folder": "/"}, ["folder: is empty"]),
        ("archive.py", {"back": "bob", "to": "x@example.org", "at": "2026-02-30"}, ["back: ", "to: x@", "at: "]),
        ("app_password.py", {}, ["say whose app passwords"]),
        ("bans.py", {"unban": "me"}, ["unban: 'me' is no address"]),
        ("trace.py", {"since": "soon", "last": "x"}, ["say what to look for", "since=soon is no time", "last=x is no"]),
        ("adopt.py", {"overwrite": "no", "messages": "/srv"}, ["overwrite: say", "messages and hostname go with from"]),
        ("adopt.py", {"from": "mailcow", "directory": "/nowhere/it/is"}, ["/nowhere/it/is"]),
        ("migrate.py", {"tls": "no"}, ["say whose mailbox comes from where", "tls: no is not known"]),
        ("contacts.py", {}, ["say where contacts come from"]),
    ],
)
def test_all_that_is_wrong_with_what_is_asked_is_said_at_once(deploy, said, reasons):
    with pytest.raises((DeployError, ValueError)) as error:
        requests.JUDGES[deploy](server(backup=BACKUP), said)
    lines = str(error.value).strip().splitlines()
    assert len(lines) == len(reasons), lines
    for line, reason in zip(lines, reasons, strict=True):
        assert re.search(re.escape(reason), line), lines
