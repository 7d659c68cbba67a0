"""A run makes the host what the settings say; the next one finds nothing to do; what nobody declares any more goes."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from lab import pyinfra, site
from lab.bench import remote_commands, sent
from lab.mailhost import MailHost
from tests.on_host.settings import EXAMPLE, IQBAL, PASSWORDS, TITO, example

pytestmark = pytest.mark.host

MANAGED = (
    "for s in /var/lib/posthaus/trees/*; do t=$(cat $s/target);"
    ' while read -r f; do sha256sum "$t/$f"; done <$s/manifest; done'
)
PIDS = (
    "for u in dovecot apache2 'php*-fpm'; do systemctl show -p MainPID \"$u.service\"; done;"
    " cat /var/spool/postfix/pid/master.pid"
)
ODD_PASSWORD = "a b;c'$\"#é"
MOST_COMMANDS = 4
MOST_A_CHANGE = 2


def ports(host: MailHost) -> set[int]:
    """TCP ports that the host offers to the world."""
    said = host.run("ss -Hltn").stdout.splitlines()
    open_to_all = [line.split()[3] for line in said if not re.match(r"(127\.|\[::1\])", line.split()[3])]
    return {int(address.rpartition(":")[2]) for address in open_to_all}


def test_a_second_and_a_third_run_change_nothing(mail_host: MailHost) -> None:
    first = mail_host.converge()  # whatever the test before this one left
    assert first.rc == 0, first.output
    files, pids = mail_host.run(MANAGED).stdout, mail_host.run(PIDS).stdout
    for _ in range(2):
        run = mail_host.converge()
        assert run.rc == 0, run.output
        assert run.changes == 0, run.output
    assert mail_host.run(MANAGED).stdout == files
    assert files.count("\n") >= 20, "the manifests name our files, or this test compares nothing"
    assert mail_host.run(PIDS).stdout == pids


def test_a_run_with_nothing_to_do_looks_at_the_host_once(mail_host: MailHost) -> None:
    assert 1 < remote_commands(mail_host) <= MOST_COMMANDS


def test_whoever_only_looks_needs_no_more(mail_host: MailHost) -> None:
    mail_host.say()
    run = mail_host.pyinfra("deploys/mail.py", "--dry", "-vv")
    assert run.rc == 0, run.output
    assert 1 < sent(run) <= MOST_COMMANDS


@pytest.mark.webmail
def test_each_change_adds_itself_and_one_more_look(mail_host: MailHost) -> None:
    mail_host.run(
        "echo '# by hand' >>/etc/dovecot/dovecot.conf; systemctl stop rspamd; chmod 0755 /var/mail/vhosts;"
        " rm /etc/tmpfiles.d/squirrelmail.conf; touch /etc/apache2/apache2.conf"
    )
    run = mail_host.converge(None, "-vv")
    assert run.rc == 0, run.output
    assert run.changes >= 5
    assert sent(run) <= MOST_A_CHANGE * run.changes + MOST_COMMANDS, run.output


@pytest.mark.releases("debian-13")
def test_so_it_is_with_every_component_there_is(own_mail_host: MailHost) -> None:
    asked = own_mail_host.run("awk '/^nameserver/ { print $2; exit }' /etc/resolv.conf").stdout.strip()
    own_mail_host.write("/etc/unbound/local.conf", "# whom to ask is said here: nobody is asked for signatures\n")
    settings = example(
        resolver={"forward": [asked]},
        filter={"antivirus": True, "blocklists": False},
        aliases={"away@example.com": ["somebody@example.org"]},
    )
    run = own_mail_host.converge(settings)
    assert run.rc == 0, run.output
    assert remote_commands(own_mail_host) <= MOST_COMMANDS


def test_the_same_host_converges_through_the_engine_instead_of_ssh(mail_host: MailHost) -> None:
    run = mail_host.over_docker().converge()
    assert (run.rc, run.changes) == (0, 0), run.output


def test_a_person_with_sudo_and_an_odd_password_does_it_all(
    start_host: Any, mail_host: MailHost, snapshot: str
) -> None:
    host = start_host(mail_host.release, image=snapshot, user="deploy", sudo_password=ODD_PASSWORD)
    run = host.converge(example(message_size="30M"))
    assert run.rc == 0, run.output
    assert run.changes > 0
    assert ODD_PASSWORD not in run.output + run.stdout
    assert host.run('grep -rlF "a b;c" /tmp /var/tmp /root /home 2>/dev/null', check=False).stdout == ""
    assert host.converge().changes == 0


def test_looking_first_changes_nothing_on_a_bare_host(bare_host: MailHost) -> None:
    before = bare_host.run("dpkg -l | sha256sum; find /etc -printf '%p %C@\\n' | sort | sha256sum").stdout
    run = bare_host.pyinfra("deploys/mail.py", "--dry")
    assert run.rc == 0, run.output
    assert "Traceback" not in run.output
    assert bare_host.run("dpkg -l | sha256sum; find /etc -printf '%p %C@\\n' | sort | sha256sum").stdout == before


def test_a_difference_is_shown_and_a_secret_is_not(mail_host: MailHost) -> None:
    mail_host.say(
        example(
            message_size="31M",
            mailboxes={TITO: EXAMPLE["mailboxes"][IQBAL]},
            aliases=None,
            catch_all=None,
            postmaster=None,
        )
    )
    run = mail_host.pyinfra("deploys/mail.py", "--dry", "--diff")
    mail_host.say(example())
    assert run.rc == 0, run.output
    assert "+message_size_limit = 32505856" in run.output
    assert "/etc/dovecot/users changes (not shown" in run.output
    assert "argon2id" not in run.output


@pytest.mark.webmail
def test_ports_are_as_the_original_report_wanted_them(mail_host: MailHost) -> None:
    assert ports(mail_host) - {22} == {25, 80, 110, 143, 443, 465, 587, 993, 995, 4190}


@pytest.mark.webmail
def test_a_webmail_left_out_closes_and_comes_back(own_mail_host: MailHost) -> None:
    own_mail_host.run("touch /var/lib/squirrelmail/data/tito.pref")
    run = own_mail_host.converge(example(webmail=False, clients=False))
    assert run.rc == 0, run.output
    assert ports(own_mail_host) & {80, 443} == set()
    units = "apache2.service 'php*-fpm.service'"
    assert own_mail_host.run(f"systemctl is-active {units}", check=False).stdout.split() in (
        [],
        ["inactive", "inactive"],
        ["inactive"],
    )
    assert "enabled" not in own_mail_host.run("systemctl is-enabled apache2.service", check=False).stdout
    assert (
        own_mail_host.run(
            "test ! -e /etc/apache2/apache2.conf -a ! -e /etc/squirrelmail/config_local.php; echo $?"
        ).stdout
        == "0\n"
    )
    own_mail_host.run("test -e /var/lib/squirrelmail/data/tito.pref")
    assert own_mail_host.converge().changes == 0
    back = own_mail_host.converge(example())
    assert back.rc == 0, back.output
    assert {80, 443} <= ports(own_mail_host)
    assert own_mail_host.verify().rc == 0


def test_a_protocol_an_alias_and_a_mailbox_that_are_no_longer_declared_stop(own_mail_host: MailHost) -> None:
    settings = example(dovecot={"protocols": ["imap"]}, aliases=None)
    del settings["mailboxes"][IQBAL]
    own_mail_host.run(f"printf 'Subject: kept\\n\\nx\\n' | sendmail {IQBAL} && sleep 2")
    run = own_mail_host.converge(settings)
    assert run.rc == 0, run.output
    assert ports(own_mail_host) & {110, 995, 4190} == set()
    refused = own_mail_host.run(f"doveadm auth test {IQBAL}", input=PASSWORDS[IQBAL] + "\n", check=False)
    assert refused.returncode != 0
    assert own_mail_host.run(f"doveadm user {IQBAL}", check=False).returncode != 0
    assert "info@example.com" not in own_mail_host.run("cat /etc/postfix/posthaus/aliases").stdout
    kept = own_mail_host.run("find /var/mail/vhosts/.archive/example.com/iqbal.* -type f -path '*/new/*' | wc -l")
    assert kept.stdout.strip() != "0"
    assert f"{IQBAL} goes to the archive (/var/mail/vhosts/.archive), for ever" in run.output


@pytest.mark.webmail
def test_a_name_in_another_script_arrives_byte_for_byte_whatever_the_locale(
    own_mail_host: MailHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("PYTHONUTF8", "0")
    title = "Büro José Müller 漢"
    run = own_mail_host.converge(example(webmail={"hostname": "webmail.example.com", "title": title}))
    assert run.rc == 0, run.output
    assert title.encode() in own_mail_host.read("/etc/squirrelmail/config_local.php")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert own_mail_host.converge().changes == 0


def test_two_servers_with_settings_of_their_own_converge_in_one_run(
    own_mail_host: MailHost, start_host: Any, snapshot: str
) -> None:
    other = start_host(own_mail_host.release, image=snapshot)
    own_mail_host.say()
    directory = own_mail_host.site
    site.write(directory, [own_mail_host.entry], example())
    name, data = other.entry
    second = directory / "second.yaml"
    second.write_text(yaml.safe_dump(example(hostname="mail2.example.com", message_size="20M"), allow_unicode=True))
    (directory / "inventory.py").write_text(
        "from deploys.site import settings\n\n"
        f"mail = [{own_mail_host.entry!r}, ({name!r}, {{**{data!r}, 'mail': settings('second.yaml')}})]\n"
    )
    run = pyinfra.converge(directory)
    assert run.rc == 0, run.output
    assert own_mail_host.run("postconf -h myhostname message_size_limit").stdout.split() == [
        "mail.example.com",
        "52428800",
    ]
    assert other.run("postconf -h myhostname message_size_limit").stdout.split() == ["mail2.example.com", "20971520"]
    assert pyinfra.converge(directory).changes == 0
    limited = pyinfra.converge(directory, "--limit", other.name)
    assert limited.rc == 0
    assert limited.totals["hosts"] * 2 == pyinfra.converge(directory).totals["hosts"]
