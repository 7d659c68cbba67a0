"""What large providers mean by the codes of their refusals, and what to do.

Sources: Gmail's "SMTP errors and codes" (3726730), Yahoo's "SMTP error codes", Outlook's postmaster pages.
"""

from __future__ import annotations

import re

RECORDS = "fix the DNS lines above that are not ok"
# Pattern in the answer, key, whose it is, what it means, what to do.
CODES: tuple[tuple[str, str, str, str, str], ...] = (
    (
        r"4\.7\.23|5\.7\.25",
        "gmail.reverse-name",
        "Gmail",
        "no reverse name, or one that leads elsewhere",
        "see the PTR lines",
    ),
    (r"[45]\.7\.24|[45]\.7\.27", "gmail.spf", "Gmail", "SPF did not pass", RECORDS),
    (r"[45]\.7\.26\b.*(?:google|gsmtp)", "gmail.neither", "Gmail", "neither SPF nor DKIM passed", RECORDS),
    (
        r"4\.7\.28",
        "gmail.rate",
        "Gmail",
        "too many messages at once",
        "send nothing for ten minutes, then slowly; look for a stolen login",
    ),
    (
        r"[45]\.7\.29",
        "gmail.tls",
        "Gmail",
        "the message came without TLS",
        "see whether something between you and the world breaks STARTTLS",
    ),
    (r"[45]\.7\.30", "gmail.dkim", "Gmail", "DKIM did not pass", RECORDS),
    (r"4\.7\.31|[45]\.7\.40", "gmail.dmarc", "Gmail", "the domain has no DMARC record", RECORDS),
    (r"[45]\.7\.32", "gmail.alignment", "Gmail", "From fits neither SPF nor DKIM", RECORDS),
    (
        r"\[?TSS04|TS04",
        "yahoo.complaints",
        "Yahoo",
        "people complain, or the sender is unknown yet",
        "send slowly; Yahoo's Sender Hub",
    ),
    (
        r"\bTSS0?[56]|\bTS0[123]\b",
        "yahoo.reputation",
        "Yahoo",
        "deferred for the address's reputation",
        "send slowly; Yahoo's Sender Hub",
    ),
    (
        r"\bPH0[01]\b",
        "yahoo.phishing",
        "Yahoo",
        "the message looks like phishing",
        "look at its links, and for a stolen login",
    ),
    (r"5\.7\.515", "outlook.authentication", "Outlook", "SPF, DKIM or DMARC missing or failing", RECORDS),
    (
        r"S3140|S3150",
        "outlook.block",
        "Outlook",
        "the address's network has a bad reputation",
        "Outlook's form for new senders; else a relayhost",
    ),
    (
        r"4\.7\.650|RP-00",
        "outlook.new-address",
        "Outlook",
        "too many messages for a new address",
        "send slowly; enrol at SNDS",
    ),
    (
        r"spamhaus",
        "spamhaus.listed",
        "Spamhaus",
        "the address is listed",
        "look it up at check.spamhaus.org, and fix the cause first",
    ),
)


def known(answer: str) -> tuple[str, str, str] | None:
    """Whose code is in an answer, what it means, and what to do; None: nobody's that we know."""
    found = row(answer)
    return found[1:] if found else None


def row(answer: str) -> tuple[str, str, str, str] | None:
    """The same with the key before it, such as ``gmail.rate``."""
    matching = (one for one in CODES if re.search(one[0], answer, re.IGNORECASE))
    return next((one[1:] for one in matching), None)
