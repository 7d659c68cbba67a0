"""Describe one host as a mail.yaml on the workstation. Nothing is changed on the host."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pyinfra import host
from pyinfra.api.exceptions import DeployError
from pyinfra.api.output import echo

from deploys.adopting import look, sources
from deploys.adopting.description import Found, merged
from deploys.adopting.place import put
from deploys.adopting.report import report
from deploys.adopting.server import server
from deploys.adopting.settings import NothingToAdoptError
from deploys.adopting.sources import Export
from deploys.adopting.write import written
from deploys.takeover.existing import existing
from facts.foreign import Foreign, ForeignState

COMPONENTS = ["postfix", "dovecot", "rspamd", "unbound", "apache"]


def adopt(directory: Path, overwrite: object, export: Export | None = None) -> None:
    """Write ``adopted-HOST.yaml`` into ``directory`` and say what was found. ``overwrite``: "yes", or None. ``export``:
    what describes a server in the host's place."""
    state = host.get_fact(Foreign, components=COMPONENTS)
    if not export and {"postfix", "dovecot"} & set(state.ours):
        raise DeployError(f"{host.name} is a server of Posthaus's own: the mail.yaml that made it describes it")
    found = sources.exported(export) if export else _on_host(state)
    name = f"adopted-{_file_name(host.name)}"
    try:
        made = written(_taken_over(found, state), name, found.hostname, f" on {datetime.now(UTC):%Y-%m-%d}")
        path = put(directory, name, made, overwrite is not None)
    except NothingToAdoptError as error:
        raise DeployError(f"{host.name}: {error}") from None
    except FileExistsError as error:
        raise DeployError(f"{error} is there already; with --data {sources.OVERWRITE}=yes it is written anew") from None
    except OSError as error:
        raise DeployError(f"{error.filename} cannot be written ({error.strerror})") from None
    echo(f"\n{report(host.name, _short(path), made)}\n", err=True)


def _on_host(state: ForeignState) -> Found:
    told = look.told()
    database = sources.of_databases(told)
    found = merged(database, server(told, look.there, _owner(state), database if database.mailboxes else None))
    return replace(found, not_understood=sources.unanswered(found.not_understood, database))


def _taken_over(found: Found, state: ForeignState) -> Found:
    """With the components that a run would have to be allowed to replace."""
    there = existing(state, (found.hostname, state.hostname), found.domains, found.accounts == "system")
    return Found(**{**vars(found), "takeover": tuple(sorted({one.component for one in there}))})


def _owner(state: ForeignState) -> tuple[int, int] | None:
    """The numbers of the account that is called as the owner of our virtual mail."""
    account, group = state.accounts.get("name"), state.accounts.get("group")
    if not account or account.uid is None or not group or group.gid != account.gid:
        return None
    return account.uid, account.gid


def _file_name(text: str) -> str:
    """The host's name, as a file may be called (``@docker/…``, ``user@host``)."""
    return "".join(one if one.isalnum() or one in ".-" else "-" for one in text.rpartition("/")[2]).strip("-.")


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
