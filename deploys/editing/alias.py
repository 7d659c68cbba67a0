"""script/alias: addresses that lead to others, changed in mail.yaml."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from deploys.editing import aliases, run, words


def main(arguments: Sequence[str]) -> int:
    """Do what ``arguments`` say; the exit code."""
    return run.main(_parser(), arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("script/alias", description="See script/alias --help.", add_help=False)
    commands = parser.add_subparsers(metavar="add|remove|list", required=True)
    for name, work, least in (("add", _add, "+"), ("remove", _remove, "*"), ("list", _list, "")):
        command = commands.add_parser(name, add_help=False)
        if least:
            command.add_argument("alias", metavar="ALIAS")
            command.add_argument("targets", metavar="ADDRESS", nargs=least)
        command.add_argument("--file", type=Path)
        command.add_argument("--dry" if least else "--json", action="store_true")
        command.set_defaults(work=work)
    return parser


def _add(asked: argparse.Namespace) -> int:
    change = partial(aliases.add, alias=asked.alias, targets=asked.targets)
    return run.changed(run.opened(asked.file), change, (), asked.dry)


def _remove(asked: argparse.Namespace) -> int:
    change = partial(aliases.remove, alias=asked.alias, targets=asked.targets)
    return run.changed(run.opened(asked.file), change, (), asked.dry)


def _list(asked: argparse.Namespace) -> int:
    file = run.opened(asked.file)
    mail = run.declared(file)
    if asked.json:
        print(json.dumps({alias: list(targets) for alias, targets in mail.aliases.items()}, indent=2))
    elif mail.aliases:
        print(words.table([("alias", "leads to"), *((alias, ", ".join(to)) for alias, to in mail.aliases.items())]))
    else:
        print(f"{file.path} declares no alias; postmaster@ and abuse@ lead to {mail.postmaster} without one")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
