"""What stands beside the mail programs: the keys that sign, the webmail's name, Let's Encrypt. Pure: no host."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from deploys.adopting.description import FoundKey, Program
from deploys.adopting.look import Told
from deploys.adopting.tables import rows

_RSPAMD = ("/etc/rspamd/local.d/dkim_signing.conf", "/etc/rspamd/override.d/dkim_signing.conf")


def keys(told: Told, domains: Iterable[str]) -> list[FoundKey]:
    """The keys that sign ``domains`` by opendkim or rspamd, their text not yet read."""
    wanted = list(domains)
    return [one for one in (*_opendkim(told, wanted), *_rspamd(told, wanted)) if one.path]


def _opendkim(told: Told, domains: list[str]) -> list[FoundKey]:
    """opendkim.conf(5): a KeyTable of ``NAME DOMAIN:SELECTOR:PATH``, or one key for all."""
    conf = told.files.get("/etc/opendkim.conf", "")
    if not conf:
        return []
    said = {key.lower(): value for key, value in rows(conf).items()}
    table = said.get("keytable", "").removeprefix("refile:").removeprefix("file:")
    found = []
    for value in rows(told.files.get(table, "")).values():
        domain, _, rest = value.partition(":")
        selector, _, path = rest.partition(":")
        found += [FoundKey(one, selector, path) for one in domains if domain in (one, "%")]
    if said.get("selector") and said.get("keyfile"):
        named = re.split(r"[,\s]+", said.get("domain", ""))
        found += [FoundKey(one, said["selector"], said["keyfile"]) for one in domains if one in named or "*" in named]
    return found


def _rspamd(told: Told, domains: list[str]) -> list[FoundKey]:
    """https://docs.rspamd.com/modules/dkim_signing: a block for a domain, else maps, else a pattern for all."""
    found = []
    for file in _RSPAMD:
        text = re.sub(r"#.*", "", told.files.get(file, ""))
        if not text.strip():
            continue
        inner, general = _blocks(text)
        maps = {word: rows(told.files.get(_value(general, f"{word}_map"), "")) for word in ("selector", "path")}
        for domain in domains:
            block = inner.get(domain, "")
            selector = (
                _value(block, "selector") or maps["selector"].get(domain) or _value(general, "selector") or "dkim"
            )
            pattern = "/var/lib/rspamd/dkim/$domain.$selector.key"
            path = _value(block, "path") or maps["path"].get(domain) or _value(general, "path") or pattern
            found.append(FoundKey(domain, selector, path.replace("$domain", domain).replace("$selector", selector)))
    return found


def _blocks(text: str) -> tuple[dict[str, str], str]:
    """``domain { NAME { … } }`` by name, the first selector of each; and the rest."""
    outer = re.search(r"\bdomain\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}", text)
    if not outer:
        return {}, text
    inner = re.findall(r"([\w.-]+)\s*\{((?:[^{}]|\{[^{}]*\})*)\}", outer[1])
    return {name.strip("\"'").lower(): body for name, body in inner}, text.replace(outer[0], "")


def _value(text: str, name: str) -> str:
    match = re.search(rf"(?:^|[;{{\n])\s*{name}\s*=\s*\"?([^\";\n]+)", text)
    return match[1].strip() if match else ""


def webmail(told: Told) -> tuple[str, Program | None, str]:
    """The name under which Apache or nginx serves a webmail, which it is, and the file that says so; of one that is
    served under every name, "" and ""."""
    for path, text in told.files.items():
        if "sites-enabled" not in path and "/nginx/conf.d/" not in path:
            continue
        for block in re.split(r"(?i)(?=<VirtualHost|\bserver\s*\{)", text):
            plain = re.sub(r"(?m)^\s*#.*$", "", block)
            program = _program(plain)
            named = re.search(r"(?im)^\s*(?:ServerName|server_name)\s+([\w.-]+)", plain)
            if program and named:
                return named[1].lower(), program, path
    return "", next((found for path in told.files if "conf-enabled" in path and (found := _program(path))), None), ""


def _program(text: str) -> Program | None:
    lowered = text.lower()
    return "squirrelmail" if "squirrelmail" in lowered else "roundcube" if "roundcube" in lowered else None


def acme(told: Told, hostname: str) -> tuple[bool, str]:
    """Whether certbot keeps a certificate for ``hostname``, and its account's address, if that is known."""
    covered = any(re.search(rf"DNS:{re.escape(hostname)}\b", names) for names in told.certificates.values())
    contact = re.search(r'"mailto:([^"]+)"', told.words.get("acme", ""))
    return covered, json.loads(f'"{contact[1]}"') if contact else ""
