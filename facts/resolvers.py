"""What name servers say to a host that asks as a validating resolver does."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

from facts.record import Record

# The root's SOA and com's DS, with DO (RFC 4035, 3.2.1) and room for 1,232 bytes. Others are asked with CD, as unbound
# asks whom it forwards to: the validating is its own. One on the loopback is asked what it validated itself.
_TAIL = r"\0\0\51\4\320\0\0\200\0\0\0"
_HEADS = {True: r"\120\110\1\40\0\1\0\0\0\0\0\1", False: r"\120\110\1\20\0\1\0\0\0\0\0\1"}
_QUESTIONS = (r"\0\0\6\0\1", r"\3com\0\0\53\0\1")
# By bash alone: a bare host has no other program for it. A lost datagram says nothing; the second silence does.
_COMMAND = r"""[ ! -e /etc/unbound/local.conf ] || echo told
ask() {
  for try in 1 2; do
    said=$(timeout 2 bash -c 'exec 3<>"/dev/udp/$1/$2" && printf "$3" >&3 && dd bs=65535 count=1 <&3 2>/dev/null |
      base64 -w0' ask "$1" "$2" "$3" 2>/dev/null) || said=
    [ -z "$said" ] || { echo "said $1 $said"; return 0; }
  done
  return 1
}
"""


@dataclass(frozen=True)
class Heard(Record):
    """One name server. ``said``: a response code of the DNS (NOERROR, REFUSED), empty: nothing at all. ``signed``: it
    passes on the signatures that a resolver validates by. ``validated``: it says that it did so itself (AD)."""

    said: str = ""
    signed: bool = False
    validated: bool = False


@dataclass(frozen=True)
class Answers(Record):
    """``heard``: by address. ``told``: an administrator's /etc/unbound/local.conf says whom to ask."""

    heard: dict[str, Heard] = field(default_factory=dict)
    told: bool = False


class Resolvers(FactBase[Answers]):
    """What these ``addresses`` answer about the root and below it, to a question as unbound forwards it.

    ``pyinfra inventory.py fact facts.resolvers.Resolvers addresses='["127.0.0.1"]'``
    """

    default = Answers

    @override
    def command(self, addresses: list[str], port: int = 53) -> StringCommand:
        asked = [f"{_call(address, port, 0)} && {_call(address, port, 1)};" for address in addresses]
        return StringCommand("sh", "-c", QuoteString(f"{_COMMAND}{' '.join(asked)} true"))

    @override
    def process(self, output: list[str]) -> Answers:
        said: dict[str, list[str]] = {}
        for line in output:
            word, _, rest = line.partition(" ")
            if word == "said":
                address, _, text = rest.partition(" ")
                said.setdefault(address, []).append(text)
        return Answers({address: _heard(texts) for address, texts in said.items()}, "told" in output)


def _call(address: str, port: int, question: int) -> str:
    return f"ask {address} {port} '{_HEADS[address == '127.0.0.1']}{_QUESTIONS[question]}{_TAIL}'"


def _heard(texts: list[str]) -> Heard:
    try:
        answers = [dns.message.from_wire(base64.b64decode(text)) for text in texts]
    except (binascii.Error, dns.exception.DNSException):
        return Heard("no DNS")
    first = answers[0]
    signed = all(any(rrset.rdtype == dns.rdatatype.RRSIG for rrset in (*one.answer, *one.authority)) for one in answers)
    return Heard(dns.rcode.to_text(first.rcode()), signed, bool(first.flags & dns.flags.AD))
