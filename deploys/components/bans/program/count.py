"""Who has failed how often, and what follows from it. Runs on the host, under its own python3; no clock, no kernel."""

from __future__ import annotations

import ipaddress
from collections import deque
from dataclasses import dataclass, field
from typing import TypeVar

Net = ipaddress.IPv4Network | ipaddress.IPv6Network
Key = TypeVar("Key")
Value = TypeVar("Value")
Rows = deque[tuple[float, str, str]]  # when, the login with its guess, the protocol
SPREAD = 3  # times the failures of one address: so many against one login, from wherever, and strangers to it wait
WAIT = 3  # seconds that they wait
PACE = 4  # logins a second from one address that has not had this login right yet: as many at once, the others in turn
CROWD = 6  # such logins a second, from wherever: each is 35 ms of Argon2, and Dovecot looks at one after another
PATIENCE = 6  # seconds that any of them waits for its turn, at most: Postfix gives Dovecot ten, a refusal takes two
REMEMBERED = 30 * 86400  # seconds for which a good login is remembered
LONGEST = 10_000  # failures that are remembered of one login
MOST = 50_000  # of whatever is remembered


def source(text: str) -> Net | None:
    """What is counted and shut out: an IPv4 address, or the /64 of an IPv6 one, which is one household. None: nothing,
    none that could be shut out, such as loopback."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    address = mapped or address
    if address.is_loopback:
        return None
    return ipaddress.ip_network((address, 32 if address.version == 4 else 64), strict=False)


@dataclass(frozen=True)
class Rules:
    """``failures`` within ``within`` seconds: shut out for ``span`` seconds, twice as long each time, at most
    ``longest``; never any of ``never``."""

    failures: int
    within: int
    span: int
    longest: int
    never: tuple[str, ...] = ()

    @property
    def spared(self) -> tuple[Net, ...]:
        """``never``, as networks."""
        return tuple(map(ipaddress.ip_network, self.never))


@dataclass(frozen=True)
class Attempt:
    """A login as Dovecot reports it. ``guess``: some bits of a hash of login and password, the same for the same."""

    login: str
    remote: str
    protocol: str
    guess: str
    success: bool


@dataclass(frozen=True)
class Suspect:
    """``who`` has failed too often; ``protocols``: in which, failure by failure."""

    who: Net
    protocols: tuple[str, ...]


@dataclass
class Count:
    """What is known, in memory. Times are seconds of one clock, whichever the caller has."""

    rules: Rules
    known: dict[tuple[str, str], float] = field(default_factory=dict)  # address and login: when it last was right
    former: dict[str, tuple[int, float]] = field(default_factory=dict)  # address: how many bans, when the last one ends
    _by_source: dict[Net, Rows] = field(default_factory=dict)
    _by_login: dict[str, Rows] = field(default_factory=dict)
    _turns: dict[Net, float] = field(default_factory=dict)
    _crowd: dict[int, int] = field(default_factory=dict)  # second: how many strangers' logins are looked at in it

    def wait(self, login: str, remote: str, now: float) -> int:
        """Seconds that this login shall wait before its password is looked at: passwords cost time to check, and others
        want to log in as well. Who has had this login right, from there, never waits, whatever others do."""
        who = source(remote)
        if who is None or self._is_known(who, login) or self.is_spared(who):
            return 0
        turn = max(self._turns.get(who, 0.0), now - 1) + 1 / PACE
        _put(self._turns, who, min(turn, now + PATIENCE))
        tried = _recent(self._by_login.get(login.lower(), deque()), now - self.rules.within)
        soonest = max(int(turn - now), WAIT if len(tried) >= SPREAD * self.rules.failures else 0)
        second = self._with_room(int(now) + soonest, int(now) + PATIENCE)
        self._crowd[second] = self._crowd.get(second, 0) + 1
        return second - int(now)

    def report(self, attempt: Attempt, now: float) -> Suspect | None:
        """Count it; whom to shut out, if it is one failure too many."""
        who = source(attempt.remote)
        if who is None or self.is_spared(who):
            return None
        if attempt.success:
            _put(self.known, (str(who), attempt.login.lower()), now)
            return None
        mine = _recent(self._by_source.get(who) or _put(self._by_source, who, deque()), now - self.rules.within)
        guess = f"{attempt.login.lower()} {attempt.guess}"
        # A program with the password of yesterday, where the one of today is known to be right: it counts once.
        if self._is_known(who, attempt.login) and any(guess == former for _, former, _ in mine):
            return None
        row = (now, guess, attempt.protocol)
        mine.append(row)
        login = attempt.login.lower()
        (self._by_login.get(login) or _put(self._by_login, login, deque(maxlen=LONGEST))).append(row)
        if len(mine) < self.rules.failures:
            return None
        del self._by_source[who]
        return Suspect(who, tuple(protocol for _, _, protocol in mine))

    def sentence(self, who: Net, now: float) -> int:
        """For how many seconds to shut out ``who``, who is not at the moment; it is remembered."""
        times, ends = self.former.get(str(who), (0, 0.0))
        if now < ends:  # an administrator has lifted it
            times -= 1
        seconds = min(self.rules.span << min(times, 20), self.rules.longest)
        _put(self.former, str(who), (times + 1, now + seconds))
        return seconds

    def is_spared(self, who: Net) -> bool:
        """Whether nothing of ``who`` is ever shut out."""
        return any(who.version == net.version and who.overlaps(net) for net in self.rules.spared)

    def forget(self, now: float) -> None:
        """Let go of what no longer counts."""
        since = now - self.rules.within
        self._by_source = {who: rows for who, rows in self._by_source.items() if _recent(rows, since)}
        self._by_login = {login: rows for login, rows in self._by_login.items() if _recent(rows, since)}
        self._turns = {who: turn for who, turn in self._turns.items() if turn > now - 1}
        self._crowd = {second: number for second, number in self._crowd.items() if second >= int(now)}
        self.known = {pair: seen for pair, seen in self.known.items() if now - seen < REMEMBERED}
        self.former = {who: one for who, one in self.former.items() if now - one[1] < REMEMBERED}

    def _with_room(self, first: int, last: int) -> int:
        """The first of these seconds in which one more login is looked at soon; where there is none, the emptiest."""
        return min(range(first, last + 1), key=lambda second: max(self._crowd.get(second, 0), CROWD - 1))

    def _is_known(self, who: Net, login: str) -> bool:
        return (str(who), login.lower()) in self.known


def _recent(rows: Rows, since: float) -> Rows:
    """``rows``, without those of before ``since``; they are in order."""
    while rows and rows[0][0] < since:
        rows.popleft()
    return rows


def _put(table: dict[Key, Value], key: Key, value: Value) -> Value:
    """``value``, put into a table that does not grow for ever: the oldest goes."""
    table.pop(key, None)
    table[key] = value
    if len(table) > MOST:
        del table[next(iter(table))]
    return value
