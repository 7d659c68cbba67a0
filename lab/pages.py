"""What a page of the webmail costs the host: the list of messages in SquirrelMail, loaded by somebody who is logged in.

Twice: as it is, and by somebody who logged in while the account service was stopped, so that the webmail keeps their
password and Dovecot computes its hash for each page.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lab import accounts, engine, sweep
from lab import host as lab_host
from lab.mailhost import MailHost
from lab.progress import step

PAGES = 50
SERVICES = {
    "dovecot": "dovecot",
    "php": "php*-fpm",
    "apache": "apache2",
    "bans": "posthaus-bans",
    "journal": "systemd-journald",
}
_ACCOUNT = "posthaus-account.socket"
# On the host itself: whose certificate it is does not matter. It prints the microseconds that each service took.
_BROWSER = r"""
import glob, http.cookiejar, json, re, ssl, sys, urllib.parse, urllib.request
asked = json.load(sys.stdin)
trusting = ssl._create_unverified_context()
browser = urllib.request.build_opener(
    urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting), urllib.request.HTTPCookieProcessor()
)
def page(path, form=None):
    data = urllib.parse.urlencode(form).encode() if form else None
    return browser.open(asked["base"] + path, data, 60).read().decode("utf-8", "replace")
def used():
    slices = "/sys/fs/cgroup/system.slice/{}.service/cpu.stat"
    files = {name: glob.glob(slices.format(unit)) for name, unit in asked["services"].items()}
    return {name: int(open(file[0]).readline().split()[1]) for name, file in files.items() if file}
fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page("/src/login.php")))
page("/src/redirect.php", {**fields, "login_username": asked["login"], "secretkey": asked["password"]})
assert "INBOX" in page("/src/right_main.php"), "nobody is logged in"
before = used()
for _ in range(asked["pages"]):
    page("/src/right_main.php")
print(json.dumps({name: (now - before[name]) / 1000 / asked["pages"] for name, now in used().items()}))
"""


def cost(host: MailHost, login: str) -> dict[str, float]:
    """Milliseconds of processors that a page takes, by service, once somebody has logged in."""
    asked = {
        "base": "https://localhost",
        "login": login,
        "password": host.password(login),
        "services": SERVICES,
        "pages": PAGES,
    }
    host.write("/run/browser.py", _BROWSER)
    took: dict[str, float] = json.loads(host.run("python3 /run/browser.py", input=json.dumps(asked)).stdout)
    return {name: round(milliseconds, 1) for name, milliseconds in took.items()}


def measure(host: MailHost) -> dict[str, dict[str, float]]:
    """Both, on a host that is converged."""
    login = next(iter(host.passwords))
    with step(f"{PAGES} pages of somebody whose session has a secret of its own"):
        figures = {"a session's secret": cost(host, login)}
    host.run(f"systemctl stop {_ACCOUNT}")
    with step(f"{PAGES} pages of somebody whose password is kept"):
        figures["the password"] = cost(host, login)
    host.run(f"systemctl start {_ACCOUNT}")
    return figures


def table(figures: dict[str, dict[str, float]]) -> str:
    """A row for each, in milliseconds of processors."""
    lines = [f"{'CPU ms a page':<20}" + "".join(f"{name:>9}" for name in SERVICES)]
    lines += [f"{what:<20}" + "".join(f"{one.get(name, 0):>9}" for name in SERVICES) for what, one in figures.items()]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """The command line of ``script/bench webmail``."""
    parser = argparse.ArgumentParser(prog="script/bench webmail", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    parser.add_argument("--release", default="debian-13", help="what the host runs (default: %(default)s)")
    parser.add_argument("--image", help="an image to start from: a trial's host, converged")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="posthaus-pages.") as state:
        secrets = accounts.passwords(Path(state))
        name, labels = f"posthaus-pages-{os.getpid()}", sweep.owner()
        started = lab_host.start(
            engine.ensure(), name, options.release, Path(state), image=options.image, labels=labels
        )
        try:
            host = MailHost(started, accounts.settings(secrets), secrets)
            with step("Converging"):
                run = host.converge()
                assert run.rc == 0, run.output
            figures = measure(host)
        finally:
            started.remove()
    print(json.dumps(figures) if options.json else table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
