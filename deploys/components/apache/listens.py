"""What ``apache2 -t`` does not look at: whether Apache may listen where it is told to. Runs on the host, alone."""

from __future__ import annotations

import pathlib
import re
import socket
import subprocess
import sys

LISTEN = re.compile(r"\s*Listen\s+(?:(\[[0-9a-fA-F:.]+\]|[0-9.]+):)?(\d+)\b", re.IGNORECASE)
OURS = "apache2"
EVERYWHERE = {"", "*", "0.0.0.0", "::"}


def main(stage: str, target: str) -> None:
    """Exit with a sentence for each Listen of the files in ``stage`` that cannot be had."""
    said = []
    for name in ("apache2.conf", "local.conf"):
        path = pathlib.Path(stage, name)
        for number, line in enumerate(path.read_text(errors="replace").splitlines() if path.exists() else [], 1):
            if (found := LISTEN.match(line)) and (why := obstacle((found[1] or "").strip("[]"), int(found[2]))):
                said.append(f"{target}/{name}: line {number}: {line.strip()}: {why}")
    if said:
        sys.exit("\n".join(said))


def obstacle(address: str, port: int) -> str | None:
    """Why nobody but the one who has it may listen there; None where Apache may."""
    if address not in EVERYWHERE:
        try:
            with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as sock:
                sock.bind((address, 0))
        except OSError:
            return f"{address} is no address of this host"
    rows = subprocess.run(["ss", "-Hltnp", f"sport = :{port}"], capture_output=True, text=True, check=False).stdout
    for row in rows.splitlines():
        there = row.split()[3].rpartition(":")[0].strip("[]").partition("%")[0]
        held = re.findall(r'\("([^"]+)"', row)
        if OURS not in held and (address in EVERYWHERE or there in EVERYWHERE or there == address):
            return f"the port is held by {', '.join(sorted(set(held))) or 'another process'}"
    return None


if __name__ == "__main__":
    main(*sys.argv[1:])
