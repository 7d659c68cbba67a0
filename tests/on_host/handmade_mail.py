"""Mail servers that somebody set up by hand, with people's messages: Unix users as Debian has them, and virtual users
in files as the guides have them."""

from __future__ import annotations

import imaplib
import re
import ssl
from dataclasses import dataclass
from typing import Any

from lab.mailhost import MailHost
from tests.on_host import handmade

DOMAIN = "alt.example"
PASSWORDS = {"tito": "tito's geheim 1", "iqbal": "iqbal & geheim 2", "ana": "ana geheim 3", "sri": "sri geheim 4"}
PASSWORDS["maria"] = "maria geheim 5"  # a Unix user beside the virtual ones
# As of a hash each: what people were told to take, year by year.
SCHEMES = {"tito": "MD5-CRYPT", "iqbal": "SSHA512", "ana": "BLF-CRYPT", "sri": "PLAIN"}

SIEVE = 'require "fileinto";\nif header :contains "Subject" "list" { fileinto "Sent"; }\n'

UNIX_USERS = f"""set -e
useradd -m -c 'Tito Puente,,,' -s /bin/bash tito
useradd -m -s /bin/bash iqbal
useradd -m -s /usr/sbin/nologin backup-job
postconf -e 'myhostname = mail.{DOMAIN}' 'mydestination = $myhostname, {DOMAIN}, localhost' 'myorigin = {DOMAIN}' \\
    'virtual_alias_maps = hash:/etc/postfix/virtual'
printf 'sales@{DOMAIN} iqbal@{DOMAIN}\\n' >/etc/postfix/virtual
postmap /etc/postfix/virtual
cat >/etc/aliases <<'END'
postmaster: root
root: tito
info: tito, iqbal, somebody@example.org
list: "|/usr/local/bin/list"
END
newaliases
cat >/etc/dovecot/conf.d/99-alt.conf <<'END'
mail_location = mbox:~/mail:INBOX=/var/mail/%u
mail_privileged_group = mail
END
mkdir -p /usr/share/squirrelmail
cat >/etc/apache2/sites-available/webmail.conf <<'END'
<VirtualHost *:80>
    ServerName webmail.{DOMAIN}
    DocumentRoot /usr/share/squirrelmail
</VirtualHost>
END
a2ensite -q webmail
systemctl restart postfix dovecot apache2
"""
VIRTUAL_USERS = f"""set -e
groupadd -g 5000 vmail
useradd -g vmail -u 5000 -d /var/vmail -m -s /usr/sbin/nologin vmail
postconf -e 'myhostname = mail.{DOMAIN}' 'mydestination = unix.example, localhost' \\
    'virtual_mailbox_domains = {DOMAIN} more.example' \\
    'virtual_mailbox_maps = hash:/etc/postfix/vmailbox' 'virtual_alias_maps = hash:/etc/postfix/virtual' \\
    'virtual_transport = lmtp:unix:private/dovecot-lmtp'
printf '%s x\\n' tito@{DOMAIN} iqbal@{DOMAIN} ana@{DOMAIN} sri@more.example >/etc/postfix/vmailbox
printf 'info@{DOMAIN} tito@{DOMAIN},iqbal@{DOMAIN}\\n@more.example sri@more.example\\n' >/etc/postfix/virtual
postmap /etc/postfix/vmailbox /etc/postfix/virtual
useradd -m -c 'Maria' -s /bin/bash maria
printf '%s\\n' 'From a@example.org  Mon Nov 13 10:00:00 2023' 'Subject: hers' 'Status: RO' '' body '' >/var/mail/maria
chown maria:mail /var/mail/maria && chmod 0660 /var/mail/maria
cat >/etc/dovecot/conf.d/99-virtual.conf
rm -f /etc/dovecot/conf.d/auth-system.conf.ext && touch /etc/dovecot/conf.d/auth-system.conf.ext
mkdir -p /etc/opendkim/keys
openssl genrsa -traditional -out /etc/opendkim/keys/alt.private 2048 2>/dev/null
printf 'alt {DOMAIN}:default:/etc/opendkim/keys/alt.private\\n' >/etc/opendkim/KeyTable
printf 'KeyTable refile:/etc/opendkim/KeyTable\\n' >/etc/opendkim.conf
systemctl restart postfix dovecot
"""
DOVECOT_24 = """auth_allow_weak_schemes = yes
mail_driver = maildir
mail_path = /var/vmail/%{user|domain}/%{user|username}
mail_inbox_path = /var/vmail/%{user|domain}/%{user|username}
mail_uid = vmail
mail_gid = vmail
passdb passwd-file {
  passwd_file_path = /etc/dovecot/users
}
userdb static {
  fields {
    uid = vmail
    gid = vmail
    home = /var/vmail/%{user|domain}/%{user|username}
  }
}
service lmtp {
  unix_listener /var/spool/postfix/private/dovecot-lmtp {
    user = postfix
    group = postfix
    mode = 0600
  }
}
"""


def address(name: str) -> str:
    """Of a virtual user."""
    return f"{name}@{'more.example' if name == 'sri' else DOMAIN}"


def unix_users(host: MailHost) -> MailHost:
    """``host``, bare, as Debian sets mail up for Unix users, with mbox files and a SquirrelMail in Apache."""
    host.run(handmade.INSTALL, timeout=600)
    host.run(UNIX_USERS)
    host.run("chpasswd", input="".join(f"{name}:{PASSWORDS[name]}\n" for name in ("tito", "iqbal")))
    for name in ("tito", "iqbal"):
        _messages(host, name)
    return host


def virtual_users(host: MailHost) -> MailHost:
    """``host``, bare, with virtual users in files as the guides have them (Dovecot 2.4)."""
    host.run(handmade.INSTALL, timeout=600)
    host.run(VIRTUAL_USERS, input=DOVECOT_24)
    host.run("chpasswd", input=f"maria:{PASSWORDS['maria']}\n")
    for name, scheme in SCHEMES.items():
        host.run(
            f"""h=$(doveadm pw -s {scheme} -p "$(cat)") && echo "{address(name)}:$h::::::" >>/etc/dovecot/users""",
            input=PASSWORDS[name],
        )
    host.run("chown root:dovecot /etc/dovecot/users && chmod 0640 /etc/dovecot/users")
    for name in SCHEMES:
        _messages(host, address(name))
    host.run(
        f"cd /var/vmail/{DOMAIN}/tito && mkdir sieve && cat >sieve/holiday.sieve"
        " && ln -s sieve/holiday.sieve .dovecot.sieve && chown -Rh vmail: sieve .dovecot.sieve",
        input=SIEVE,
    )
    return host


@dataclass(frozen=True)
class Folder:
    """``messages``: by UID, the flags, when it arrived, and all of it."""

    uid_validity: str
    messages: dict[str, tuple[frozenset[str], str, bytes]]


def login(host: MailHost, name: str, password: str) -> imaplib.IMAP4_SSL:
    """As a mail program that takes any certificate."""
    context = ssl._create_unverified_context()
    imap = imaplib.IMAP4_SSL(host.address, 993, ssl_context=context, timeout=60)
    imap.login(name, password)
    return imap


def _messages(host: MailHost, name: str) -> None:
    """What somebody has after years: read, answered, drafted and unread messages, in folders of several levels."""
    imap = login(host, name, PASSWORDS[name.partition("@")[0]])
    separator = _separator(imap)
    folders = ["INBOX", "Sent", f"Projekte{separator}Alt &- neu"]
    for folder in folders[1:]:
        imap.create(f'"{folder}"')
        imap.subscribe(f'"{folder}"')
    for number, flags in enumerate((r"(\Seen)", r"(\Seen \Flagged Work)", r"(\Answered \Seen)", "()", r"(\Draft)")):
        for folder in folders[: 3 - number % 3]:
            text = f"From: a@example.org\r\nSubject: {number}\r\nMessage-ID: <{number}.{name}@x>\r\n\r\nw{number}\r\n"
            imap.append(f'"{folder}"', flags, f'"{10 + number:02}-Nov-2023 10:00:00 +0000"', text.encode())
    imap.select("INBOX")
    imap.store("1", "+FLAGS", r"(\Deleted)")
    imap.expunge()  # so that UIDs do not begin at 1
    imap.logout()


def _separator(imap: imaplib.IMAP4) -> str:
    _, [line] = imap.list('""', '""')
    match = re.search(rb'\) "(.)" ', line if isinstance(line, bytes) else b"")
    assert match
    return match[1].decode()


def seen(host: MailHost, name: str, password: str) -> tuple[dict[str, Folder], set[str]]:
    """All that ``name`` sees by IMAP: folders by name, their levels parted by /, and those that are subscribed."""
    imap = login(host, name, password)
    separator = _separator(imap)
    named = {_name(line): _name(line).replace(separator, "/") for line in imap.list()[1] if rb"\Noselect" not in line}
    found = {}
    for folder, plain in named.items():
        if imap.select(f'"{folder}"', readonly=True)[0] != "OK":
            continue  # a Sieve script in the Maildir itself looks like a folder
        validity = imap.response("UIDVALIDITY")[1][0]
        found[plain] = Folder(validity.decode(), _fetched(imap))
    subscribed = {_name(line).replace(separator, "/") for line in imap.lsub()[1] if line}
    imap.logout()
    return found, subscribed


def _name(line: Any) -> str:
    match = re.search(rb'\) "." "?([^"]*)"?$', line)
    assert match, line
    return match[1].decode()


def _fetched(imap: imaplib.IMAP4) -> dict[str, tuple[frozenset[str], str, bytes]]:
    _, rows = imap.uid("FETCH", "1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")
    found = {}
    for row in rows:
        if isinstance(row, tuple):
            head = row[0].decode()
            uid, flags = re.search(r"UID (\d+)", head), re.search(r"FLAGS \(([^)]*)\)", head)
            date = re.search(r'INTERNALDATE "([^"]*)"', head)
            assert uid
            assert flags
            assert date
            found[uid[1]] = (frozenset(flags[1].split()) - {r"\Recent"}, date[1], row[1])
    return found
