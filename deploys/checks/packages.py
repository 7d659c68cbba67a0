"""Whether the packages are whole, and whose files lie beside ours."""

from __future__ import annotations

from deploys.result import Check, CheckResult
from facts.packages import Unsettled

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


def lines(found: Unsettled) -> list[CheckResult]:
    """One line that all are whole, or one for each that is not; a warning for each file that an upgrade laid beside."""
    whole = Check("packages.whole", GROUP, "all packages", "completely installed")
    return [
        *([] if found.half else [whole.line("all are", True)]),
        *(_half(package, status) for package, status in sorted(found.half.items())),
        *(_beside(path) for path in found.beside),
    ]


def _half(package: str, status: str) -> CheckResult:
    about = Check(f"packages.whole.{package}", GROUP, package, "completely installed")
    return about.line(status, False, "dpkg --configure -a; then run deploys/mail.py")


def _beside(path: str) -> CheckResult:
    about = Check(f"packages.beside.{path}", GROUP, path, "not left by an upgrade")
    remedy = "nothing reads it; look whether its news concern you, then delete it"
    return about.line("the package's own, beside the file in use", True, remedy)
