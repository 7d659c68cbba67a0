"""Whatever breaks, no message that was answered 250 is lost, and one run brings everything back."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.mailhost import MailHost
from lab.network import network
from tests.on_host.chaos.faults import EVERYTHING, FAULTS, SHORT
from tests.on_host.chaos.ledger import count
from tests.on_host.chaos.page import written
from tests.on_host.chaos.rounds import Row, played
from tests.on_host.chaos.traffic import HEADER, Message
from tests.on_host.chaos.world import World, small_world, world
from tests.on_host.settings import IQBAL, TITO

pytestmark = pytest.mark.host

MESSAGES = int(os.environ.get("POSTHAUS_CHAOS_MESSAGES", "10000"))
SEED = int(os.environ.get("POSTHAUS_CHAOS_SEED", "10"))
PAGE = os.environ.get("POSTHAUS_CHAOS_PAGE")  # docs/reliability.md, where its table shall be written anew
ONLY = os.environ.get("POSTHAUS_CHAOS_ONLY", "")  # a word of the names of the faults, while developing


@pytest.fixture
def in_the_world(start_host, converged, engine, release, snapshot) -> Iterator[World]:
    """A host with an address that a reboot does not change."""
    with network(engine, f"posthaus-chaos-{os.getpid()}-{release}") as net:
        host = converged.whole(start_host(release, image=snapshot, network=net.name, address=net.address(6)))
        try:
            with world(host, net.address(1)) as made:
                yield made
        finally:
            host.host.remove()


def test_a_short_one_every_service_is_killed_and_more_is_broken(mail_host: MailHost):
    """And the count itself can see: what somebody takes away is lost, a copy is one too many."""
    with small_world(mail_host) as small:
        row, taken = played(small, SHORT, 60, random.Random(SEED))
        assert (row.count.lost, row.refused, row.again) == ((), 0, 0)
        assert row.count.taken == 60
        once = [name for name in taken if name not in row.count.twice]
        to_tito = [name for name in once if taken[name].recipient == TITO]
        one, other = (_file(small, name) for name in to_tito[:2])
        mail_host.run(f"rm {one}; cp -p {other} {other}.copy")
        seen = count(small, taken)
        assert seen.lost == (to_tito[0],)
        assert seen.twice - row.count.twice == {to_tito[1]: 1}
        for person in (TITO, IQBAL):
            mail_host.run(f"doveadm expunge -u {person} mailbox '*' header {HEADER} {small.run}")


def _file(small: World, name: str) -> str:
    """Where a copy of the message lies on the host."""
    found = small.host.run(f"grep -rl '^{HEADER}: {small.run}/{name}$' /var/mail/vhosts").stdout.split()
    return found[0]


@pytest.mark.long
def test_nothing_that_was_answered_250_is_lost_and_one_run_mends_everything(in_the_world: World, release: str):
    chance = random.Random(SEED)
    rows: list[Row] = []
    failed: dict[str, str] = {}
    taken: dict[str, Message] = {}
    faults = [fault for fault in (*FAULTS, EVERYTHING) if ONLY in fault.name]
    share = max(20, MESSAGES // (len(faults) + 3))  # the last one has four
    for fault in faults:
        try:
            row, these = played(in_the_world, fault, share * (4 if fault is EVERYTHING else 1), chance)
        except (AssertionError, LabError) as error:
            failed[fault.name] = str(error)[-3000:]
            print(fault.name, failed[fault.name])
        else:
            print(row)
            rows.append(row)
            taken |= these
        whole = count(in_the_world, taken)
        if PAGE:
            written(Path(PAGE), release, rows, whole, failed)
    assert not failed
    assert whole.lost == ()
    assert [row.fault for row in rows if row.count.lost] == []
    assert [row.fault for row in rows if row.again] == [], "a second run had something to do"
