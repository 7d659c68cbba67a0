"""A zone as octoDNS's YamlProvider reads it, which feeds the interfaces of many DNS providers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import yaml

from deploys.records.record import Record, absolute, text_of
from deploys.records.zonefile import Zone, name_servers

_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # libyaml's is ten times as fast
HEAD = "# For octodns.provider.yaml.YamlProvider with escaped_semicolons: true\n"


def octodns_yaml(zone: Zone, records: Sequence[Record]) -> str:
    """The zone's YAML, in the order that octoDNS enforces.

    Name servers stand in it only where they were declared: a provider has its own, and a guess would undo them.
    """
    whole = (*name_servers(zone), *records) if zone.declared else tuple(records)
    found: dict[str, list[dict[str, Any]]] = {}
    for one in dict.fromkeys(whole):
        found.setdefault(_relative(one.name, zone.name), []).append(_record(one))
    ordered = {name: _one_or_many(found[name]) for name in sorted(found, key=_natural)}
    # sort_keys=False: names stand in octoDNS's natural order ("_9" before "_25"), which PyYAML does not know.
    return HEAD + yaml.dump(ordered, Dumper=_DUMPER, sort_keys=False, explicit_start=True, width=1 << 16)


def _record(record: Record) -> dict[str, Any]:
    values = [
        _VALUES.get(record.type, _as_written)(value, rdata)
        for value, rdata in zip(record.values, record.rdatas, strict=True)
    ]
    many = {"values": values} if len(values) > 1 else {"value": values[0]}
    return {"ttl": record.ttl, "type": record.type, **many}


def _one_or_many(records: list[dict[str, Any]]) -> Any:
    return records[0] if len(records) == 1 else sorted(records, key=lambda record: str(record["type"]))


def _relative(name: str, zone: str) -> str:
    return name.removesuffix(absolute(zone)).rstrip(".")


def _natural(name: str) -> list[tuple[int, int | str]]:
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", name) if part]


def _as_written(value: str, rdata: Any) -> str:
    return value


def _txt(value: str, rdata: Any) -> str:
    return text_of(rdata).replace(";", "\\;")  # octoDNS reads a bare ; as a mistake


_VALUES: dict[str, Callable[[str, Any], Any]] = {
    "TXT": _txt,
    "MX": lambda value, mx: {"exchange": mx.exchange.to_text(), "preference": mx.preference},
    "SRV": lambda value, srv: {
        "port": srv.port,
        "priority": srv.priority,
        "target": srv.target.to_text(),
        "weight": srv.weight,
    },
    "CAA": lambda value, caa: {"flags": caa.flags, "tag": caa.tag.decode(), "value": caa.value.decode()},
    "TLSA": lambda value, tlsa: {
        "certificate_association_data": tlsa.cert.hex(),
        "certificate_usage": tlsa.usage,
        "matching_type": tlsa.mtype,
        "selector": tlsa.selector,
    },
}
