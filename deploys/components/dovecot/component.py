"""Dovecot: who has a mailbox, how it is read, and how Postfix delivers into it."""

from __future__ import annotations

from functools import partial

from deploys.components.account import options as account
from deploys.components.archive import options as archive
from deploys.components.component import (
    LOCAL_CONF,
    UNITS,
    AnyStep,
    Component,
    Context,
    Directories,
    Listener,
    Local,
    Look,
    Run,
    Secret,
    State,
    Step,
    Table,
    Tree,
    sandboxed,
)
from deploys.components.dovecot import readback, render
from deploys.components.dovecot.options import AUTH_SOCKET, HOMES, LMTP_SOCKET, LOGINS, QUOTA_SOCKET, TOLD
from deploys.components.dovecot.sieve import render as sieve
from deploys.components.metrics import options as metrics
from deploys.components.postfix.options import SPOOL
from deploys.components.tls.options import Tls
from deploys.config.addresses.options import Accounts
from deploys.config.mailserver import MailServer
from deploys.values import locations, ports
from facts.mailboxes import STORE
from facts.probe import PROBE
from facts.shared import Made
from facts.state import ROOT
from operations import accounts as users
from operations import brought, files, leaving, mailboxes, probe, renames, shared
from operations.directories import Directory
from operations.service import Service, program

DIRECTORY = render.DIRECTORY
MIGRATED = f"{ROOT}/migrate"  # deploys/migrating
PACKAGES = tuple(f"dovecot-{part}" for part in ("core", "imapd", "lmtpd", "managesieved", "pop3d", "sieve"))
LISTENERS = {
    "imap": (Listener(ports.IMAP, "imap", "IMAP"), Listener(ports.IMAPS, "imaps", "IMAP")),
    "pop3": (Listener(ports.POP3, "pop3", "POP3"), Listener(ports.POP3S, "pop3s", "POP3")),
    "sieve": (Listener(ports.SIEVE, "sieve", "ManageSieve"),),
}
LOCAL = (
    Local(f"{SPOOL}/{AUTH_SOCKET}", "who has which password, to Postfix"),
    Local(f"{SPOOL}/{LMTP_SOCKET}", "messages for mailboxes, from Postfix"),
    Local(f"{SPOOL}/{QUOTA_SOCKET}", "whether a mailbox has room, to Postfix"),
    Local(sieve.LISTENS, "what people's Sieve scripts send, from Dovecot itself"),
)
# What answers at the socket is started anew for each message.
SIEVE = Service(sieve.SOCKET, restart_on=(f"{UNITS}/{sieve.SOCKET}",))
# doveconf(1) warns with exit status 0, so what it says counts.
_VALIDATE = """said=$(doveconf -c "$STAGE/dovecot.conf" -n 2>&1 >/dev/null) || said="${said:-doveconf failed}"
[ -z "$said" ] || { printf '%s\\n' "$said" | sed "s|$STAGE|$TARGET|g" >&2; exit 1; }
"""


def service(tls: Tls) -> Service:
    """Dovecot. ``tls``: whose certificates it serves."""
    return Service(
        "dovecot.service",
        reload_on=(DIRECTORY, *tls.directories),
        # a master of before knows no protocol that has come with a new package
        restart_on=(sandboxed("dovecot.service"), *program(*PACKAGES)),
        trees=(DIRECTORY,),
    )


def component(context: Context) -> Component:
    """IMAP, POP3, ManageSieve as declared, LMTP, and the socket that Sieve scripts' messages go by."""
    mail = context.mail
    return Component(
        "Dovecot",
        packages=render.packages(mail.dovecot, mail.search, context.machine.dovecot_series),
        units=sieve.units(mail.accounts, mail.vmail.name),
        auto_restart=("dovecot.service",),
        sandbox={"dovecot.service": ("ProtectSystem=full",)},
        steps=(
            *_people(mail),
            Directories("Make directories for messages and sockets", directories(mail.vmail.name, mail.accounts)),
            *_mailboxes(mail),
            *(_chosen() if mail.accounts == "virtual" else ()),
            *_left_links(mail),
            *_handed_over(mail),
            Tree(
                "Write Dovecot's configuration",
                DIRECTORY,
                partial(render.configuration, context),
                validate=_VALIDATE,
            ),
            *_brought(mail),
            Run(
                "Run Dovecot with its configuration",
                service(mail.tls),
                render.running(mail),
                disconnects=True,
            ),
            Run("Run the service for Sieve scripts' messages", SIEVE, sieve.running()),
            Step("Close the sessions of mailboxes that are gone or shut", mailboxes.closed, {"keep": _may_stay(mail)}),
            *_archived(mail),
            *_shared(mail),
            *_links(mail),
        ),
        listens=tuple(listener for protocol in mail.dovecot.protocols for listener in LISTENERS[protocol]),
        processes=("dovecot", "imap-login", "pop3-login", "managesieve-log"),
        local=(*LOCAL, *((Local(metrics.DOVECOT, "Dovecot's own numbers"),) if mail.metrics else ())),
        tables=(Table(render.USERS, readback.read, hides=readback.HASH),),
        state=_state(mail),
        secrets=(Secret(f"{PROBE}/password"),),
        looks=_looks(mail),
        takeover="dovecot",
    )


def directories(owner: str, accounts: Accounts) -> dict[str, Directory]:
    """For messages and sockets. ``owner``: the user, and the group, that owns virtual mail."""
    warns = owner if accounts == "virtual" else "root"
    return {
        STORE: Directory("0770", owner, owner),
        render.PROBE_HOME: Directory("0700", owner, owner),
        TOLD: Directory("0700", warns, warns),
        # For the sockets that Postfix connects to; Postfix itself would make it when it first starts, just like this.
        f"{SPOOL}/private": Directory("0700", "postfix", "root"),
    }


def _people(mail: MailServer) -> tuple[Step, ...]:
    owner, boxes = mail.vmail, mail.directory.mailboxes
    user = {
        "user": owner.name,
        "uid": owner.uid,
        "gid": owner.group_id,
        "home": STORE,
        "as_it_is": owner.meant,
    }
    people = {
        "passwords": {mail.directory.login(address): box.crypt for address, box in boxes.items()},
        "names": {mail.directory.login(address): box.name for address, box in boxes.items() if box.name},
    }
    return (
        Step("Create the user that owns virtual mail", users.system_user, user),
        *((Step("Create system users", users.mail_users, people),) if mail.accounts == "system" else ()),
    )


def _chosen() -> tuple[AnyStep, ...]:
    """What people choose, which their own service writes: Dovecot wants the files to be there, empty or not."""
    user, file = account.USER, Directory("0640", account.USER, "dovecot")
    return (
        Step(
            "Create the user of people's own passwords",
            users.system_user,
            {"user": user, "uid": None, "home": "/nonexistent"},
        ),
        # The group's bit: what is written there belongs to Dovecot's group.
        Directories(
            "Make directories for people's own passwords",
            {path: Directory("2750", user, "dovecot") for path in (account.STATE, account.SESSIONS)},
        ),
        Step(
            "Make the files of people's own passwords",
            files.present,
            {"files": {account.CHOSEN: file, account.APPS: file}},
        ),
    )


def _mailboxes(mail: MailServer) -> tuple[Step, ...]:
    """Before Dovecot's list of mailboxes changes, which tells whose messages stay behind."""
    before, after = render.probe_row(mail.directory)
    return (
        Step(
            "Create the mailbox that verify uses",
            probe.made,
            {"path": render.PROBE_USERS, "before": before, "after": after},
        ),
        Step(
            "Name messages without a mailbox",
            mailboxes.named,
            {
                "declared": _logins(mail),
                "system": mail.accounts == "system",
                "former": _former(mail),
                "keeps": mail.archive,
            },
        ),
    )


def _former(mail: MailServer) -> set[str]:
    return {old for olds in mail.directory.renamed.values() for old in olds}


def _left_links(mail: MailServer) -> tuple[Step, ...]:
    if mail.accounts == "system":
        return ()
    former = mail.directory.renamed
    return (Step("Remove links that lead to somebody else", renames.left_links_removed, {"former": former}),)


def _handed_over(mail: MailServer) -> tuple[Step, ...]:
    """Before Dovecot's list of mailboxes changes: under its new name nobody has received anything yet."""
    if not mail.directory.renamed:
        return ()
    arguments = {
        "former": mail.directory.renamed,
        "owner": mail.vmail.name,
        "program": archive.PROGRAM,
    }
    return (Step("Hand renamed mailboxes over", renames.handed_over, arguments),)


def _brought(mail: MailServer) -> tuple[Step, ...]:
    """Once dovecot.conf says where messages lie from now on, and before anybody sees an empty mailbox."""
    sources = {mail.directory.login(address): _source(mail, address) for address in mail.messages_from}
    step = Step("Copy messages that lie elsewhere", brought.in_place, {"sources": sources})
    return (step,) if sources else ()


def _source(mail: MailServer, address: str) -> brought.Source:
    store, virtual = mail.messages_from[address], mail.accounts == "virtual"
    parts = locations.parts(store.messages)
    return brought.Source(
        place=store.messages,
        driver=parts["DRIVER"],
        path=parts["PATH"],
        user=mail.vmail.name if virtual else mail.directory.login(address),
        home=render.home(address) if virtual else "",
        inbox=parts.get("INBOX", ""),
        control=parts.get("CONTROL", ""),
        index=parts.get("INDEX", "") if parts["DRIVER"].endswith("dbox") else "",  # what others' say stands elsewhere
        second=parts.get("ALT", "") if parts["DRIVER"].endswith("dbox") else "",
        layout=parts.get("LAYOUT", "") if parts["DRIVER"] == "maildir" else "",
        sieve=store.sieve or "",
        trusted=virtual,
    )


def _links(mail: MailServer) -> tuple[Step, ...]:
    former = mail.directory.renamed
    return (Step("Remove links to renamed mailboxes", renames.links_removed, {"former": former}),) if former else ()


def _archived(mail: MailServer) -> tuple[Step, ...]:
    """Once Dovecot serves them no more; what is on its way to them still finds them (the link goes at the end)."""
    if mail.accounts == "system":
        return ()
    arguments = {**archive.leaving(mail.directory, mail.archive), "links": True}
    return (Step("Move mailboxes that are gone to the archive", leaving.archived, arguments),)


def _shared(mail: MailServer) -> tuple[Step, ...]:
    if mail.accounts == "system":
        return ()
    boxes = {address: Made(render.home(address), people) for address, people in mail.directory.shared.items()}
    arguments = {"boxes": boxes, "owner": mail.vmail.name, "prefix": render.SHARED}
    return (Step("Share mailboxes with their members", shared.members, arguments),)


def _logins(mail: MailServer) -> dict[str, str]:
    return {address: mail.directory.login(address) for address in mail.directory.mailboxes}


def _may_stay(mail: MailServer) -> set[str]:
    boxes = mail.directory.mailboxes
    logins = {address: login for address, login in _logins(mail).items() if boxes[address].login}
    return {*logins, *logins.values(), mail.directory.probe}


def _looks(mail: MailServer) -> tuple[Look, ...]:
    numbers = Look("endpoint", {"name": "dovecot", "at": metrics.DOVECOT, "unit": "dovecot"})
    full = Look("mailboxes", {"probe": mail.directory.login(mail.directory.probe)})
    return (full, numbers) if mail.metrics else (full,)


def _state(mail: MailServer) -> tuple[State, ...]:
    boxes = mail.directory.mailboxes.values()
    own = (
        State(f"{DIRECTORY}/local.conf", LOCAL_CONF, always=False),
        State(MIGRATED, "which messages were taken from other servers", always=False),
    )
    if mail.accounts == "virtual":
        chosen = State(account.STATE, "passwords that people chose, and app passwords (hashes)")
        return (State(STORE, "mailboxes, with flags and Sieve scripts"), chosen, *own)
    homes = State(HOMES, "mailboxes, with flags and Sieve scripts")
    unsaid = (State(LOGINS, "passwords that mail.yaml does not have"),) if not all(b.password for b in boxes) else ()
    return (homes, *unsaid, *own)
