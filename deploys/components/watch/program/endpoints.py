"""What other programs tell of themselves by HTTP (OpenMetrics), as the text format that node_exporter takes."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Iterator

from deploys.components.watch.program.measures import Measure, Page
from deploys.result import Check, CheckResult

GROUP = "services"
SECONDS = 5
REMEDY = "systemctl restart {unit}; a Prometheus misses its numbers meanwhile, nothing else"
_SAMPLE = re.compile(r"^([A-Za-z_:][A-Za-z0-9_:]*)(\{.*\})? (\S+)$")
_WHOLE = ("histogram", "summary")  # a family of samples by several names


def endpoint(name: str, at: str, unit: str) -> Iterator[CheckResult | Measure | Page]:
    """``name``: the program, with which its metrics' names begin; ``at``: an address and a port, or the path of a Unix
    socket; ``unit``: who answers there."""
    about = Check(f"services.metrics.{name}", GROUP, f"numbers of {name}", "told")
    try:
        page = text(fetched(at, "/metrics"), f"{name}_")
    except (OSError, http.client.HTTPException, ValueError) as why:
        yield about.result(f"not told: {why}", True, REMEDY.format(unit=unit))
        yield Measure("endpoint_up", 0, {"of": name})
        return
    yield about.result("told", True)
    yield Measure("endpoint_up", 1, {"of": name})
    yield Page(name, page)


def fetched(at: str, path: str) -> str:
    """What is answered there. Raises OSError, HTTPException, ValueError."""
    host, _, port = at.rpartition(":")
    unix = at.startswith("/")
    connection = http.client.HTTPConnection("localhost" if unix else host, None if unix else int(port), SECONDS)
    if unix:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(SECONDS)
        connection.sock.connect(at)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        if answer.status != http.HTTPStatus.OK:
            raise ValueError(f"{answer.status} {answer.reason}")
        return answer.read().decode("utf-8")
    finally:
        connection.close()


def text(said: str, prefix: str) -> str:
    """OpenMetrics in Prometheus's older format, which names a counter as its samples are named. What does not begin
    with ``prefix`` is left out: one name that node_exporter has, too, and it tells nobody anything any more."""
    kinds: dict[str, str] = {}
    helps: dict[str, str] = {}
    samples: dict[str, list[str]] = {}
    for line in said.splitlines():
        words = line.split(" ", 3)
        if line.startswith(("# HELP ", "# TYPE ")) and len(words) == 4:
            (helps if words[1] == "HELP" else kinds)[words[2]] = words[3].strip()
        elif (found := _SAMPLE.match(line)) and found[1].startswith(prefix):
            samples.setdefault(_family(found[1], kinds), []).append(line)
    parts = [[*_head(name, kinds, helps), *lines] for name, lines in samples.items()]
    return "".join(f"{line}\n" for part in parts for line in part)


def _base(name: str) -> str:
    return re.sub(r"_(total|count|sum|bucket|info)$", "", name)


def _family(name: str, kinds: dict[str, str]) -> str:
    return _base(name) if kinds.get(_base(name)) in _WHOLE else name


def _head(name: str, kinds: dict[str, str], helps: dict[str, str]) -> Iterator[str]:
    kind = kinds.get(name) or kinds.get(_base(name), "untyped")
    if what := helps.get(name) or helps.get(_base(name)):
        yield f"# HELP {name} {what}"
    yield f"# TYPE {name} {'gauge' if kind == 'info' else kind if kind in ('counter', 'gauge', *_WHOLE) else 'untyped'}"
