"""Messages that another server stored on the host come into our store once; what cannot be read is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lab.mailhost import MailHost
from tests.on_host.settings import TITO, example

pytestmark = pytest.mark.host

MOVED, LATER = "moved@example.com", "moved-later@example.com"
# Of other kinds: dbox of both, folders that lie in one another, compressed by gzip; and what nobody can read.
KINDS = {
    "sdbox": "sdbox:/srv/old/sdbox",
    "mdbox": "mdbox:/srv/old/mdbox:ALT=/srv/old/second",
    "nested": "maildir:/srv/old/nested:LAYOUT=fs",
    "packed": "maildir:/srv/old/packed",
}
LOCKED = "locked@example.com"
# Unix users' homes: one with messages, one with a link to those of somebody else.
HOME, STRANGER = "of-a-person@example.com", "of-a-stranger@example.com"
# A Maildir as Dovecot 1 to 2.4 leave it: six messages with UIDs from 10 on, one of them new, flags and a keyword.
MAKE = r"""set -e
rm -rf /srv/old && mkdir -p /srv/old/moved/{cur,new,tmp} /srv/old/moved/.Projekte.Alt/{cur,new,tmp}
cd /srv/old/moved
for i in 0 1 2 3 4; do
    printf 'From: a@example.org\nSubject: old %s\n\nbody\n' $i >cur/170000000$i.M$i.h:2,S$([ $i != 3 ] || echo a)
done
printf 'From: a@example.org\nSubject: unread\n\nbody\n' >new/1700000005.M5.h
cp cur/1700000000.M0.h:2,S .Projekte.Alt/cur/1700000009.M9.h:2,FS
{ echo '3 V1234567 N40 G0123456789abcdef0123456789abcdef'
  for i in 0 1 2 3 4 5; do echo "$((10 + i * 3)) :170000000$i.M$i.h"; done; } >dovecot-uidlist
echo '0 Work' >dovecot-keywords
printf 'V\t2\n\nProjekte\tAlt\n' >subscriptions
cp -a /srv/old/moved /srv/old/packed && cp -a /srv/old/moved /srv/old/nested && cp -a /srv/old/moved /srv/old/locked
for file in /srv/old/packed/{cur,new,.Projekte.Alt/cur}/*; do
    gzip <"$file" >/srv/old/one && cat /srv/old/one >"$file"
done
rm /srv/old/one
cd /srv/old/nested && mkdir -p Projekte .Gone/cur a.b/cur && mv .Projekte.Alt Projekte/Alt && cp cur/*M0* a.b/cur
useradd -m -K UID_MIN=1500 maria && useradd -m -K UID_MIN=1500 eve && cp -a /srv/old/moved /home/maria/Maildir
ln -s /srv/old/moved /home/eve/Maildir && chown -Rh maria: /home/maria && chown -h eve: /home/eve/Maildir
chmod -R go= /home/maria/Maildir
printf 'CRYPTED\003\007\002' >/srv/old/locked/cur/1700000004.M4.h:2,S
chown -R nobody: /srv/old && chmod -R go= /srv/old
"""
# As their own Dovecot writes them: with flags and without, a folder with a dot in its name, one message deleted; some
# of it on a second disk.
MAKE_DBOX = r"""set -e
cd /srv/old && install -d -o vmail -g vmail sdbox mdbox second && chmod 0711 /srv/old
case $(dovecot --version) in 2.3*) own='' ;; *) own=--no-userdb-lookup ;; esac
for kind in sdbox mdbox; do
    case $own in
    '') place="mail_location=$kind:/srv/old/$kind:ALT=/srv/old/second" more='' ;;
    *) place=mail_driver=$kind
        more="-o mail_path=/srv/old/$kind -o mail_alt_path=/srv/old/second -o mail_inbox_path=" ;;
    esac
    as() {
        command=$1 && shift
        setpriv --reuid=vmail --regid=vmail --init-groups env HOME=/srv/old/$kind USER=$kind \
            doveadm -o mail_plugins= -o "$place" $more $command $own "$@"
    }
    for folder in INBOX Projekte/Alt a.b; do
        [ $folder = INBOX ] || as 'mailbox create' $folder
        for i in 0 1 2; do printf 'From: a@example.org\nSubject: %s\n\nbody\n' $i | as save -m $folder; done
    done
    as expunge mailbox INBOX 1
    as 'flags add' '\Seen Work' mailbox INBOX 1
    [ $kind = sdbox ] || as altmove mailbox Projekte/Alt
    as 'mailbox subscribe' Projekte/Alt
done 2>/dev/null
[ -n "$(find second -type f)" ]
"""
LISTED = (
    "cd /srv/old && find . -printf '%p %m %u %s %T@ %n\\n' | sort;"
    " find . -type f -print0 | sort -z | xargs -0 sha256sum"
)
STATUS = "doveadm mailbox status -u {} 'messages uidvalidity unseen' INBOX Projekte/Alt"
FLAGS = "doveadm -f tab fetch -u {} 'uid flags hdr.subject' mailbox INBOX all | sort -n"


def settings(**places: str) -> dict[str, Any]:
    made = example()
    hashed = made["mailboxes"][TITO]["password"]
    for address in (MOVED, LATER, LOCKED, HOME, STRANGER, *(f"{kind}@example.com" for kind in KINDS)):
        made["mailboxes"][address] = {"password": hashed}
    kinds = {f"{kind}@example.com": place for kind, place in KINDS.items()}
    kinds |= {MOVED: "maildir:/srv/old/moved", HOME: "maildir:/home/maria/Maildir"}
    return {**made, "messages_from": {**kinds, **places}}


def counts(host: MailHost, login: str) -> dict[str, int]:
    """The messages of each folder that has any."""
    rows = host.run(f"doveadm -f tab mailbox status -u {login} messages '*'").stdout.splitlines()[1:]
    return {name: int(count) for name, count in (row.split("\t") for row in rows) if int(count)}


def uidvalidity(host: MailHost, login: str) -> str:
    return host.run(f"doveadm mailbox status -u {login} uidvalidity INBOX").stdout


@pytest.fixture
def prepared(mail_host: MailHost) -> Iterator[MailHost]:
    mail_host.run("bash -s", input=MAKE + MAKE_DBOX)
    yield mail_host
    homes = " ".join(f"/var/mail/vhosts/example.com/{name}" for name in ("moved", "moved-later", "locked", *KINDS))
    mail_host.run(f"rm -rf /srv/old {homes} /var/mail/vhosts/example.com/of-a-* && userdel -r maria && userdel -r eve")


def test_what_another_server_stored_is_copied_once_and_what_came_meanwhile_stays(prepared: MailHost) -> None:
    host = prepared
    host.run(f"doveadm mailbox status -u {TITO} messages INBOX")
    before = host.run(LISTED).stdout
    once = {LOCKED: "maildir:/srv/old/locked", STRANGER: "maildir:/home/eve/Maildir"}
    run = host.converge(settings(**{LATER: "maildir:/srv/old/not-there", **once}))
    assert run.rc == 0, run.output
    assert f"{MOVED} (7 messages)" in run.output
    assert f"! {LATER}: its messages are NOT copied" in run.output
    assert "there is nothing at /srv/old/not-there" in run.output
    assert host.run(LISTED).stdout == before, "the originals are as they were, their links and times too"

    status = host.run(STATUS.format(MOVED)).stdout
    assert "INBOX messages=6 uidvalidity=1234567 unseen=1" in status
    assert "Projekte/Alt messages=1" in status
    rows = [line.split("\t") for line in host.run(FLAGS.format(MOVED)).stdout.splitlines()]
    assert [row[0] for row in rows if row[0].isdigit()] == ["10", "13", "16", "19", "22", "25"]
    assert ["19", r"\Seen Work", "old 3"] in rows
    assert "Projekte/Alt" in host.run(f"doveadm mailbox list -s -u {MOVED}").stdout.splitlines()
    assert host.run("systemctl is-active postfix dovecot").stdout == "active\nactive\n"

    # Stores of other kinds, as they were but for a dot in the name of a folder.
    for kind, (inbox, sub, dotted) in {
        "sdbox": (2, 3, 3), "mdbox": (2, 3, 3), "nested": (6, 1, 1), "packed": (6, 1, 0)
    }.items():  # fmt: skip
        login = f"{kind}@example.com"
        assert f"{login} ({inbox + sub + dotted} messages)" in run.output
        assert counts(host, login) == {"INBOX": inbox, "Projekte/Alt": sub} | ({"a_b": dotted} if dotted else {})
        assert "Projekte/Alt" in host.run(f"doveadm mailbox list -s -u {login}").stdout.splitlines()
    for login, row in {"mdbox": ["2", r"\Seen Work", "1"], "packed": ["19", r"\Seen Work", "old 3"]}.items():
        flags = host.run(FLAGS.format(f"{login}@example.com")).stdout
        assert row in [line.replace(r" \Recent", "").split("\t") for line in flags.splitlines()]
    assert "old 3" in host.run("cat /var/mail/vhosts/example.com/packed/Maildir/cur/*").stdout, "plain from now on"
    assert uidvalidity(host, "nested@example.com") == uidvalidity(host, MOVED)
    assert f"! {LOCKED}: its messages are NOT copied" in run.output
    assert "its messages are encrypted (mail_crypt)" in run.output
    assert counts(host, LOCKED) == {}
    assert counts(host, HOME) == {"INBOX": 6, "Projekte/Alt": 1}
    assert host.run("find /home/maria/Maildir ! -user maria").stdout == "", "they are still hers"
    assert f"! {STRANGER}: its messages are NOT copied" in run.output
    assert counts(host, STRANGER) == {}

    # What was not there is tried again, beside what has come for it since; what is done is not looked at any more.
    host.run(f"printf 'Subject: since\\n\\nnew\\n' | doveadm save -u {LATER}")
    host.run(f"doveadm expunge -u {MOVED} mailbox INBOX uid 10")
    host.run("cp -a /srv/old/moved /srv/old/not-there")
    again = host.converge(settings(**{LATER: "maildir:/srv/old/not-there"}))
    assert again.rc == 0, again.output
    assert f"messages copied into our store: {LATER} (7 messages)" in again.output
    assert "INBOX messages=7" in host.run(STATUS.format(LATER)).stdout
    assert "INBOX messages=5" in host.run(STATUS.format(MOVED)).stdout, "deleted is deleted"
    third = host.converge()
    assert (third.rc, third.changes) == (0, 0), third.output
