"""Zone files, octoDNS YAML and the table, read back by the programs they are for."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import dns.zone
import pytest

from deploys.records import all_records
from deploys.records.context import DomainContext
from deploys.records.octodns import octodns_yaml
from deploys.records.options import DomainRecords
from deploys.records.table import table
from deploys.records.zonefile import Zone, next_zone_file, zone_file, zone_of
from tests.dns_contexts import COM, GOLDEN, NET
from tests.dns_server import needs

SERIAL = 2026112500
RECORDS = all_records.by_zone(all_records.everything([COM, NET]), ["example.com", "example.net"])
BOTH = pytest.mark.parametrize("context", [COM, NET], ids=lambda context: context.domain)


def text_of_zone(context: DomainContext) -> str:
    return zone_file(zone_of(context), RECORDS[context.domain], SERIAL)


@BOTH
def test_the_files_are_the_golden_ones(context: DomainContext):
    records = RECORDS[context.domain]
    assert text_of_zone(context) == (GOLDEN / f"{context.domain}.zone").read_text()
    assert octodns_yaml(zone_of(context), records) == (GOLDEN / f"{context.domain}.yaml").read_text()
    assert table(context.domain, records) == (GOLDEN / f"{context.domain}.txt").read_text()


@BOTH
def test_dnspython_reads_every_record_back(context: DomainContext):
    zone = dns.zone.from_text(text_of_zone(context), origin=context.domain, relativize=False)
    for record in RECORDS[context.domain]:
        found = zone.find_rdataset(record.name, record.type)
        assert found.ttl == record.ttl
        assert set(record.rdatas) <= set(found)


@BOTH
@pytest.mark.parametrize(
    "checker", [pytest.param(name, marks=needs(name)) for name in ("named-checkzone", "nsd-checkzone")]
)
def test_name_servers_accept_the_zone(context: DomainContext, checker: str, tmp_path: Path):
    path = tmp_path / "zone"
    path.write_text(text_of_zone(context))
    run = subprocess.run([checker, context.domain, path], capture_output=True, text=True, timeout=20)
    assert run.returncode == 0, run.stdout + run.stderr


@needs("named-checkzone")
def test_a_zone_whose_name_servers_nobody_declared_loads_too(tmp_path: Path):
    context = replace(COM, settings=DomainRecords())
    (tmp_path / "zone").write_text(zone_file(zone_of(context), all_records.everything([context]), SERIAL))
    run = subprocess.run(
        ["named-checkzone", "example.com", tmp_path / "zone"], capture_output=True, text=True, timeout=20
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_name_server_inside_the_zone_without_an_address_is_refused():
    settings = DomainRecords.model_validate({"dns": {"nameservers": {"ns1.example.com": []}}})
    with pytest.raises(ValueError, match=r"ns1\.example\.com is inside example\.com"):
        zone_of(replace(COM, settings=settings))


def test_writing_the_same_zone_another_day_writes_the_same_bytes():
    zone, records = zone_of(COM), RECORDS["example.com"]
    first = next_zone_file(zone, records, None, 20261125)
    assert "2026112500" in first
    assert next_zone_file(zone, records, first, 20261230) == first


def test_the_serial_rises_with_every_change_even_on_one_day():
    zone, records = zone_of(COM), RECORDS["example.com"]
    first = next_zone_file(zone, records, None, 20261125)
    second = next_zone_file(zone, records[1:], first, 20261125)
    third = next_zone_file(zone, records, second, 20261125)
    later = next_zone_file(zone, records[1:], third, 20261201)
    assert [
        serial in text for serial, text in zip(("112501", "112502", "120100"), (second, third, later), strict=True)
    ] == [True] * 3


@BOTH
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # octodns-bind's own calls into octoDNS
def test_octodns_finds_nothing_to_change_between_the_zone_file_and_the_yaml(context: DomainContext, tmp_path: Path):
    octodns_bind = pytest.importorskip("octodns_bind", reason="NOT PROVED: octodns-bind missing")
    from octodns.provider.yaml import YamlProvider  # type: ignore[import-untyped]
    from octodns.zone import Zone as OctoZone  # type: ignore[import-untyped]

    name = context.domain
    (tmp_path / f"{name}.zone").write_text(text_of_zone(context))
    (tmp_path / f"{name}.yaml").write_text(octodns_yaml(zone_of(context), RECORDS[name]))
    zones = []
    for source in (
        octodns_bind.ZoneFileSource("bind", directory=str(tmp_path), file_extension=".zone"),
        YamlProvider("yaml", directory=str(tmp_path), escaped_semicolons=True),
    ):
        zones.append(OctoZone(f"{name}.", []))
        source.populate(zones[-1])
    target = YamlProvider("target", directory=str(tmp_path), escaped_semicolons=True)
    assert len(zones[0].records) == len(zones[1].records) > 15
    assert zones[0].changes(zones[1], target) == zones[1].changes(zones[0], target) == []


def test_octodns_is_not_told_of_name_servers_that_nobody_declared():
    guess = Zone("example.com", {"mail.example.com": ()}, "hostmaster@example.com")
    assert "type: NS" not in octodns_yaml(guess, RECORDS["example.com"])
    assert "type: NS" in octodns_yaml(replace(guess, declared=True), RECORDS["example.com"])


def test_a_form_that_wants_one_line_and_one_that_wants_pieces_both_get_the_whole_key():
    text = table("example.net", RECORDS["example.net"])
    key = (GOLDEN / "rsa-2048.spki").read_text()
    (line,) = [line for line in text.splitlines() if "one line:  v=" in line]
    (pieces,) = [line for line in text.splitlines() if "pieces:    " in line]
    assert line.endswith(f"p={key}")
    assert pieces.replace('" "', "").endswith(f'p={key}"')


def test_the_table_separates_priority_from_value_as_forms_do():
    rows = [line.split() for line in table("example.net", RECORDS["example.net"]).splitlines()]
    assert ["@", "MX", "10", "3600", "mail.example.com."] in rows
