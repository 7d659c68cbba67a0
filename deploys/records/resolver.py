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
    """One resolver. ``address`` None: the workstation's first. dnspython remembers what it said, for as long as the
    DNS allows; what failed is not asked again, and nothing any more after the first question brought no answer at all,
    or later ``PATIENCE`` in a row, or when those that failed have taken ``LOST`` seconds: so the whole has an end,
    whatever the network does."""

    address: str | None = None
    port: int = 53
    timeout: float = 5.0  # seconds, for each of two attempts
    _failed: dict[tuple[str, str, bool], Answer] = field(default_factory=dict, repr=False)
    _silences: int = field(default=0, repr=False)
    _heard: bool = field(default=False, repr=False)
    _lost: float = field(default=0.0, repr=False)  # seconds

    def ask(self, name: str, kind: str, *, unchecked: bool = False) -> Answer:
        """The answer, never an exception."""
        key = (name.rstrip(".").lower(), kind, unchecked)
        if key in self._failed:
            return self._failed[key]
        answer = self._answer(*key)
        if answer.state == "failed":
            self._failed[key] = answer
        return answer

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
            whole = dns.name.from_text(name or ".")
        except (dns.exception.DNSException, ValueError) as error:  # others' records name what no name can be
            return Answer("failed", reason=f"{name} is no name: {error}")
        try:
            response = self._response(whole, kind, self._unchecked if unchecked else self._checked)
            self._silences, self._heard = 0, True
            return understood(response, kind)
        except Exception as error:  # silence, or bytes that are no answer
            self._silences += 1
            return Answer("failed", reason=str(error) or type(error).__name__, silent=True)

    def _response(self, name: dns.name.Name, kind: str, ask: dns.resolver.Resolver) -> dns.message.Message:
        """What was said, also that there is no such name or that it cannot be told."""
        ask.timeout = self.timeout if self._heard else min(self.timeout, FIRST)
        try:  # a lost datagram says nothing; the second silence does
            return ask.resolve(name, kind, raise_on_no_answer=False, lifetime=2 * ask.timeout).response
        except dns.resolver.NXDOMAIN as error:
            return error.response(name)
        except dns.resolver.NoNameservers as error:
            for *_, response in error.kwargs["errors"]:
                if response is not None:
                    return response
            raise

    @cached_property
    def _server(self) -> str:
        return self.address or str(dns.resolver.Resolver().nameservers[0])

    @cached_property
    def _checked(self) -> dns.resolver.Resolver:
        return self._remembering(dns.flags.RD | dns.flags.AD)

    @cached_property
    def _unchecked(self) -> dns.resolver.Resolver:
        """With a memory of its own: what is said without validation is no answer to a question with it."""
        return self._remembering(dns.flags.RD | dns.flags.AD | dns.flags.CD)

    def _remembering(self, flags: int) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [self._server], self.port
        resolver.cache = dns.resolver.LRUCache()
        resolver.use_edns(0, dns.flags.DO, dns.message.DEFAULT_EDNS_PAYLOAD)
        resolver.set_flags(flags)
        return resolver


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
