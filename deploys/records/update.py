"""Dynamic update (RFC 2136) of a name server of one's own: only what differs, never anybody else's records."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataset
import dns.rdatatype
import dns.tsig
import dns.update

from deploys.records.record import Record, absolute, comparable
from deploys.records.tsig import TsigKey

TIMEOUT = 10.0  # seconds for each question


class UpdateError(Exception):
    """The server did not take the update; the message says why, and what to do."""


@dataclass(frozen=True)
class Server:
    """Whom to tell: an address, a port, and the key that its zone's update policy knows."""

    address: str
    port: int
    key: TsigKey

    @property
    def signature(self) -> dns.tsig.Key:
        """The key as dnspython takes it."""
        secret = base64.b64decode(self.key.secret.get_secret_value())
        return dns.tsig.Key(dns.name.from_text(self.key.name), secret, self.key.algorithm)


@dataclass(frozen=True)
class Change:
    """What becomes of one name and type. ``before``: the whole set found there, None for nothing."""

    record: Record
    before: dns.rdataset.Rdataset | None
    remove: tuple[dns.rdata.Rdata, ...]
    add: tuple[dns.rdata.Rdata, ...]

    def __str__(self) -> str:
        """One line for the operator."""
        signs = [("-", rdata) for rdata in self.remove] + [("+", rdata) for rdata in self.add]
        return "; ".join(f"{sign} {self.record.name} {self.record.type} {rdata}" for sign, rdata in signs)


def changes(server: Server, records: Sequence[Record]) -> tuple[Change, ...]:
    """What must change on the server so that it holds the records. Asks it; sends nothing."""
    found = ((record, present(server, record)) for record in records)
    return tuple(one for record, before in found if (one := change(record, before)) is not None)


def change(record: Record, before: dns.rdataset.Rdataset | None) -> Change | None:
    """The step from the set found at the record's name and type to one that holds the record; None: it does.

    Values that are not ours (another program's TXT at the same name) stay. A changed TTL alone is a change.
    """
    ours = [rdata for rdata in before or () if record.owns(rdata)]
    wanted = {comparable(rdata): rdata for rdata in record.rdatas}
    kept = {comparable(rdata) for rdata in ours} & set(wanted)
    remove = tuple(rdata for rdata in ours if comparable(rdata) not in kept)
    add = tuple(rdata for key, rdata in wanted.items() if key not in kept)
    if before is not None and before.ttl != record.ttl:
        add = tuple(wanted.values())  # the server takes the newest TTL for the whole set
    return Change(record, before, remove, add) if remove or add else None


def present(server: Server, record: Record) -> dns.rdataset.Rdataset | None:
    """The set that the server now holds at a record's name and type. Raises UpdateError where it does not answer."""
    question = dns.message.make_query(record.name, record.type)
    answer = _ask(server, question)
    if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        raise UpdateError(_refusal(server, record.name, answer.rcode()))
    name = dns.name.from_text(record.name)
    kind = dns.rdatatype.from_text(record.type)
    return next((found for found in answer.answer if found.name == name and found.rdtype == kind), None)


def message(zone: str, changes: Sequence[Change]) -> dns.update.UpdateMessage:
    """One update: all of it happens, or, where any set is no longer as it was found, none of it."""
    update = dns.update.UpdateMessage(absolute(zone))
    for one in changes:
        if one.before is None:
            update.absent(one.record.name, one.record.type)
        else:
            update.present(one.record.name, dns.rdataset.from_rdata_list(0, list(one.before)))  # TTL 0: RFC 2136, 2.4.2
    for one in changes:
        for rdata in one.remove:
            update.delete(one.record.name, rdata)
        for rdata in one.add:
            update.add(one.record.name, one.record.ttl, rdata)
    return update


def send(server: Server, zone: str, changes: Sequence[Change]) -> None:
    """Makes the changes, and reads them back: a server drops, without a word, a CNAME beside other records.

    Raises UpdateError; then either nothing happened, or the message names what is still missing.
    """
    if not changes:
        return
    answer = _ask(server, message(zone, changes))
    if answer.rcode() != dns.rcode.NOERROR:
        raise UpdateError(_refusal(server, zone, answer.rcode()))
    missing = [one.record for one in changes if change(one.record, present(server, one.record)) is not None]
    if missing:
        named = ", ".join(f"{record.name} {record.type}" for record in missing)
        raise UpdateError(f"{server.address} took the update, but not {named}; take away what else stands at the name")


def _ask(server: Server, question: dns.message.Message) -> dns.message.Message:
    question.use_tsig(server.signature)
    try:
        return dns.query.tcp(question, server.address, timeout=TIMEOUT, port=server.port)
    except dns.tsig.PeerBadTime:
        raise UpdateError(f"{server.address} has another time than this workstation; set both clocks") from None
    except (dns.tsig.PeerError, dns.tsig.BadSignature):
        raise UpdateError(
            f"{server.address} does not accept the key {server.key.name}; give it the same key, name and algorithm"
        ) from None
    except (dns.exception.DNSException, OSError) as error:
        reason = str(error) or type(error).__name__
        raise UpdateError(f"{server.address} port {server.port} does not answer over TCP ({reason})") from None


_REFUSALS = {
    dns.rcode.NXRRSET: "somebody changed the zone meanwhile; run again",
    dns.rcode.YXRRSET: "somebody changed the zone meanwhile; run again",
    dns.rcode.REFUSED: "its policy does not let this key do that; see allow-update or update-policy",
    dns.rcode.NOTAUTH: "it is not the zone's primary, or does not know the key; see dns.server and dns.key",
    dns.rcode.NOTZONE: "a name is outside the zone; say the right one in dns.zone",
}


def _refusal(server: Server, name: str, rcode: dns.rcode.Rcode) -> str:
    advice = _REFUSALS.get(rcode, "see its log")
    return f"{server.address} refused ({dns.rcode.to_text(rcode)}) for {name}: {advice}"
