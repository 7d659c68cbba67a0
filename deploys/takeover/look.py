"""What preflight asks and says about somebody else's configuration; what ours must know to stand beside it."""

from __future__ import annotations

from deploys.components.apache.render import Beside
from deploys.components.postsrsd import render as srs
from deploys.components.rspamd import render as rspamd
from deploys.components.squirrelmail import deploy as squirrelmail
from deploys.components.squirrelmail import render as webmail
from deploys.components.tls import render as tls
from deploys.config.mailserver import MailServer
from deploys.takeover import problems
from deploys.takeover.standing import Standing, standing
from facts.acme import LETSENCRYPT
from facts.foreign import Foreign, ForeignState
from facts.machine import MachineState
from facts.survey import Question, question
from operations.state import tree_id

DIRECTORIES = {
    "postfix": "/etc/postfix",
    "dovecot": "/etc/dovecot",
    "rspamd": rspamd.DIRECTORY,
    "unbound": "/etc/unbound",
}


def about(mail: MailServer, machine: MachineState) -> Question[ForeignState]:
    """What to ask the host."""
    return question(
        Foreign,
        components=list(_components(mail)),
        user=mail.vmail.name,
        uid=mail.vmail.uid,
        gid=mail.vmail.group_id,
        php=machine.php_version,
        files=[(tree_id(target), path, f"{target}/{path}") for target, path in _files(mail)],
    )


def found(mail: MailServer, machine: MachineState, state: ForeignState) -> list[Standing]:
    """What the run would replace."""
    own = (mail.hostname, machine.hostname, state.hostname)
    return standing(state, own, mail.domains, mail.accounts == "system")


def takeover_problems(mail: MailServer, machine: MachineState, state: ForeignState) -> list[str]:
    """What stands in the way of it."""
    people = [mail.directory.login(address) for address in mail.mailboxes] if mail.accounts == "system" else None
    return [
        *problems.unspoken(found(mail, machine, state), mail.takeover),
        *problems.account_problems(state, mail.vmail, people),
        *problems.site_problems(state, _names(mail)),
    ]


def beside(mail: MailServer, state: ForeignState) -> Beside | None:
    """What Apache's configuration must know of others' sites; None where there are none."""
    if not problems.beside(state):
        return None
    ports = sorted({80, *((mail.webmail.port,) if mail.webmail else ()), *((443,) if mail.pages else ())})
    own = (*mail.names, *mail.page_names)
    first = mail.webmail.hostname if mail.webmail else mail.hostname
    there = {site.port for site in state.sites}
    return Beside(
        names=tuple(name for name in own if name != first and not name.startswith("autoconfig.")),
        theirs={
            port: tuple(sorted({site.address for site in state.sites if site.port == port})) for port in sorted(there)
        },
        heard=tuple(port for port in ports if problems.listens(state, port)),
        ports=tuple(ports),
    )


def php_beside(mail: MailServer, state: ForeignState) -> bool:
    """Whether PHP serves somebody else too, so that our pool stands beside others."""
    if "php" in state.ours:
        return False
    return bool("php" in state.beside or state.files.get("php") or (problems.beside(state) and "php" in state.there))


def _components(mail: MailServer) -> tuple[str, ...]:
    wanted = {
        "postfix": True,
        "dovecot": True,
        "apache": True,
        "php": bool(mail.webmail),
        "rspamd": bool(mail.filter),
        "unbound": mail.resolves,
        "files": True,
    }
    return tuple(component for component, there in wanted.items() if there)


def _files(mail: MailServer) -> list[tuple[str, str]]:
    """Files of ours whose names somebody else may have used: ``(target, path)``."""
    pages = [
        (webmail.CONFIGURATION, "config_local.php"),
        (squirrelmail.TMPFILES, "squirrelmail.conf"),
        (squirrelmail.LOGROTATE, "squirrelmail"),
    ]
    forwarding = [(srs.target("1"), "postsrsd"), (srs.target("2"), "postsrsd.conf")]
    return [
        *(pages if mail.webmail else ()),
        *(forwarding if mail.forwards else ()),
        *([(LETSENCRYPT, tls.HOOK)] if mail.tls.acme else ()),
    ]


def _names(mail: MailServer) -> tuple[str, ...]:
    return (*mail.names, *mail.page_names)
