"""Every shell script that runs as root on a host, whole as it is sent there, against ShellCheck."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyinfra.api import FactBase

from deploys.components.component import Run, Tree
from tests.declared import parts
from tests.settings import ROOT, golden_server

OPERATIONS = ROOT / "operations"
FACTS = ROOT / "tests" / "facts"
# What a part of several scripts leaves to the others: functions nobody calls (2317, 2329), names that only some of
# them use (2034) or that come from the environment and look like others (2153). And `a= b=` for two empty ones (1007).
EXCLUDED = "SC2317,SC2329,SC2034,SC2153,SC1007"
# Single lines that mean what ShellCheck warns of: its number, a part of the line, and why.
MEANT = {
    (2046, "$(ls /usr/local/share/ca-certificates/posthaus-[0-9].crt"): "one word a file; the names are ours",
    (2046, 'awk \'{ print "/proc/" $3 "/exe" }\''): "one word a process; numbers",
    (2046, "set -- $(each "): "one word a unit; systemd's names have no blanks",
    (2043, "for path in main.cf ;"): "this test asks for one path, a run for several",
}


def operations() -> Iterator[tuple[str, str]]:
    """Each script of operations/ after all that may come before it."""
    callers = "\n".join(path.read_text() for path in sorted(OPERATIONS.glob("*.py")))
    own = set(re.findall(r'script\(\s*"([\w-]+\.sh)"', callers))
    files = {path.name: path.read_text() for path in sorted(OPERATIONS.glob("*.sh"))}
    assert own <= set(files)
    parts = "\n".join(text for name, text in files.items() if name not in own)
    for name in sorted(own):
        yield f"operations/{name}", f"{parts}\n{files[name]}"


# What the facts that have no recordings are asked for.
UNRECORDED: dict[str, dict[str, Any]] = {
    "archive.Unpacked": {"target": "/usr/share/squirrelmail"},
    "blocks.Blocks": {"target": "/etc/postfix", "paths": ["main.cf"]},
    "files.Files": {"paths": ["/etc/hosts"]},
    "foreign.Foreign": {"components": ["postfix", "dovecot", "apache", "rspamd", "unbound", "accounts"]},
    "maillog.MailLog": {"needle": "tito@example.com"},
    "probe.ProbeMade": {"path": "/var/lib/posthaus/probe", "before": "x", "after": "y"},
    "reports.ReportMessages": {"logins": ["tito@example.com"], "days": 7},
    "homes.Homes": {"homes": ["/var/mail/vhosts/example.com/tito"]},
    "shared.Shared": {"homes": ["/var/mail/vhosts/example.com/info"]},
    "resolvers.Resolvers": {"addresses": ["127.0.0.1"]},
    "places.Places": {"names": ["tito@example.com"]},
    "rows.Messages": {"addresses": ["tito@example.com"]},
    "rows.Rows": {"path": "/etc/dovecot/users", "hides": "^(.*)$"},
    "secret.SecretMade": {"path": "/var/lib/posthaus-roundcube/des_key"},
    "same.Same": {"path": "/etc/hosts", "other": "/etc/hostname"},
    "tree.Tree": {"target": "/etc/postfix", "paths": ["main.cf"]},
    "units.UnitState": {
        "unit": "x.service", "reload_on": ["/a"], "restart_on": ["/b"], "instance": "/c", "trees": ["/d"],
        "sees": ["/e", "/f"],
    },
}  # fmt: skip
PARTS = ("Many", "Survey", "_OfCertificate")  # what facts are made of


def every_fact() -> Iterator[tuple[str, type[FactBase[Any]]]]:
    for path in sorted((ROOT / "facts").glob("*.py")):
        module = importlib.import_module(f"facts.{path.stem}")
        for name, found in vars(module).items():
            if isinstance(found, type) and issubclass(found, FactBase) and found.__module__ == module.__name__:
                yield f"{path.stem}.{name}", found


def facts() -> Iterator[tuple[str, str]]:
    """The command of every fact, with what the tests of facts ask it for; and the shell that a command starts."""
    for name, fact in every_fact():
        if name.partition(".")[2] in PARTS:
            continue
        recordings = sorted((FACTS / name).glob("*.yaml"))
        recorded = yaml.safe_load(recordings[0].read_text()).get("arg") if recordings else None
        given: Any = recorded or UNRECORDED.get(name) or []
        command = fact().command(**given) if isinstance(given, dict) else fact().command(*_listed(given))
        yield from _whole(f"facts/{name}", command if isinstance(command, str) else command.get_raw_value())


def _listed(given: object) -> list[object]:
    return list(given) if isinstance(given, list) else [given]


def _whole(name: str, text: str) -> Iterator[tuple[str, str]]:
    """A command, and what it hands to a shell of its own: quoted, ShellCheck would take that for mere text."""
    yield name, text
    try:
        words = shlex.split(text)
    except ValueError:  # a here-document or a comment with an apostrophe: a script, no call of one
        return
    for number, (shell, option, script) in enumerate(zip(words, words[1:], words[2:], strict=False)):
        if shell.rpartition("/")[2] in ("sh", "bash") and re.fullmatch("-[a-z]*c", option):
            yield from _whole(f"{name} within {number}", f"# shellcheck shell={shell.rpartition('/')[2]}\n{script}")


def components(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """What components say in shell: how a tree is checked and built, how a service proves its work, what units start,
    and the files that are scripts; on both releases, with as much declared as one server can have."""
    acme = {"acme": {"email": "tito@example.com"}}
    greedy: dict[str, Any] = {"filter": {"antivirus": True, "greylisting": True}, "tls": acme}
    older = {"dovecot_core": "1:2.3.19.1+dfsg1-2.1", "php_fpm": "2:8.2+93", "postsrsd": "1.10-2", "postfix": "3.7.11-0"}
    roundcube = {**greedy, "webmail": {"program": "roundcube"}}
    for release, versions, options in (("old", older, greedy), ("new", {}, greedy), ("roundcube", {}, roundcube)):
        for part in parts(golden_server(monkeypatch, **options), **versions):
            yield f"{release} {part.name} prepare", part.prepare
            for tree in part.of(Tree):
                files = tree.files.items()
                yield from _whole(f"{release} {tree.name} check", tree.validate)
                yield from _whole(f"{release} {tree.name} build", tree.build)
                for path, file in files:
                    if file.data.startswith((b"#!/bin/sh", b"#!/bin/bash")):
                        yield f"{release} {tree.target}/{path}", file.data.decode()
            for run in part.of(Run):
                yield from _whole(f"{release} {run.name} probe", run.probe)
            for unit, file in part.units.items():
                started = re.findall(r"^Exec\w+=[+!@:-]*(.+)$", file.data.decode().replace("\\\n", ""), re.MULTILINE)
                for number, line in enumerate(started):
                    inside = list(_whole(f"{release} {unit} {number}", line))[1:]  # systemd reads the line itself
                    yield from ((name, text.replace("$$", "$").replace("%%", "%")) for name, text in inside)


def others() -> Iterator[tuple[str, str]]:
    """What lies beside the components."""
    for path in sorted((ROOT / "deploys").rglob("*.sh")):
        yield str(path.relative_to(ROOT)), path.read_text()


# Names that some script of operations/ gives a value before the parts that read it run.
ASSIGNED = {
    name
    for path in OPERATIONS.glob("*.sh")
    for name in re.findall(r"(?:^|[\s;'\"(]|read -r )(\w+)(?==|\b(?=[ \w]*; do))", path.read_text(), re.MULTILINE)
}
SCRIPTS = dict([*operations(), *facts(), *others()])


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="NOT PROVED: no shellcheck here; install shellcheck")
def test_shellcheck_finds_nothing_in_what_runs_as_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, text in {**SCRIPTS, **dict(components(monkeypatch))}.items():
        file = tmp_path / re.sub(r"[/\s]", "_", name)
        file.write_text(text if text.startswith(("# shellcheck shell=", "#!")) else f"# shellcheck shell=sh\n{text}\n")
    done = subprocess.run(
        ["shellcheck", "--format=json", "--severity=warning", f"--exclude={EXCLUDED}", *sorted(tmp_path.iterdir())],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    found = {
        (one["code"], f"{Path(one['file']).name}: {one['message']}", _line(one))
        for one in json.loads(done.stdout)
        if not (one["code"] == 2154 and one["message"].split()[0] in ASSIGNED)
    }
    meant = {(number, part) for number, part in MEANT for code, _, line in found if code == number and part in line}
    unmeant = [one for one in found if not any(one[0] == number and part in one[2] for number, part in meant)]
    assert not unmeant, "\n".join(sorted(map(str, unmeant)))
    assert meant == set(MEANT), "nothing warns of some of these any more: take them out of MEANT"


def _line(one: dict[str, Any]) -> str:
    return Path(one["file"]).read_text().splitlines()[one["line"] - 1].strip()


def test_none_is_left_out(monkeypatch: pytest.MonkeyPatch):
    assert len([name for name in SCRIPTS if name.startswith("operations/")]) > 8
    assert "deploys/access/become.sh" in SCRIPTS
    known = {name for name, _ in every_fact() if name.partition(".")[2] not in PARTS}
    assert {f"facts/{name}" for name in known} <= set(SCRIPTS)
    assert {path.name for path in FACTS.iterdir() if path.is_dir()} | set(UNRECORDED) <= known
    of_components = dict(components(monkeypatch))
    assert {f"{one} /etc/letsencrypt/renewal-hooks/deploy/posthaus" for one in ("old", "new")} <= set(of_components)
    assert len([name for name in of_components if name.endswith("probe")]) > 15
    assert any(" within " in name for name in of_components)
