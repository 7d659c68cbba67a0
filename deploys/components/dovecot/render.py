"""The text that Dovecot reads. Same options in, same text out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import idna

from deploys.components.account import options as account
from deploys.components.bans import options as guard
from deploys.components.component import Context
from deploys.components.dovecot import probe
from deploys.components.dovecot.options import AUTH_SOCKET, LMTP_SOCKET, QUOTA_SOCKET, Dovecot
from deploys.components.dovecot.quota import render as quota_warnings
from deploys.components.dovecot.sieve import render as sieve
from deploys.components.metrics import options as metrics
from deploys.components.postfix.options import SPOOL
from deploys.config.addresses.options import Directory
from deploys.config.mailserver import MailServer
from deploys.probes.program import MOST_NAMES, program
from deploys.render import dovecot_quote, template
from deploys.values import hashes
from deploys.values.tls import CIPHERS, OLDEST
from facts.mailboxes import STORE
from operations.file import File

HERE = Path(__file__).parent
SERIES = ("2.3", "2.4")
DIRECTORY = "/etc/dovecot"
USERS = f"{DIRECTORY}/users"
ALIASES = f"{DIRECTORY}/aliases"  # Dovecot appends the asking service's name
LEARNING = "learning"  # below DIRECTORY
NO_LOGIN = f"{DIRECTORY}/no-login"
SPELLINGS = f"{DIRECTORY}/spellings"
NOTES = account.NOTES.removeprefix(f"{DIRECTORY}/")
SHARING = f"{STORE}/shared-mailboxes"  # Dovecot's list of who lets whom in, also by SETACL
SHARED = "shared"  # the namespace under which members see a mailbox
PROBE_USERS = f"{DIRECTORY}/probe-users"
PROBE_HOME = "/var/lib/posthaus-probe"
INDEXERS = {"2.3": "dovecot-fts-xapian", "2.4": "dovecot-flatcurve"}  # what Debian has for each
FIRST_HUMAN = 1000  # login.defs: Debian gives people user ids from here on


@dataclass(frozen=True)
class Row:
    """One line of a passwd-file: ``quota`` in bytes, None for the default."""

    name: str
    hash: str = ""
    fields: tuple[str, ...] = ()
    quota: int | None = None


def packages(dovecot: Dovecot, search: bool = False, series: str = "2.4") -> tuple[str, ...]:
    """The Debian packages that the declared protocols need, and the index of words where people ``search`` by it."""
    daemons = {"imap": "dovecot-imapd", "pop3": "dovecot-pop3d", "sieve": "dovecot-managesieved"}
    return (
        "dovecot-core",
        "dovecot-lmtpd",
        "dovecot-sieve",
        "openssl",  # makes the probe's secret and its hash
        *(daemons[protocol] for protocol in dovecot.protocols),
        *((INDEXERS[series],) if search else ()),
    )


def configuration(context: Context) -> dict[str, File]:
    """Every file of ours below /etc/dovecot, for the host's Dovecot (2.3 or 2.4)."""
    mail, series = context.mail, context.machine.dovecot_series
    directory, taught = mail.directory, taught_at(mail)
    return {
        "dovecot.conf": File(dovecot_conf(context)),
        **(learning(taught, series == "2.4" and bool(directory.shared)) if taught else {}),
        "users": File(users(directory, series), "0640", "root", "dovecot"),
        **(
            {NOTES: File(notes(directory, series), "0640", "root", "dovecot")}
            if directory.accounts == "virtual"
            else {}
        ),
        **({"spellings": File(text, "0640", "root", "dovecot")} if (text := spellings(directory, series)) else {}),
        "no-login": File(no_login(directory, series), "0640", "root", "dovecot"),
        "aliases.quota-status": File(quota_aliases(directory, series), "0640", "root", "dovecot"),
        **({"aliases.lmtp": File(text, "0640", "root", "dovecot")} if (text := former(directory, series)) else {}),
        # Dovecot 2.4 lists nobody (doveadm -A) where one of its user databases has no file to look into.
        **{f"aliases.{protocol}": File("", "0640", "root", "dovecot") for protocol in ("", "doveadm")},
        **sieve.programs(),
        **quota_warnings.files(mail),
    }


def taught_at(mail: MailServer) -> str | None:
    """Where rspamd learns what people move to and from Junk by IMAP; None: it does not."""
    return mail.learn_endpoint if "imap" in mail.dovecot.protocols else None


def dovecot_conf(context: Context) -> str:
    """dovecot.conf (https://doc.dovecot.org/), whole."""
    mail, series = context.mail, context.machine.dovecot_series
    directory, dovecot = mail.directory, mail.dovecot
    virtual = directory.accounts == "virtual"
    return template(
        HERE / f"dovecot-{series}.conf.j2",
        protocols=(*dovecot.protocols, "lmtp"),
        listen="*, ::" if context.machine.ipv6 else "*",
        tls=mail.tls,
        oldest=OLDEST,
        ciphers=CIPHERS,
        guard=guard.URL if mail.bans else "",
        hostname=mail.hostname,
        tells_origin=bool(mail.webmail),
        virtual=virtual,
        weak_schemes=virtual and any(hashes.needs_permission(box.password or "") for box in mail.mailboxes.values()),
        first_uid=directory.owner.uid if virtual else FIRST_HUMAN,
        last_uid=directory.owner.uid if virtual else 0,
        owner=directory.owner.name,
        store=STORE,
        users=USERS,
        account=account,
        aliases=ALIASES,
        probe_users=PROBE_USERS,
        shared=SHARED,
        boxes=sorted(directory.shared),
        sharing=SHARING if directory.shared else "",
        spellings=SPELLINGS if spellings(directory, series) else "",
        no_login=NO_LOGIN,
        search=mail.search,
        metrics=metrics.DOVECOT.split(":") if mail.metrics else (),
        domain=directory.domains[0],
        quota=directory.quota,
        quota_warning=quota_warnings.WARNING,
        sieve_before=sieve.BEFORE,
        sieve_submit=sieve.SUBMIT,
        redirects=sieve.REDIRECTS,
        protected_headers=sieve.PROTECTED_HEADERS,
        spool=SPOOL,
        auth_socket=AUTH_SOCKET,
        lmtp_socket=LMTP_SOCKET,
        quota_socket=QUOTA_SOCKET,
        learning=f"{DIRECTORY}/{LEARNING}" if taught_at(mail) else "",
        settings=settings(dovecot),
    )


def learning(learn_endpoint: str, shared: bool = False) -> dict[str, File]:
    """What follows a move to or from Junk (IMAPSieve, RFC 6785). ``shared``: one script is for others' folders."""
    names = ("spam.sieve", "ham.sieve", *(("shared.sieve",) if shared else ()))
    scripts = {f"{LEARNING}/{name}": File((HERE / name).read_text(encoding="utf-8")) for name in names}
    return {**scripts, f"{LEARNING}/learn": File(template(HERE / "learn.j2", controller=learn_endpoint), mode="0755")}


def settings(dovecot: Dovecot) -> str:
    """The operator's own settings as text; ``protocol imap/mail_max_userip_connections`` is one inside a block."""
    return "\n".join(_setting(name.split("/"), _value(value)) for name, value in dovecot.settings.items())


def users(directory: Directory, series: str) -> str:
    """The passwd-file of declared mailboxes: who may log in, with which hash, and who receives."""
    rows = [row for address in sorted(directory.mailboxes) for row in _rows(directory, address)]
    return template(HERE / f"users-{series}.j2", rows=rows)


def spellings(directory: Directory, series: str) -> str:
    """For logins alone: mailboxes of internationalised domains as people write them, each the one in A-labels."""
    if directory.accounts == "system":
        return ""
    written = {_spelt(address): address for address in directory.mailboxes if _spelt(address) != address}
    rows = [
        Row(name, fields=("noauthenticate", f"user={address}"))  # what is asked next asks about the address
        for name, address in sorted(written.items())
    ]
    return template(HERE / f"users-{series}.j2", rows=rows) if rows else ""


def no_login(directory: Directory, series: str) -> str:
    """Every name of the mailboxes that nobody logs in to. It is asked before any password is (``deny``).

    The file is there where it names nobody, too: an smtpd of Postfix goes on asking the auth process it began with,
    which knows the configuration of before a reload for as long, but reads each file again that has changed.
    """
    shut = [address for address, box in directory.mailboxes.items() if not box.login]
    names = {name for address in shut for name in (address, directory.login(address), _spelt(address))}
    return template(HERE / f"users-{series}.j2", rows=[Row(name) for name in sorted(names)]) if names else ""


def _spelt(address: str) -> str:
    """``address`` as people write it, its domain in its own script."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{idna.decode(domain)}" if "xn--" in domain else address


def notes(directory: Directory, series: str) -> str:
    """For each mailbox with a password, the note under which what its person chose is found; no row lets anybody in."""
    rows = [
        Row(address, fields=("noauthenticate", f"note={account.note(box.password)}"))
        for address, box in sorted(directory.mailboxes.items())
        if box.password
    ]
    return template(HERE / f"users-{series}.j2", rows=rows)


def former(directory: Directory, series: str) -> str:
    """For deliveries alone: former names, under which Postfix may still hand in what it had on its way."""
    if directory.accounts == "system":
        return ""
    rows = [Row(old, fields=(f"userdb_user={address}",)) for address, olds in directory.renamed.items() for old in olds]
    return template(HERE / f"users-{series}.j2", rows=sorted(rows, key=lambda row: row.name)) if rows else ""


def quota_aliases(directory: Directory, series: str) -> str:
    """For quota-status alone: the mailbox that an alias or a catch-all fills.

    An alias with several targets has no row: a message that fits into one of them shall not be refused.
    """
    leads = {alias: _only_mailbox(directory, alias) for alias in directory.all_aliases}
    rows = [Row(alias, fields=(f"userdb_user={directory.login(found)}",)) for alias, found in leads.items() if found]
    return template(
        HERE / f"users-{series}.j2", rows=[*sorted(rows, key=lambda row: row.name), *_catch_alls(directory)]
    )


def _only_mailbox(directory: Directory, address: str) -> str | None:
    end = directory.expand(address)
    return end.mailboxes[0] if len(end.mailboxes) == 1 and not end.outside else None


def _catch_alls(directory: Directory) -> list[Row]:
    # Dovecot has looked for the mailbox itself before it comes here, so the row says what the mailbox's own would say.
    if directory.accounts == "system":  # where a Unix user's home lies only the host knows
        return []
    leads = {domain: _only_mailbox(directory, target) for domain, target in sorted(directory.catch_all.items())}
    return [
        Row(f"@{domain}", fields=(f"userdb_user={found}", f"userdb_home={home(found)}"), quota=_quota(directory, found))
        for domain, found in leads.items()
        if found
    ]


def probe_row(directory: Directory) -> tuple[str, str]:
    """Its row in a passwd-file, before and after the hash that only the host knows; good from the host alone."""
    before = f"{directory.probe}:{{SHA512-CRYPT}}"
    owner = directory.owner
    return before, f":{owner.uid}:{owner.group_id}::{PROBE_HOME}::allow_nets=127.0.0.0/8,::1"


def running(mail: MailServer) -> str:
    """A shell command that succeeds where Dovecot takes a message from Postfix, lets the probe in and shows it."""
    dovecot, tls = mail.dovecot, mail.tls
    auth, lmtp, quota = (f"{SPOOL}/{socket}" for socket in (AUTH_SOCKET, LMTP_SOCKET, QUOTA_SOCKET))
    own = not any(name.rpartition("/")[2].startswith("ssl") for name in dovecot.settings)
    chains = [
        (None, tls.chain_path if own else None),
        *((name, tls.chain_of(name) if own else None) for name in tls.sni),
    ]
    return program(
        probe,
        protocols=list(dovecot.protocols),
        address=mail.directory.probe,
        auth=auth,
        lmtp=lmtp,
        quota=quota,
        chains=chains[:MOST_NAMES],
    )


def home(address: str) -> str:
    """Where the store of a virtual mailbox lies."""
    local, _, domain = address.rpartition("@")
    return f"{STORE}/{domain}/{local}"


def _rows(directory: Directory, address: str) -> list[Row]:
    quota = _quota(directory, address)
    if directory.accounts == "virtual":
        return [Row(address, directory.mailboxes[address].password or "!", quota=quota)]
    login = directory.login(address)
    fields = ("noauthenticate", f"user={login}", f"userdb_user={login}")
    return [Row(name, fields=fields, quota=quota) for name in sorted({login, address})]


def _quota(directory: Directory, address: str) -> int | None:
    quota = directory.quota_of(address)
    return None if quota == directory.quota else quota


def _setting(path: list[str], value: str) -> str:
    if len(path) == 1:
        return f"{path[0]} = {value}"
    return f"{path[0]} {{\n{_indented(_setting(path[1:], value))}\n}}"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _value(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return dovecot_quote(str(value))
