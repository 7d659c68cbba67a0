"""What each unit must have read: verify is red exactly where the next run acts."""

from __future__ import annotations

import pytest

from deploys.checks import services
from deploys.components import all as every
from deploys.components.component import Context
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
BESIDE_OTHERS = {
    "/etc/apache2/mods-enabled/00-posthaus.load",
    "/etc/apache2/mods-enabled/zz-posthaus.load",
    "/etc/apache2/sites-enabled/zz-posthaus.conf",
}


def declared(host: MailHost) -> list[Service]:
    """What the run converges on this host."""
    fact = Machine()
    machine = fact.process(host.run(str(fact.command().get_raw_value())).stdout.splitlines())
    return list(every.services(every.declared(Context(MailServer.read(host.settings), machine))))


def reddened_by(host: MailHost, one: Service, kind: str, path: str) -> bool:
    """Whether verify's line is red for what lies at this path alone."""
    question = Service(one.unit, instance=one.instance).question | {kind: [path]}
    fact = UnitState()
    answer = host.run(str(fact.command(**question).get_raw_value())).stdout.splitlines()
    (line,) = services.lines({one.unit: fact.process(answer)})
    return line.ok is False


def test_each_file_that_a_unit_watches_turns_its_own_line_red_and_the_next_run_acts(mail_host: MailHost):
    host = mail_host
    host.write(NAMES, "server:\n    local-zone: example.org. static\n")
    local = "/etc/apache2/local.conf"
    try:
        assert host.converge(example(**EVERY_UNIT)).rc == 0
        units = declared(host)
        host.run(f"touch {local}")
        paths = sorted({path for one in units for path in (*one.reload_on, *one.restart_on)})
        there = host.run(f"ls -d {' '.join(paths)} 2>/dev/null", check=False).stdout.split()
        assert {path for path in paths if path not in there} <= BESIDE_OTHERS
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
