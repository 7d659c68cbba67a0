"""SquirrelMail's tree as it goes to the hosts: verified on the workstation, the same bytes for every host."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import posixpath
import re
import tarfile
from functools import cache
from pathlib import Path
from threading import Lock

from deploys.components.squirrelmail import catalogue
from deploys.components.squirrelmail.options import BRANCHES, Source, Webmail
from deploys.download import DownloadError, archive_file, git_archive
from deploys.render import template
from deploys.values.languages import LANGUAGES, SHORT

HERE = Path(__file__).parent
# The last commit whose tree holds translations: 2003-10-19, the day before they moved to where no copy is left.
TRANSLATIONS = Source(git=BRANCHES["current"].git, commit="70eb0aae53754829d538bbd0190f0311671fd9c8")
LINKED_CONFIGURATION = "/etc/squirrelmail/config_local.php"
LAYOUT = 9  # raise it whenever ``_arranged`` makes something else of the same source

# Character sets of East Asia, as SquirrelMail names them, and as PHP's mbstring does.
DECODERS = {
    "iso_2022_jp": "ISO-2022-JP-MS",
    "shift_jis": "SJIS-win",
    "cp932": "SJIS-win",
    "euc_jp": "eucJP-win",
    "gb2312": "CP936",
    "gbk": "CP936",
    "cp936": "CP936",
    "gb18030": "GB18030",
    "hz_gb_2312": "HZ",
    "big5": "CP950",
    "cp950": "CP950",
    "euc_kr": "UHC",
    "cp949": "UHC",
    "iso_2022_kr": "ISO-2022-KR",
}

_one_at_a_time = Lock()


def stamp(webmail: Webmail) -> str:
    """What a host notes beside the tree it got: the source's checksum, and the layout we gave it."""
    return f"{webmail.pinned.checksum} {LAYOUT}{' translated' if webmail.translated else ''}"


def squirrelmail_tree(webmail: Webmail) -> bytes:
    """A tar.gz of SquirrelMail with its configuration linked. Raises DownloadError; fetches at most once a run."""
    with _one_at_a_time:
        return _fetched(webmail.pinned, webmail.translated)


@cache
def _fetched(source: Source, translated: bool) -> bytes:
    where = source.git or source.archive or ""
    data = git_archive(where, source.checksum) if source.git else archive_file(where, source.checksum)
    return _arranged(data, where, _translations() if translated else {})


def _translations() -> dict[str, tuple[bytes, float]]:
    """Each language's words, and what makes SquirrelMail 1.5.2 offer it. Upstream's tree has held none since 2003."""
    where = TRANSLATIONS.git or ""
    files = _files(git_archive(where, TRANSLATIONS.checksum), where)
    tree: dict[str, tuple[bytes, float]] = {}
    for code, language in LANGUAGES.items():
        path = f"locale/{language.folder or code}/LC_MESSAGES/squirrelmail.mo"
        if path not in files:
            raise DownloadError(f"{where} holds no {path}; it is not the commit that it should be")
        words = catalogue.recoded(files[path][0], language.charset, own_words(code))
        setup = template(HERE / "language.php.j2", code=code, short=SHORT.get(code, code[:2]), language=language)
        tree[f"locale/{code}/LC_MESSAGES/squirrelmail.mo"] = (words, 0)
        tree[f"locale/{code}/setup.php"] = (setup.encode(), 0)
    return tree


def own_words(code: str) -> dict[str, str]:
    """What has been said since in a language, ours among it: English to that language."""
    file = HERE / "words" / f"{code}.json"
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def _arranged(data: bytes, where: str, translations: dict[str, tuple[bytes, float]]) -> bytes:
    """Root's plain files, nobody's to write, from the directory that holds src/login.php."""
    files = _files(data, where)
    top = _top(files, where)
    tree = {path.removeprefix(top): content for path, content in files.items() if path.startswith(top)}
    tree["config/config.php"] = tree["config/config_default.php"]  # what conf.pl does; ours is config_local.php
    tree.pop("config/config_local.php", None)
    if (path := "functions/imap_general.php") in tree:
        tree[path] = (telling_origin(tree[path][0]), tree[path][1])
    skin = _skin() if "templates/default/login.tpl" in tree else _sheet()
    return _packed({**_decoders(), **_plugin(), **skin, **translations, **tree})


def telling_origin(text: bytes) -> bytes:
    """SquirrelMail's way to IMAP, which tells Dovecot before each login where the browser is (ID, RFC 2971): no hook is
    called there. Another's source without that line stays as it is."""
    tell = (HERE / "origin.php").read_bytes().partition(b"<?php\n")[2].replace(b"\n", b"\n    ").rstrip()
    connects = rb"^( *(?:\$imap_stream|list\(\$imap_stream, \$server_info\)) = sqimap_create_stream\([^;]*\);)(\r?)$"
    return re.sub(connects, lambda line: line[1] + b"\n    " + tell + line[2], text, flags=re.M)


def _plugin() -> dict[str, tuple[bytes, float]]:
    """A plugin beside SquirrelMail's own; 1.5.2 reads who takes part in what from a file, as its conf.pl writes it."""
    hooks = (
        *("read_body_top", "read_body_bottom", "message_body", "get_pref", "optpage_register_block"),
        *("login_verified", "generic_header", "logout"),
    )
    called = {
        **{hook: hook for hook in hooks},
        "template_construct_read_headers.tpl": "template_construct_read_headers",
    }
    lines = [f"$squirrelmail_plugin_hooks['{hook}']['posthaus'] = 'posthaus_{name}';" for hook, name in called.items()]
    return {
        **{f"plugins/posthaus/{file.name}": (file.read_bytes(), 0) for file in sorted((HERE / "plugin").glob("*.php"))},
        "config/plugin_hooks.php": ("\n".join(["<?php", *lines, ""]).encode(), 0),
    }


def _skin() -> dict[str, tuple[bytes, float]]:
    """A template set of our own for 1.5.2. Browsers keep the sheet for an hour, so its name tells its content."""
    sheet = (HERE / "skin" / "css" / "posthaus.css").read_bytes()
    files = {
        file.name: (file.read_bytes(), 0.0)
        for file in sorted((HERE / "skin").iterdir())
        if file.suffix in (".php", ".tpl")
    }
    # in the place of the parent set's sheets of these names
    empty = {f"css/{name}.css": (b"/* ours is posthaus-*.css */\n", 0.0) for name in ("default", "options")}
    named = {f"css/posthaus-{hashlib.sha256(sheet).hexdigest()[:12]}.css": (sheet, 0.0)}
    return {f"templates/posthaus/{name}": content for name, content in {**files, **empty, **named}.items()}


def _sheet() -> dict[str, tuple[bytes, float]]:
    """What 1.4.23 has in the place of a skin: a sheet on top of its own pages."""
    return {"themes/css/posthaus.css": ((HERE / "skin" / "stable.css").read_bytes(), 0)}


def _decoders() -> dict[str, tuple[bytes, float]]:
    """Neither line reads messages in the character sets of East Asia; both take a decoder for each from a file."""
    return {
        f"functions/decode/{charset}.php": (
            template(HERE / "decoder.php.j2", charset=charset, encoding=encoding).encode(),
            0,
        )
        for charset, encoding in DECODERS.items()
    }


def _files(data: bytes, where: str) -> dict[str, tuple[bytes, float]]:
    """Content and time of every file; a link or a path that leads out is refused."""
    files: dict[str, tuple[bytes, float]] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                path = posixpath.normpath(member.name)
                if path.startswith(("/", "..")) or not (member.isreg() or member.isdir()):
                    raise DownloadError(f"{where} holds {member.name}, which is no plain file; name another source")
                content = archive.extractfile(member)
                if content is not None:
                    files[path] = (content.read(), member.mtime)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DownloadError(f"{where} is no tar archive ({error}); name a .tar, .tar.gz, .tar.bz2 or .tar.xz") from None
    return files


def _top(files: dict[str, tuple[bytes, float]], where: str) -> str:
    """The path before src/login.php, where config/config_default.php lies beside it."""
    tops = [path.removesuffix("src/login.php") for path in files if ("/" + path).endswith("/src/login.php")]
    for top in sorted(tops, key=len):
        if f"{top}config/config_default.php" in files:
            return top
    raise DownloadError(f"{where} holds no SquirrelMail (no src/login.php); name another source")


def _packed(tree: dict[str, tuple[bytes, float]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in sorted({parent for name in tree for parent in _parents(name)}):
            archive.addfile(_entry(path, tarfile.DIRTYPE, mode=0o755))
        for path, (content, time) in sorted(tree.items()):
            member = _entry(path, tarfile.REGTYPE, mode=0o644)
            member.size, member.mtime = len(content), time
            archive.addfile(member, io.BytesIO(content))
        link = _entry("config/config_local.php", tarfile.SYMTYPE, mode=0o777)
        link.linkname = LINKED_CONFIGURATION
        archive.addfile(link)
    return gzip.compress(buffer.getvalue(), mtime=0)


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


def _entry(path: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.type, member.mode = kind, mode
    member.uname = member.gname = "root"
    return member
