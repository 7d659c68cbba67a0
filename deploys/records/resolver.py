"""The DNS as others see it: questions from the workstation to one resolver."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.resolver
from dns.rdtypes.ANY.RRSIG import RRSIG

from deploys.records.record import text_of

PATIENCE = 3
FIRST = 3.0  # seconds for each attempt until the resolver has answered anything
LOST = 15.0  # seconds that questions without a use may take in all; what is asked after that is not asked
State = Literal["found", "nodata", "nxdomain", "failed"]


@dataclass(frozen=True)
class Answer:
    """What one question brought. ``failed``: nobody can tell from it what the DNS holds; ``reason`` says why.

    ``name``: where the values stand in the end, behind any CNAME. ``authenticated``: the resolver validated it
    (DNSSEC). ``signed_until``: when the served signature ends, seconds since 1970; None: unsigned.
    ``ttl``: seconds that others may remember it. ``silent``: nobody said anything at all.
    """

    state: State
    rdatas: tuple[dns.rdata.Rdata, ...] = ()
    name: str = ""
    alias: bool = False
    authenticated: bool = False
    signed_until: int | None = None
    reason: str = ""
    ttl: int = 0
    silent: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """The values as a zone file writes them."""
        return tuple(rdata.to_text() for rdata in self.rdatas)

    @property
    def texts(self) -> tuple[str, ...]:
        """TXT values, each one's strings joined."""
        return tuple(text_of(rdata) for rdata in self.rdatas)


class Ask(Protocol):
    """A question: a name and a type."""

    def __call__(self, name: str, kind: str, *, unchecked: bool = False) -> Answer:
        """``unchecked``: without the resolver's DNSSEC validation."""
        ...


@dataclass
class Resolver:
    """One resolver. ``address`` None: the workstation's first. Every question is asked once in the object's life, and
    none any more after the first brought no answer at all, or later ``PATIENCE`` in a row, or when those that failed
    have taken ``LOST`` seconds: so the whole has an end, whatever the network does."""

    address: str | None = None
    port: int = 53
    timeout: float = 5.0  # seconds, for each of two attempts
    _known: dict[tuple[str, str, bool], Answer] = field(default_factory=dict, repr=False)
    _silences: int = field(default=0, repr=False)
    _heard: bool = field(default=False, repr=False)
    _lost: float = field(default=0.0, repr=False)  # seconds

    def ask(self, name: str, kind: str, *, unchecked: bool = False) -> Answer:
        """The answer, never an exception."""
        key = (name.rstrip(".").lower(), kind, unchecked)
        if key not in self._known:
            self._known[key] = self._answer(*key)
        return self._known[key]

    def _answer(self, name: str, kind: str, unchecked: bool) -> Answer:
        if self._silences >= (PATIENCE if self._heard else 1):
            return Answer("failed", reason=f"{self._server} is silent", silent=True)
        if self._lost > LOST:
            return Answer("failed", reason=f"{self._server} has answered too little for too long")
        began = time.monotonic()
        answer = self._asked(name, kind, unchecked)
        self._lost += time.monotonic() - began if answer.state == "failed" else 0
        return answer

    def _asked(self, name: str, kind: str, unchecked: bool) -> Answer:
        try:
            question = dns.message.make_query(name or ".", kind, want_dnssec=True)
        except (dns.exception.DNSException, ValueError) as error:  # others' records name what no name can be
            return Answer("failed", reason=f"{name} is no name: {error}")
        question.flags |= dns.flags.AD | (dns.flags.CD if unchecked else 0)
        try:
            response = self._exchange(question)
            self._silences, self._heard = 0, True
            return understood(response, kind)
        except Exception as error:  # silence, or bytes that are no answer
            self._silences += 1
            return Answer("failed", reason=str(error) or type(error).__name__, silent=True)

    def _exchange(self, question: dns.message.Message) -> dns.message.Message:
        seconds = self.timeout if self._heard else min(self.timeout, FIRST)
        try:
            return dns.query.udp_with_fallback(question, self._server, timeout=seconds, port=self.port)[0]
        except dns.exception.Timeout:  # a lost datagram says nothing; the second silence does
            return dns.query.udp_with_fallback(question, self._server, timeout=seconds, port=self.port)[0]

    @cached_property
    def _server(self) -> str:
        return self.address or str(dns.resolver.Resolver().nameservers[0])


def understood(response: dns.message.Message, kind: str) -> Answer:
    """A message in our terms."""
    rcode = response.rcode()
    if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN) or not isinstance(response, dns.message.QueryMessage):
        return Answer("failed", reason=dns.rcode.to_text(rcode))
    chain = response.resolve_chaining()
    wanted = dns.rdatatype.from_text(kind)
    state: State = "found" if chain.answer else "nxdomain" if rcode == dns.rcode.NXDOMAIN else "nodata"
    return Answer(
        state,
        rdatas=tuple(chain.answer or ()),
        name=chain.canonical_name.to_text().lower(),
        alias=bool(chain.cnames) and wanted != dns.rdatatype.CNAME,
        authenticated=bool(response.flags & dns.flags.AD),
        ttl=chain.answer.ttl if chain.answer else 0,
        signed_until=_signed_until(response, chain.canonical_name, wanted),
    )


def _signed_until(response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> int | None:
    ends = [
        signature.expiration
        for found in response.answer
        if found.rdtype == dns.rdatatype.RRSIG and found.name == name
        for signature in found
        if isinstance(signature, RRSIG) and signature.type_covered == kind
    ]
    return min(ends, default=None)
