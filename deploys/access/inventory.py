"""An inventory as its operator wrote it: every mistake that can be seen in it, before any host is connected to."""

from __future__ import annotations

import difflib
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from pyinfra.api.arguments import all_global_arguments
from pyinfra.connectors.ssh import connector_data_meta

from deploys.config.mailserver import MailServer
from deploys.values import files

ASKS = "_use_sudo_password"  # pyinfra's former option for what happens by itself now, where sudo wants a password
KNOWN = {key for key, _ in all_global_arguments()} | set(connector_data_meta) | {ASKS}
LIST = 'write a list, such as mail = ["mail.example.com"]'
PAIR = 'write ("mail.example.com", {"ssh_user": "tito"})'


def groups(names: Mapping[str, Any]) -> dict[str, Any]:
    """The groups of hosts among an inventory's variables, as pyinfra takes them. ValueError names all that is wrong."""
    found = {name: value for name, value in names.items() if isinstance(value, (list, tuple)) and name[0] != "_"}
    problems = [f"{name}: {problem}" for name, value in found.items() for problem in _group(value)]
    texts = [name for name, value in names.items() if isinstance(value, str) and name in ("mail", "all", "hosts")]
    problems += [f"{name}: is text; {LIST}" for name in texts]
    if not problems and not any(_hosts(value) for value in found.values()):
        problems = [f"{', '.join(found) or 'it'}: names no host; {LIST}"]
    if problems:
        raise ValueError("\n".join(problems))
    return {name: _without(value) for name, value in found.items()}


def chosen(hosts: Iterable[str], members: Mapping[str, Iterable[str]], pattern: str) -> set[str]:
    """The hosts that one word of --limit or --exclude means: a group's ``members``, else those whose name fits."""
    return set(members[pattern]) if pattern in members else {name for name in hosts if fnmatch(name, pattern)}


def broken(error: Exception, path: Path) -> str:
    """``line: what is wrong`` of a Python file that could not be run."""
    if isinstance(error, SyntaxError):
        return f"{error.lineno}: {error.msg}; this file is Python"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    told = f"{lines[-1] if lines else 1}: {type(error).__name__}: {error}"
    wanted = "settings" if isinstance(error, NameError) and error.name == "settings" else ""
    return f"{told}; write `from deploys.site import settings` on top" if wanted else told


def _hosts(group: Any) -> list[Any]:
    return list(group[0]) if isinstance(group, tuple) else list(group)


def _group(value: Any) -> Iterator[str]:
    if isinstance(value, tuple):
        if not (len(value) == 2 and isinstance(value[0], (list, tuple)) and isinstance(value[1], dict)):
            yield f"is one host, or several in round brackets; {LIST.replace('a list', 'square brackets around them')}"
            return
        yield from _data(value[1])
    for host in _hosts(value):
        yield from _host(host)


def _host(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield from _name(entry)
    elif isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[0], str) and isinstance(entry[1], dict):
        yield from _name(entry[0])
        yield from (f"{entry[0]}: {problem}" for problem in _data(entry[1]))
    else:
        yield f"holds something that is neither a name nor a name with its data; {PAIR}"


def _name(name: str) -> Iterator[str]:
    if not name.strip() or re.search(r"[\s\x00-\x1f]", name):
        yield f"{name!r} is not the name of a host; {LIST}"
    elif "@" in name[1:] and not name.startswith("@"):
        user, _, host = name.rpartition("@")
        yield f'{name} holds a user; write ("{host}", {{"ssh_user": "{user}"}})'
    elif re.fullmatch(r"[^:@/]+:\d+", name):
        host, _, port = name.partition(":")
        yield f'{name} holds a port; write ("{host}", {{"ssh_port": {port}}})'


def _data(data: Mapping[str, Any]) -> Iterator[str]:
    for key in data:
        if key not in KNOWN and str(key).startswith(("_", "ssh_")):
            close = difflib.get_close_matches(str(key), KNOWN, n=1)
            yield f"{key}: pyinfra knows no such option" + (f"; did you mean {close[0]}?" if close else "")
    mail = data.get("mail")
    if mail is not None and not isinstance(mail, MailServer):
        file = mail if isinstance(mail, str) else "second.yaml"
        how = f'write "mail": settings("{file}"), with `from deploys.site import settings` on top'
        yield f"mail: is not read yet; {how}"
    password = data.get("_sudo_password")
    if password is not None and not isinstance(password, str):
        yield "_sudo_password: is not text; write it in quotes, or leave it out to be asked at the terminal"
    if data.get("ssh_port") is not None and not re.fullmatch(r"[1-9][0-9]{0,4}", str(data["ssh_port"])):
        yield "ssh_port: is not a port; write a number such as 22"
    if data.get("ssh_key") is not None:
        yield from (f"ssh_key: {problem}" for problem in _key(str(data["ssh_key"])))


def _key(name: str) -> Iterator[str]:
    try:
        begin = files.content(files.home(name))[:64]
    except OSError as error:
        yield f"{name} cannot be read ({error.strerror}); name the file of the private key"
    except ValueError as error:
        yield str(error)
    else:
        if begin.startswith((b"ssh-", b"ecdsa-", b"sk-")):
            yield f"{name} holds the public key; name the private one, {name.removesuffix('.pub')}"
        elif begin.startswith(b"PuTTY"):
            yield f"{name} is a key in PuTTY's own form; write it as OpenSSH's (puttygen KEY -O private-openssh -o NEW)"
        elif not begin.lstrip().startswith(b"-----BEGIN"):
            yield f"{name} is no private key (-----BEGIN …); name one that `ssh -i` takes"


def _without(group: Any) -> Any:
    """``group`` without the option that pyinfra no longer knows."""
    if isinstance(group, tuple):
        return (_without(list(group[0])), _bare(group[1]))
    return [(entry[0], _bare(entry[1])) if isinstance(entry, tuple) else entry for entry in group]


def _bare(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != ASKS}
