"""What ``--data`` asks of a run: read as it was typed, and judged before any host is connected to.

pyinfra makes numbers of what looks like one (a backup's ID, a folder's name), takes any word, and meets a wrong one
only after it has connected. So a word that nobody reads, such as a misspelt ``mailbox``, is refused here: without it,
a restore of one mailbox would be one of everything.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import click
from pyinfra.api.exceptions import DeployError
from pyinfra.context import ctx_inventory

from deploys import site
from deploys.config.mailserver import MailServer

HERE = Path(__file__).resolve().parent
Said = Mapping[str, str]  # by the word before the first "="
PYINFRAS = re.compile(r"_|ssh_|docker_|dockerssh_|chroot_")  # begins words that its connectors read
_WORD = re.compile(r"--data (\w+)=")


def said() -> dict[str, str]:
    """All words of this run. Ends the run where one is no ``word=value``."""
    pairs = [text.partition("=") for text in _of_run("data")]
    wrong = [
        f"--data {word}: write --data {word or 'WORD'}=VALUE" for word, equals, _ in pairs if not (equals and word)
    ]
    if wrong:
        _stop(wrong)
    return {word: value for word, _, value in pairs}


def judged(mail: MailServer | None) -> dict[str, str]:
    """``said()``, once nothing is wrong with it for any host of the run. ``mail``: of hosts without their own."""
    words = said()
    problems = _unknown(words)
    told: dict[str, list[str]] = {}
    names = site.chosen_hosts()
    for name in names:
        for problem in _problems(_mail_of(name, mail), words):
            told.setdefault(problem, []).append(name)
    for problem, whose in told.items():
        problems.append(problem if len(whose) == len(names) else f"{', '.join(whose)}: {problem}")
    if problems:
        _stop(problems)
    return words


def usage(deploy: Path) -> list[str]:
    """The lines of a deploy's own description that say how it is run."""
    text = ast.get_docstring(ast.parse(deploy.read_text("utf-8"))) or ""
    return [line for line in text.splitlines() if line.startswith("pyinfra ")]


def known(deploy: Path) -> set[str]:
    """The words that it reads."""
    return set(_WORD.findall("\n".join(usage(deploy))))


def _unknown(words: Iterable[str]) -> list[str]:
    deploys = _deploys()
    if not deploys or len(deploys) < len(_of_run("operations")):  # somebody's own, who knows
        return []
    mine = sorted({word for one in deploys for word in known(one)})
    problems = []
    for word in words:
        if word in mine or PYINFRAS.match(word):
            continue
        near = difflib.get_close_matches(word, mine, 1)
        has = f"did you mean {near[0]}?" if near else f"there {'are' if mine else 'is'} {', '.join(mine) or 'none'}"
        problems.append(f"{word}: is no word of {' or '.join(f'deploys/{one.name}' for one in deploys)}; {has}")
    return problems


def _problems(mail: MailServer | None, words: Said) -> list[str]:
    found: list[str] = []
    for deploy in _deploys():
        try:
            JUDGES.get(deploy.name, _nothing)(mail, words)
        except (DeployError, ValueError) as why:
            found += str(why).strip().splitlines()
    return found


def _mail_of(name: str, others: MailServer | None) -> MailServer | None:
    own = next(host for host in ctx_inventory.get() if host.name == name).data.get("mail") if others else None
    return MailServer.read(own) if own is not None else others


def _deploys() -> list[Path]:
    paths = [Path(text).resolve() for text in _of_run("operations") if text.endswith(".py")]
    return [path for path in paths if path.parent == HERE and path.is_file()]


def _of_run(parameter: str) -> list[str]:
    asked = click.get_current_context(silent=True)
    return [str(one) for one in (asked.params.get(parameter) or ())] if asked else []


def _stop(problems: Iterable[str]) -> NoReturn:
    """End the run with exit code 1, before anything is connected to."""
    lines = [line for one in _deploys() for line in usage(one)]
    raise SystemExit("\n".join([*problems, *(["usage:"] if lines else []), *(f"  {line}" for line in lines)]))


# --- what each deploy makes of its words; imported where they are asked, for a run needs few of them


def _nothing(mail: Any, words: Said) -> None:
    """Whatever else is asked, the host itself has to answer."""


def _backup(mail: Any, words: Said) -> None:
    from deploys.components.backup.operator import Request

    Request.of_backup(mail, *map(words.get, ("list", "begin", "mailbox")))


def _restore(mail: Any, words: Said) -> None:
    from deploys.components.backup.operator import Request

    Request.of_restore(mail, *map(words.get, ("mailbox", "at", "folder", "newer", "look", "same")))


def _archive(mail: Any, words: Said) -> None:
    from deploys.components.archive.operator import Request

    Request.of(mail, *map(words.get, ("back", "to", "at", "folder")))


def _app_password(mail: Any, words: Said) -> None:
    from deploys.components.account.operator import Request

    Request.of(mail, *map(words.get, ("mailbox", "make", "revoke")))


def _migrate(mail: Any, words: Said) -> None:
    from deploys.migrating.deploy import Request

    Request.of(mail, words)


def _contacts(mail: Any, words: Said) -> None:
    from deploys.addressbooks.request import Request

    Request.of(mail, words)


def _adopt(mail: Any, words: Said) -> None:
    from deploys.adopting import sources

    sources.judged(*map(words.get, ("from", "directory", "messages", "hostname", "overwrite")))


def _bans(mail: Any, words: Said) -> None:
    from deploys.components.bans.operator import judged

    judged(mail, words.get("unban"))


def _trace(mail: Any, words: Said) -> None:
    from deploys.tracing.asked import Question

    Question.of(*map(words.get, ("about", "since", "last")))


JUDGES: Mapping[str, Callable[[Any, Said], None]] = {
    "adopt.py": _adopt,
    "app_password.py": _app_password,
    "archive.py": _archive,
    "backup.py": _backup,
    "bans.py": _bans,
    "contacts.py": _contacts,
    "migrate.py": _migrate,
    "restore.py": _restore,
    "trace.py": _trace,
}
