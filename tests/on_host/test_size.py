"""Forty thousand addresses on one host: it converges, its processes stay small, and nobody reads who lives there."""

from __future__ import annotations

import pytest

from lab.mailhost import MailHost
from tests.on_host.settings import IQBAL, TITO, example

pytestmark = pytest.mark.host

MANY = {f"a{number}@example.com": [TITO] for number in range(40_000)}
LAST = "a39999@example.com"
# An smtpd that has just answered about LAST, and what it keeps in memory of its own (proc(5), KiB).
SMTPD = f"""exec 3<>/dev/tcp/127.0.0.1/25
said() {{ read -r -t 20 line <&3; printf '%s\\n' "$line"; }}
ask() {{ printf '%s\\r\\n' "$1" >&3; said; }}
said
ask 'HELO localhost'
ask 'MAIL FROM:<somebody@example.org>'
ask 'RCPT TO:<{LAST}>'
for pid in $(pgrep -x smtpd); do sed -n 's/^RssAnon: *//p' "/proc/$pid/status"; done
"""


def test_forty_thousand_addresses_converge_in_small_processes_that_tell_no_local_user(mail_host: MailHost):
    settings = example(aliases={**example()["aliases"], **MANY})
    run = mail_host.converge(settings)
    assert run.rc == 0, run.output
    assert mail_host.converge().changes == 0
    assert mail_host.run("postmap -q a39999@example.com cdb:/etc/postfix/posthaus/aliases").stdout.strip() == TITO
    told = mail_host.run("bash", input=SMTPD).stdout.splitlines()
    assert told[3].startswith("250 "), told
    sizes = [int(line.removesuffix(" kB")) for line in told[4:]]
    assert sizes
    assert max(sizes) < 15_000


def test_no_local_user_reads_who_lives_here(mail_host: MailHost):
    files = mail_host.run("find /etc/postfix/posthaus /etc/rspamd/posthaus -type f").stdout.split()
    assert {"/etc/postfix/posthaus/aliases", "/etc/postfix/posthaus/aliases.cdb"} < set(files)
    naming = f"grep -rlF {IQBAL} /etc /var/lib/rspamd 2>/dev/null"
    assert "/etc/postfix/posthaus/mailboxes" in mail_host.run(naming, check=False).stdout
    assert mail_host.run(f"runuser -u nobody -- {naming}", check=False).stdout == ""
