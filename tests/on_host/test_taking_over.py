"""A host that served mail and a site before: told, kept, taken over with the administrator's consent, given back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.mailhost import MailHost
from tests.on_host import handmade
from tests.on_host.settings import example

pytestmark = [pytest.mark.host, pytest.mark.webmail]

PAGE = Path(__file__).parents[2] / "docs" / "taking-over.md"
FILES = "cd / && find etc -type f -print0 | sort -z | xargs -0 sha256sum; dpkg -l | sha256sum; getent passwd; uname -n"
KEPT = ("etc/postfix", "etc/dovecot", "etc/apache2", "etc/aliases")
MESSAGE = "cat /home/tito/Maildir/new/* /home/tito/Maildir/cur/* 2>/dev/null | sha256sum"
OWNERS = "cd {} && find etc/postfix etc/dovecot etc/apache2 -printf '%p %m %u %g %l\\n' | sort"


def asked(host: MailHost, url: str) -> str:
    """Status, where it leads, and what comes, of a URL whose name leads to the host."""
    form = "%{http_code} %{redirect_url} "
    return host.run(f"curl -sk -w '{form}' --connect-to ::127.0.0.1: '{url}' -o /tmp/body; cat /tmp/body").stdout


def way_back(place: str) -> str:
    """The commands of the page, word for word, but for the place."""
    [commands] = re.findall(r"## The way back\n.*?```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return re.sub("place=.*", f"place={place}", commands)


def test_a_host_set_up_by_hand_is_told_kept_taken_over_and_given_back(bare_host: MailHost) -> None:
    host = handmade.make(bare_host)
    before, message = host.run(FILES).stdout, host.run(MESSAGE).stdout
    owners = host.run(OWNERS.format("/")).stdout

    refused = host.converge()
    assert refused.rc != 0
    for said in (
        "alt.example, which mail.yaml does not declare",
        "2 aliases (info@alt.example, sales@alt.example)",
        "tito (/home/tito/Maildir)",
        "the user vmail exists (uid 1001",
        "`takeover: [dovecot, postfix]`",
    ):
        assert said in refused.output
    assert host.run(FILES).stdout == before, "nothing was changed"

    settings = example(takeover=["dovecot", "postfix"], vmail={"uid": 1001})
    run = host.converge(settings)
    assert run.rc == 0, run.output
    assert "Apache goes on serving www.example.net, example.net" in run.output
    [place] = set(re.findall(r"kept in (/var/backups/posthaus/\S+Z)", run.output))
    assert host.run(OWNERS.format(place)).stdout == owners, "with owners, modes and links"
    kept = host.run(f"cd {place} && find {' '.join(KEPT)} -type f -print0 | sort -z | xargs -0 sha256sum").stdout
    assert set(kept.splitlines()) <= set(before.splitlines())
    assert host.run(f"stat -c '%a %U' {place} /var/backups/posthaus").stdout == "700 root\n700 root\n"
    assert host.run("getent passwd vmail").stdout in before, "somebody's account is as it was"
    assert host.run(MESSAGE).stdout == message

    assert handmade.PAGE in asked(host, "http://www.example.net/")
    assert handmade.PAGE in asked(host, "http://example.net/old"), "the module that it needs is still there"
    assert asked(host, "http://webmail.example.com/").startswith("301 https://webmail.example.com/")
    assert 'value="Login"' in asked(host, "https://webmail.example.com/src/login.php")
    for closed in ("https://www.example.net/", "https://webmail.example.com/config/config_default.php"):
        assert asked(host, closed).startswith(("403", "404"))
    assert "webmail.example.com" not in asked(host, "http://nobody.example/"), "unknown names go where they went"

    again = host.converge(example(vmail={"uid": 1001}))
    assert (again.rc, again.changes) == (0, 0), again.output
    verified = host.verify()
    assert verified.rc == 0, verified.output

    host.run("a2dissite -q www && systemctl reload apache2 && a2ensite -q www && systemctl reload apache2")
    assert host.converge().changes == 0, "sites come and go beside ours"
    without = host.converge(example(vmail={"uid": 1001}, webmail=False, clients=False))
    assert without.rc == 0, without.output
    assert handmade.PAGE in asked(host, "http://www.example.net/"), "Apache is not ours to stop"
    assert asked(host, "http://webmail.example.com/").startswith("200"), "nobody's name again: their first site answers"

    host.run(way_back(place))
    host.run("systemctl is-active postfix dovecot apache2")
    host.run("printf 'Subject: after\\n\\nback\\n' | sendmail -f somebody@example.org sales@alt.example")
    host.run("for i in $(seq 50); do grep -lr 'Subject: after' /home/tito/Maildir/new && exit; sleep 0.2; done; exit 1")
    assert handmade.PAGE in asked(host, "http://www.example.net/")
    assert host.run(f"postconf -n | diff - {place}/postconf-n").stdout == ""
    assert "to take this host over" in host.converge().output, "it is somebody else's again"
