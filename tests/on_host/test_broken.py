"""Configurations that are broken, each in its own way: what ran goes on, or runs again within half a minute."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from lab import pyinfra
from lab.mailhost import MailHost
from lab.pyinfra import Run
from lab.waiting import wait_until
from tests.on_host.settings import example, no_webmail

pytestmark = pytest.mark.host

DEPLOY = "tests/on_host/deploys/component.py"
LONGEST = 30  # seconds until the former files are back, and the unit is told
UNITS = {
    "Dovecot": "dovecot",
    "Postfix": "postfix",
    "rspamd": "rspamd",
    "Apache": "apache2",
    "SquirrelMail": "php*-fpm",
}
# What is ours, with its content. Then when the newest transaction of all was put in place.
MANAGED = (
    "for s in /var/lib/posthaus/trees/*; do t=$(cat $s/target);"
    ' while read -r f; do sha256sum "$t/$f"; done <$s/manifest; [ ! -e $s/previous ] || echo $s; done | sort'
)
# When the newest files were put, and when the former ones came back.
PUT = "stat -c %Y /var/lib/posthaus/trees/*/checked 2>/dev/null | sort -n | tail -n 1"
BACK = "stat -c %Z /var/lib/posthaus/trees/*/manifest | sort -n | tail -n 1"
LISTENS = "ss -Hltn | awk '{ print $4 }' | sort -u"


@dataclass(frozen=True)
class Broken:
    """``settings`` of mail.yaml (or by the release's first number), or an ``edit`` of a file as it is rendered; which
    ``component`` it breaks; what the run ``says``."""

    component: str
    says: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    on_12: Mapping[str, Any] | None = None
    edit: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def dovecot(says: str, on_12: Mapping[str, Any] | None = None, **settings: Any) -> Broken:
    old = {"dovecot": {"settings": on_12}} if on_12 else None
    return Broken("Dovecot", says, {"dovecot": {"settings": settings}}, old)


def postfix(says: str, **parameters: Any) -> Broken:
    return Broken("Postfix", says, {"postfix": {"parameters": parameters}})


def inside(block: str, setting: str, value: Any) -> dict[str, Any]:
    return {f"{block}/{setting}": value}


BROKEN = {
    # Dovecot's checker takes all of these for good
    "a way to log in that there is none": dovecot("its probe: ", auth_mechanisms="nosuchmech"),
    "mail where nobody may write": dovecot(
        "its probe: ", {"mail_location": "maildir:/nowhere/mail"}, mail_path="/nowhere/mail"
    ),
    "a plugin for delivery that there is none": dovecot(
        "its probe: LMTP", **inside("protocol lmtp", "mail_plugins", "nosuchplugin")
    ),
    "users whose numbers are forbidden": dovecot("its probe: ", first_valid_uid=6000, last_valid_uid=7000),
    "no TLS for mail programs": dovecot("its probe: ", ssl="no"),
    "ciphers that nobody knows": dovecot("its probe: ", ssl_cipher_list="NOSUCHCIPHER"),
    "a broken program takes messages": dovecot("its probe: ", **inside("service lmtp", "executable", "/bin/false")),
    # Postfix, too
    "a certificate that is not there": postfix("its probe: ", smtpd_tls_chain_files="/nowhere.pem"),
    "a table of certificates that is not there": postfix("its probe: ", tls_server_sni_maps="texthash:/nowhere"),
    "delivery to a socket that is not there": postfix(
        "private/nowhere", virtual_transport="lmtp:unix:private/nowhere"
    ),
    "an rspamd that does not answer": postfix("its probe: SMTP: 451", smtpd_milters="inet:127.0.0.1:9"),
    "logins that nobody answers for": postfix("its probe: ", smtpd_sasl_path="private/nowhere"),
    "addresses rewritten by a table that is not there": postfix("its probe: ", canonical_maps="regexp:/nowhere"),
    "mailboxes that are not there": postfix("its probe: SMTP: 451", virtual_mailbox_maps="texthash:/nowhere"),
    "headers looked up in a table that is not there": postfix("its probe: SMTP: 451", header_checks="regexp:/nowhere"),
    "a greeting with another name": postfix("its probe: SMTP: 220", smtpd_banner="mail.example.org ESMTP"),
    # rspamd
    "an rspamd that is told to sign nothing": Broken(
        "rspamd",
        "No key signs for example.com",
        edit={"local.d/dkim_signing.conf": ('"example.com": {', '"example.org": {')},
    ),
    "an rspamd that listens elsewhere": Broken(
        "rspamd", "its probe: ", edit={"override.d/worker-proxy.inc": ("rspamd.sock", "elsewhere.sock")}
    ),
    "an rspamd that has no keys": Broken(
        "rspamd",
        "No key signs for example.com",
        edit={"local.d/dkim_signing.conf": ("/var/lib/rspamd/dkim/", "/nowhere/")},
    ),
    "rspamd's file that does not parse": Broken(
        "rspamd", "its checker refused", edit={"local.d/dkim_signing.conf": ('"enabled": true,', '"enabled": {')}
    ),
    # the webmail
    "PHP that may read nothing": Broken(
        "SquirrelMail", "PHP does not make the login page",
        edit={"pool.d/squirrelmail.conf": ("[open_basedir] = ", "[open_basedir] = /nowhere ;")},
    ),
    "PHP of a user that there is none": Broken(
        "SquirrelMail", "its checker refused",
        edit={"pool.d/squirrelmail.conf": ("user = www-data", "user = nosuchuser")},
    ),
    "pages by way of a socket that is not there": Broken(
        "Apache", "/src/login.php answers 503", edit={"apache2.conf": ("proxy:unix:/run/php/", "proxy:unix:/nowhere/")}
    ),
    "pages that nobody may see": Broken(
        "Apache", "/src/login.php answers 404", edit={"apache2.conf": ("index|src/", "index|nowhere/")}
    ),
    "a key that is not there": Broken(
        "Apache", "its checker refused", edit={"apache2.conf": ("/privkey.pem", "/nowhere.pem")}
    ),
}  # fmt: skip


def component(host: MailHost, settings: Mapping[str, Any], broken: Broken | None, name: str) -> Run:
    host.say(settings)
    task = {"component": name, "edit": dict(broken.edit) if broken else {}}
    return pyinfra.pyinfra(host.site, DEPLOY, "-y", environment={"POSTHAUS_TEST": json.dumps(task)})


def works(host: MailHost, name: str) -> None:
    """Whether the service proves itself as it did when its files were new."""
    host.run(f"for probe in /var/lib/posthaus/units/{UNITS[name]}.service/probe; do sh $probe || exit 1; done")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_configuration_is_refused_or_taken_back(mail_host: MailHost, name: str) -> None:
    broken = BROKEN[name]
    if broken.component in ("SquirrelMail", "Apache") and no_webmail():
        pytest.skip("needs SquirrelMail's source")
    if not _proved(mail_host, broken.component):
        mail_host.run(f"systemctl stop '{UNITS[broken.component]}.service'")
        assert component(mail_host, example(), None, broken.component).rc == 0
    settings = broken.on_12 if broken.on_12 and mail_host.release == "debian-12" else broken.settings
    before, last, listening = (mail_host.run(question).stdout for question in (MANAGED, PUT, LISTENS))
    run = component(mail_host, example(**settings), broken, broken.component)
    mail_host.say(example())
    assert run.rc != 0, run.output
    assert broken.says in run.output, run.output
    put = mail_host.run(PUT).stdout
    if put != last:
        assert float(mail_host.run(BACK).stdout) - float(put) <= LONGEST, run.output
    assert mail_host.run(MANAGED).stdout == before
    works(mail_host, broken.component)
    wait_until(lambda: mail_host.run(LISTENS).stdout == listening, 10, "other ports are listened on than before")


def _proved(host: MailHost, name: str) -> bool:
    """Whether a probe is remembered: a host that an older version made has none until something changes."""
    return not host.run(f"ls /var/lib/posthaus/units/{UNITS[name]}.service/probe", check=False).returncode
