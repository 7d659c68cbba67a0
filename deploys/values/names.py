"""Host names and mail addresses in the one form that every component uses: lower case, A-labels."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

import idna

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123, section 2.1: no underscore, no outer hyphen
# No / (it parts directories), no ! and % (Postfix reads a route in them), no * and ? (Dovecot's tools take them for any
# name), no ` { | } $ ^ (shells, templates and patterns read more in them).
OWN_LOCAL_PART = re.compile(r"[a-z0-9_](?:[a-z0-9_'&=~#-]|\.(?!\.|$))*")
ANY_LOCAL_PART = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")  # RFC 5321 dot-string
EXAMPLE = "mail.example.org"


@lru_cache(maxsize=1 << 14)  # a domain stands in mail.yaml as often as it has addresses
def host_name(text: str) -> str:
    """The canonical form of a fully qualified host or domain name.

    Raises ValueError (what is wrong; what would be right) for a short name, an address, a trailing dot and the like.
    """
    if len(text) > 1000:  # of octets a name has 253 at most, and what turns it into A-labels takes its time
        raise ValueError(f"is a name of {len(text)} characters, which the DNS cannot hold; write one such as {EXAMPLE}")
    if text != text.strip() or not text:
        raise ValueError(f"{text!r} has blanks around it; write the bare name, such as {EXAMPLE}")
    if _is_ip_address(text):
        raise ValueError(f"{text} is an IP address; write a name that the DNS knows, such as {EXAMPLE}")
    if text.endswith("."):
        raise ValueError(f"{text} ends in a dot; write {text.rstrip('.') or EXAMPLE}")
    name = _a_labels(text)
    for label in name.split("."):
        if not LABEL.fullmatch(label):
            raise ValueError(
                f"{text} is not a host name ({label or 'an empty part'!r} is not allowed in it); "
                f"use letters, digits and inner hyphens, such as {EXAMPLE}"
            )
    if "." not in name:
        raise ValueError(f"{text} is not fully qualified; write the whole name, such as {EXAMPLE}")
    if name.rpartition(".")[2].isdigit() or len(name) > 253:
        raise ValueError(f"{text} is not a name the DNS can hold; write one such as {EXAMPLE}")
    return name


def address(text: str) -> str:
    """The canonical form of ``local@domain``, anywhere in the world.

    Local parts are ASCII: nothing on the way to the mailbox may need SMTPUTF8 (RFC 6531).
    """
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        raise ValueError(f"{text!r} is not a mail address; write name@domain, such as tito@example.org")
    if not local.isascii():
        raise ValueError(f"{text} is not ASCII before the @; write it without accents, such as jorg@{domain}")
    if len(local) > 64 or local.startswith("-") or not ANY_LOCAL_PART.fullmatch(local.lower()):
        raise ValueError(f"{text!r} is not a mail address; use letters, digits, dots and hyphens before the @")
    return f"{local.lower()}@{host_name(domain)}"


def alias_address(text: str) -> str:
    """An address of ours: like ``address``, with nothing before the @ that a table or a file name trips over."""
    canonical = address(text)
    if not OWN_LOCAL_PART.fullmatch(canonical.rpartition("@")[0].replace("+", "-")):
        raise ValueError(
            f"{text} cannot be an address here: some mail program takes one of its characters for something else; "
            "before the @ use letters, digits, dots, hyphens and _ ' & = ~ #, and begin with a letter or digit"
        )
    return canonical


def mailbox_address(text: str) -> str:
    """An address that may have a mailbox: no ``+``, which tags the mail of another one (recipient_delimiter)."""
    canonical = address(text)
    if "+" in canonical:
        plain = untagged(canonical)
        raise ValueError(f"{text} holds +, which only tags mail; declare {plain}, and mail to {text} arrives there")
    alias_address(text)
    if "'" in canonical:  # its lookup in a passwd-file escapes it first, in 2.3 and 2.4
        plain = canonical.replace("'", "")
        raise ValueError(
            f"{text} holds an apostrophe, with which Dovecot finds no mailbox; declare {plain}, and {canonical} as an "
            "alias that leads to it: it receives and sends as that, too"
        )
    return canonical


def domain_of(mail_address: str) -> str:
    """What stands after the last @."""
    return mail_address.rpartition("@")[2]


def untagged(mail_address: str) -> str:
    """``tito@…`` for ``tito+shop@…`` (recipient_delimiter is +); other addresses as they are."""
    local, _, domain = mail_address.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def _a_labels(text: str) -> str:
    lowered = text.lower()
    if lowered.isascii():
        return lowered
    try:
        return idna.encode(lowered, uts46=True).decode()
    except idna.IDNAError:
        raise ValueError(f"{text} is not an internationalised domain name; write its xn-- form") from None


def _is_ip_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True
