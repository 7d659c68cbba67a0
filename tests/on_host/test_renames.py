"""A person or a domain has another name: all that lay under the former one is there, and mail to it arrives."""

from __future__ import annotations

import imaplib
from collections.abc import Iterator
from typing import Any

import pytest

from lab.mailhost import MailHost
from tests.on_host import poppassd
from tests.on_host.post import arrived, compose, deliver, mailbox, submit
from tests.on_host.settings import ANA, IQBAL, TITO, example

pytestmark = pytest.mark.host

MARIA = "maria@example.com"
TEAM, GROUP = "team@example.com", "group@example.com"
STORE = "/var/mail/vhosts"
CHOSEN = "seventeen quiet herons"
DATA = "/var/lib/squirrelmail/data"
RULE = 'require "fileinto"; if header :contains "X-Kind" "order" { fileinto :create "Orders"; }'.replace(
    'require "fileinto"', 'require ["fileinto", "mailbox"]'
)


def renamed(**more: Any) -> dict[str, Any]:
    """The usual settings, in which iqbal is called maria now, and example.net ana's domain example.org."""
    settings = example(domains={"example.com": {}, "example.org": {"formerly": "example.net"}}, catch_all=None)
    boxes = settings["mailboxes"]
    settings["mailboxes"] = {
        TITO: boxes[TITO],
        MARIA: {**boxes[IQBAL], "formerly": IQBAL},
        "ana@example.org": boxes[ANA],
    }
    settings["aliases"] = {"info@example.com": [TITO, IQBAL]}
    return {**settings, **more}


def shared(settings: dict[str, Any], address: str, **more: Any) -> dict[str, Any]:
    """These settings, and a mailbox of tito's and iqbal's, whatever he is called."""
    (other,) = {IQBAL, MARIA} & settings["mailboxes"].keys()
    return {**settings, "mailboxes": settings["mailboxes"] | {address: {"members": [TITO, other], **more}}}


@pytest.fixture
def host(own_mail_host: MailHost) -> Iterator[MailHost]:
    """A host where iqbal has messages with flags, a rule, and settings of the webmail."""
    own_mail_host.run(
        f"mkdir -p {DATA}; echo full_name=Iqbal >{DATA}/{IQBAL}.pref; echo 'a|A|B|a@b.c|' >{DATA}/{IQBAL}.abook;"
        f" echo full_name=Iqbal of Perth >{DATA}/{IQBAL}.au.pref"
    )
    with mailbox(own_mail_host, IQBAL, own_mail_host.password(IQBAL)) as client:
        for number in range(3):
            client.append("INBOX", r"(\Flagged \Seen)" if number == 1 else None, None, compose(IQBAL).as_bytes())
        client.select("INBOX")
        client.store("1", "+FLAGS", r"(\Deleted)")
        client.expunge()
    own_mail_host.run(
        f"cd {STORE}/example.com/iqbal && mkdir -p sieve && cat >sieve/rules.sieve"
        " && ln -sf sieve/rules.sieve .dovecot.sieve && chown -hR vmail: sieve .dovecot.sieve",
        input=RULE,
    )
    with mailbox(own_mail_host, ANA, own_mail_host.password(ANA)) as client:
        client.append("INBOX", None, None, compose(ANA).as_bytes())
    return own_mail_host


def seen(host: MailHost, login: str, password: str) -> tuple[bytes, list[bytes]]:
    """INBOX's UIDVALIDITY, and UID and flags of all that lies in it."""
    with mailbox(host, login, password) as client:
        client.select("INBOX", readonly=True)
        validity = client.response("UIDVALIDITY")[1][0]
        found = client.uid("FETCH", "1:*", "(FLAGS)")[1]
        return validity, [line.replace(rb"\Recent", b"").replace(b" )", b")") for line in found if line]


def test_a_renamed_person_and_a_renamed_domain_keep_everything(host: MailHost):
    before, of_ana = seen(host, IQBAL, host.password(IQBAL)), seen(host, ANA, host.password(ANA))
    assert len(before[1]) == 2
    people_let_each_other_in(host)
    phone = poppassd.ask(host, IQBAL, host.password(IQBAL), "newapp phone").removeprefix("200 ")
    assert poppassd.change(host, IQBAL, host.password(IQBAL), CHOSEN).startswith("200")
    with mailbox(host, IQBAL, CHOSEN) as session:
        session.select("INBOX")
        run = host.converge(shared(renamed(), GROUP, formerly=TEAM))
        assert run.rc == 0, run.output
        with pytest.raises((imaplib.IMAP4.error, OSError)):
            session.noop()
    assert "belongs to no declared mailbox" not in run.output
    told = {line for line in map(str.strip, run.output.splitlines()) if line.startswith(("+ ", "– ", "~ "))}
    assert {"~ domain example.net is now example.org", f"~ {IQBAL} is now {MARIA}"} <= told, run.output
    assert f"~ {ANA} is now ana@example.org" in told
    assert [line for line in told if line.startswith("– ")] == [
        f"– any other address of example.net no longer reaches {ANA}"  # for which these settings have no catch-all
    ], "nobody went"
    assert seen(host, MARIA, CHOSEN) == before, "messages, UIDs and flags as they were"
    assert seen(host, MARIA, phone) == before, "the phone knows its own password"
    whoever_was_let_in_is(host)
    assert poppassd.apps(host, MARIA, CHOSEN) == ["phone"]
    with pytest.raises(imaplib.IMAP4.error):
        seen(host, MARIA, host.password(IQBAL))
    assert seen(host, "ana@example.org", host.password(ANA)) == of_ana
    homes = host.run(f"find {STORE} -mindepth 2 -maxdepth 2 ! -name '.*' | sort").stdout.split()
    assert [one for one in homes if "iqbal" in one or "example.net" in one] == []
    kept = host.run(f"ls {DATA}").stdout.split()
    assert kept == [f"{IQBAL}.au.pref", f"{MARIA}.abook", f"{MARIA}.pref"], "hers, and nobody else's"

    for address in (IQBAL, MARIA, "iqbal+tag@example.com", "info@example.com"):
        order = compose(address, X_Kind="order")
        assert deliver(host, address, message=order) == 250
        assert arrived(host, MARIA, CHOSEN, order["Subject"], "Orders", 30), "the rule is active"
    for address in (ANA, "ana@example.org"):
        message = compose(address)
        assert deliver(host, address, message=message) == 250
        assert arrived(host, "ana@example.org", host.password(ANA), message["Subject"], seconds=30)
    assert submit(host, MARIA, CHOSEN, IQBAL, TITO, compose(TITO, sender=IQBAL)) == 250
    assert host.converge().changes == 0


def people_let_each_other_in(host: MailHost) -> None:
    assert host.converge(shared(example(), TEAM)).rc == 0
    for owner, folder, guest in ((TITO, "Club", IQBAL), (IQBAL, "Drafts", TITO)):
        host.run(
            f"doveadm mailbox create -u {owner} {folder} 2>/dev/null;"
            f" doveadm acl set -u {owner} {folder} user={guest} lookup read"
        )


def whoever_was_let_in_is(host: MailHost) -> None:
    """At once, by others and by mail.yaml, into folders that were renamed and that were not."""
    for login, password, folders in (
        (MARIA, CHOSEN, (f"shared/{TITO}/Club", f"shared/{GROUP}")),
        (TITO, host.password(TITO), (f"shared/{MARIA}/Drafts", f"shared/{GROUP}")),
    ):
        with mailbox(host, login, password) as client:
            for folder in folders:
                assert client.select(folder, readonly=True)[0] == "OK", (login, folder)
            listed = b" ".join(line for line in client.list()[1] if line).decode()
            assert [one for one in (*folders, IQBAL, TEAM) if one in listed] == [*folders]
    assert IQBAL not in host.run(f"find {STORE} -name dovecot-acl -exec cat {{}} +").stdout


def test_where_both_hold_messages_nothing_changes_and_an_interrupted_run_is_finished(host: MailHost):
    host.run(
        f"cd {STORE}/example.com && mkdir -p maria/Maildir/cur && touch maria/Maildir/cur/1.x:2, && chown -R vmail: ."
    )
    users = host.read("/etc/dovecot/users")
    run = host.converge(renamed())
    assert run.rc != 0
    assert f"{STORE}/example.com/maria and {STORE}/example.com/iqbal both hold messages" in run.output
    assert host.read("/etc/dovecot/users") == users
    host.run(f"rm {STORE}/example.com/maria/Maildir/cur/*")

    # A run that died after the move and before Dovecot knew the new name: the link is there, and mail arrives.
    before = seen(host, IQBAL, host.password(IQBAL))
    host.run(
        f"cd {STORE}/example.com && mv maria .maria.empty && mv iqbal maria && ln -s ../example.com/maria iqbal"
        " && chmod u-w ."
    )
    assert host.converge().rc == 0
    assert seen(host, MARIA, host.password(IQBAL)) == before
    assert host.run(f"stat -c %A {STORE}/example.com").stdout.startswith("drwx")
    assert host.run(f"test -L {STORE}/example.com/iqbal", check=False).returncode != 0

    # Dead in the same place, and then iqbal is a new person's name: nothing leads him to maria's messages.
    old = f"{STORE}/example.com/iqbal"
    noted = f"printf '%s\\n' {old} {STORE}/example.com/maria {STORE}/example.org/ana >/var/lib/posthaus/renamed"
    host.run(f"{noted} && ln -s ../example.com/maria {old} && chmod u-w {STORE}/example.com {STORE}/example.org")
    settings = renamed()
    settings["mailboxes"][MARIA] = {
        key: value for key, value in settings["mailboxes"][MARIA].items() if key != "formerly"
    }
    settings["mailboxes"][IQBAL] = settings["mailboxes"][TITO]
    run = host.converge(settings)
    assert run.rc == 0, run.output
    assert seen(host, MARIA, host.password(IQBAL)) == before
    assert seen(host, IQBAL, host.password(TITO))[1] == [], "a new person's mailbox is empty"
    message = compose(IQBAL)
    assert deliver(host, IQBAL, message=message) == 250
    assert arrived(host, IQBAL, host.password(TITO), message["Subject"], seconds=30)
    assert seen(host, MARIA, host.password(IQBAL)) == before
    modes = host.run(f"stat -c %A {STORE}/example.com {STORE}/example.org").stdout.split()
    assert [mode[:4] for mode in modes] == ["drwx", "drwx"], "whoever comes next can have a mailbox there"
    assert host.run("cat /var/lib/posthaus/renamed").stdout == ""
    assert host.converge().changes == 0
