"""Somebody at work on a host by hand: each change is named by a line of its own, and nothing else is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from deploys.checks.deploy import REPORTS
from lab.mailhost import MailHost
from lab.pyinfra import Run
from tests.on_host.settings import IQBAL, TITO, example

pytestmark = [pytest.mark.host, pytest.mark.webmail]

PASSWORD = "{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$c29tZWJvZHk$c29tZWJvZHlTb21lYm9keVNvbWVib2R5U29tZWJv"
RELAY_PASSWORD = "hunter2-of-the-relay"
CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=other -keyout /dev/null"
    " -out /tmp/other.pem 2>/dev/null && cat /tmp/other.pem > /etc/ssl/posthaus/fullchain.pem"
)
DKIM = "/var/lib/rspamd/dkim/example.com.mail.key"


@dataclass(frozen=True)
class Tampering:
    """``command``: what somebody types; ``about``, ``seen``: the line that names it; ``undo``: what the line says to do
    where no run puts it back."""

    command: str
    about: str
    seen: str
    undo: str = ""


def append(path: str, line: str, seen: str = "content differs") -> Tampering:
    return Tampering(f"printf '%s\\n' '{line}' >> {path}", path, seen)


def tamperings(php: str, squirrelmail: str) -> tuple[Tampering, ...]:
    """``php``: its version; ``squirrelmail``: where its code lies."""
    redis = "posthaus-redis.service"
    secret = "content differs (secret, not shown)"
    return (
        # files, by their content
        append("/etc/postfix/main.cf", f"smtp_sasl_password_maps = static:relay:{RELAY_PASSWORD}"),
        append("/etc/postfix/master.cf", "# by hand"),
        append("/etc/postfix/posthaus/aliases", f"sales@example.com {IQBAL}", secret),
        append("/etc/postfix/posthaus/mailboxes.cdb", "x", "is not what Posthaus made of the table"),
        append("/etc/dovecot/dovecot.conf", "# by hand"),
        Tampering(f"sed -i '/^{IQBAL}/s|:[^:]*|:{PASSWORD}|' /etc/dovecot/users", "/etc/dovecot/users", secret),
        append("/etc/dovecot/sieve/before.sieve", "# by hand"),
        append("/etc/rspamd/override.d/actions.conf", "# reject = 1000;"),
        append("/etc/apache2/apache2.conf", "# by hand"),
        append(f"/etc/php/{php}/fpm/pool.d/squirrelmail.conf", "; by hand"),
        append("/etc/squirrelmail/before.php", "// by hand"),
        append("/etc/systemd/system/posthaus-mime.service", "# by hand"),
        append("/etc/mailname", "mail.elsewhere.example", "changed by hand"),
        Tampering("rm /etc/tmpfiles.d/squirrelmail.conf", "/etc/tmpfiles.d/squirrelmail.conf", "is not there"),
        # files that nobody declared
        extra("/etc/dovecot/conf.d/99-hand.conf"),
        extra("/etc/postfix/main.cf.bak"),
        extra("/etc/rspamd/local.d/actions.conf"),
        # owners and modes
        mode("/etc/postfix/posthaus/domains", "0666", "0640"),
        mode("/etc/ssl/posthaus/ca/ca.key", "0644", "0600"),
        mode("/var/lib/rspamd/dkim/example.net.mail.key", "0644", "0640"),
        mode("/var/mail/vhosts", "0777", "0770"),
        Tampering("chown nobody /etc/dovecot/notes", "/etc/dovecot/notes", "nobody:"),
        # the webmail's code
        append(f"{squirrelmail}/src/login.php", "// by hand", "the webmail's code: changed"),
        Tampering(
            f"echo '<?php' > {squirrelmail}/src/shell.php", f"{squirrelmail}/src/shell.php", "is none of its files"
        ),
        # units, and what runs
        Tampering("systemctl mask --now rspamd.service 2>&1", "rspamd.service", "masked"),
        Tampering("systemctl disable apache2.service 2>&1", "apache2.service", "not enabled"),
        Tampering(f"systemctl stop {redis}", redis, "inactive"),
        Tampering("touch /usr/local/lib/posthaus-account/__main__.py", "posthaus-account.socket", "after it last read"),
        Tampering(
            "mkdir -p /etc/systemd/system/dovecot.service.d && printf '[Service]\\nNice=5\\n'"
            " > /etc/systemd/system/dovecot.service.d/override.conf && systemctl daemon-reload",
            "/etc/systemd/system/dovecot.service.d/override.conf",
            "changes dovecot.service, and nobody declared it",
            "rm /etc/systemd/system/dovecot.service.d/override.conf; systemctl daemon-reload",
        ),
        Tampering(
            "systemd-run --quiet --unit=hand python3 -m http.server 8099",
            "port 8099/tcp",
            "python3 listens",
            "systemctl stop hand.service",
        ),
        Tampering(CERTIFICATE, "certificate on", "served is another one than lies in /etc/ssl/posthaus/fullchain.pem"),
        # keys, packages, people
        Tampering(
            f"cp -p {DKIM} /root/dkim && openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 2>/dev/null"
            f" > /root/new && cat /root/new > {DKIM}",
            DKIM,
            "another key than the one that was made here",
            f"cat /root/dkim > {DKIM}",
        ),
        Tampering(
            "cp -p /usr/bin/dovecot-sysreport /root/ && echo '# by hand' >> /usr/bin/dovecot-sysreport",
            "/usr/bin/dovecot-sysreport",
            "a package's own file was changed",
            "cp -p /root/dovecot-sysreport /usr/bin/",
        ),
        Tampering("useradd -o -u 0 -g 0 -M toor", "toor", "uid 0", "sed -i /^toor:/d /etc/passwd /etc/shadow"),
        Tampering("gpasswd -a games vmail", "games", "joined the group vmail", "gpasswd -d games vmail"),
    )


def extra(path: str) -> Tampering:
    return Tampering(f"echo '# by hand' > {path}", path, "nobody declared this file", f"rm {path}")


def mode(path: str, now: str, declared: str) -> Tampering:
    return Tampering(f"chmod {now} {path}", path, f"mode {now}, not {declared}")


def drift(host: MailHost) -> tuple[Run, dict[str, Any]]:
    """One run, and what its report says."""
    run = host.pyinfra("deploys/drift.py", "-y")
    report: dict[str, Any] = json.loads((REPORTS / f"{host.name}.drift.json").read_text())
    assert report["not_looked_at"] == [], run.output
    assert run.rc == report["code"], run.output
    return run, report


def named(report: dict[str, Any]) -> dict[str, str]:
    """What each line says, by what it is about."""
    found = {one["about"]: one["seen"] for one in report["drift"]}
    assert len(found) == len(report["drift"]), report["drift"]
    return found


def each_is_named(report: dict[str, Any], changes: tuple[Tampering, ...]) -> None:
    found = named(report)
    ports = next((about for about in found if about.startswith("certificate on ")), "")
    wanted = {ports if one.about == "certificate on" else one.about: one.seen for one in changes}
    assert set(found) == set(wanted)
    assert {about: found[about] for about, seen in wanted.items() if seen not in found[about]} == {}


def test_each_change_by_hand_has_a_line_of_its_own_and_a_run_mends_what_it_says_it_mends(own_mail_host: MailHost):
    host = own_mail_host
    run, report = drift(host)
    assert (run.rc, report["drift"]) == (0, []), run.output
    assert "nothing was changed by hand" in run.output

    php, code = host.run("ls /etc/php; readlink -f /usr/share/squirrelmail").stdout.split()
    changes = tamperings(php, code)
    assert len(changes) >= 30
    for one in changes:
        host.run(one.command)
    run, report = drift(host)
    assert run.rc == 1, run.output
    each_is_named(report, changes)
    whose_mail_it_touches_is_said(report)
    no_secret_is_shown(run, host)
    assert {one["cause"] for one in report["drift"]} == {"hand"}

    run = host.converge()
    assert run.rc == 0, run.output
    stay = tuple(one for one in changes if one.undo)
    _, report = drift(host)
    each_is_named(report, stay)
    assert [one["about"] for one in report["drift"] if one["mends"]] == []

    for one in stay:
        host.run(one.undo)
    what_mail_yaml_says_anew_is_no_change_by_hand(host)


def whose_mail_it_touches_is_said(report: dict[str, Any]) -> None:
    whose = {one["about"]: one["whose"] for one in report["drift"] if one["whose"]}
    assert whose == {
        "/etc/dovecot/users": [f"~ {IQBAL}: password"],
        "/etc/postfix/posthaus/aliases": [f"+ sales@example.com reaches {IQBAL}"],
    }


def no_secret_is_shown(run: Run, host: MailHost) -> None:
    said = run.output + run.stdout
    for suffix in ("drift.json", "drift.html"):
        said += (REPORTS / f"{host.name}.{suffix}").read_text()
    secrets = [PASSWORD.rpartition("$")[2], RELAY_PASSWORD, host.settings["mailboxes"][IQBAL]["password"]]
    assert [one for one in secrets if one in said] == []
    assert "PRIVATE KEY" not in said
    assert "+ # by hand" in run.output  # of what everybody may read, the lines are


def what_mail_yaml_says_anew_is_no_change_by_hand(host: MailHost) -> None:
    host.say(example(message_size="30M", aliases={"info@example.com": [TITO]}))
    run, report = drift(host)
    assert (run.rc, report["drift"]) == (0, []), run.output
    assert "~ message_size: 50M to 30M" in report["declared_since"]["changes"], run.output
    assert f"~ info@example.com no longer reaches {IQBAL}" in report["declared_since"]["changes"]
    host.run("echo '# by hand' >> /etc/dovecot/sieve/before.sieve")
    run, report = drift(host)
    assert (run.rc, list(named(report))) == (1, ["/etc/dovecot/sieve/before.sieve"]), run.output
