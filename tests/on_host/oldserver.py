"""A server of before, that people move away from: a hand-made Dovecot, folders below ``INBOX.``, a CA of its own, and
folders that all people share."""

from __future__ import annotations

import imaplib
import shlex
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host.post import compose

NAME = "imap.old.example"
CONF = "/etc/dovecot-old"
_SET_UP = f"""set -e
systemctl stop $(systemctl list-units --type=service --state=running --no-legend --plain | awk '{{print $1}}' |
    grep -E '^(dovecot|postfix|apache2|rspamd|posthaus|php|unbound)' | grep -v posthaus-trial) 2>/dev/null || true
mkdir -p /srv/old/public/.News/cur {CONF}
printf 'Subject: for everybody\\n\\nnews\\n' >/srv/old/public/.News/cur/1700000000.M1.old:2,
groupadd -g 6000 oldmail
useradd -u 6000 -g oldmail -d /srv/old -s /usr/sbin/nologin oldmail
chown -R oldmail: /srv/old
cd {CONF}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=old
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj /CN={NAME}
echo subjectAltName=DNS:{NAME} >extensions
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -days 30 -extfile extensions -out server.pem
cat >dovecot.conf <<'END'
base_dir = /run/dovecot-old
protocols = imap
ssl = required
ssl_cert = <{CONF}/server.pem
ssl_key = <{CONF}/server.key
passdb {{
  driver = passwd-file
  args = {CONF}/users
}}
userdb {{
  driver = static
  args = uid=oldmail gid=oldmail home=/srv/old/%u
}}
mail_location = maildir:~/Maildir
first_valid_uid = 1
namespace inbox {{
  inbox = yes
  separator = .
  prefix = INBOX.
}}
namespace public {{
  type = public
  separator = .
  prefix = Public.
  location = maildir:/srv/old/public
  subscriptions = no
}}
service imap-login {{
  inet_listener imap {{
    port = 143
  }}
  inet_listener imaps {{
    port = 993
    ssl = yes
  }}
}}
END
"""
_MAIN_CF = f"""compatibility_level = 3.6
myhostname = mx.old.example
mydestination =
virtual_mailbox_domains = {{domain}}
virtual_mailbox_base = /srv/old
virtual_mailbox_maps = texthash:{CONF}/mailboxes
virtual_uid_maps = static:6000
virtual_gid_maps = static:6000
"""
_RECEIVE = """rm -rf /etc/systemd/system/postfix*.d
cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
systemctl daemon-reload
systemctl reset-failed
systemctl start postfix
"""
# $1: a Maildir, $2: how many messages, $3: how many lines each.
_FILL = """import os, sys
place, number, lines = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for part in ("", "/cur", "/new", "/tmp"):
    os.makedirs(place + part, exist_ok=True)
for one in range(number):
    with open(f"{place}/cur/{1700000000 + one}.M{one}.old:2,{'S' if one % 2 else ''}", "w") as file:
        file.write(f"From: a@b.example\\nSubject: number {one}\\nDate: Thu, 20 Nov 2025 10:11:12 +0100\\n"
                   f"Message-ID: <{place.replace('/', '.')}.{one}@old.example>\\n\\n" + "a line of text\\n" * lines)
"""


class OldServer:
    """``host``: converged once, of Debian 12, and somebody's own from now on. ``passwords``: by login."""

    def __init__(self, host: MailHost, passwords: Mapping[str, str]) -> None:
        self.host, self.passwords = host, dict(passwords)
        host.run(_SET_UP)
        rows = "".join(f"{login}:{{PLAIN}}{password}:::::::\n" for login, password in passwords.items())
        host.write(f"{CONF}/users", rows, "0640")
        host.run(f"chgrp dovecot {CONF}/users && systemd-run --quiet --unit=old-imap dovecot -F -c {CONF}/dovecot.conf")
        wait_until(lambda: not host.run("ss -Hltn sport = :993 | grep -q .", check=False).returncode, 60, "no IMAP")

    def known_to(self, other: MailHost) -> Path:
        """Have ``other`` find it by its name; returns the certificate of its CA, as a file here."""
        other.run(f"echo '{self.host.address} {NAME}' >>/etc/hosts")
        path = self.host.host.state / "old-ca.pem"
        path.write_bytes(self.host.read(f"{CONF}/ca.pem"))
        return path

    @contextmanager
    def mailbox(self, login: str) -> Iterator[imaplib.IMAP4]:
        """``login``'s mailbox there."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        client = imaplib.IMAP4_SSL(self.host.address, 993, ssl_context=context, timeout=60)
        try:
            client.authenticate("PLAIN", lambda _: f"\0{login}\0{self.passwords[login]}".encode())
            yield client
        finally:
            client.shutdown()

    def append(self, login: str, folder: str, number: int, flags: str | None = None) -> list[str]:
        """Put messages into a folder of ``login``'s; returns their subjects."""
        date, subjects = '"20-Nov-2025 10:11:12 +0100"', []
        with self.mailbox(login) as client:
            for _ in range(number):
                message = compose(f"{login}@old.example")
                status, said = client.append(f'"{folder}"', flags, date, message.as_bytes())
                assert status == "OK", said
                subjects.append(str(message["Subject"]))
        return subjects

    def fill(self, login: str, number: int, lines: int = 20) -> None:
        """Put many messages into ``login``'s INBOX, where none has been yet."""
        place = shlex.quote(f"/srv/old/{login}/Maildir")
        self.host.run(f"python3 - {place} {number} {lines} && chown -R oldmail: /srv/old/{login}", input=_FILL)

    def receive(self, domain: str) -> None:
        """Take mail for ``domain`` at port 25, for everybody who has a mailbox."""
        rows = "".join(f"{login}@{domain} {login}/Maildir/\n" for login in self.passwords)
        self.host.write(f"{CONF}/mailboxes", rows)
        self.host.write("/etc/postfix/main.cf", _MAIN_CF.format(domain=domain))
        self.host.run(_RECEIVE)
        wait_until(lambda: not self.host.run("ss -Hltn sport = :25 | grep -q .", check=False).returncode, 60, "no SMTP")
