"""What each unit must have read: verify is red exactly where the next run acts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from deploys.checks import services
from deploys.components import all as every
from deploys.components.component import Component, Context
from deploys.config.mailserver import MailServer
from facts.machine import Machine
from facts.units import UnitState
from lab.mailhost import MailHost
from operations.service import Service
from tests.on_host.settings import TITO, example
from tests.on_host.test_verify import failing, verdicts

pytestmark = pytest.mark.host

NAMES = "/etc/unbound/local.conf"
# Every unit that there is, but for ClamAV, whose signatures nobody can fetch here.
EVERY_UNIT = {"resolver": "local", "aliases": {"away@example.com": [TITO, "somebody@example.org"]}}

# Apache's files on a host with somebody else's sites; here all of its configuration is ours.
WITH_OTHERS = {
    "/etc/apache2/mods-enabled/00-posthaus.load",
    "/etc/apache2/mods-enabled/zz-posthaus.load",
    "/etc/apache2/sites-enabled/zz-posthaus.conf",
}


def declared(host: MailHost) -> tuple[Component, ...]:
    """What this host is."""
    fact = Machine()
    machine = fact.process(host.run(str(fact.command().get_raw_value())).stdout.splitlines())
    return every.declared(Context(MailServer.read(host.settings), machine))


def loopback(host: MailHost) -> set[str]:
    """Addresses and TCP ports that the host's own programs listen on for its own programs alone."""
    engines_own = "127.0.0.11:"  # Docker's resolver
    rows = [line.split()[3] for line in host.run("ss -Hltn").stdout.splitlines()]
    return {row for row in rows if row.startswith(("127.", "[::1]")) and not row.startswith(engines_own)}


def all_that_is_declared_is_there(host: MailHost, parts: Sequence[Component]) -> None:
    local, state = every.local(parts), every.state(parts)
    assert loopback(host) == {one.at for one in local if one.port}
    sockets, kept = [one.at for one in local if not one.port], [one.path for one in state if one.always]
    assert host.run(f"for one in {' '.join(sockets)}; do test -S $one || echo $one; done").stdout == ""
    assert host.run(f"for one in {' '.join(kept)}; do test -e $one || echo $one; done").stdout == ""


def reddened_by(host: MailHost, one: Service, kind: str, path: str) -> bool:
    """Whether verify's result is red for what lies at this path alone."""
    question = Service(one.unit, instance=one.instance).question | {kind: [path]}
    fact = UnitState()
    answer = host.run(str(fact.command(**question).get_raw_value())).stdout.splitlines()
    (result,) = services.results({one.unit: fact.process(answer)})
    return result.ok is False


def test_each_file_that_a_unit_watches_turns_its_own_result_red_and_the_next_run_acts(mail_host: MailHost):
    host = mail_host
    host.write(NAMES, "server:\n    local-zone: example.org. static\n")
    local = "/etc/apache2/local.conf"
    try:
        assert host.converge(example(**EVERY_UNIT)).rc == 0
        parts = declared(host)
        all_that_is_declared_is_there(host, parts)
        units = every.services(parts)
        host.run(f"touch {local}")
        paths = sorted({path for one in units for path in (*one.reload_on, *one.restart_on)})
        there = host.run(f"ls -d {' '.join(paths)} 2>/dev/null", check=False).stdout.split()
        assert {path for path in paths if path not in there} <= WITH_OTHERS
        watched = [
            (one, kind, path)
            for one in units
            for kind in ("reload_on", "restart_on")
            for path in getattr(one, kind)
            if path in there
        ]
        assert {one.unit for one, _, _ in watched} == {one.unit for one in units}
        host.run(f"touch -h {' '.join(there)}")
        assert [(one.unit, path) for one, kind, path in watched if not reddened_by(host, one, kind, path)] == []
        run = host.verify()
        assert failing(host) == {one.unit for one in units}, run.output
        run = host.converge()
        assert (run.rc, run.changes) == (0, len(units)), run.output
        run = host.verify()
        assert {verdict for what, verdict in verdicts(host).items() if what.endswith(".service")} == {"ok"}, run.output
    finally:
        host.run(f"rm -f {NAMES} {local}")
