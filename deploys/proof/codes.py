"""What large providers mean by the codes of their refusals, and what to do.

Sources: Gmail's "SMTP errors and codes" (3726730), Yahoo's "SMTP error codes", Outlook's postmaster pages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from deploys.proof.line import Line

ROOM = "senders' rules"
RECORDS = "mend the DNS lines above that are not ok"
# Pattern in the answer, whose it is, what it means, what to do.
CODES: tuple[tuple[str, str, str, str], ...] = (
    (r"4\.7\.23|5\.7\.25", "Gmail", "no reverse name, or one that leads elsewhere", "see the PTR lines"),
    (r"[45]\.7\.24|[45]\.7\.27", "Gmail", "SPF did not pass", RECORDS),
    (r"[45]\.7\.26\b.*(?:google|gsmtp)", "Gmail", "neither SPF nor DKIM passed", RECORDS),
    (
        r"4\.7\.28",
        "Gmail",
        "too many letters at once",
        "send nothing for ten minutes, then slowly; look for a stolen log-in",
    ),
    (
        r"[45]\.7\.29",
        "Gmail",
        "the letter came without TLS",
        "see whether something between you and the world breaks STARTTLS",
    ),
    (r"[45]\.7\.30", "Gmail", "DKIM did not pass", RECORDS),
    (r"4\.7\.31|[45]\.7\.40", "Gmail", "the domain has no DMARC record", RECORDS),
    (r"[45]\.7\.32", "Gmail", "From fits neither SPF nor DKIM", RECORDS),
    (r"\[?TSS04|TS04", "Yahoo", "people complain, or the sender is unknown yet", "slowly; Yahoo's Sender Hub"),
    (r"\bTSS0?[56]|\bTS0[123]\b", "Yahoo", "put off for its reputation", "slowly; Yahoo's Sender Hub"),
    (r"\bPH0[01]\b", "Yahoo", "the letter looks like phishing", "look at its links, and for a stolen log-in"),
    (r"5\.7\.515", "Outlook", "SPF, DKIM or DMARC missing or failing", RECORDS),
    (
        r"S3140|S3150",
        "Outlook",
        "the address's block has a bad name",
        "Outlook's form for new senders; else a relayhost",
    ),
    (r"4\.7\.650|RP-00", "Outlook", "too many letters for a new address", "slowly; enrol at SNDS"),
    (r"spamhaus", "Spamhaus", "the address is listed", "look it up at check.spamhaus.org, and mend the cause first"),
)


def lines(said: Mapping[str, int]) -> list[Line]:
    """A warning for each kind of refusal of the last day that a provider has a code for. ``said``: answer to count."""
    told: dict[tuple[str, str, str], tuple[int, str]] = {}
    for answer, times in said.items():
        for pattern, whose, meaning, remedy in CODES:
            if re.search(pattern, answer, re.IGNORECASE):
                count, _ = told.get((whose, meaning, remedy), (0, ""))
                told[whose, meaning, remedy] = (count + times, answer)
                break
    return [
        Line(ROOM, f"{whose} refused", "nothing in 24 h", f"{count}: {meaning} ({answer})", True, remedy)
        for (whose, meaning, remedy), (count, answer) in told.items()
    ]
