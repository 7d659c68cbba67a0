"""Roundcube, from mail.yaml to the files on the host."""

from __future__ import annotations

from typing import Any

import pytest

from deploys.components import all as every
from deploys.components.apache.render import apache2_conf
from deploys.components.roundcube import render
from deploys.config.mailserver import MailServer
from deploys.config.reading.errors import SettingsError
from deploys.php import pool
from tests.declared import context, packages, parts, targets
from tests.settings import BCRYPT, golden, server

ROUNDCUBE = {"program": "roundcube"}


def roundcube(webmail: dict[str, Any] | None = None, **settings: Any) -> MailServer:
    return server(webmail={**ROUNDCUBE, **(webmail or {})}, **settings)


def configuration(mail: MailServer, version: str = "1.6.21+dfsg-0+deb13u1") -> str:
    return render.config_inc_php(context(mail, roundcube_core=version))


def test_from_yaml_to_roundcubes_configuration():
    assert configuration(roundcube({"title": "Pandry's \\ Mail"})) == golden("roundcube/config.inc.php")


def test_from_yaml_to_phps_pool():
    mail = roundcube(message_size="20M")
    assert pool.pool_conf(render.php(mail.tls), "8.2", mail.message_size) == golden("roundcube/pool.conf")


def test_from_yaml_to_what_apache_serves():
    assert apache2_conf(roundcube(), "8.2") == golden("roundcube/apache2.conf")


def test_roundcube_1_5_reads_servers_by_its_own_words():
    old, new = configuration(roundcube(), "1.5.0+dfsg.1-2"), configuration(roundcube())
    for words in (
        "['default_host'] = '127.0.0.1'",
        "['smtp_server'] = 'ssl://127.0.0.1'",
        "['managesieve_port'] = 4190",
    ):
        assert words in old
        assert words not in new
    assert "imap_host" not in old
    assert "smtp_host" not in old


def test_before_1_6_there_are_no_timers_of_the_package_so_ours_are_whole():
    assert set(render.units("1.5")) == {
        f"roundcube-{kind}" for kind in ("gc.service", "gc.timer", "cleandb.service", "cleandb.timer")
    }
    assert all(path.endswith(".service.d/posthaus.conf") for path in render.units("1.6"))
    for version in ("1.5", "1.6"):
        assert sum(b"updatedb.sh" in file.data for file in render.units(version).values()) == 1


@pytest.mark.parametrize("option", [{"branch": "stable"}, {"source": {"archive": "x.tar", "sha256": "0" * 64}}])
def test_what_only_squirrelmail_knows_is_refused_by_its_key(option: dict[str, Any]):
    with pytest.raises(SettingsError, match=rf"webmail\.{next(iter(option))}.*is SquirrelMail's alone; take it away"):
        roundcube(option)


def test_a_program_that_there_is_not_is_refused():
    with pytest.raises(SettingsError, match=r"webmail\.program"):
        server(webmail={"program": "rainloop"})


def test_one_of_the_two_is_there_and_nothing_of_the_other():
    ours, theirs = roundcube(), server()
    assert {part.name for part in parts(ours)} - {part.name for part in parts(theirs)} == {"Roundcube"}
    assert {part.name for part in parts(theirs)} - {part.name for part in parts(ours)} == {"SquirrelMail"}
    assert not {one for one in packages(theirs) if "roundcube" in one}
    assert not {one for one in targets(ours) if "squirrelmail" in one}
    assert "squirrelmail" not in apache2_conf(ours, "8.2").lower()


def test_a_bare_name_gets_the_only_domain_and_with_two_means_nobody():
    two = roundcube(domains=["example.com", "example.net"])
    assert "['username_domain'] = 'example.com'" in configuration(roundcube())
    assert "username_domain" not in configuration(two)


def test_a_unix_user_logs_in_by_name_whatever_the_domain_of_the_mailbox():
    mail = roundcube(
        accounts="system",
        domains=["example.com", "example.net"],
        mailboxes={"tito@example.com": {}, "ana@example.net": {"name": "Ana O'Hara"}},
    )
    text = render.people_php(mail.directory)
    assert "'ana' => 'example.net'," in text
    assert "'tito'" not in text
    assert "'ana@example.net' => 'Ana O\\'Hara'," in text
    assert "password" not in render.plugins(mail), "Unix users' passwords are not Dovecot's"


def test_language_and_time_zone_are_the_browser_s_unless_mail_yaml_has_them():
    said = configuration(roundcube({"language": "no_NO", "timezone": "Europe/Oslo"}))
    assert "['language'] = 'nb_NO'" in said
    assert "['timezone'] = 'Europe/Oslo'" in said
    assert "['language']" not in configuration(roundcube())
    assert "['timezone']" not in configuration(roundcube())


def test_there_are_filters_where_dovecot_speaks_managesieve():
    without = roundcube(dovecot={"protocols": ["imap"]})
    assert "managesieve" in render.plugins(roundcube())
    assert "managesieve" not in configuration(without)


def test_dovecot_believes_the_webmail_where_a_browser_is():
    from deploys.components.dovecot.render import dovecot_conf

    for series in ("1:2.3.19-1", "1:2.4.1-1"):
        said = [
            "login_trusted_networks = 127.0.0.1\n" in dovecot_conf(context(mail, dovecot_core=series))
            for mail in (roundcube(), server(webmail=False))
        ]
        assert said == [True, False]


def test_its_database_is_kept_and_its_key_is_a_secret():
    mail = roundcube(mailboxes={"tito@example.com": {"password": BCRYPT}})
    (part,) = (one for one in parts(mail) if one.name == "Roundcube")
    assert [one.path for one in part.state] == ["/var/lib/posthaus-roundcube/db"]
    assert [(one.mode, one.user, one.group) for one in part.secrets] == [("0640", "root", "roundcube")]
    assert every.directories([part])["/var/lib/posthaus-roundcube/db"].mode == "0700"
