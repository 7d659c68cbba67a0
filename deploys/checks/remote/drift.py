"""What somebody changed on this host since it was converged, as far as the host itself can tell. Changes nothing.

Each look says what it found as lines of JSON: ``{"look": …, "about": path or name, …}``. The text of a file is said
only where ``plan`` says that it holds no secret.
"""

from __future__ import annotations

import contextlib
import fnmatch
import grp
import json
import os
import pathlib
import pwd
import ssl
import stat
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

from deploys.checks.remote.disk import code as changed_code
from deploys.checks.remote.disk import digest_of, of_path
from deploys.checks.remote.protocols import OPEN, anything
from deploys.checks.remote.run import stay_here

LONGEST = 256 * 1024  # bytes of a file whose difference is shown
UNITS = tuple(f"{base}/systemd/{name}" for base in ("/etc", "/run") for name in ("system", "system.control"))
Found = Iterator[dict[str, Any]]


def drift(plan: dict[str, Any]) -> None:
    """All looks; each says that it came to its end, or why it did not."""
    for name, look in LOOKS.items():
        try:
            for one in look(plan):
                print(json.dumps({"look": name, **one}))
            print(json.dumps({"look": name, "end": True}))
        except Exception as error:
            print(json.dumps({"look": name, "end": False, "why": f"{type(error).__name__}: {error}"}))


def files(plan: dict[str, Any]) -> Found:
    """Of each declared file that is not so: what is wrong, whether it is what the last run put, and its text."""
    last = dict(_last_put(plan["trees"]))
    for path, (mode, user, group, digest, shown) in plan["files"].items():
        faults = [why for _, why in of_path(path, [mode, user, group], stat.S_ISREG, must=True)]
        now = digest_of(path) if os.path.isfile(path) else ""
        put = last.get(path, "")
        same = now == digest if digest else not (now and put and now != put)  # without one it is made of another file
        if same and not faults:
            continue
        text = None if same or not shown or not now else _text(path)
        yield {"about": path, "faults": faults, "same": same, "now": now, "put": put, "text": text}


def _last_put(trees: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Each file with its digest at the end of the run that last put any of its tree (operations/put.sh)."""
    for target, state in trees.items():
        with contextlib.suppress(OSError):
            for row in pathlib.Path(state, "digests").read_text("utf-8").splitlines():
                digest, _, path = row.partition("  ")
                yield f"{target}/{path}", digest


def _text(path: str) -> str | None:
    data = pathlib.Path(path).read_bytes()[: LONGEST + 1]
    return data.decode(errors="replace") if len(data) <= LONGEST else None


def paths(plan: dict[str, Any]) -> Found:
    """Directories and keys with another mode or owner. A key that is not there may not have been made yet."""
    for kind, what, must in (("directories", stat.S_ISDIR, True), ("keys", stat.S_ISREG, False)):
        for path, words in plan[kind].items():
            yield from ({"about": path, "why": why} for _, why in of_path(path, words, what, must=must))


def code(plan: dict[str, Any]) -> Found:
    """The webmail's files that are not as its archive has them."""
    yield from ({"about": path, "why": why} for path, why in changed_code(plan["code"]))


def extra(plan: dict[str, Any]) -> Found:
    """Files in directories of ours that are neither declared nor a package's."""
    known = {*plan["files"], *_of_packages(), *_of_ucf()}
    for top in plan["owned"]:
        for directory, _, names in os.walk(top):
            for path in (os.path.join(directory, name) for name in names):
                if path in known or any(fnmatch.fnmatchcase(path, one) for one in plan["passed"]):
                    continue
                if os.path.islink(path) and os.path.realpath(path) in known:  # a2enmod(8), phpenmod(8)
                    continue
                yield {"about": path}


def _of_packages() -> set[str]:
    found: set[str] = set()
    for one in pathlib.Path("/var/lib/dpkg/info").glob("*.list"):
        found.update(one.read_text("utf-8", "replace").splitlines())
    return found


def _of_ucf() -> set[str]:
    """Files that packages make by ucf(1)."""
    try:
        rows = pathlib.Path("/var/lib/ucf/hashfile").read_text("utf-8", "replace").splitlines()
    except OSError:
        return set()
    return {row.split(None, 1)[1] for row in rows if " " in row}


def units(plan: dict[str, Any]) -> Found:
    """Drop-ins and whole unit files that nobody declared, of the units that are declared."""
    for unit in plan["units"]:
        for base in UNITS:
            own = pathlib.Path(base, unit)
            found = [own] if own.is_file() and not own.is_symlink() else []
            for path in [*found, *sorted(pathlib.Path(base, f"{unit}.d").glob("*.conf"))]:
                if str(path) not in plan["files"]:
                    yield {"about": str(path), "unit": unit}


def certificates(plan: dict[str, Any]) -> Found:
    """Ports that serve another certificate than lies on disk. One that does not answer is no matter of certificates."""
    stay_here([name for _, name, _, _ in plan["tls"]])
    for kind, name, port, chain in plan["tls"]:
        try:
            client = OPEN[kind](name, port, anything())
            served = client.sock.getpeercert(binary_form=True)
            client.sock.close()
        except Exception:
            continue
        there = _leaf(chain)
        if served != there:
            yield {"about": str(port), "name": name, "chain": chain, "unreadable": there is None}


def _leaf(path: str) -> bytes | None:
    try:
        leaf, end, _ = pathlib.Path(path).read_text(encoding="utf-8").partition("-----END CERTIFICATE-----")
        return ssl.PEM_cert_to_DER_cert(leaf + end)
    except (OSError, ValueError):
        return None


def packages(plan: dict[str, Any]) -> Found:
    """Files of packages that are not as the archive has them (dpkg(1), --verify)."""
    wanted = _with_their_own(plan["packages"])
    done = subprocess.run(["dpkg", "--verify", *wanted], capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        flags, _, rest = line.strip().partition(" ")
        kind, _, path = rest.strip().rpartition(" ")
        gone = flags == "missing"
        if (
            path in plan["files"]
            or (gone and path.startswith("/usr/share/"))
            or (gone and not kind and "/" not in path)
        ):
            continue  # ours; what images leave out (dpkg.cfg: path-exclude)
        if gone or "5" in flags:
            yield {"about": path, "gone": gone, "conffile": "c" in kind.split()}


def _with_their_own(names: list[str]) -> list[str]:
    """``names``, those they depend on directly, and what is installed of them: php-fpm is but a name for php8.4-fpm."""
    form = "-f=${Package}\t${db:Status-Status}\t${Depends}\n"
    rows = subprocess.run(["dpkg-query", "-W", form], capture_output=True, text=True, check=False).stdout.splitlines()
    found = {row.split("\t")[0]: row.split("\t")[2] for row in rows if row.split("\t")[1] == "installed"}
    needed = {word.split()[0].partition(":")[0] for name in names for word in _words(found.get(name, ""))}
    return sorted(name for name in {*names, *needed} if name in found)


def _words(depends: str) -> list[str]:
    return [word for word in depends.replace("|", ",").split(",") if word.strip()]


def people(plan: dict[str, Any]) -> Found:
    """Whoever else may do everything (uid 0), and whoever joined a group of ours."""
    for one in pwd.getpwall():
        if one.pw_uid == 0 and one.pw_name != "root":
            yield {"about": one.pw_name, "group": ""}
    for group, members in plan["groups"].items():
        try:
            listed = grp.getgrnam(group).gr_mem
        except KeyError:
            continue
        yield from ({"about": name, "group": group} for name in listed if name not in members)


def keys(plan: dict[str, Any]) -> Found:
    """Keys of DKIM that are other ones than those that were noted when they were made."""
    for name, path in plan["dkim"].items():
        try:
            noted = pathlib.Path(plan["noted"], name).read_text("ascii").strip()
        except OSError:
            continue
        if noted and os.path.isfile(path) and digest_of(path) != noted:
            yield {"about": path, "name": name}


LOOKS: dict[str, Callable[[dict[str, Any]], Found]] = {
    "files": files,
    "paths": paths,
    "code": code,
    "extra": extra,
    "units": units,
    "certificates": certificates,
    "packages": packages,
    "people": people,
    "keys": keys,
}
