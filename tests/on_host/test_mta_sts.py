"""How other domains want their messages brought (MTA-STS), and what becomes of messages while nobody can say it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host.post import compose, submit
from tests.on_host.settings import PASSWORDS, TITO, example
from tests.on_host.sink import Sink, listening

pytestmark = pytest.mark.host

SOMEBODY = "someone@example.org"
NAMES = "/etc/unbound/local.conf"
UNIT = "postfix-mta-sts-resolver"
ASK = "postmap -q {} socketmap:inet:127.0.0.1:8461:postfix"


@pytest.fixture
def sink(mail_host: MailHost) -> Iterator[Sink]:
    """A mail server for example.org, without a policy, on this machine; the host under test publishes one itself."""
    here = mail_host.run("ip -4 route show default | awk '{ print $3 }'").stdout.strip()
    data = [
        "example.org. MX 10 out.example.org.",
        f"out.example.org. A {here}",
        f"mail.example.com. A {mail_host.address}",
        f"mta-sts.example.com. A {mail_host.address}",
        '_mta-sts.example.com. TXT "v=STSv1; id=1;"',
    ]
    rows = [f"local-zone: {zone}. static" for zone in ("example.org", "example.com")]
    rows += [f"local-data: '{row}'" for row in data]
    mail_host.write(NAMES, "server:\n" + "".join(f"    {row}\n" for row in rows))
    domains = {"example.com": {"mta_sts": {"mode": "enforce"}}, "example.net": {}}
    run = mail_host.converge(example(resolver="local", domains=domains))
    assert run.rc == 0, run.output
    with listening(here) as sink:
        yield sink
    mail_host.run(f"rm {NAMES}")


def write(host: MailHost) -> str:
    """The subject of a message to example.org, handed in."""
    message = compose(SOMEBODY, sender=TITO)
    assert submit(host, TITO, PASSWORDS[TITO], TITO, SOMEBODY, message) == 250
    return str(message["Subject"])


def test_policies_are_found_and_messages_leave_and_wait_only_while_the_resolver_is_down(
    mail_host: MailHost, sink: Sink
) -> None:
    host = mail_host
    assert host.converge().changes == 0
    assert "127.0.0.1:8461 " in host.run("ss -Hltn").stdout
    unknown = host.run(ASK.format("example.org"), check=False)
    assert (unknown.returncode, unknown.stdout, unknown.stderr) == (1, "", ""), "no policy, and no error"
    found = host.run(ASK.format("example.com")).stdout
    assert found == "secure match=mail.example.com servername=hostname\n"
    sink.wait(write(host))

    host.run(f"systemctl kill -s KILL {UNIT}")
    wait_until(lambda: not host.run(ASK.format("example.com"), check=False).returncode, 20, "it did not come up again")

    host.run(f"systemctl stop {UNIT}")
    subject = write(host)
    wait_until(lambda: "(client TLS configuration problem)" in host.run("mailq").stdout, 60, "nothing waits")
    run = host.verify()
    assert run.rc != 0
    assert f"{UNIT}.service" in run.output
    assert host.converge().rc == 0
    host.run("postqueue -f")
    sink.wait(subject)
