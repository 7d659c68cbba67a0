"""What the mail programs' logs say of one message, or of one address: Postfix, rspamd, Dovecot."""

from __future__ import annotations

import re

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

MOST = 20_000  # lines; what is cut off is the oldest
SINCE = "-3d"

# Lines lead to queue identifiers and Message-IDs, and these to further lines: an alias, a script or a hop of our own
# make new identifiers of one message. Three rounds are a message that an alias leads to a script that leads it on.
_COMMAND = r"""since=$1 needle=$2 most=$3
lines() { journalctl -q --no-pager -o short-iso --since "$since" "$@" 2>/dev/null; }
log() {
  lines -u 'postfix*' -u dovecot.service -u rspamd.service -u posthaus-mime.service
  lines -t postfix/postsuper # by hand, so in no unit
}
ids() {
  sed -nE -e h -e 's/^[^ ]+ [^ ]+ postfix[^ ]*\[[0-9]+\]: ([0-9A-Za-z]{6,}): .*/\1:/p' \
    -e g -e 's/.*qid: <([0-9A-Za-z]{6,})>.*/\1:/p' -e g -e 's/.* queued as ([0-9A-Za-z]{6,})\).*/\1:/p' \
    -e g -e 's/.*(message-id=|msgid=| id: )<([^> ]+)>.*/<\2>/p' | grep -v '^NOQUEUE:$' | sort -u
}
known=$needle
for round in 1 2 3; do
  more=$(log | grep -F -i -e "$known" | tail -n "$most" | ids)
  [ -n "$more" ] || break
  both=$(printf '%s\n%s\n' "$known" "$more" | sort -u)
  [ "$both" != "$known" ] || break
  known=$both
done
log | grep -F -i -e "$known" | sort -s -k 1,1 | tail -n "$most"
"""


class MailLog(FactBase[list[str]]):
    """The lines about ``needle``: a Message-ID, a queue identifier or an address; oldest first. ``since`` as
    journalctl(1) takes it.

    ``pyinfra inventory.py fact facts.maillog.MailLog needle=tito@example.org``
    """

    default = list

    @override
    def requires_command(self, needle: str, since: str = SINCE) -> str:
        return "journalctl"

    @override
    def command(self, needle: str, since: str = SINCE) -> StringCommand:
        return StringCommand(
            "sh", "-c", QuoteString(_COMMAND), "sh", QuoteString(since), QuoteString(_sought(needle)), str(MOST)
        )

    @override
    def process(self, output: list[str]) -> list[str]:
        return [line for line in output if re.match(r"\d{4}-\d\d-\d\dT", line)]


def _sought(needle: str) -> str:
    """As it stands in a line and nothing longer does: an address and a Message-ID are within < and > there."""
    text = needle.strip()
    if "@" in text:
        return f"<{text.strip('<>')}>"
    return f"{text.rstrip(':')}:"
