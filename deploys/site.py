"""Where an operator's own hosts and mail.yaml live, apart from ours, so that ``git pull`` never meets them.

A site is a directory with ``inventory.py`` (hosts) and ``mail.yaml`` (options): the one that POSTHAUS_SITE names, else
``site/`` beside this project's inventory.py, else ``.trial/`` (script/trial and Vagrant make it), else nothing: then
the options are those in group_data/mail.yaml, and there is no host.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from typing import Any, NoReturn

import click
from pyinfra.context import ctx_inventory

from deploys.access import inventory as hosts
from deploys.config import read as reader
from deploys.config import warnings
from deploys.config.mailserver import MailServer
from deploys.values import files

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "group_data" / "mail.yaml"
NO_HOST = """There is no host yet. Either
  script/trial                  makes a throwaway one here and converges it,
or write site/inventory.py with your hosts, such as
  mail = ["mail.example.org"]
and site/mail.yaml with your options (group_data/mail.yaml is an example, docs/reference.md lists all)."""


def directory() -> Path | None:
    """The operator's directory, if there is one. A POSTHAUS_SITE that is no directory ends the run."""
    named = os.environ.get("POSTHAUS_SITE")
    if named:
        try:
            where = files.home(named).resolve()
        except ValueError as error:
            _stop(f"POSTHAUS_SITE: {error}")
        return where if where.is_dir() else _stop(f"POSTHAUS_SITE: {where} is no directory; name the one of your site")
    return next((ROOT / name for name in ("site", ".trial") if (ROOT / name).is_dir()), None)


def mail_yaml() -> Path:
    """The file with the options. Only a trial may do without one of its own."""
    site = directory()
    if site is None or (site == ROOT / ".trial" and not (site / "mail.yaml").exists()):
        return _short(SHIPPED)
    return _short(site / "mail.yaml")


def mail_server() -> MailServer | None:
    """The options of this site, for group_data/all.py; None where the run reads none. Bad ones end the run, with every
    reason, before it connects."""
    if describing():
        known_hosts()
        chosen_hosts()
        return None
    path = mail_yaml()
    mail = _read(path)
    for warning in warnings.warnings(mail):
        print(f"warning: {path}: {warning}", file=sys.stderr)
    known_hosts()
    chosen_hosts()
    return mail


def describing() -> bool:
    """Whether the run writes a mail.yaml (deploys/adopt.py), and so needs none."""
    asked = click.get_current_context(silent=True)
    operations = asked.params.get("operations") if asked else None
    return any(Path(str(one)).name == "adopt.py" for one in operations or ())


def settings(name: str) -> MailServer | None:
    """The options in another file of this site, for a host's own data in its inventory.py."""
    if describing():
        return None
    return _read(_short((directory() or SHIPPED.parent) / name))


def groups() -> dict[str, Any]:
    """The groups of hosts in this site's inventory.py. Where none can be had the run ends and says what to do."""
    site = directory()
    inventory = site / "inventory.py" if site else None
    if inventory is None or not inventory.exists():
        _stop(NO_HOST if inventory is None else f"{_short(inventory)}: is missing.\n{NO_HOST}")
    try:
        names = runpy.run_path(str(inventory), run_name="inventory")
    except Exception as error:  # whatever an operator's Python may raise
        _stop(f"{_short(inventory)}:{hosts.broken(error, inventory)}")
    try:
        return hosts.groups(names)
    except ValueError as error:
        _stop("\n".join(f"{_short(inventory)}: {line}" for line in str(error).splitlines()))


def chosen_hosts() -> list[str]:
    """The names of those that --limit and --exclude leave. Where there is none, or a name after --limit is no host's,
    the run ends.

    (pyinfra itself goes on with no host at all, and calls that a success.)
    """
    asked = click.get_current_context(silent=True)
    if asked is None or not ctx_inventory.isset():
        return []
    inventory = ctx_inventory.get()
    limit, exclude = asked.params.get("limit") or (), asked.params.get("exclude") or ()
    members = {name: [host.name for host in inside] for name, inside in inventory.groups.items()}
    everybody = [host.name for host in inventory]
    known = f"the inventory has {', '.join(everybody)}"
    wanted = {pattern: hosts.chosen(everybody, members, pattern) for pattern in limit}
    if wrong := [pattern for pattern, found in wanted.items() if not found]:
        _stop(f"--limit {' '.join(wrong)}: names no host; {known}")
    left = set().union(*wanted.values()) if limit else set(everybody)
    left = left.difference(*(hosts.chosen(everybody, members, pattern) for pattern in exclude))
    if not left:
        _stop(f"--exclude {' '.join(exclude)}: leaves no host; {known}")
    return [name for name in everybody if name in left]


def known_hosts() -> None:
    """Make ~/.ssh/known_hosts if there is none: without the file pyinfra cannot note or look up any host key."""
    path = Path.home() / ".ssh" / "known_hosts"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=True)


def _read(path: Path) -> MailServer:
    try:
        return reader.settings(path)
    except reader.SettingsError as error:
        _stop(f"{error}")


def _stop(message: str) -> NoReturn:
    """End the run with exit code 1. (SystemExit: any other exception would make pyinfra print a traceback.)"""
    raise SystemExit(message)


def _short(path: Path) -> Path:
    """``path`` from the working directory, where it lies below it: easier to read and to click on."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def main(arguments: list[str]) -> int:
    """script/validate: check one file, this site's if none is named. 0 if it can be deployed; reasons go to stderr."""
    path = Path(arguments[0]) if arguments else mail_yaml()
    mail = _read(path)
    for warning in warnings.warnings(mail):
        print(f"warning: {path}: {warning}", file=sys.stderr)
    print(f"{path}: good; {len(mail.domains)} domains, {len(mail.mailboxes)} mailboxes, {len(mail.aliases)} aliases")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
