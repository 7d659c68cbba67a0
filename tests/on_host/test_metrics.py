"""Numbers for Prometheus on a real host: as node_exporter tells them by HTTP, and as a Prometheus checks them."""

from __future__ import annotations

import re
import urllib.request

import pytest

from lab.bench import remote_commands
from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host.settings import TITO, example
from tests.prometheus import ASKED, metrics, promtool

pytestmark = pytest.mark.host

AT = "http://127.0.0.1:9100/metrics"
WRITE = "systemctl start posthaus-metrics.service"
UNKNOWN_YET = {"posthaus_disk_full_in_seconds"}  # for want of samples of two days
TEXTS = "/var/lib/prometheus/node-exporter"


def told(host: MailHost) -> str:
    """What node_exporter tells a Prometheus on the host, after a new look."""
    host.run(WRITE, timeout=120)
    ask = f"import urllib.request as http; print(http.urlopen('{AT}', timeout=30).read().decode())"
    return host.run(f'python3 -I -c "{ask}"').stdout


def number(text: str, sample: str) -> float:
    """The value of a sample, named with its labels."""
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    assert found, (sample, [line for line in text.splitlines() if line.startswith(sample.partition("{")[0])])
    return float(found[1])


def reached(address: str) -> bool:
    try:
        urllib.request.urlopen(f"http://{address}:9100/metrics", timeout=5).close()
    except OSError:
        return False
    return True


def test_a_prometheus_reads_what_the_host_sees_and_only_who_is_declared_does(mail_host: MailHost):
    host = mail_host
    gateway = host.run("ip route | awk '/^default/ {print $3; exit}'").stdout.strip()
    for declared in (True, {"from": ["192.0.2.10"]}):
        run = host.converge(example(metrics=declared))
        assert run.rc == 0, run.output
        assert not reached(host.address), f"{declared}: whoever was not declared reads the numbers"

    text = told(host)
    assert number(text, "node_textfile_scrape_error") == 0
    assert number(text, 'posthaus_service_up{service="apache2"}') == 1
    assert number(text, "posthaus_filter_up") == number(text, 'posthaus_endpoint_up{of="dovecot"}') == 1
    assert number(text, "posthaus_mailboxes") == 3
    assert number(text, "posthaus_look_timestamp_seconds") > 1e9
    there = set(re.findall(r"^(\w+)", text, re.MULTILINE))
    assert {name for one in ASKED for name in metrics(one)} - there - UNKNOWN_YET == set()
    assert TITO not in text
    done = promtool("check", "metrics", input=host.read(f"{TEXTS}/posthaus.prom").decode())
    assert (done.returncode, done.stderr) == (0, "")

    before = number(text, "dovecot_auth_failure_total"), number(text, "dovecot_mail_delivery_count")
    host.run(f"doveadm auth test {TITO} wrong; printf 'Subject: counted\\n\\n' | sendmail {TITO}", check=False)
    delivered = f"doveadm search -u {TITO} mailbox '*' header subject counted | grep ."
    wait_until(lambda: not host.run(delivered, check=False).returncode, 120, "the message was not delivered")
    host.run("systemctl stop apache2")
    try:
        text = told(host)
    finally:
        host.run("systemctl start apache2")
    assert number(text, 'posthaus_service_up{service="apache2"}') == 0
    assert number(text, 'posthaus_checks{group="services",verdict="fail"}') == 1
    assert number(text, "posthaus_severity") == 2
    after = number(text, "dovecot_auth_failure_total"), number(text, "dovecot_mail_delivery_count")
    assert (after[0] > before[0], after[1] > before[1]) == (True, True), (before, after)

    run = host.converge(example(metrics={"from": [gateway]}))
    assert run.rc == 0, run.output
    wait_until(lambda: reached(host.address), 30, "who was declared does not read the numbers")
    assert remote_commands(host) <= 4, "a second run looks more often than without numbers, or changes something"

    assert host.converge(example()).rc == 0
    ask = "systemctl is-active prometheus-node-exporter posthaus-metrics.timer; systemctl --failed --plain; ss -Hltn"
    shown = host.run(ask, check=False).stdout
    assert shown.split()[:2] == ["inactive", "inactive"], shown
    assert "posthaus-metrics" not in shown, shown
    assert not re.search(r":(9100|9900)\s", shown), shown
