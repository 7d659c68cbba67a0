"""Reports that others have sent us about our messages: DMARC's (RFC 7489, 7.2) and TLS-RPT's (RFC 8460)."""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

MOST = 20_000_000  # bytes in all; what is beyond is left for another day
LARGEST = 5_000_000  # bytes of one message: so that no single one takes the others' place

# Both kinds say "Report Domain:" in their subject. Wherever in the mailbox a person or rspamd has put them.
# Two fields, for of one alone doveadm does not say where a message ends.
_COMMAND = rf"""since=$1; shift
for login in "$@"; do
  doveadm fetch -u "$login" 'uid text' \
    mailbox '*' SAVEDSINCE "$since" SMALLER {LARGEST + 1} SUBJECT 'report domain:' 2>/dev/null
done | head -c {MOST} | gzip -c | base64
"""


class ReportMessages(FactBase[list[bytes]]):
    """Messages to these logins that call themselves reports and came in the last ``days``, whole, as they came.

    Anybody can write such a message. doveadm-fetch(1), doveadm-search-query(7).
    """

    default = list

    @override
    def requires_command(self, logins: list[str], days: int) -> str:
        return "doveadm"

    @override
    def command(self, logins: list[str], days: int) -> StringCommand:
        words = [QuoteString(word) for word in (f"{days}d", *logins)]
        return StringCommand("sh", "-c", QuoteString(_COMMAND), "reports", *words)

    @override
    def process(self, output: list[str]) -> list[bytes]:
        try:
            text = gzip.decompress(base64.b64decode("".join(output)))
        except (binascii.Error, gzip.BadGzipFile, zlib.error, EOFError):
            return []
        parts = [part.partition(b"text:\n")[2] for part in text.split(b"\f\n")]
        return [message for message in parts if message]
