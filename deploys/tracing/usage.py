"""Who keeps how much mail, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deploys.config.addresses.options import Directory
from facts.mailboxes import Usage

Row = tuple[str, str, str, str, str, str]


def table(found: Mapping[str, Usage], directory: Directory) -> str:
    """The largest first; declared mailboxes that hold nothing yet, and what lies here without being declared, too."""
    logins = {directory.login(address): address for address in directory.mailboxes}
    rows = [(logins.get(name, name), usage, name in logins) for name, usage in found.items() if name != directory.probe]
    empty = [(address, Usage(0, 0, ""), True) for login, address in logins.items() if login not in found]
    lines: list[Row] = [("mailbox", "messages", "size", "quota", "full", "")]
    for address, usage, declared in sorted([*rows, *empty], key=lambda row: (-row[1].bytes, row[0])):
        limit = directory.quota_of(address) if declared else 0
        full = f"{100 * usage.bytes // limit}%" if limit else ""
        note = "" if declared else f"no mailbox (any more): {usage.path}"
        quota = size(limit) if limit else "none" if declared else ""
        lines.append((address, f"{usage.messages:,}", size(usage.bytes), quota, full, note))
    total = sum(usage.bytes for _, usage, _ in rows)
    lines.append(("all", f"{sum(usage.messages for _, usage, _ in rows):,}", size(total), "", "", ""))
    return _columns(lines)


def size(number: int) -> str:
    """Bytes as people say them, to three digits: ``1.46 G``, ``230 M``."""
    amount, unit = float(number), ""
    for unit in ("", "K", "M", "G", "T"):
        if amount < 999.5 or unit == "T":
            break
        amount /= 1024
    return f"{amount:.3g} {unit}".strip()


def _columns(lines: Sequence[Row]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = (str.ljust, str.rjust, str.rjust, str.rjust, str.rjust, str.ljust)
    told = ((put(cell, width) for put, cell, width in zip(aligned, row, widths, strict=True)) for row in lines)
    return "\n".join("  ".join(cells).rstrip() for cells in told)
