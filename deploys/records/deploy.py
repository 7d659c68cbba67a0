"""Write each zone's files on the workstation, print its table, and update those servers that take updates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pyinfra import host, logger
from pyinfra.api import FunctionCommand, deploy, operation
from pyinfra.api.exceptions import DeployError
from pyinfra.api.output import echo

from deploys.records import all_records, update
from deploys.records.context import DomainContext
from deploys.records.host import ptr
from deploys.records.octodns import octodns_yaml
from deploys.records.record import Record
from deploys.records.table import table
from deploys.records.update import Server
from deploys.records.zonefile import next_zone_file, zone_of


@contextmanager
def refusals() -> Iterator[None]:
    """Bad options end the run with their sentences, not with a traceback."""
    try:
        yield
    except ValueError as error:
        raise DeployError(f"\n{error}") from None


@deploy("DNS")
def deploy_records(contexts: Sequence[DomainContext], directory: Path) -> None:
    """Files below ``directory`` (of the workstation) for each zone, a table on the terminal, and dynamic updates."""
    zones = {context.zone: context for context in contexts}
    inside = all_records.by_zone(all_records.everything(contexts), zones)
    today = int(f"{datetime.now(UTC):%Y%m%d}")
    files: dict[str, str] = {}
    for zone, context in zones.items():
        files |= zone_files(context, inside[zone], directory, today)
    # One operation for all: pyinfra spends some 10 ms on each.
    written(name=f"Write the files of {_in_words(list(zones))}", directory=str(directory), files=files)
    for zone, context in zones.items():
        _publish(context, inside[zone])
    _show(contexts, inside, files)


def zone_files(context: DomainContext, records: Sequence[Record], directory: Path, today: int) -> dict[str, str]:
    """File name to text: BIND, octoDNS, and the table. ``today`` as 20261125."""
    zone = zone_of(context)
    path = directory / f"{zone.name}.zone"
    previous = path.read_text(encoding="utf-8") if path.exists() else None
    return {
        path.name: next_zone_file(zone, records, previous, today),
        f"{zone.name}.yaml": octodns_yaml(zone, records),
        f"{zone.name}.txt": table(zone.name, records),
    }


@operation()
def written(directory: str, files: dict[str, str]):  # type: ignore[no-untyped-def]
    """
    Put files into a directory of the workstation.

    + directory: made if missing
    + files: name to text
    """
    paths = {Path(directory) / name: text for name, text in files.items()}
    if all(path.exists() and path.read_text(encoding="utf-8") == text for path, text in paths.items()):
        host.noop(f"{len(files)} files in {directory} are the same already")
        return
    yield FunctionCommand(_write, (paths,), {})


@operation()
def published(server: Server, zone: str, records: Sequence[Record]):  # type: ignore[no-untyped-def]
    """
    Make a name server hold the records, by dynamic update; what differs alone is sent.

    + server: address, port and key
    + zone: the zone to update
    + records: those of ours in it
    """
    try:
        planned = update.changes(server, records)
    except update.UpdateError as error:
        yield FunctionCommand(_refuse, (str(error),), {})
        return
    if not planned:
        host.noop(f"{server.address} holds the {len(records)} records of {zone}")
        return
    yield FunctionCommand(_send, (server, zone, planned), {})


def _publish(context: DomainContext, records: Sequence[Record]) -> None:
    dns = context.settings.dns
    if dns.mode == "rfc2136" and dns.server and dns.key:
        published(
            name=f"Update {context.zone} at {dns.server}",
            server=Server(dns.server, dns.port, dns.key),
            zone=context.zone,
            records=records,
        )


def _in_words(zones: list[str]) -> str:
    return ", ".join(zones) if len(zones) < 5 else f"{len(zones)} zones"


def _show(contexts: Sequence[DomainContext], inside: dict[str, tuple[Record, ...]], files: dict[str, str]) -> None:
    """On standard error: standard output belongs to --json."""
    for zone, records in inside.items():
        if records:
            text = files.get(f"{zone}.txt") or table(zone, records)
            echo(f"\n{zone or 'In no zone of this site'}\n\n{text}", err=True)
    if contexts:
        echo(f"\nTo be set by the provider of the addresses\n\n{table('', ptr(contexts[0]))}", err=True)


# pyinfra hands state and host to a function that names them, and only such a one can fail without a traceback.
def _write(state: object, host: object, paths: dict[Path, str]) -> bool:
    for path, text in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.new")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    return True


def _send(state: object, host: object, server: Server, zone: str, planned: Sequence[update.Change]) -> bool:
    for change in planned:
        logger.info(f"    {change}")
    try:
        update.send(server, zone, planned)
    except update.UpdateError as error:
        return _refuse(state, host, str(error))
    return True


def _refuse(state: object, host: object, reason: str) -> bool:
    logger.error(f"    {reason}")
    return False
