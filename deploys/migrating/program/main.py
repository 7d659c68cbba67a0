"""Several mailboxes side by side, each told of as it goes on, and all of it at the end."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deploys.migrating.program.imap import Failed
from deploys.migrating.program.ledger import Ledger
from deploys.migrating.program.mailbox import Mailbox, Row

MEMORY = "/var/lib/posthaus/migrate"
SUMMARY = f"{MEMORY}/last.json"
TRUSTED = "/etc/ssl/certs/ca-certificates.crt"
_LOCK = threading.Lock()


def main(plan: Mapping[str, Any]) -> int:
    """``plan``: people (as mailbox.Mailbox.about, with ``ca`` as PEM text, or "system", or ""), at_once. Returns the
    exit status: 1 if anybody's mailbox is not complete."""
    os.umask(0o077)
    place = Path(os.environ["RUNTIME_DIRECTORY"])
    place.chmod(0o711)  # doveadm, as the owner of mail, opens the authority's certificate
    try:
        version = subprocess.run(["dovecot", "--version"], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        print("the host has no Dovecot yet: run deploys/mail.py first", file=sys.stderr)
        return 1
    Path(MEMORY).mkdir(mode=0o700, parents=True, exist_ok=True)
    series = "2.3" if version.startswith("2.3") else "2.4"
    with ThreadPoolExecutor(int(plan["at_once"])) as pool:
        results = list(pool.map(lambda one: taken(one, place, series), enumerate(plan["people"])))
    summary = {"at": time.time(), "people": results}
    Path(f"{SUMMARY}.new").write_text(json.dumps(summary, ensure_ascii=False), "utf-8")
    Path(f"{SUMMARY}.new").replace(SUMMARY)
    complete = sum(one["state"] == "complete" for one in results)
    new = sum(row["new"] for one in results for row in one["folders"])
    tell(f"{complete:,} of {len(results):,} mailboxes complete, {new:,} messages new")
    return 0 if complete == len(results) else 1


def taken(numbered: tuple[int, Mapping[str, Any]], place: Path, series: str) -> dict[str, Any]:
    """What became of one mailbox."""
    number, about = numbered
    began, said = time.monotonic(), 0.0

    def progress(text: str) -> None:
        nonlocal said
        if time.monotonic() - said >= 3:
            said = time.monotonic()
            tell(f"{about['address']}: {text}")

    rows: list[Row] = []
    why = ""
    try:
        about = {**about, "ca": authority(about["ca"], place / f"{number}.pem")}
        paths = [Path(MEMORY, f"{address}.json") for address in (about["address"], *about["formerly"])]
        ledger = Ledger(next(filter(Path.exists, paths), paths[0]), f"{about['login']} {about['server']}")
        ledger.path = paths[0]
        one = Mailbox(about, place / str(number), series, ledger, progress, rows)
        try:
            one.take_over()
        finally:
            rows = one.rows
    except Failed as reason:
        why = str(reason)
    except Exception as error:  # one mailbox that nobody thought of must not keep the others from being taken
        why = f"{type(error).__name__}: {error}".replace(about["password"], "…")
    state = "failed" if why else "complete" if not any(row.missing or row.why for row in rows) else "partial"
    result = {
        "address": about["address"],
        "server": about["server"],
        "state": state,
        "why": why,
        "seconds": round(time.monotonic() - began, 1),
        "folders": [asdict(row) for row in rows],
    }
    tell(told(result))
    return result


def authority(ca: str, path: Path) -> str:
    """The file of whom to trust; "" for whoever shall not be verified."""
    if ca == "system":
        if not Path(TRUSTED).exists():
            raise Failed(f"the host has no {TRUSTED}: install ca-certificates, or say ca=FILE")
        return TRUSTED
    if ca:
        path.write_text(ca, "utf-8")
        path.chmod(0o644)
        return str(path)
    return ""


def told(result: Mapping[str, Any]) -> str:
    """For a person: one line, and a table of its folders."""
    rows = [row for row in result["folders"] if row["there"] or row["why"]]
    new = sum(row["new"] for row in rows)
    head = f"{result['address']}: {result['state']}, {new:,} messages new, in {result['seconds']:,} s"
    lines = [f"{head}: {result['why']}" if result["why"] else head]
    names = [f"{row['old']} → {row['here_as']}" if row["old"] != row["here_as"] else row["old"] for row in rows]
    width = max(map(len, names), default=0)
    for name, row in zip(names, rows, strict=True):
        counts = f"{row['there']:>9,} there {row['here']:>9,} here {row['missing']:>7,} missing"
        since = f", {row['since']:,} came since: run this again" if row["since"] else ""
        lines.append(f"  {name:{width}}{counts}{since}{': ' + row['why'] if row['why'] else ''}")
    return "\n".join(lines)


def tell(text: str) -> None:
    """To whoever waits, or has gone: what is begun goes on."""
    with _LOCK, contextlib.suppress(BrokenPipeError):
        print(text, flush=True)
