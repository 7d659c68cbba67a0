"""postsrsd does its work: an address of others becomes one of ours, and that one leads back.

Runs on the host, under its own python3 alone.
"""

from __future__ import annotations

from deploys.probes.talk import HERE, Wrong, stream

UNKNOWN_SENDER = "stranger@posthaus-probe.invalid"


def probe(maps: list[tuple[int, str]]) -> None:
    """``maps``: the port for the sender of what goes on, then that for the way back, each with the map's name where the
    port speaks the socketmap protocol (socketmap_table(5)), else empty (tcp_table(5))."""
    ours = _ask(*maps[0], UNKNOWN_SENDER)
    if not ours.upper().startswith("SRS0"):
        raise Wrong(f"SRS makes {ours or 'nothing'} of {UNKNOWN_SENDER}")
    if (back := _ask(*maps[1], ours)) != UNKNOWN_SENDER:
        raise Wrong(f"SRS leads {ours} back to {back or 'nobody'}, not to {UNKNOWN_SENDER}")


def _ask(port: int, table: str, address: str) -> str:
    question = f"{table} {address}" if table else f"get {address}\n"
    with stream((HERE, port)) as sock:
        sock.sendall((f"{len(question)}:{question}," if table else question).encode())
        said = sock.recv(1024).decode("utf-8", "replace").strip()
    if table:
        said = said.partition(":")[2].rstrip(",")
    good, _, found = said.partition(" ")
    return found.strip() if good in ("OK", "200") else ""
