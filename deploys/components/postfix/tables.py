"""Postfix's tables: who receives, where to, and who sends. A row (postmap(1)): key, blank, value.

Each smtpd would read a texthash table whole: 37 MB each at 50,000 mailboxes. Those that grow with the addresses are
made into cdb (cdb_table(5)) on the host: an indexed file that all processes share, replaced by one rename.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploys.config.addresses.options import AUTOMATIC, Directory

INDEXED = ("domains", "mailboxes", "aliases", "senders", "own-senders", "helo-names")
NOBODY = "550 5.1.1 There is no such user here"
OUR_NAME = "550 5.7.1 This is our own name, not yours"
OURS = "553 5.7.1 Messages from this domain come only through its own servers, after a login"


def all_tables(hostname: str, directory: Directory) -> dict[str, str]:
    """The text of each table by its name below /etc/postfix/posthaus."""
    rows = {
        "domains": dict.fromkeys(directory.domains, "OK"),
        "mailboxes": dict.fromkeys((*directory.mailboxes, directory.probe), "OK"),
        "aliases": aliases(hostname, directory),
        "senders": senders(directory),
        "own-senders": dict.fromkeys((*directory.domains, hostname), OURS),
        "helo-names": dict.fromkeys((*directory.domains, hostname, "localhost"), OUR_NAME),
        "not-from-outside": not_from_outside(hostname, directory),
    }
    return {name: _table(table) for name, table in rows.items()}


def aliases(hostname: str, directory: Directory) -> dict[str, str]:
    """Every address that leads elsewhere (virtual(5)).

    A catch-all would swallow the mailboxes of its domain, so each mailbox leads to itself. All mail to Unix users,
    such as cron's, goes to the postmaster; with system accounts a person's own goes to the person's mailbox.
    """
    rows = {address: address for address in (*directory.mailboxes, directory.probe)}
    rows |= {address: ", ".join(targets) for address, targets in directory.all_aliases.items()}
    rows |= {f"@{domain}": target for domain, target in directory.catch_all.items()}
    for here in (hostname, "localhost"):
        if directory.accounts == "system":
            rows |= {f"{directory.login(address)}@{here}": address for address in directory.mailboxes}
        rows[f"@{here}"] = directory.postmaster
    return rows


def senders(directory: Directory) -> dict[str, str]:
    """Which logins may send as which address: their own, the aliases that lead to them, a catch-all's inventions."""
    return {address: ", ".join(logins) for address, logins in directory.senders.items()}


def not_from_outside(hostname: str, directory: Directory) -> dict[str, str]:
    """Recipients that strangers cannot reach (access(5)): the probe, and Unix users but those of RFC 2142."""
    reachable = {f"{local}@{hostname}": "DUNNO" for local in AUTOMATIC}
    return {directory.probe: NOBODY, **reachable, hostname: NOBODY, "localhost": NOBODY}


def _table(rows: Mapping[str, str]) -> str:
    return "".join(f"{key} {value}\n" for key, value in sorted(rows.items()))


def read_domains(text: str) -> dict[str, dict[str, dict[str, Any]]]:
    """The domains of the table ``domains``, as component.Table.read says."""
    return {"domain": {row.partition(" ")[0]: {} for row in text.splitlines() if row}}


def read_aliases(text: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Where each row of the table ``aliases`` leads, but for mailboxes that lead to themselves alone."""
    pairs = (row.partition(" ")[::2] for row in text.splitlines() if row)
    return {"route": {key: {"to": to.split(", ")} for key, to in pairs if key != to}}
