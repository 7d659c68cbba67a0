"""Dovecot: who has a mailbox, how it is read, and how Postfix delivers into it."""

from __future__ import annotations

from pyinfra.api import deploy
from pyinfra.api.exceptions import DeployError

from deploys.components.dovecot import render
from deploys.components.dovecot.options import Dovecot
from deploys.components.dovecot.services import services
from deploys.components.tls.options import Tls
from deploys.config.addresses.options import Directory
from operations import accounts, config, directories, mailboxes, probe, unit

TARGET = render.DIRECTORY
# doveconf(1) warns with exit status 0, so what it says counts.
_VALIDATE = """said=$(doveconf -c "$STAGE/dovecot.conf" -n 2>&1 >/dev/null) || said="${said:-doveconf failed}"
[ -z "$said" ] || { printf '%s\\n' "$said" | sed "s|$STAGE|$TARGET|g" >&2; exit 1; }
"""


def private_directories(owner: str) -> dict[str, directories.Directory]:
    """Room for messages and sockets. ``owner``: the user, and the group, that owns virtual mail."""
    return {
        render.STORE: directories.Directory("0770", owner, owner),
        render.PROBE_HOME: directories.Directory("0700", owner, owner),
        # For the sockets that Postfix knocks at; Postfix itself would make it when it first starts, just like this.
        f"{render.SPOOL}/private": directories.Directory("0700", "postfix", "root"),
    }


@deploy("Dovecot")
def deploy_dovecot(
    dovecot: Dovecot, directory: Directory, tls: Tls, series: str, ipv6: bool, learn_endpoint: str | None
) -> None:
    """IMAP, POP3, ManageSieve as declared, and LMTP. DeployError for a ``series`` that no template speaks.

    ``learn_endpoint``: as for ``render.configuration``.
    """
    if series not in render.SERIES:
        raise DeployError(f"Dovecot {series or '(none to be had)'} is not known here, only {', '.join(render.SERIES)}")
    system, owner = directory.accounts == "system", directory.owner.name
    _people(directory)
    directories.present(
        name="Make directories for messages and sockets",
        directories=private_directories(owner),
    )
    before, after = render.probe_row(directory)
    probe.made(name="Create the mailbox that verify uses", path=render.PROBE_USERS, before=before, after=after)
    logins = {address: directory.login(address) for address in directory.mailboxes}
    mailboxes.named(name="Name messages without a mailbox", declared=logins, system=system)
    conf = config.tree(
        name="Write Dovecot's configuration",
        target=TARGET,
        files=render.configuration(dovecot, directory, tls, series, ipv6, learn_endpoint),
        validate=_VALIDATE,
    )
    (service,) = services(tls)
    unit.converge(
        name="Run Dovecot with it",
        probe=render.running(dovecot, directory, tls),
        after=[conf],
        **service.question,
    )
    keep = {*logins, *logins.values(), render.probe_address(directory)}
    mailboxes.closed(name="Close the sessions of mailboxes that are gone", keep=keep)


def _people(directory: Directory) -> None:
    owner = directory.owner
    accounts.system_user(
        name="Create the user that owns virtual mail",
        user=owner.name,
        uid=owner.uid,
        gid=owner.group_id,
        home=render.STORE,
        as_it_is=owner.meant,
    )
    if directory.accounts == "system":
        accounts.mail_users(
            name="Create system users",
            passwords={directory.login(address): mailbox.crypt for address, mailbox in directory.mailboxes.items()},
            names={directory.login(address): box.name for address, box in directory.mailboxes.items() if box.name},
        )
