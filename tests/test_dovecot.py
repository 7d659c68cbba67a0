"""Dovecot, from mail.yaml to final text."""

from __future__ import annotations

import json
import re

import pytest

from deploys.components.dovecot import render
from deploys.config.mailserver import MailServer
from facts.stores import Stores
from operations.file import File
from operations.mailboxes import left_behind, taken_over
from tests.declared import context
from tests.settings import BCRYPT, golden, golden_server, server

SERIES = ("2.3", "2.4")
TITO = {"password": BCRYPT}


def files(mail: MailServer, series: str = "2.4", ipv6: bool = True) -> dict[str, File]:
    return render.configuration(context(mail, ipv6, dovecot_core=series))


def text(mail: MailServer, name: str, series: str = "2.4") -> str:
    return files(mail, series)[name].data.decode()


@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize("name", ["dovecot.conf", "users", "notes", "aliases.quota-status"])
def test_from_yaml_to_what_each_generation_of_dovecot_reads(monkeypatch, series, name):
    assert text(golden_server(monkeypatch), name, series) == golden(f"dovecot/{series}/{name}")


@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize("name", ["dovecot.conf", "users", "aliases.quota-status"])
def test_unix_accounts_from_yaml_to_what_each_generation_reads(monkeypatch, series, name):
    mail = golden_server(monkeypatch, accounts="system")
    assert text(mail, name, series) == golden(f"dovecot/{series}/system/{name}")


@pytest.mark.parametrize("series", SERIES)
def test_what_is_not_declared_is_not_listened_on(monkeypatch, series):
    mail = golden_server(monkeypatch, dovecot={"protocols": ["imap"]})
    conf = text(mail, "dovecot.conf", series)
    assert "protocols = imap lmtp\n" in conf
    assert sorted(re.findall(r"port = (\d+)", conf)) == ["143", "993"]
    assert not {"dovecot-pop3d", "dovecot-managesieved"} & set(render.packages(mail.dovecot))


@pytest.mark.parametrize(
    ("series", "package", "plugin"),
    [("2.3", "dovecot-fts-xapian", "fts_xapian"), ("2.4", "dovecot-flatcurve", "fts_flatcurve")],
)
def test_search_by_an_index_takes_what_the_host_s_dovecot_has_for_it(monkeypatch, series, package, plugin):
    with_it, without = (golden_server(monkeypatch, search=search) for search in (True, False))
    assert package in render.packages(with_it.dovecot, with_it.search, series)
    assert package not in render.packages(without.dovecot, without.search, series)
    assert plugin in text(with_it, "dovecot.conf", series)
    assert plugin not in text(without, "dovecot.conf", series)
    assert "fts_autoindex = no" in text(with_it, "dovecot.conf", series), "a delivery costs what it did"


@pytest.mark.parametrize("series", SERIES)
def test_a_host_without_ipv6_is_not_asked_to_listen_on_it(monkeypatch, series):
    mail = golden_server(monkeypatch)
    assert "listen = *\n" in files(mail, series, ipv6=False)["dovecot.conf"].data.decode()
    assert "listen = *, ::\n" in files(mail, series, ipv6=True)["dovecot.conf"].data.decode()


@pytest.mark.parametrize("series", SERIES)
def test_the_operators_settings_stand_after_ours_in_quotes_and_before_the_administrators_file(monkeypatch, series):
    settings = {
        "login_greeting": 'say "hi" \\ } now',
        "mail_plugins": "",
        "protocol imap/a/b": 5,
        "imap_hibernate": False,
    }
    conf = text(golden_server(monkeypatch, dovecot={"settings": settings}), "dovecot.conf", series)
    assert conf.endswith(
        'login_greeting = "say \\"hi\\" \\\\ } now"\n'
        'mail_plugins = ""\n'
        'protocol imap {\n  a {\n    b = "5"\n  }\n}\n'
        "imap_hibernate = no\n"
        "!include_try local.conf\n"
    )


@pytest.mark.parametrize("name", ["a b c", "a{b", "a=b", "a/", "a\nb", "}", "#a", "a//b"])
def test_a_name_that_is_none_is_refused(monkeypatch, name):
    with pytest.raises(ValueError, match="not the name of a setting"):
        golden_server(monkeypatch, dovecot={"settings": {name: 1}})


def test_hashes_are_for_dovecot_alone(monkeypatch):
    for name in ("users", "aliases.quota-status"):
        file = files(golden_server(monkeypatch))[name]
        assert (file.mode, file.user, file.group) == ("0640", "root", "dovecot")


def test_no_hash_of_a_unix_user_stands_in_dovecots_files(monkeypatch):
    assert "$" not in text(golden_server(monkeypatch, accounts="system"), "users")


def test_a_message_that_fits_into_one_of_several_mailboxes_is_not_judged_by_another(monkeypatch):
    rows = text(golden_server(monkeypatch), "aliases.quota-status")
    assert "help@example.com" not in rows  # iqbal's messages go elsewhere too
    assert "sales@example.com" not in rows
    assert "postmaster@example.net:::::::userdb_user=tito@example.com\n" in rows


def test_the_probe_logs_in_from_the_host_alone(monkeypatch):
    before, after = render.probe_row(golden_server(monkeypatch).directory)
    assert before == "posthaus-probe@example.com:{SHA512-CRYPT}"
    assert after == ":5000:5000::/var/lib/posthaus-probe::allow_nets=127.0.0.0/8,::1"


STORES = Stores().process(
    [
        "listed tito@example.com",
        "virtual /var/mail/vhosts/example.com/tito",
        "virtual /var/mail/vhosts/example.com/bob",
        "virtual /var/mail/vhosts/example.net/ana",
        "system carla /home/carla",
    ]
)
DECLARED = {
    "tito@example.com": "tito@example.com",
    "ana@example.net": "ana@example.net",
    "new@example.com": "new@example.com",
}


def test_messages_that_nobody_reads_any_more_are_named_and_stay():
    assert left_behind(STORES, DECLARED, system=False) == [
        "/var/mail/vhosts/example.com/bob holds messages and belongs to no declared mailbox; they stay"
    ]


def test_a_new_mailbox_that_finds_messages_of_a_namesake_is_named():
    (line,) = taken_over(STORES, DECLARED, system=False)
    assert line.startswith(
        "ana@example.net is new here and will read the messages that lie in /var/mail/vhosts/example.net/ana"
    )


def test_a_unix_users_messages_are_the_users_own():
    assert taken_over(STORES, {"carla@example.com": "carla"}, system=True) == []
    assert len(left_behind(STORES, {"carla@example.com": "carla"}, system=True)) == 3


@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize(
    "change", [{"filter": False}, {"filter": {"learn": False}}, {"dovecot": {"protocols": ["pop3"]}}]
)
def test_where_nobody_learns_or_moves_a_message_teaches_nothing(monkeypatch, series, change):
    made = files(golden_server(monkeypatch, **change), series)
    assert "imapsieve" not in made["dovecot.conf"].data.decode()
    assert not [name for name in made if name.startswith("learning/")]
    assert [name for name in files(golden_server(monkeypatch), series) if name.startswith("learning/")]


@pytest.mark.parametrize("series", SERIES)
def test_a_warning_about_a_full_mailbox_says_where_to_make_room_and_whom_to_ask(monkeypatch, series):
    mail = golden_server(monkeypatch, webmail={"hostname": "webmail.example.com", "title": "Example's mail"})
    assert json.loads(text(mail, "quota/words.json", series)) == {
        "title": "Example's mail",
        "open": "https://webmail.example.com/ (the webmail), or your mail program",
        "who": "Tito <tito@example.com>",
        "domain": "example.com",
    }
    without = golden_server(monkeypatch, webmail=False, postmaster="iqbal@example.com")
    words = json.loads(text(without, "quota/words.json", series))
    assert (words["open"], words["who"]) == ("your mail program", "iqbal@example.com")
    assert files(mail, series)["quota/warning"].mode == "0755"


@pytest.mark.parametrize("series", SERIES)
def test_whoever_may_not_log_in_is_refused_under_every_name_before_any_password_is_asked(monkeypatch, series):
    shut = {"ana@bücher.example": {"password": BCRYPT, "login": False}}
    virtual = server(domains=["example.com", "bücher.example"], mailboxes={**shut, "tito@example.com": TITO})
    assert text(virtual, "no-login", series) == "ana@bücher.example:::::::\nana@xn--bcher-kva.example:::::::\n"
    conf = text(virtual, "dovecot.conf", series)
    assert conf.index("probe-users") < conf.index("deny = yes") < conf.index("spellings") < conf.index("/users\n")
    boxes = {"ana@example.com": {"password": BCRYPT, "login": False}, "tito@example.com": TITO}
    system = server(accounts="system", mailboxes=boxes)
    assert text(system, "no-login", series) == "ana:::::::\nana@example.com:::::::\n"
    everybody = golden_server(monkeypatch)
    assert text(everybody, "no-login", series) == "", "who still asks with the former configuration finds them there"
    assert "no-login" in text(everybody, "dovecot.conf", series)
