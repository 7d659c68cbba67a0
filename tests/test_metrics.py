"""Numbers for Prometheus: what the host writes, and that dashboard and alerts ask for nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from deploys.components.dovecot.render import dovecot_conf
from deploys.components.metrics import render
from deploys.components.watch.program import endpoints, exported, looks, mailboxes, measures, space, waiting
from deploys.components.watch.program.measures import METRICS, PREFIX, Measure
from deploys.config.reading.errors import SettingsError
from tests.declared import context, packages, ports, targets, units
from tests.prometheus import ASKED, DASHBOARD, MONITORING, RULES, SHOWN, metrics, promtool
from tests.settings import about, server
from tests.test_firewall import rules as firewall_rules

DOVECOT_SAYS = """
# HELP process_start_time_seconds Timestamp of service start
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1795779563
# HELP dovecot_build Dovecot build information
# TYPE dovecot_build info
dovecot_build_info{version="2.4.1-4",revision="7d8c0e5759"} 1
# HELP dovecot_auth_failure Total number of all events of this kind
# TYPE dovecot_auth_failure counter
dovecot_auth_failure_total 2
# HELP dovecot_mail_delivery Histogram
# TYPE dovecot_mail_delivery histogram
dovecot_mail_delivery_bucket{le="0.001000"} 0
dovecot_mail_delivery_bucket{le="+Inf"} 1
dovecot_mail_delivery_sum 0.008301
dovecot_mail_delivery_count 1
# EOF
"""


def test_each_metric_is_written_somewhere_and_each_that_is_written_has_its_words():
    folder = Path(looks.__file__).parent
    written = {
        name for path in folder.glob("*.py") for name in re.findall(r'Measure\(\s*"(\w+)"', path.read_text("utf-8"))
    }
    assert written == set(METRICS)


def test_dashboard_and_alerts_ask_for_what_the_host_tells():
    for expression in ASKED:
        names = metrics(expression)
        assert names or expression.startswith("up{"), expression
        ours = {name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)}
        assert ours <= set(METRICS), expression  # and on a host: tests/on_host/test_metrics.py


def test_promtool_finds_nothing_wrong_with_rules_and_example_and_each_alert_fires_when_it_should():
    for arguments in (("check", "rules", "posthaus.rules.yaml"), ("check", "config", "prometheus.yaml")):
        done = promtool(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    done = promtool("test", "rules", "posthaus.rules.test.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    tested = (MONITORING / "posthaus.rules.test.yaml").read_text("utf-8")
    assert [rule["alert"] for rule in RULES if f'alertname="{rule["alert"]}"' not in tested] == []


def test_each_alert_says_whom_it_is_about_and_what_to_do():
    for rule in RULES:
        assert rule["labels"]["severity"] in ("info", "warning", "critical"), rule["alert"]
        assert "{{ $labels.instance }}" in rule["annotations"]["summary"], rule["alert"]
        assert len(rule["annotations"]["remedy"].split()) >= 5, rule["alert"]
    assert len({rule["alert"] for rule in RULES}) == len(RULES) > 20


def test_promtool_reads_each_expression_of_the_dashboard(tmp_path: Path):
    plain = [expression.replace("$__rate_interval", "20m").replace("$instance", ".*") for expression in SHOWN]
    recorded = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(plain)]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": recorded}]}))
    done = promtool("check", "rules", str(tmp_path / "rules.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_asks_the_prometheus_and_the_hosts_that_people_choose():
    variables = {one["name"]: one["type"] for one in DASHBOARD["templating"]["list"]}
    assert variables == {"datasource": "datasource", "instance": "query"}
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
        for one in (panel, *panel["targets"]):
            assert one["datasource"]["uid"] == "${datasource}", panel["title"]
        assert all('instance=~"$instance"' in target["expr"] for target in panel["targets"]), panel["title"]


def test_numbers_are_text_that_promtool_takes_and_words_in_them_are_quoted():
    text = measures.exposition(
        [
            Measure("disk_full_in_seconds", float("inf"), {"mountpoint": 'a"b\\c\nd'}),
            Measure("severity", 0),
            Measure("mailbox_fullest_ratio", 0.1234),
        ]
    )
    assert text.splitlines()[:3] == [
        f"# HELP posthaus_severity {METRICS['severity'][1]}",
        "# TYPE posthaus_severity gauge",
        "posthaus_severity 0",
    ]
    assert 'posthaus_disk_full_in_seconds{mountpoint="a\\"b\\\\c\\nd"} +Inf\n' in text
    done = promtool("check", "metrics", input=text)
    assert (done.returncode, done.stderr) == (0, "")


def test_all_metrics_have_names_and_kinds_that_promtool_likes():
    done = promtool("check", "metrics", input=measures.exposition(Measure(name, 1) for name in METRICS))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_look_is_written_whole_and_what_is_no_longer_told_is_taken_away(tmp_path: Path):
    declared = [["disks", {"paths": ["/"], "samples": str(tmp_path / "none")}], ["certificate", {"nonsense": 1}]]
    (tmp_path / "posthaus-rspamd.prom").write_text("rspamd_scanned_total 7\n")
    (tmp_path / "somebody.prom").write_text("theirs 1\n")
    exported.export(declared, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["posthaus.prom", "somebody.prom"]
    text = (tmp_path / "posthaus.prom").read_text("utf-8")
    assert 'posthaus_checks{group="certificate",verdict="unknown"} 1\n' in text
    assert 'posthaus_disk_free_bytes{mountpoint="/"} ' in text
    assert (tmp_path / "posthaus.prom").stat().st_mode & 0o777 == 0o644


def test_nobodys_address_is_in_the_numbers():
    message = {
        "queue_name": "deferred",
        "arrival_time": 0,
        "recipients": [{"address": "eva@example.org", "delay_reason": "no route to mx.example.org"}],
    }
    found = [*waiting.measures([message], 60), *mailboxes.measures({"ana@example.net": (96, 100)})]
    text = measures.exposition(found)
    assert "@" not in text
    assert "example" not in text
    assert 'posthaus_queue_deferred_recipients{reason="other"} 1\n' in text
    assert 'posthaus_queue_oldest_age_seconds{queue="deferred"} 60\n' in text
    assert "posthaus_mailboxes_full 1\n" in text


def test_when_a_disk_is_full_is_told_once_it_is_known():
    disk = space.Disk("/", 50, 100, 0, 0)
    assert "disk_full_in_seconds" not in {one.name for one in space.measures(disk, [], 5 * space.DAY)}
    known = [one for one in space.measures(disk, [(0, {"/": (40, 0)})], 5 * space.DAY) if "full_in" in one.name]
    assert [(one.value, one.labels["of"]) for one in known] == [(pytest.approx(50 * space.DAY), "bytes")]


def test_what_dovecot_tells_is_passed_on_without_the_names_that_node_exporter_has_too():
    text = endpoints.text(DOVECOT_SAYS, "dovecot_")
    assert "process_start_time_seconds" not in text
    assert "# TYPE dovecot_auth_failure_total counter\ndovecot_auth_failure_total 2\n" in text
    assert '# TYPE dovecot_build_info gauge\ndovecot_build_info{version="2.4.1-4",revision="7d8c0e5759"} 1\n' in text
    assert '# TYPE dovecot_mail_delivery histogram\ndovecot_mail_delivery_bucket{le="0.001000"} 0\n' in text
    done = promtool("check", "metrics", input=text)
    assert "error while linting" not in done.stderr + done.stdout
    assert done.returncode in (0, 3), done.stderr  # 3: it would have chosen other names


def test_who_does_not_answer_warns_and_has_no_page(tmp_path: Path):
    result, up = endpoints.endpoint("dovecot", str(tmp_path / "nobody"), "dovecot")
    assert (result.verdict, up) == ("warn", Measure("endpoint_up", 0, {"of": "dovecot"}))  # type: ignore[union-attr]


def test_numbers_are_told_on_loopback_and_by_default_not_at_all():
    plain, told = server(), server(metrics=True)
    assert render.TIMER in units(told)
    assert "--web.listen-address=127.0.0.1:9100 $ARGS" in units(told)[render.DROP_IN].data.decode()
    assert set(packages(told)) - set(packages(plain)) == {"prometheus-node-exporter"}
    assert ports(told) == ports(plain)
    assert targets(told) == targets(plain)


@pytest.mark.parametrize(("version", "at"), [("1:2.3.19-1", "address"), ("1:2.4.1-1", "listen")])
def test_dovecot_tells_its_numbers_on_loopback_in_the_words_of_its_series_and_only_where_somebody_reads_them(
    version, at
):
    told = dovecot_conf(context(server(metrics=True), dovecot_core=version))
    assert f"    {at} = 127.0.0.1\n    port = 9900\n" in told
    assert "service stats" not in dovecot_conf(context(server(), dovecot_core=version))


def test_declared_networks_alone_are_let_in():
    found = firewall_rules(server(metrics={"from": ["192.0.2.10", "2001:db8:7::/64"]}))
    mentioning = [line for line in found if "9100" in line]
    assert mentioning == [
        "ip saddr 192.0.2.10/32 tcp dport 9100 accept",
        "ip6 saddr 2001:db8:7::/64 tcp dport 9100 accept",
    ]


@pytest.mark.parametrize("firewall", ["ufw", False])
def test_networks_are_refused_where_nobody_would_keep_the_others_out(firewall):
    with pytest.raises(SettingsError) as refused:
        server(metrics={"from": ["192.0.2.10"]}, firewall=firewall)
    assert "firewall: nftables" in about(refused.value.lines, "metrics.from")
