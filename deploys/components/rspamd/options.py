"""What may be said about rspamd: what is spam, what is learned, what is refused."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, Field, StrictStr, WithJsonSchema, model_validator

from deploys.config.base import Settings, refuse
from deploys.values import names, networks, without_repeats

# Unix sockets: over TCP, each message would wait for 40 ms three times (docs/performance.md), and any user could ask.
MIME_SOCKET = "/run/posthaus-mime/milter.sock"
MILTER_DIRECTORY = "/run/posthaus-milter"
MILTER_SOCKET = f"{MILTER_DIRECTORY}/rspamd.sock"
MILTERS = f"unix:{MIME_SOCKET}, unix:{MILTER_SOCKET}"
# No port: whoever may enter this directory may teach and ask, and nobody else (docs/decisions/rspamd.md).
CONTROLLER_DIRECTORY = "/run/posthaus-rspamd"
CONTROLLER = f"{CONTROLLER_DIRECTORY}/controller.sock"
SPAM_HEADER = "X-Spam"  # "Yes": Dovecot files the message in Junk


def symbol_name(text: str) -> str:
    """A symbol as rspamd writes it, such as BAYES_SPAM."""
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{1,60}", text):
        raise ValueError(f"{text!r} is no symbol of rspamd; write one as its header X-Spamd-Result does: BAYES_SPAM")
    return text


def sender(text: str) -> str:
    """An address, a domain, or a network in CIDR form: the three kinds of senders that a list may name."""
    if "@" in text:
        if text.startswith("@"):
            raise ValueError(f"{text} is no address; write {text[1:]} for a domain and all names below it")
        return names.untagged(names.address(text))
    if text.startswith("*."):
        raise ValueError(f"{text} holds a wildcard; write {text[2:]}, which covers all names below it")
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        return _domain_or_network(text)
    if network.prefixlen == 0:
        raise ValueError(f"{text} is the whole internet; write a smaller network, such as 192.0.2.0/24")
    return str(network)


def _domain_or_network(text: str) -> str:
    if "/" in text or text.replace(".", "").isdigit() or ":" in text:
        return networks.network(text)  # which says what is wrong with it
    return names.host_name(text)


Sender = Annotated[
    StrictStr,
    AfterValidator(sender),
    WithJsonSchema({"type": "string", "title": "address, domain or network"}),
]
Senders = Annotated[tuple[Sender, ...], AfterValidator(without_repeats)]
Symbol = Annotated[StrictStr, AfterValidator(symbol_name)]
Points = Annotated[float, Field(ge=-1000, le=1000)]


class Filter(Settings):
    """rspamd: signs what leaves, checks what arrives. Points add up; more points, more like spam."""

    junk_score: Annotated[float, Field(gt=0, le=1000)] = Field(
        default=6, description="Points from which a message goes to Junk.", examples=[8]
    )
    reject_score: Annotated[float, Field(gt=0, le=1000)] | None = Field(
        default=None,
        description="Points from which a message is refused while it is handed in, so that its sender knows. Default:"
        " no message is refused for its points alone.",
        examples=[15],
    )
    learn: bool = Field(
        default=True,
        description="Learn from what people move into Junk and out of it (needs Redis, on a local socket).",
        examples=[False],
    )
    blocklists: bool = Field(
        default=True,
        description="Ask the DNS's blocklists about senders and links. They want a resolver of one's own, not a"
        " provider's or a public one.",
        examples=[False],
    )
    greylisting: bool = Field(
        default=False,
        description="Ask unknown senders of doubtful messages to come again in two minutes. It delays login codes.",
    )
    antivirus: bool = Field(
        default=False,
        description="Refuse messages in which ClamAV finds a virus. It costs a gigabyte of memory.",
        examples=[True],
    )
    scores: dict[Symbol, Points] = Field(
        default={},
        description="Points for a symbol, in place of rspamd's own.",
        examples=[{"BAYES_SPAM": 7.5}],
    )

    block: Senders = Field(
        default=(),
        description="Senders whose messages are refused: addresses, domains (with all names below them) and networks."
        " The envelope's sender counts, and the From that people see.",
        examples=[["pest@example.net", "spam.example", "192.0.2.0/24"]],
    )
    allow: Senders = Field(
        default=(),
        description="Senders whose messages are never Junk, whatever their points: addresses, domains (with all names"
        " below them), and networks that hand messages in. An address or a domain counts only where the message proves"
        " it (DMARC, or DKIM or SPF of the domain in From), so that nobody else can borrow the name.",
        examples=[["newsletter@example.net", "partner.example"]],
    )

    @model_validator(mode="after")
    def _nobody_is_both(self) -> Filter:
        if both := set(self.block) & set(self.allow):
            refuse([(("allow",), f"holds {', '.join(sorted(both))}, which is in block, too; keep it in one of them")])
        return self

    @model_validator(mode="after")
    def _junk_comes_before_refusal(self) -> Filter:
        if self.reject_score is not None and self.reject_score <= self.junk_score:
            refuse(
                [
                    (
                        ("reject_score",),
                        f"is not above junk_score ({self.junk_score:g}), so nothing would reach Junk; write more",
                    )
                ]
            )
        if self.greylisting and not self.learn:
            refuse([(("greylisting",), "remembers senders in Redis, which learn: false leaves out; drop one of them")])
        return self
