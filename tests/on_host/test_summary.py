"""What a run says that it changed is what people then find: every line beside an observation of the host itself."""

from __future__ import annotations

import imaplib
import json
import smtplib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPSConnection
from typing import Any

import pytest
import yaml

from deploys.summary.deploy import REPORTS
from lab import pyinfra, site
from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host import post
from tests.on_host.settings import ANA, EXAMPLE, IQBAL, PASSWORDS, TITO, example, no_webmail

pytestmark = pytest.mark.host

MARIA = "maria@example.com"
SECONDS = 60
STATE = "systemctl show -p MainPID,NRestarts,ActiveState -- {}; cat /var/spool/postfix/pid/master.pid"
FILES = "find /etc/dovecot /etc/postfix /var/lib/posthaus -type f -exec sha256sum {} + | sort"
CONFIRM = ("--data", "confirm=example.net")


def summary(host: MailHost) -> dict[str, Any]:
    """What the last run on ``host`` wrote down, which is what it printed."""
    found: dict[str, Any] = json.loads((REPORTS / f"{host.entry[0]}.run.json").read_text())
    return found


def lets_in(host: MailHost, login: str, password: str) -> bool:
    try:
        with post.mailbox(host, login, password):
            return True
    except imaplib.IMAP4.error:
        return False


def takes(host: MailHost, recipient: str) -> bool:
    """Whether port 25 takes a message for ``recipient`` from outside."""
    return post.deliver(host, recipient) == 250


def reaches(host: MailHost, recipient: str, login: str) -> bool:
    """Whether a message to ``recipient`` comes to ``login``, wherever else it goes."""
    message = post.compose(recipient)
    if post.deliver(host, recipient, message=message) != 250:
        return False
    arrived = post.arrived(host, login, host.password(login), message["Subject"], seconds=SECONDS)
    return arrived is not None


def sends_as(host: MailHost, login: str, sender: str) -> bool:
    message = post.compose(TITO, sender=sender)
    return post.submit(host, login, host.password(login), sender, TITO, message) == 250


def says(host: MailHost, command: str, expected: str) -> bool:
    return expected in host.run(command, check=False).stdout


@contextmanager
def sending(host: MailHost) -> Iterator[smtplib.SMTP]:
    """A session at port 587 in which somebody has logged in."""
    with smtplib.SMTP(host.address, 587, local_hostname="laptop.at.home", timeout=30) as client:
        client.starttls(context=post.trusting(host))
        client.login(TITO, host.password(TITO))
        yield client


def alive(reading: imaplib.IMAP4) -> bool:
    try:
        return reading.noop()[0] == "OK"
    except (imaplib.IMAP4.abort, OSError):
        return False


def page(host: MailHost, name: str) -> str:
    """The login page as a browser gets it that asks for ``name``."""
    connection = HTTPSConnection(host.address, 443, context=post.trusting(host), timeout=30)
    connection.request("GET", "/src/login.php", headers={"Host": name})
    return connection.getresponse().read().decode()


def size_at_25(host: MailHost) -> str:
    with smtplib.SMTP(host.address, 25, timeout=30) as client:
        client.ehlo("mx.outside.example")
        return client.esmtp_features["size"]


def junk_score(host: MailHost) -> float:
    """From which score on rspamd files a message in Junk, as it says itself."""
    said = host.run("rspamadm configdump -j actions").stdout
    return float(json.loads(said)["add_header"])


def limit(host: MailHost, login: str) -> str:
    """The quota that Dovecot holds ``login`` to, in KiB."""
    rows = host.run(f"doveadm -f tab quota get -u {login}").stdout.splitlines()
    return next(row.split("\t")[3] for row in rows if "STORAGE" in row)


def stored(host: MailHost, address: str) -> int:
    local, _, domain = address.rpartition("@")
    where = f"/var/mail/vhosts/{domain}/{local}/Maildir"
    return int(host.run(f"find {where} -type f -path '*/cur/*' -o -type f -path '*/new/*' | wc -l").stdout)


def archived(host: MailHost, address: str) -> int:
    """The messages of all who have had ``address``, in the archive."""
    local, _, domain = address.rpartition("@")
    where = f"/var/mail/vhosts/.archive/{domain}/{local}.*/Maildir"
    return int(host.run(f"find {where} -type f -path '*/cur/*' -o -type f -path '*/new/*' | wc -l").stdout)


def other() -> dict[str, Any]:
    """EXAMPLE with everything changed that a small site may change of a day."""
    told = EXAMPLE["mailboxes"]
    changed = example(
        domains={"example.com": {"dkim": {"selector": "other"}}},
        mailboxes={
            TITO: {**told[TITO], "name": "Tito P."},
            IQBAL: {**told[IQBAL], "password": told[ANA]["password"], "quota": "3G"},
            MARIA: {"password": told[ANA]["password"]},
        },
        aliases={"info@example.com": [TITO, IQBAL, MARIA], "sales@example.com": [TITO]},
        catch_all={"example.com": IQBAL},
        postmaster=IQBAL,
        quota="2G",
        message_size="30M",
        trusted_networks=["192.0.2.0/24"],
        relayhost={"host": "smtp.example.net"},
        filter={"blocklists": False, "junk_score": 7},
        postfix={"parameters": {**EXAMPLE["postfix"]["parameters"], "smtpd_hard_error_limit": 17}},
        dovecot={"settings": {"mail_max_userip_connections": 23}},
    )
    if changed.get("webmail") is not False:
        changed["webmail"] = {"hostname": "post.example.com", "title": "Another title"}
    return changed


Seen = Callable[[MailHost], bool]
IQBALS, ANAS = PASSWORDS[IQBAL], PASSWORDS[ANA]
# Each line of the way there, and what is then so.
THERE: dict[str, Seen] = {
    "– domain example.net": lambda h: not takes(h, "anybody@example.net"),
    f"– {ANA} (": lambda h: not lets_in(h, ANA, ANAS) and not takes(h, ANA) and archived(h, ANA) > 0,
    f"+ {MARIA}": lambda h: lets_in(h, MARIA, ANAS) and takes(h, MARIA),
    f"~ {IQBAL}: password, quota 1G to 3G": lambda h: (
        lets_in(h, IQBAL, ANAS) and not lets_in(h, IQBAL, IQBALS) and limit(h, IQBAL) == str(3 << 20)
    ),
    "+ sales@example.com reaches tito@example.com": lambda h: reaches(h, "sales@example.com", TITO),
    f"~ info@example.com now also reaches {MARIA}": lambda h: (
        reaches(h, "info@example.com", MARIA) and sends_as(h, MARIA, "info@example.com")
    ),
    f"+ any other address of example.com reaches {IQBAL}": lambda h: (
        reaches(h, "whoever@example.com", IQBAL) and sends_as(h, IQBAL, "invented@example.com")
    ),
    f"– any other address of example.net no longer reaches {ANA}": lambda h: not takes(h, "whoever@example.net"),
    f"~ postmaster: {TITO} to {IQBAL}": lambda h: reaches(h, "postmaster@example.com", IQBAL),
    "~ quota: 1G to 2G": lambda h: limit(h, TITO) == str(2 << 20),
    "~ message_size: 50M to 30M": lambda h: size_at_25(h) == str(30 << 20),
    "~ trusted_networks: none to 192.0.2.0/24": lambda h: says(h, "postconf -h mynetworks", "192.0.2.0/24"),
    "+ relayhost.host: smtp.example.net": lambda h: says(h, "postconf -h relayhost", "smtp.example.net"),
    "~ filter.junk_score: 6 to 7": lambda h: junk_score(h) == 7,
    "+ postfix.parameters.smtpd_hard_error_limit: 17": lambda h: says(h, "postconf -h smtpd_hard_error_limit", "17"),
    "+ dovecot.settings.mail_max_userip_connections: 23": lambda h: says(
        h, "doveconf -h mail_max_userip_connections", "23"
    ),
    "+ new DKIM key for example.com": lambda h: says(h, "ls /var/lib/rspamd/dkim", "example.com.other.key"),
}
WEBMAIL_THERE: dict[str, Seen] = {
    f"~ {TITO}: name Tito Puente to Tito P.": lambda h: says(h, "cat /etc/squirrelmail/names.php", "Tito P."),
    "~ webmail.title: Webmail to Another title": lambda h: "Another title" in page(h, "post.example.com"),
    "~ webmail.hostname: webmail.example.com to post.example.com": lambda h: says(h, NAMES, "DNS:post.example.com"),
}
NAMES = "echo | openssl s_client -connect localhost:443 2>/dev/null | openssl x509 -noout -ext subjectAltName"
# And of the way back.
BACK: dict[str, Seen] = {
    "+ domain example.net": lambda h: takes(h, ANA),
    f"+ {ANA}": lambda h: lets_in(h, ANA, ANAS),
    f"– {MARIA} (": lambda h: not lets_in(h, MARIA, ANAS) and archived(h, MARIA) > 0,
    f"~ {IQBAL}: password, quota 3G to 1G": lambda h: (
        lets_in(h, IQBAL, IQBALS) and not lets_in(h, IQBAL, ANAS) and limit(h, IQBAL) == str(1 << 20)
    ),
    f"– sales@example.com no longer reaches {TITO}": lambda h: not takes(h, "sales@example.com"),
    f"~ info@example.com no longer reaches {MARIA}": lambda h: reaches(h, "info@example.com", TITO),
    f"– any other address of example.com no longer reaches {IQBAL}": lambda h: not takes(h, "whoever@example.com"),
    f"+ any other address of example.net reaches {ANA}": lambda h: reaches(h, "whoever@example.net", ANA),
    f"~ postmaster: {IQBAL} to {TITO}": lambda h: reaches(h, "postmaster@example.com", TITO),
    "~ quota: 2G to 1G": lambda h: limit(h, TITO) == str(1 << 20),
    "~ message_size: 30M to 50M": lambda h: size_at_25(h) == str(50 << 20),
    "~ trusted_networks: 192.0.2.0/24 to none": lambda h: not says(h, "postconf -h mynetworks", "192.0.2.0/24"),
    "– relayhost.host (was smtp.example.net)": lambda h: not says(h, "postconf -h relayhost", "smtp"),
    "~ filter.junk_score: 7 to 6": lambda h: junk_score(h) == 6,
    "– postfix.parameters.smtpd_hard_error_limit (was 17)": lambda h: (
        not says(h, "postconf -h smtpd_hard_error_limit", "17")
    ),
    "– dovecot.settings.mail_max_userip_connections (was 23)": lambda h: (
        not says(h, "doveconf -h mail_max_userip_connections", "23")
    ),
}
WEBMAIL_BACK: dict[str, Seen] = {
    f"~ {TITO}: name Tito P. to Tito Puente": lambda h: says(h, "cat /etc/squirrelmail/names.php", "Tito Puente"),
    "~ webmail.title: Another title to Webmail": lambda h: "Another title" not in page(h, "webmail.example.com"),
    "~ webmail.hostname: post.example.com to webmail.example.com": lambda h: says(h, NAMES, "webmail.example.com"),
}


def holds(host: MailHost, expected: dict[str, Seen]) -> None:
    """Each of ``expected`` is one of the lines of the last run, and so."""
    told = summary(host)["lines"]
    for line, seen in expected.items():
        said = [one.strip() for one in told if one.strip().startswith(line) or one.strip() == line]
        assert said, f"{line!r} is not among\n" + "\n".join(told)
        assert seen(host), f"{said} is not so"


def units(host: MailHost, names: list[str]) -> dict[str, list[str]]:
    """Main process and restarts of each unit."""
    return {name: host.run(STATE.format(name)).stdout.split() for name in names}


def test_each_line_of_a_run_is_what_people_then_find(mail_host: MailHost) -> None:
    webmail = no_webmail() is None
    assert reaches(mail_host, ANA, ANA)
    before = units(mail_host, SERVICES)
    count = stored(mail_host, ANA)
    foreseen = looked_at(mail_host, other())
    with post.mailbox(mail_host, TITO, mail_host.password(TITO)) as reading, sending(mail_host) as submission:
        run = mail_host.converge(other(), *CONFIRM)
        assert run.rc == 0, run.output
        told = summary(mail_host)
        stay = {one["unit"] for one in told["services"] if one["became"] == "reloaded" and not one["disconnects"]}
        assert "postfix.service" in stay
        assert submission.noop()[0] == 250, "it says that nobody was disconnected"
        assert [one["disconnects"] for one in told["services"] if one["unit"] == "dovecot.service"] == [True]
        wait_until(
            lambda: not alive(reading), SECONDS, "it says that who reads connects again, and nobody was sent away"
        )
    assert foreseen["dry"]
    assert told["changes"] == foreseen["changes"]
    assert became(told) == became(foreseen)
    mail_host.passwords = {**PASSWORDS, IQBAL: ANAS, MARIA: ANAS}
    try:
        holds(mail_host, {**THERE, **(WEBMAIL_THERE if webmail else {})})
        processes_are_as_told(mail_host, before, told)
        assert f"– {ANA} ({count} message{'' if count == 1 else 's'} in the archive for ever)" in "\n".join(
            told["lines"]
        )
        assert told["lines"][0].startswith(f"{mail_host.entry[0]}: changed, in ")
        assert "deploys/dns.py" in " ".join(told["next"])
        assert all(line.strip() in run.output for line in told["lines"]), "what is printed is what is written down"
        assert "argon2" not in run.output + json.dumps(told)
        before = units(mail_host, SERVICES)
    finally:
        mail_host.passwords = PASSWORDS
        back = mail_host.converge(example())
    assert back.rc == 0, back.output
    holds(mail_host, {**BACK, **(WEBMAIL_BACK if webmail else {})})
    processes_are_as_told(mail_host, before, summary(mail_host))
    same = mail_host.converge()
    assert same.changes == 0
    assert [line for line in same.output.splitlines() if mail_host.entry[0] in line][-1].startswith(
        f"{mail_host.entry[0]}: nothing changed; "
    )
    assert "No changes" not in same.output
    mail_host.run("rm -rf /var/mail/vhosts/.archive /var/lib/posthaus-archive/*")


def looked_at(host: MailHost, settings: dict[str, Any]) -> dict[str, Any]:
    """What a run to ``settings`` says that it would do."""
    host.say(settings)
    run = host.pyinfra("deploys/mail.py", "--dry", *CONFIRM)
    assert run.rc == 0, run.output
    return summary(host)


def became(told: dict[str, Any]) -> list[tuple[str, str]]:
    """Of those that people notice."""
    return [(one["unit"], one["became"]) for one in told["services"] if one["unit"] in SERVICES]


SERVICES = ["dovecot.service", "postfix.service", "rspamd.service", "apache2.service"]


def processes_are_as_told(host: MailHost, before: dict[str, list[str]], told: dict[str, Any]) -> None:
    """A unit's first process is another one if the run says so, and only then."""
    became = {one["unit"]: one["became"] for one in told["services"]}
    for unit, state in units(host, SERVICES).items():
        if unit == "apache2.service" and unit not in became:
            continue  # there is none without a webmail
        assert (state == before[unit]) == (became.get(unit, "reloaded") == "reloaded"), (unit, became.get(unit), state)


def test_a_run_that_fails_tells_what_was_done_and_what_was_not(mail_host: MailHost) -> None:
    broken = example(postfix={"parameters": {**EXAMPLE["postfix"]["parameters"], "no_such_parameter": 1}})
    broken["mailboxes"][MARIA] = EXAMPLE["mailboxes"][IQBAL]
    broken["aliases"]["sales@example.com"] = [TITO]
    run = mail_host.converge(broken)
    assert run.rc != 0
    told = summary(mail_host)
    assert not told["ok"]
    assert [one["line"] for one in told["changes"]] == [f"+ {MARIA}"]
    assert lets_in(mail_host, MARIA, IQBALS)
    assert "+ sales@example.com reaches tito@example.com" in [one["line"] for one in told["undone"]]
    assert not takes(mail_host, "sales@example.com")


def test_a_domain_does_not_go_before_somebody_types_its_name(mail_host: MailHost) -> None:
    assert reaches(mail_host, ANA, ANA)
    without = example(domains=["example.com"], catch_all=None)
    del without["mailboxes"][ANA]
    before = mail_host.run(FILES).stdout
    count = stored(mail_host, ANA)
    mail_host.say(without)
    for options in ((), ("--data", "confirm=yes"), ("--data", "confirm=1-mailboxes")):
        run = pyinfra.converge(mail_host.site, *options)
        assert run.rc == 1
        assert f"the domain example.net with 1 mailbox ({ANA}; {count} message" in run.output
        assert "--data confirm=example.net" in run.output
        assert "Traceback" not in run.output
    assert mail_host.run(FILES).stdout == before
    looked = mail_host.pyinfra("deploys/mail.py", "--dry")
    assert looked.rc == 0, looked.output
    assert "--data confirm=example.net" in looked.output
    assert mail_host.run(FILES).stdout == before
    assert reaches(mail_host, ANA, ANA)


@pytest.mark.releases("debian-13")
def test_where_one_host_would_lose_too_much_no_host_is_touched(
    mail_host: MailHost, start_host: Any, snapshot: str, tmp_path: Any
) -> None:
    second = start_host(mail_host.release, image=snapshot)
    others = {f"user{number}@example.com": EXAMPLE["mailboxes"][IQBAL] for number in range(2)}
    where = site.write(tmp_path / "site", [mail_host.entry, second.entry], example(message_size="29M"))
    (where / "second.yaml").write_text(
        yaml.safe_dump(example(mailboxes=others, aliases=None, catch_all=None, postmaster=None), allow_unicode=True)
    )
    name, data = second.entry
    (where / "inventory.py").write_text(
        "from deploys.site import settings\n\n"
        f"mail = [{mail_host.entry!r}, ({name!r}, {{**{data!r}, 'mail': settings('second.yaml')}})]\n"
    )
    before = mail_host.run(FILES).stdout
    run = pyinfra.converge(where)
    assert run.rc == 1
    assert f"{name}: this run would take away 3 of 3 mailboxes ({ANA}, {IQBAL}, {TITO}" in run.output
    assert "--data confirm=3-mailboxes" in run.output
    assert mail_host.run(FILES).stdout == before
    assert lets_in(second, IQBAL, IQBALS)
