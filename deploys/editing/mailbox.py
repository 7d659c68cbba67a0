"""script/mailbox: who has a mailbox, changed in mail.yaml."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from deploys.config import password
from deploys.config.mailserver import MailServer
from deploys.editing import mailboxes, run, words
from deploys.editing.declared import Declared, Refused, canonical
from deploys.values import hashes, sizes

# Nobody knows its password: what a change is judged with that is not to be written (--dry).
_STAND_IN = "$2b$12$" + "." * 53


def main(arguments: Sequence[str]) -> int:
    """Do what ``arguments`` say; the exit code."""
    return run.main(_parser(), arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("script/mailbox", description="See script/mailbox --help.", add_help=False)
    commands = parser.add_subparsers(metavar="add|passwd|rename|disable|enable|remove|list|app-password", required=True)
    for name, work, places in (
        ("add", _add, ("address",)),
        ("passwd", _passwd, ("address",)),
        ("rename", _rename, ("address", "new")),
        ("disable", partial(_switch, mailboxes.disable), ("address",)),
        ("enable", partial(_switch, mailboxes.enable), ("address",)),
        ("remove", _remove, ("address",)),
        ("list", _list, ()),
        ("app-password", _app_password, ("address",)),
    ):
        command = commands.add_parser(name, add_help=False)
        for place in places:
            command.add_argument(place, metavar=place.upper())
        if name != "app-password":
            command.add_argument("--file", type=Path)
            command.add_argument("--json" if name == "list" else "--dry", action="store_true")
        if name in ("add", "passwd"):
            command.add_argument("--generate", action="store_true")
            command.add_argument("--weak", action="store_true")
        if name == "add":
            command.add_argument("--name")
            command.add_argument("--quota")
        if name == "remove":
            command.add_argument("--to", metavar="ADDRESS")
        if name == "app-password":
            command.add_argument("--limit", metavar="HOST")
            which = command.add_mutually_exclusive_group()
            which.add_argument("--make", metavar="LABEL")
            which.add_argument("--revoke", metavar="LABEL")
        command.set_defaults(work=work)
    return parser


def _add(asked: argparse.Namespace) -> int:
    file = run.opened(asked.file)
    if file.key("mailboxes", canonical(asked.address)) is not None:  # nobody is asked for a password in vain
        return _told(asked, file, partial(mailboxes.add, address=asked.address, options={}))
    shown, options = _password(file, asked)
    said = {"name": asked.name, "quota": asked.quota}
    options |= {option: _number(value) for option, value in said.items() if value is not None}
    return _told(asked, file, partial(mailboxes.add, address=asked.address, options=options), shown=shown)


def _passwd(asked: argparse.Namespace) -> int:
    file = run.opened(asked.file)
    file.mailbox(canonical(asked.address))
    shown, options = _password(file, asked)
    change = partial(mailboxes.put, address=asked.address, option="password", value=options["password"])
    return _told(asked, file, change, shown=shown)


def _switch(change: Any, asked: argparse.Namespace) -> int:
    return _told(asked, run.opened(asked.file), partial(change, address=asked.address))


def _rename(asked: argparse.Namespace) -> int:
    change = partial(mailboxes.rename, old=asked.address, new=asked.new)
    return _told(asked, run.opened(asked.file), change, asked.new)


def _remove(asked: argparse.Namespace) -> int:
    return _told(asked, run.opened(asked.file), partial(mailboxes.remove, address=asked.address, to=asked.to))


def _told(asked: argparse.Namespace, file: Declared, change: run.Change, *others: str, shown: str = "") -> int:
    code = run.changed(file, change, map(canonical, (asked.address, *others)), asked.dry)
    if shown and not code:
        print(f"The password, which is shown here and nowhere else: {shown}")
    return code


def _password(file: Declared, asked: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """A password to show, if we made it, and the option with the hash of one, as this file's accounts read it."""
    if asked.dry:
        return "", {"password": hashes.canonical(_STAND_IN)}
    try:
        chosen = password.generated() if asked.generate else password.ask(asked.weak)
        hashed = password.unix(chosen) if file.value.get("accounts") == "system" else password.argon2(chosen)
    except (ValueError, EOFError) as error:
        raise Refused(f"No password: {error or 'nothing was typed'}. Nothing was written") from None
    return (chosen if asked.generate else ""), {"password": hashed}


def _app_password(asked: argparse.Namespace) -> int:
    """That is the host's, not the file's: pyinfra asks it, and prints what it says."""
    said = {"mailbox": asked.address, "make": asked.make, "revoke": asked.revoke}
    data = [word for name, value in said.items() if value is not None for word in ("--data", f"{name}={value}")]
    limit = ["--limit", asked.limit] if asked.limit else []
    pyinfra = Path(sys.executable).with_name("pyinfra")
    return subprocess.run([pyinfra, "inventory.py", "deploys/app_password.py", *data, *limit, "-y"]).returncode


def _number(text: str) -> str | int:
    """A quota of bytes alone is a number in YAML; a name of digits is not, but nobody has one."""
    return int(text) if text.isascii() and text.isdigit() else text


def _list(asked: argparse.Namespace) -> int:
    file = run.opened(asked.file)
    mail = run.declared(file)
    rows = [_row(mail, address) for address in mail.mailboxes]
    if asked.json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return 0
    head = ("mailbox", "quota", "login", "aliases", "name")
    lines = [
        head,
        *((row["mailbox"], _quota(row["quota"]), _login(row), _few(row["aliases"]), row["name"] or "") for row in rows),
    ]
    print(words.table(lines))
    return 0


def _row(mail: MailServer, address: str) -> dict[str, Any]:
    box, directory = mail.directory.mailboxes[address], mail.directory
    return {
        "mailbox": address,
        "name": box.name,
        "quota": directory.quota_of(address),
        "login": box.login,
        "aliases": [alias for alias, targets in mail.aliases.items() if address in targets and alias != address],
    }


def _login(row: dict[str, Any]) -> str:
    return "yes" if row["login"] else "no"


def _quota(number: int) -> str:
    return sizes.in_words(number) if number else "no limit"


def _few(aliases: list[str]) -> str:
    return ", ".join(aliases[:3]) + (f" and {len(aliases) - 3} more" if len(aliases) > 3 else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
