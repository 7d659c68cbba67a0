"""The text that rspamd reads (https://docs.rspamd.com/configuration/). Same options in, same text out.

Files in local.d add to the distribution's; those in override.d take its place where adding would not do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

from deploys.components.clamav.options import SOCKET as CLAMAV_SOCKET
from deploys.components.rspamd import probe
from deploys.components.rspamd.options import CONTROLLER, MILTER_SOCKET, SPAM_HEADER, Filter
from deploys.config.mailserver import MailServer
from deploys.probes.program import program
from deploys.records.options import Records, ed25519_selector
from operations.file import File

Block = Mapping[str, Any]

HERE = Path(__file__).parent
DIRECTORY = "/etc/rspamd"
OWNERS = "posthaus/owners"
SENDERS = "posthaus/senders"
USER = "_rspamd"
UNITS = "/etc/systemd/system"
KEYS = "/var/lib/rspamd/dkim"
REDIS = "posthaus-redis"
REDIS_SOCKET = f"/run/{REDIS}/redis.sock"
LOOPBACK = ("127.0.0.0/8", "::1")
OUT_OF_REACH = 1_000_000
MIME_PROGRAM = "posthaus/mime.py"
VIRUS = "CLAM_VIRUS"  # the symbol
PRIORITY = 9
# A host without a reverse name has one fault, which two symbols tell: together they shall not outweigh all else.
SCORES = {"HFILTER_HOSTNAME_UNKNOWN": 1.0, "RDNS_NONE": 1.0}
PROXY = "override.d/worker-proxy.inc"
HEAD = "# Written by Posthaus: the next run undoes changes made here."


def packages(settings: Filter) -> tuple[str, ...]:
    """The Debian packages. redis-tools holds Redis itself; redis-server would add a second instance on TCP."""
    redis = ("redis-tools",) if settings.learn else ()
    return ("rspamd", "python3", *redis)


def configuration(settings: Filter, mail: MailServer) -> dict[str, File]:
    """Every file of ours below /etc/rspamd. ``settings``: the ``filter`` of ``mail``, which has one."""
    ours = (*LOOPBACK, *mail.trusted_networks)
    files = {
        "override.d/options.inc": options(ours, mail.nameserver),
        "local.d/logging.inc": {"type": "console", "systemd": True, "level": "notice", "log_re_cache": False},
        "local.d/worker-normal.inc": {"enabled": False},
        "local.d/worker-controller.inc": {"bind_socket": f"{CONTROLLER} mode=0666"},
        PROXY: worker_proxy(),
        "override.d/actions.conf": actions(settings),
        "local.d/settings.conf": user_settings(ours, settings),
        "override.d/milter_headers.conf": milter_headers(),
        "local.d/dkim_signing.conf": dkim_signing(mail.records, mail.signers),
        "local.d/arc.conf": arc(mail.records, mail.signers),
        # What the sender's domain asks for is done (RFC 7489, section 6.3); reports are for large receivers to send.
        "local.d/dmarc.conf": {"actions": {"quarantine": "add_header", "reject": "reject"}},
        # It would send digests of people's messages to rspamd.com.
        "local.d/fuzzy_check.conf": {"enabled": False},
        # It learns from rspamd's own verdicts, which nobody has looked at.
        "local.d/neural.conf": {"enabled": False},
        "local.d/rbl.conf": {"enabled": settings.blocklists},
        # seconds; somebody waits for a login code
        "local.d/greylist.conf": {"enabled": settings.greylisting, "timeout": 120},
        **learning(settings),
        **scanner(settings),
        "local.d/groups.conf": scores(settings),
    }
    texts = {name: f"{HEAD}\n{members(content)}" for name, content in files.items()}
    return {
        **{name: File(text) for name, text in texts.items()},
        "rspamd.local.lua": File(
            (HERE / "rspamd.local.lua").read_text(encoding="utf-8")
        ),  # lua.local.d: newer ones only
        f"{SENDERS}.lua": File((HERE / "senders.lua").read_text(encoding="utf-8")),
        SENDERS: File(sender_rows(settings), "0640", group=USER),
        MIME_PROGRAM: File((HERE / "mime.py").read_text(encoding="utf-8")),
        OWNERS: File(owner_rows(mail.directory.senders), "0640", group=USER),
    }


def members(settings: Block) -> str:
    """``settings`` as JSON, which rspamd reads as its own language, a member a line.

    Without the outermost braces: rspamd includes these files within a section, whose braces stand around them already.
    """
    return dedent(json.dumps(settings, indent=2)[1:-1].strip("\n")) + "\n"


def options(ours: Iterable[str], nameserver: str | None) -> Block:
    """``nameserver``: whom to ask; None: the host's own resolvers.

    rspamd takes every private network for our own unless told: no SPF, DKIM or DMARC, and our signature.
    """
    asking = {"dns": {"nameserver": [nameserver]}} if nameserver else {}
    # What somebody sets at runtime (saveactions) would win over what is declared here, and for good: it has no place.
    return {"local_addrs": list(ours), "dynamic_conf": "/nonexistent/rspamd", **asking}


def worker_proxy() -> Block:
    """The milter that Postfix talks to scans by itself: one process less for each message, and less memory."""
    return {
        "bind_socket": f"{MILTER_SOCKET} mode=0666",
        "milter": True,
        "timeout": 60,
        "upstream": {"local": {"default": True, "self_scan": True}},
        "count": 2,  # while one of them works at something large, the other takes what else comes
        "max_retries": 5,
        "discard_on_reject": False,
        "quarantine_on_reject": False,
        "spam_header": SPAM_HEADER,
        "reject_message": "This message looks like spam, or its sender's domain asks to refuse it",
    }


def actions(settings: Filter) -> Block:
    """From how many points on what becomes of a message."""
    return {
        "reject": settings.reject_score,
        "add_header": settings.junk_score,
        "greylist": settings.junk_score * 2 / 3 if settings.greylisting else None,
        "rewrite_subject": None,
    }


def user_settings(ours: Iterable[str], settings: Filter) -> Block:
    """Our own people's messages are signed and not judged: a message with many points still leaves as they wrote it.

    Refusal keeps a threshold, out of reach: without any, a rule could refuse nothing (a virus, a forged From). Only
    what can refuse or sign is looked at: rules whose points nobody adds up would take half of rspamd's time.
    """
    unjudged = {
        "actions": {"reject": OUT_OF_REACH, **dict.fromkeys(("add header", "greylist", "rewrite subject"))},
        "symbols_enabled": enabled(settings),
    }
    return {
        "people": {"priority": "high", "authenticated": True, "apply": unjudged},
        "host": {"priority": "medium", "ip": list(ours), "apply": unjudged},  # of two alike rspamd complains
    }


def enabled(settings: Filter) -> list[str]:
    """The rules that may refuse or sign: all of ours that are there, and rspamd's own two."""
    ours = re.findall(r"\bname = '(POSTHAUS_\w+)'", (HERE / "rspamd.local.lua").read_text(encoding="utf-8"))
    named = {"POSTHAUS_BLOCKED": settings.block, "POSTHAUS_ALLOWED": settings.allow, VIRUS: settings.antivirus}
    return [*ours, "DKIM_SIGNED", *(symbol for symbol, there in named.items() if there)]


def milter_headers() -> Block:
    """One Authentication-Results of our own (RFC 8601): whatever a message brings along is the sender's word for it."""
    return {
        "use": ["authentication-results", "x-spam-level", "x-spamd-result"],
        "skip_local": True,
        "skip_authenticated": True,
        "extended_spam_headers": False,
        "remove_upstream_spam_flag": True,
        "routines": {
            "authentication-results": {"remove": 0, "add_smtp_user": False},
            "x-spam-level": {"remove": 0},
            "x-spamd-result": {"remove": 0},
        },
    }


def dkim_signing(records: Records, names: Iterable[str]) -> Block:
    """Who has logged in, and the host itself, signs for the domain in the header From, with both keys.

    A message from outside that claims to be ours never gets a signature: it is neither of the two.
    """
    return {
        "enabled": True,
        "sign_authenticated": True,
        "sign_local": True,
        "sign_inbound": False,
        "allow_envfrom_empty": True,  # bounces
        "allow_username_mismatch": True,
        "allow_hdrfrom_mismatch": True,  # an alias' address in From; rspamd.local.lua has looked at it
        "allow_hdrfrom_multiple": False,
        "use_domain": "header",
        "use_esld": False,
        "try_fallback": False,
        "domain": {name: {"selectors": keys(records, name)} for name in names},
    }


def keys(records: Records, name: str) -> list[Block]:
    """The keys that sign now."""
    selector = records.of(name).dkim.selector
    return [{"selector": one, "path": key_path(name, one)} for one in (selector, ed25519_selector(selector))]


def arc(records: Records, names: Iterable[str]) -> Block:
    """Every message that arrives is sealed (RFC 8617), for an alias may lead it on, and the seal says what we saw.

    By RSA: RFC 8617 has no other algorithm.
    """
    return {
        "sign_inbound": True,
        "sign_local": False,
        "sign_authenticated": False,
        "allow_envfrom_empty": True,
        "allow_hdrfrom_mismatch": True,
        "allow_username_mismatch": True,
        "use_domain": "recipient",
        "use_esld": False,
        "try_fallback": False,
        "domain": {name: keys(records, name)[0] for name in names},
    }


def learning(settings: Filter) -> dict[str, Block]:
    """Bayes in Redis, from what people move; what nobody has met for a hundred days is forgotten."""
    if not settings.learn:
        return {"override.d/statistic.conf": {"classifier": {}}, "local.d/history_redis.conf": {"enabled": False}}
    return {
        "local.d/redis.conf": {"servers": REDIS_SOCKET},
        # Few people teach: twenty messages of each kind tell more than none, and rspamd would wait for two hundred.
        "local.d/classifier-bayes.conf": {"min_learns": 20, "expire": 8_640_000, "autolearn": False},
        "local.d/history_redis.conf": {"enabled": False},
    }


def scanner(settings: Filter) -> dict[str, Block]:
    """ClamAV by its socket. Where it does not answer, messages pass: a scanner without signatures must lose no mail."""
    if not settings.antivirus:
        return {}
    clamav = {
        "type": "clamav",
        "servers": CLAMAV_SOCKET,
        "symbol": VIRUS,
        "action": "reject",
        "message": "A virus was found in this message",
        "scan_mime_parts": True,
        "log_clean": False,
    }
    return {"local.d/antivirus.conf": {"clamav": clamav}}


def scores(settings: Filter) -> Block:
    """Points that are not rspamd's own: ours, and the operator's over them.

    Without a priority, rspamd 3.4 would take those of a symbol's own group.
    """
    points = sorted({**SCORES, **settings.scores}.items())
    return {"symbols": {symbol: {"weight": weight, "priority": PRIORITY} for symbol, weight in points}}


def key_path(name: str, selector: str) -> str:
    """Where the host keeps a private key of DKIM."""
    return f"{KEYS}/{name}.{selector}.key"


def owner_rows(owners: Mapping[str, Iterable[str]]) -> str:
    """What rspamd.local.lua reads: an address or @domain, then the logins that may write as it, a row each."""
    return "".join(f"{address} {' '.join(sorted(logins))}\n" for address, logins in sorted(owners.items()))


def sender_rows(settings: Filter) -> str:
    """What senders.lua reads: ``block`` or ``allow``, then an address, a domain or a network, a row each."""
    rows = [("block", one) for one in settings.block] + [("allow", one) for one in settings.allow]
    return "".join(f"{which} {one}\n" for which, one in rows)


def running(address: str) -> str:
    """A shell command that succeeds where rspamd signs what ``address`` sends, asked as Postfix asks it."""
    return program(probe, milter=MILTER_SOCKET, controller=CONTROLLER, address=address)
