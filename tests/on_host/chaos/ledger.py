"""The count: where each message that was answered 250 is, read from the disk and from everybody else's server."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tests.on_host.chaos.traffic import HEADER, Message
from tests.on_host.chaos.world import AWAY, LIST, World
from tests.on_host.settings import IQBAL, TITO

# Run on the host: which of the messages lie where. A message whose own head has the name is a copy of it; one that has
# it further down is a bounce, which carries what it could not deliver (RFC 3464).
_LOOK = r"""
import json, os, re, sys
run = sys.argv[1].encode()
name = re.compile(rb"^HEADER: " + run + rb"/([\w-]+)", re.M)
anywhere = re.compile(rb"HEADER: " + run + rb"/([\w-]+)")
copies, bounced, queued = {}, set(), set()
for top, _, files in os.walk("/var/mail/vhosts"):
    if os.path.basename(top) not in ("new", "cur"):
        continue
    who = os.path.relpath(top, "/var/mail/vhosts").split("/")
    box = f"{who[1]}@{who[0]}"
    for file in files:
        with open(os.path.join(top, file), "rb") as opened:
            head, _, body = opened.read().replace(b"\r\n", b"\n").partition(b"\n\n")
        for found in name.findall(head):
            mine = copies.setdefault(found.decode(), {})
            mine[box] = mine.get(box, 0) + 1
        if not name.search(head):
            bounced.update(found.decode() for found in name.findall(body))
for part in ("maildrop", "incoming", "active", "deferred", "hold"):
    for top, _, files in os.walk(f"/var/spool/postfix/{part}"):
        for file in files:
            try:
                with open(os.path.join(top, file), "rb") as opened:
                    queued.update(found.decode() for found in anywhere.findall(opened.read()))
            except FileNotFoundError:
                pass
json.dump({"copies": copies, "bounced": sorted(bounced), "queued": sorted(queued)}, sys.stdout)
""".replace("HEADER", HEADER)


@dataclass(frozen=True)
class Count:
    """Messages by what became of them, and further copies of what was there already."""

    taken: int
    delivered: int
    queued: int
    bounced: int
    lost: tuple[str, ...]
    twice: Counter[str]  # by message: further copies


def count(world: World, taken: Mapping[str, Message]) -> Count:
    """Where each of ``taken`` is. Two looks: what leaves the queue meanwhile is where the second one finds it."""
    looks = [json.loads(world.host.run("python3 - " + world.run, input=_LOOK).stdout) for _ in range(2)]
    queued = {name for look in looks for name in look["queued"]}
    bounced = {name for look in looks for name in look["bounced"]}
    copies: dict[str, dict[str, int]] = looks[-1]["copies"]
    elsewhere, returned = _elsewhere(world)
    bounced |= returned
    state: dict[str, str] = {}
    for name, message in taken.items():
        wanted = {LIST: {TITO, IQBAL}}.get(message.recipient, {message.recipient})
        inside = set() if message.goes_out or message.recipient == AWAY else wanted
        there = inside <= copies.get(name, {}).keys() if inside else elsewhere[name] > 0
        where = (("delivered", there), ("queued", name in queued), ("bounced", name in bounced))
        state[name] = next((word for word, holds in where if holds), "lost")
    twice = {name: sum(n - 1 for n in copies.get(name, {}).values()) + max(0, elsewhere[name] - 1) for name in taken}
    kinds = Counter(state.values())
    lost = tuple(sorted(name for name, word in state.items() if word == "lost"))
    extra = Counter({name: number for name, number in twice.items() if number})
    return Count(len(taken), kinds["delivered"], kinds["queued"], kinds["bounced"], lost, extra)


def _elsewhere(world: World) -> tuple[Counter[str], set[str]]:
    """What everybody else's server has: copies of messages by name, and the names of those that came back."""
    name = re.compile(rf"^{HEADER}: {world.run}/([\w-]+)".encode(), re.MULTILINE)
    copies: Counter[str] = Counter()
    returned: set[str] = set()
    for _, _, data in list(world.sink.messages):
        head, _, body = data.replace(b"\r\n", b"\n").partition(b"\n\n")
        if found := name.search(head):
            copies[found[1].decode()] += 1
        else:
            returned |= {one.decode() for one in name.findall(body)}
    return copies, returned
