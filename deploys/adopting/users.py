"""Who has a mailbox on a server made by hand, with which password, and where the messages lie: Dovecot's side of it.
Pure: no host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from deploys.adopting.doveconf import Block, expanded
from deploys.adopting.look import Told
from deploys.values import hashes, sizes

_SCHEME = re.compile(r"\{[A-Za-z0-9.-]+\}")


@dataclass(frozen=True)
class Row:
    """One line of a passwd-file. ``user``: as it logs in; ``home`` and ``mail`` where the line has its own;
    ``nets``: whence alone it may log in."""

    user: str
    password: str
    home: str
    mail: str
    quota: int | None
    source: str
    active: bool = True
    nets: str = ""


def passwd_files(conf: Block, told: Told, kind: str) -> Iterator[tuple[Block, str, str, str]]:
    """Of each ``kind`` (passdb, userdb) of files: the block, the path as it is configured, and a file that it is."""
    for block in conf.of(kind):
        if block.get("driver", block.name) not in ("passwd-file", "passwd_file"):
            continue
        args = block.get("args").split()
        path = block.get("passwd_file_path") or (args[-1] if args else "")
        pattern = re.sub(r"%\\\{[^}]*\\\}|%[A-Z]*[a-z]", "([^/]*)", re.escape(path).replace(r"\%", "%"))
        for file in sorted(told.files):
            if match := re.fullmatch(pattern, file):
                yield block, path, file, next(iter(match.groups()), "")


def rows(conf: Block, told: Told) -> list[Row]:
    """All of the passwd-files that logins are checked against, and those of user databases beside them."""
    found: dict[str, Row] = {}
    for kind in ("passdb", "userdb"):
        for block, path, file, named in passwd_files(conf, told, kind):
            if _is(block, "deny") or _is(block, "master"):
                continue
            scheme = _scheme(block)
            domain = named if path.count("%") == 1 and "." in named else ""
            for line in told.files[file].splitlines():
                if row := _row(line, scheme, domain, f"{file}, a passwd-file of Dovecot's"):
                    first = found.get(row.user)
                    found[row.user] = _joined(first, row) if first else row
    return list(found.values())


def _is(block: Block, what: str) -> bool:
    return (block.get(what) or block.get(f"passdb_{what}")) == "yes"


def refused(conf: Block, told: Told) -> set[str]:
    """Who may not log in whatever the password is (``deny``), as they log in."""
    return {row.user for row in _of_blocks(conf, told, "deny")}


def masters(conf: Block, told: Told) -> list[str]:
    """Who may read everybody's mail."""
    return sorted({row.user for row in _of_blocks(conf, told, "master")})


def _of_blocks(conf: Block, told: Told, what: str) -> Iterator[Row]:
    for block, _, file, _ in passwd_files(conf, told, "passdb"):
        if _is(block, what):
            yield from (row for line in told.files[file].splitlines() if (row := _row(line, "", "", file)))


def _scheme(block: Block) -> str:
    """The scheme of hashes that do not say theirs."""
    said = re.search(r"\bscheme=(\S+)", block.get("args"))
    return (
        said[1] if said else block.get("passdb_default_password_scheme") or block.get("default_password_scheme")
    ) or ""


def _row(line: str, scheme: str, domain: str, source: str) -> Row | None:
    """``user:password:uid:gid:gecos:home:shell:more``."""
    if not line.strip() or line.startswith("#"):
        return None
    cells = [*line.strip().split(":", 7), *[""] * 7]
    user, password, home, more = cells[0].lower(), cells[1], cells[5], cells[7]
    extra = dict(word.partition("=")[::2] for word in more.split())
    if domain and "@" not in user:
        user = f"{user}@{domain}"
    if password and not _SCHEME.match(password) and (scheme or not password.startswith("$")):
        password = f"{{{scheme or 'CRYPT'}}}{password}"  # the default of passwd-files
    limit = extra.get("userdb_quota_storage_size") or extra.get("userdb_quota_rule") or extra.get("quota_rule") or ""
    active = extra.get("nologin", "no" if "nologin" not in extra else "yes").lower() in ("no", "n", "0")
    nets = extra.get("allow_nets", "")
    mail = extra.get("userdb_mail", "")
    return Row(user, password, extra.get("userdb_home", home), mail, quota(limit), source, active, nets)


def _joined(first: Row, second: Row) -> Row:
    more = second.quota if first.quota is None else first.quota
    home, mail = first.home or second.home, first.mail or second.mail
    active, nets = first.active and second.active, first.nets or second.nets
    return Row(first.user, first.password, home, mail, more, first.source, active, nets)


def quota(rule: str) -> int | None:
    """Bytes of ``*:storage=1G``, ``*:bytes=…`` (2.3) or ``1G`` (2.4); None where it says nothing of the whole."""
    match = re.fullmatch(r"(?:\*:(?:storage|bytes)=)?(\d+(?:\.\d+)?)\s*([bkMGT%]?)i?B?", rule.strip(), re.I)
    if not match or match[2] == "%":
        return None
    unit = match[2].upper().replace("B", "")
    if rule.startswith("*:storage") and not unit:
        unit = "K"
    return sizes.size(f"{match[1]}{unit}")


def everybodys_quota(conf: Block) -> int | None:
    """The limit of mailboxes that have none of their own; None: there is none."""
    blocks = [conf, *conf.of("plugin"), *conf.of("quota")]
    said = [one.get("quota_storage_size") or one.get("quota_rule") for one in blocks]
    return next((found for rule in said if rule and (found := quota(rule)) is not None), None)


def is_clear(conf: Block) -> bool:
    """Whether hashes without a scheme are no hashes (a default that some guides set)."""
    return any(hashes.clear_text(f"{{{_scheme(one)}}}x") for one in conf.of("passdb"))


def home_of(conf: Block, user: str, own: str) -> str | None:
    """The home of ``user``; None where it depends on what is not known. ``own``: as its row says."""
    fields = [template for one in conf.of("userdb") for template in _home_templates(one)]
    overriding = next((one for kind, one in fields if kind == "override"), "")
    default = next((one for kind, one in fields if kind == "default"), "") or conf.get("mail_home")
    text = overriding or own or default
    return expanded(text, user) if text else ""


def _home_templates(block: Block) -> Iterator[tuple[str, str]]:
    static = block.get("driver", block.name) == "static"
    own = f" {block.get('args')}" if static else ""
    words = {"override": f"{block.get('override_fields')}{own}", "default": block.get("default_fields")}
    for kind, text in words.items():
        if match := re.search(r"(?:^|\s)home=(\S+)", text):
            yield kind, match[1]
    for inner in block.of("fields"):
        for name in ("home", "home:default"):
            if name in inner.settings:
                yield "default" if name.endswith("default") else "override", inner.settings[name]
    for kind, name in (("override", "fields/home"), ("default", "fields/home:default")):
        if name in block.settings:
            yield kind, block.settings[name]
