"""What another release will change on a host, and what to see to before. Pure: no host, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from deploys.components import all as every
from deploys.components.component import Component, Context, Tree
from deploys.config.mailserver import MailServer
from deploys.preflight.needs import lacks
from deploys.result import Check, CheckResult
from deploys.upgrading import dialect, ready
from deploys.upgrading.seen import Seen
from deploys.upgrading.target import codename
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


def afterwards(now: MachineState, version: str, upgrade: UpgradeState) -> MachineState:
    """The host once it has the release ``version``: what apt has to offer there is installed, or stays."""
    offers = {name: one.installed if name in upgrade.kept else one.candidate for name, one in upgrade.packages.items()}
    installed = {name: Package(installed=one) for name, one in offers.items() if one}
    return replace(now, version=version, title=f"{now.distribution.capitalize()} {version}", packages=installed)


def asked(mail: MailServer, now: MachineState) -> list[str]:
    """The packages whose versions count: of all that is declared, for either generation of Dovecot."""
    machines = [replace(now, packages={**now.packages, "dovecot-core": Package(one)}) for one in ("2.3", "2.4")]
    return sorted({one for machine in (now, *machines) for one in every.packages(_parts(mail, machine))})


def results(mail: MailServer, seen: Seen, version: str) -> list[CheckResult]:
    """All that an administrator wants to know, in the order in which she asks."""
    release = codename(seen.now.distribution, version)
    about = [*ready.sources(seen, release)]
    around = [*ready.host(seen), *ready.mail(seen)]
    if release not in seen.upgrade.reached:  # what apt has of the present one says nothing about it
        return [_unknown(release), *about, *around]
    then = afterwards(seen.now, version, seen.upgrade)
    before = _parts(mail, seen.now)
    after = _parts(mail, then) if then.dovecot_series and (then.php_version or not mail.webmail) else ()
    return [
        *_release(seen, then, after),
        *_programs(seen.upgrade, then, {*every.packages(before), *every.packages(after)}),
        *_meanwhile(mail, seen.now, then),
        *_files(before, after),
        *about,
        *_packages(seen.upgrade, every.packages(before), every.packages(after)),
        *_dovecot(mail, seen, then),
        *around,
    ]


def _parts(mail: MailServer, machine: MachineState) -> tuple[Component, ...]:
    return every.declared(Context(mail, machine))


def _unknown(release: str) -> CheckResult:
    about = Check("upgrade.release", "release", release, "served by Posthaus")
    return about.result("not known: its packages were not reached", False, "see the lines on packages")


def _release(seen: Seen, then: MachineState, after: Sequence[Component]) -> Iterator[CheckResult]:
    about = Check("upgrade.release", "release", then.title, "served by Posthaus")
    missing = lacks(then, {name: oldest for part in after for name, oldest in part.oldest.items()})
    why = f"{seen.now.title} now" if not missing else "; ".join(missing)
    yield about.result(why, not missing, "" if not missing else "see the lines on packages")


def _programs(upgrade: UpgradeState, after: MachineState, names: set[str]) -> Iterator[CheckResult]:
    told: set[str] = set()
    for package, name in PROGRAMS.items():
        one = upgrade.packages.get(package, Package())
        installed = after.packages.get(package, Package()).installed
        if package not in names or name in told or not (one.installed and installed):
            continue
        parts = 2 if name == "PHP" else 3  # php-fpm's third number is Debian's own
        now, then = upstream(one.installed, parts), upstream(installed, parts)
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
    if upgrade.refused:
        yield replaced.result(upgrade.refused[0], False, "apt itself says why: apt-get -s full-upgrade")
    else:
        yield replaced.result(count + kept, True, "see why: apt-get -s install NAME" if kept else "")
    stay = sorted({*upgrade.kept} & {*before, *after})
    if stay:
        about = Check("packages.kept", "packages", "packages of the mail server", "none kept back")
        yield about.result(
            ", ".join(stay),
            False,
            "no run fits half of each release: apt-mark unhold NAME; why: apt-get -s install NAME",
        )
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
