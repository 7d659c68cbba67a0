"""What another release will change on a host, and what to see to before. Pure: no host, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from deploys.components import all as every
from deploys.components.component import Component, Context, Tree
from deploys.config.mailserver import MailServer
from deploys.preflight.needs import FREE_KIB, lacks
from deploys.result import Check, CheckResult
from deploys.upgrading import dialect
from deploys.values import hashes
from facts.machine import MachineState
from facts.packages import Package, upstream
from facts.upgrade import UpgradeState

# The packages whose versions people ask for, and what they call them.
PROGRAMS = {
    "postfix": "Postfix",
    "dovecot-core": "Dovecot",
    "rspamd": "rspamd",
    "redis-tools": "Redis",
    "apache2": "Apache",
    "php-fpm": "PHP",
    "roundcube-core": "Roundcube",
    "postsrsd": "postsrsd",
    "unbound": "Unbound",
    "clamav-daemon": "ClamAV",
    "certbot": "certbot",
    "restic": "restic",
}
UPGRADING = "https://doc.dovecot.org/2.4.1/installation/upgrade/2.3-to-2.4.html"
BACKUP = "pyinfra inventory.py deploys/backup.py makes one now"


@dataclass(frozen=True)
class Seen:
    """What the host said. ``queue``: messages in Postfix's; ``watched``: its own look at itself."""

    now: MachineState
    upgrade: UpgradeState
    queue: int
    watched: Sequence[CheckResult]


def afterwards(now: MachineState, version: str, upgrade: UpgradeState) -> MachineState:
    """The host once it has the release ``version``: what apt has to offer there is installed."""
    installed = {name: Package(installed=one.candidate) for name, one in upgrade.packages.items() if one.candidate}
    return replace(now, version=version, title=f"{now.distribution.capitalize()} {version}", packages=installed)


def asked(mail: MailServer, now: MachineState) -> list[str]:
    """The packages whose versions count: of all that is declared, for either generation of Dovecot."""
    machines = [replace(now, packages={**now.packages, "dovecot-core": Package(one)}) for one in ("2.3", "2.4")]
    return sorted({one for machine in (now, *machines) for one in every.packages(_parts(mail, machine))})


def results(mail: MailServer, seen: Seen, version: str) -> list[CheckResult]:
    """All that an administrator wants to know, in the order in which she asks."""
    then = afterwards(seen.now, version, seen.upgrade)
    before = _parts(mail, seen.now)
    after = _parts(mail, then) if then.dovecot_series and (then.php_version or not mail.webmail) else ()
    return [
        *_release(seen, then, after),
        *_programs(seen.upgrade, {*every.packages(before), *every.packages(after)}),
        *_meanwhile(mail, seen.now, then),
        *_files(before, after),
        *_packages(seen.upgrade, every.packages(before), every.packages(after)),
        *_dovecot(mail, seen, then),
        *_host(seen),
        *_mail(seen),
    ]


def _parts(mail: MailServer, machine: MachineState) -> tuple[Component, ...]:
    return every.declared(Context(mail, machine))


def _release(seen: Seen, then: MachineState, after: Sequence[Component]) -> Iterator[CheckResult]:
    about = Check("upgrade.release", "release", then.title, "served by Posthaus")
    missing = lacks(then, {name: oldest for part in after for name, oldest in part.oldest.items()})
    why = f"{seen.now.title} now" if not missing else "; ".join(missing)
    yield about.result(why, not missing, "" if not missing else "is the new release reached? See the lines on packages")


def _programs(upgrade: UpgradeState, names: set[str]) -> Iterator[CheckResult]:
    told: set[str] = set()
    for package, name in PROGRAMS.items():
        one = upgrade.packages.get(package, Package())
        if package not in names or name in told or not (one.installed and one.candidate):
            continue
        parts = 2 if name == "PHP" else 3  # php-fpm's third number is Debian's own
        now, then = upstream(one.installed, parts), upstream(one.candidate, parts)
        if now != then:
            told.add(name)
            yield Check(f"programs.{package}", "programs", name, f"{now} now").result(f"{then} then", True)


def _meanwhile(mail: MailServer, now: MachineState, then: MachineState) -> Iterator[CheckResult]:
    """What stands still from the moment that apt replaces a program until its configuration is written anew."""
    until = "from apt's upgrade until deploys/mail.py"
    if now.dovecot_series != then.dovecot_series:
        about = Check("meanwhile.login", "meanwhile", "IMAP, POP3, logins", "stand still")
        yield about.result(until, True)
        about = Check("meanwhile.delivery", "meanwhile", "mail that arrives", "waits, here or at its sender")
        yield about.result(until, True)
    if mail.webmail and (now.php_version, now.dovecot_series) != (then.php_version, then.dovecot_series):
        yield Check("meanwhile.webmail", "meanwhile", "webmail", "stands still").result(until, True)
    if mail.search and now.dovecot_series != then.dovecot_series:
        about = Check("meanwhile.search", "meanwhile", "index of words", "made anew")
        yield about.result("by the first search in each folder", True)


def _files(before: Sequence[Component], after: Sequence[Component]) -> Iterator[CheckResult]:
    """What the run writes anew: rendered for both, and compared."""
    old, new = (_rendered(parts) for parts in (before, after))
    count = Counter(part for path, (part, file) in new.items() if path not in old or old[path][1] != file)
    told = ", ".join(f"{name} {number}" for name, number in count.items()) or "none"
    about = Check("run.files", "run", "files", "written anew by deploys/mail.py")
    if after:
        yield about.result(told, True)


def _rendered(parts: Sequence[Component]) -> dict[str, tuple[str, object]]:
    trees = [("units", every.units(parts)), *((part.name, tree) for part in parts for tree in part.of(Tree))]
    return {f"{tree.target}/{path}": (name, file) for name, tree in trees for path, file in tree.files.items()}


def _packages(upgrade: UpgradeState, before: list[str], after: list[str]) -> Iterator[CheckResult]:
    sources = Check("packages.sources", "packages", "the new release's sources", "reached")
    wrong = [*upgrade.unreachable, *upgrade.refused]
    yield sources.result(
        wrong[0] if wrong else "reached",
        not wrong,
        "disable the sources of others until the upgrade is over, or see that these are reached" if wrong else "",
    )
    declared = Check("packages.declared", "packages", "packages that mail.yaml asks for", f"all {len(after)}")
    none = [name for name in after if not upgrade.packages.get(name, Package()).candidate]
    yield declared.result(
        f"the new release has no {', '.join(none)}" if none else f"all {len(after)}",
        bool(after) and not none,
        "do not upgrade before this is clear: without them no run can succeed" if none or not after else "",
    )
    further = sorted({*after} - {*before})
    if further:
        yield Check("packages.further", "packages", "further packages", "by deploys/mail.py").result(
            ", ".join(further), True
        )
    replaced = Check("packages.apt", "packages", "what apt will do", "all upgraded, none kept back")
    count = f"{len(upgrade.installs)} upgraded or new, {len(upgrade.removes)} removed"
    kept = f", kept back: {', '.join(upgrade.kept)}" if upgrade.kept else ""
    yield replaced.result(count + kept, True, "see why: apt-get -s install NAME" if kept else "")
    gone = sorted({*upgrade.removes} & {*after})
    if gone:
        about = Check("packages.removed", "packages", "packages of the mail server", "none removed")
        yield about.result(", ".join(gone), True, "apt will remove them, and deploys/mail.py will install them again")


def _dovecot(mail: MailServer, seen: Seen, then: MachineState) -> Iterator[CheckResult]:
    if (seen.now.dovecot_series, then.dovecot_series) != (dialect.FROM, dialect.TO):
        return
    lines, fits = seen.upgrade.local_conf, f"read by Dovecot {dialect.TO}"
    refused = dialect.refused_lines(lines)
    for number, name in refused.items():
        about = Check(f"dovecot.local.{number}", "dovecot", f"local.conf, line {number}", fits)
        yield about.result(f"{name} is unknown there", True, f"write it anew before deploys/mail.py: {UPGRADING}")
    if lines and not refused:
        yield Check("dovecot.local", "dovecot", "local.conf", fits).result("no name there is unknown", True)
    old = [box for box in mail.mailboxes.values() if hashes.needs_permission(box.password or "")]
    if old and mail.accounts == "virtual":
        about = Check("dovecot.hashes", "dovecot", "passwords of old kinds", fits)
        yield about.result(f"{len(old)}, since deploys/mail.py allows weak schemes there", True)
    for name in dialect.refused_settings(mail.dovecot.settings):
        about = Check(f"dovecot.settings.{name}", "dovecot", "mail.yaml, dovecot.settings", fits)
        yield about.result(f"{name} is unknown there", True, f"write it anew before deploys/mail.py: {UPGRADING}")


def _host(seen: Seen) -> Iterator[CheckResult]:
    upgrade = seen.upgrade
    yield from _space(upgrade)
    half = Check("host.unfinished", "host", "packages that dpkg left half way", "none")
    yield half.result(
        ", ".join(seen.now.unfinished) or "none", not seen.now.unfinished, "" if not seen.now.unfinished else
        "dpkg --configure -a; apt-get --fix-broken install",
    )  # fmt: skip
    behind = Check("host.behind", "host", "updates of the present release", "all installed")
    yield behind.result(
        f"{upgrade.behind} wait" if upgrade.behind else "all installed", True,
        "install them first: apt-get update; apt-get full-upgrade" if upgrade.behind else "",
    )  # fmt: skip
    held = Check("host.held", "host", "packages on hold", "none")
    yield held.result(
        ", ".join(upgrade.held) or "none", True,
        "they stay old, and may keep others back: apt-mark unhold NAME" if upgrade.held else "",
    )  # fmt: skip
    others = Check("host.sources", "host", "package sources of others", "none")
    yield others.result(
        ", ".join(upgrade.origins) or "none", True,
        "disable them until the upgrade is over: " + "; ".join(sum(upgrade.origins.values(), ())) if upgrade.origins
        else "",
    )  # fmt: skip


def _space(upgrade: UpgradeState) -> Iterator[CheckResult]:
    """Beside what any run wants to be free."""
    need: Counter[str] = Counter()
    where: dict[str, list[str]] = {}
    wants = {"/": (upgrade.grows or 0) >> 10, "/var": (upgrade.download or 0) >> 10}
    if upgrade.kernel and any(name.startswith("linux-image-") for name in upgrade.installs):
        wants["/boot"] = upgrade.kernel
    for path, kib in wants.items():
        device = upgrade.free.get(path, (0, path))[1]
        need[device] += kib
        where.setdefault(device, []).append(path)
    for device, kib in need.items():
        path = where[device][0]
        needed = kib + (FREE_KIB if path != "/boot" else 0)
        free = upgrade.free.get(path, (0, ""))[0]
        about = Check(f"host.space.{path}", "host", f"room in {' and '.join(where[device])}", f"{needed >> 10} MiB")
        enough = free >= needed
        yield about.result(f"{free >> 10} MiB", enough, "" if enough else "make room or grow the file system")


def _mail(seen: Seen) -> Iterator[CheckResult]:
    queue = Check("mail.queue", "mail", "messages in the queue", "none, or known")
    wait = f"{seen.queue:,} wait" if seen.queue else "none"
    yield queue.result(wait, True, "they stay in it; which, and why: postqueue -p" if seen.queue else "")
    kept = [one for one in seen.watched if one.key == "backup.last"]
    if not kept:
        about = Check("backup.last", "mail", "last backup", "within a day")
        yield about.result("mail.yaml declares none", True, "without one there is no way back: docs/backup.md")
    for one in kept:
        fine = one.ok and not one.remedy
        yield replace(one, group="mail", ok=True if fine else False, remedy="" if fine else BACKUP)  # noqa: SIM210
