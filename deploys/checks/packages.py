"""Whether the packages are installed completely, and what upgrades left next to our files."""

from __future__ import annotations

from deploys.result import Check, CheckResult
from facts.packages import LeftoverState

GROUP = "packages"
DIRECTORIES = (
    "/etc/apache2",
    "/etc/default",
    "/etc/dovecot",
    "/etc/php",
    "/etc/postfix",
    "/etc/rspamd",
    "/etc/unbound",
)


def results(found: LeftoverState) -> list[CheckResult]:
    """One result if all are installed, else one for each that is not; a warning for each file an upgrade left there."""
    installed = Check("packages.installed", GROUP, "all packages", "completely installed")
    return [
        *([] if found.half else [installed.result("all are", True)]),
        *(_half(package, status) for package, status in sorted(found.half.items())),
        *(_dist_file(path) for path in found.dist_files),
    ]


def _half(package: str, status: str) -> CheckResult:
    about = Check(f"packages.installed.{package}", GROUP, package, "completely installed")
    return about.result(status, False, "dpkg --configure -a; then run deploys/mail.py")


def _dist_file(path: str) -> CheckResult:
    about = Check(f"packages.dist-file.{path}", GROUP, path, "not left by an upgrade")
    remedy = "nothing reads it; look whether its news concern you, then delete it"
    return about.result("the package's own version of the file in use", True, remedy)
