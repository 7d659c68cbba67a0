"""What somebody else set up on a host is recognised, and what only a package wrote is not taken for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deploys.components.all import declared
from deploys.components.apache import render as apache
from deploys.components.apache.foreign import foreign_sites
from deploys.components.component import Context
from deploys.config.addresses.options import Owner
from deploys.config.mailserver import MailServer
from deploys.config.reading.errors import SettingsError
from deploys.takeover.deploy import paths, place
from deploys.takeover.existing import Existing, existing, mail_domains
from deploys.takeover.look import about
from deploys.takeover.problems import account_problems, not_allowed, site_names, site_problems
from deploys.takeover.untouched import changed_parameters, changed_services, other_aliases
from facts.apache import Site, read_sites
from facts.foreign import Entry, Foreign, ForeignState
from tests.settings import server

HERE = Path(__file__).parent / "takeover"
HOST = "vps77.provider.net"  # where these were captured; the system's mail name is box.example.org
RELEASES = ("debian-12", "debian-13")


def main_cf(release: str, kind: str) -> list[str]:
    """What the package of a release writes for one of debconf's kinds."""
    return (HERE / f"main.cf-{release}-{kind}").read_text().splitlines()


def by_hand(release: str) -> ForeignState:
    """What tests/on_host/handmade.py's host answers."""
    return Foreign().process((HERE / f"{release}-by-hand.txt").read_text().splitlines())


def found(state: ForeignState, *domains: str, system: bool = False) -> dict[str, Existing]:
    return {one.component: one for one in existing(state, ["mail.example.com", state.hostname], domains, system)}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("kind", ["internet-site", "local-only"])
def test_postfix_as_its_package_set_it_up_is_nobodys(release: str, kind: str):
    assert changed_parameters(main_cf(release, kind), [HOST, "box.example.org"]) == ()


@pytest.mark.parametrize("release", RELEASES)
def test_a_first_run_that_died_after_the_host_was_renamed_is_still_nobodys(release: str):
    written = [line.replace("box.example.org", "mail.example.com") for line in main_cf(release, "internet-site")]
    assert changed_parameters(written, ["mail.example.com"]) == (), "the package noted the name of before as well"


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("mydestination = $myhostname, alt.example, localhost", "mydestination"),
        ("myhostname = alt.example", "myhostname"),
        ("relayhost = [smtp.example.net]:587", "relayhost"),
        ("mynetworks = 127.0.0.0/8 192.0.2.0/24", "mynetworks"),
        ("virtual_alias_maps = hash:/etc/postfix/virtual", "virtual_alias_maps"),
        ("smtpd_tls_cert_file = /etc/letsencrypt/live/x/fullchain.pem", "smtpd_tls_cert_file"),
        ("content_filter = smtp-amavis:[127.0.0.1]:10024", "content_filter"),
    ],
)
def test_one_parameter_that_no_package_writes_is_enough(release: str, line: str, named: str):
    name = line.partition(" ")[0]
    kept = [one for one in main_cf(release, "internet-site") if not one.startswith(name)]
    assert named in changed_parameters([*kept, line], [HOST, "box.example.org"])


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("kind", ["satellite-system", "internet-with-smarthost"])
def test_a_relayhost_is_somebodys_whoever_wrote_it(release: str, kind: str):
    assert changed_parameters(main_cf(release, kind), [HOST, "box.example.org"]) == ("relayhost",)


def test_a_mail_name_that_is_not_the_hosts_is_a_domain_unless_nobody_can_reach_it():
    assert changed_parameters(main_cf("debian-13", "internet-site"), [HOST]) == ("mydestination",)
    state = ForeignState(main_cf=tuple(main_cf("debian-13", "local-only")))
    assert found(state) == {}


def test_services_count_without_white_space_and_chroot():
    stock = ["smtp      inet  n       -       y       -       -       smtpd", "relay unix - - y - - smtp", "  -o x=y"]
    assert changed_services(["smtp inet n - n - - smtpd", "relay unix - - n - - smtp", "    -o x=y"], stock) == ()
    assert changed_services([*stock, "submission inet n - y - - smtpd"], stock) == ("submission",)
    assert changed_services([*stock, "  -o smtpd_tls_wrappermode=yes"], stock) == ("relay",)


def test_an_alias_to_somebody_counts_and_roots_own_do_not():
    assert other_aliases(["postmaster:    root", "# x: y", "clamav: root"]) == ()
    assert other_aliases(["root: tito", "sales: tito, iqbal"]) == ("root", "sales")


@pytest.mark.parametrize("release", RELEASES)
def test_a_host_set_up_by_hand_is_told_in_terms_of_mail(release: str):
    state = by_hand(release)
    postfix, dovecot = found(state, "example.com")["postfix"], found(state, "example.com")["dovecot"]
    assert mail_domains(state, ["mail.example.com"]) == ("alt.example",)
    assert "alt.example, which mail.yaml does not declare" in postfix.sentence
    assert "2 aliases (info@alt.example, sales@alt.example)" in postfix.sentence
    assert "tito (/home/tito/Maildir)" in dovecot.sentence
    assert "nobody serves them" in dovecot.sentence
    assert "nobody serves them" not in found(state, system=True)["dovecot"].sentence
    assert "which mail.yaml does not declare" not in found(state, "alt.example")["postfix"].sentence


def test_what_the_option_takeover_names_is_passed():
    everything = list(found(by_hand("debian-13")).values())
    said = not_allowed(everything, ())
    assert len(said) == 3
    assert "`takeover: [dovecot, postfix]`" in said[-1]
    assert len(not_allowed(everything, ("postfix",))) == 2
    assert "`takeover: [dovecot, postfix]`" in not_allowed(everything, ("postfix",))[-1]
    assert not_allowed(everything, ("postfix", "dovecot")) == []


def test_a_database_and_a_relayhost_are_told_too():
    state = ForeignState(
        main_cf=("relayhost = [smtp.example.net]", "virtual_mailbox_domains = mysql:/etc/postfix/domains.cf"),
        parameters={"relayhost": "[smtp.example.net]", "virtual_mailbox_domains": "mysql:/etc/postfix/domains.cf"},
    )
    said = found(state)["postfix"].sentence
    assert "relayhost = [smtp.example.net]" in said
    assert "more stands in what virtual_mailbox_domains asks" in said


def test_the_option_takeover_is_a_list_of_components_or_true_for_all():
    assert server(takeover=["postfix"]).takeover == ("postfix",)
    assert set(server(takeover=True).takeover) == {"postfix", "dovecot", "rspamd", "unbound", "files"}
    assert server(takeover=False).takeover == server().takeover == ()
    with pytest.raises(SettingsError, match="takeover"):
        server(takeover="yes")
    with pytest.raises(SettingsError, match="takeover"):
        server(takeover=["sendmail"])


def test_whole_directories_are_kept_below_a_place_named_by_the_time():
    state = by_hand("debian-12")
    kept = list(paths(Context(server(), foreign=state), found(state).values()))
    assert {"/etc/postfix", "/etc/dovecot", "/etc/aliases", "/etc/apache2", "/etc/hostname"} <= set(kept)
    assert place().startswith("/var/backups/posthaus/2")


# --- accounts ---
VMAIL = Entry("vmail", 5000, 5000, "/var/mail/vhosts", "/usr/sbin/nologin")
GROUP = Entry("vmail", 5000)


def accounts(**entries: Entry) -> ForeignState:
    return ForeignState(accounts=entries)


@pytest.mark.parametrize(
    "state",
    [
        accounts(),
        accounts(name=VMAIL, id=VMAIL, group=GROUP, gid=GROUP),
        accounts(group=GROUP, gid=GROUP),
        replace(accounts(name=replace(VMAIL, shell="/bin/sh"), id=VMAIL, group=GROUP), ours=("dovecot",)),
    ],
)
def test_an_account_that_is_missing_or_of_our_making_is_no_problem(state: ForeignState):
    assert account_problems(state, Owner(), None) == []


def test_somebody_called_vmail_is_not_taken_for_ours():
    person = Entry("vmail", 1000, 1000, "/home/vmail", "/bin/bash")
    state = accounts(name=person, group=Entry("vmail", 1000))
    [said] = account_problems(state, Owner(), None)
    assert "uid 1000, gid 1000, home /home/vmail, shell /bin/bash" in said
    assert "`vmail: {uid: 1000}`" in said
    assert account_problems(state, Owner(uid=1000), None) == [], "the number written down allows it"
    assert account_problems(accounts(), Owner(name="posthaus-mail"), None) == []


def test_an_account_with_our_number_and_another_home_is_somebody_elses_unless_it_is_meant():
    state = accounts(name=replace(VMAIL, home="/srv/vmail"), id=VMAIL, group=GROUP, gid=GROUP)
    [said] = account_problems(state, Owner(), None)
    assert "home /srv/vmail" in said
    assert account_problems(state, Owner(uid=5000), None) == []


def test_a_number_that_somebody_else_has_is_named_with_its_holder():
    other = Entry("oracle", 5000, 5000, "/home/oracle", "/bin/bash")
    said = account_problems(accounts(id=other, gid=Entry("dba", 5000)), Owner(), None)
    assert ["oracle" in said[0], "dba" in said[1]] == [True, True]
    assert "`vmail: {uid: 5001}`" in said[0]


def test_a_group_of_the_peoples_name_with_others_in_it_is_left_alone():
    state = accounts(mailusers=Entry("mailusers", 2000, members=("ana", "tito")))
    assert account_problems(state, Owner(), None) == []
    [said] = account_problems(state, Owner(), ["tito"])
    assert "mailusers exists, with ana" in said


# --- web sites ---
def test_sites_of_others_go_on_and_the_webmails_own_names_are_ours():
    state = by_hand("debian-13")
    assert state.serves_sites
    assert site_names(state) == ("www.example.net", "example.net")
    assert site_problems(state, ["webmail.example.com", "mail.example.com"]) == []


def test_a_site_that_has_the_webmails_name_is_refused():
    state = by_hand("debian-13")
    [said] = site_problems(state, ["www.example.net"])
    assert "www.conf:1" in said
    assert "webmail: {hostname: …}" in said
    [said] = site_problems(replace(state, names=("*.example.com",)), ["webmail.example.com"])
    assert "*.example.com as ServerAlias, which takes webmail.example.com" in said


def test_a_site_for_every_port_and_one_that_listens_at_one_address_are_refused():
    state = by_hand("debian-12")
    [said] = site_problems(replace(state, sites=(*state.sites, Site("*", 0, "x.example", "/etc/x:1"))), ["a.example"])
    assert "for every port" in said
    [said] = site_problems(replace(state, listens=("192.0.2.1:80",)), ["a.example"])
    assert "`Listen 80`" in said
    [said] = site_problems(replace(state, refusals=("Syntax error on line 1",)), ["a.example"])
    assert "Syntax error" in said


def test_the_distributions_own_page_is_nobodys_site():
    assert not ForeignState(ours=("apache",)).serves_sites
    assert not ForeignState().serves_sites
    assert ForeignState(pages=("/var/www/html/shop",)).serves_sites
    assert ForeignState(applications=("phpmyadmin.conf",)).serves_sites


def with_foreign_sites(mail: MailServer, state: ForeignState) -> str:
    return apache.apache2_conf(mail, "8.2", foreign_sites(mail, state))


def test_with_others_sites_ours_say_nothing_for_the_whole_server():
    text = with_foreign_sites(server(), by_hand("debian-12"))
    outside = [line for line in text.split("<VirtualHost")[0].splitlines() if line and not line.startswith("#")]
    assert outside == [], "both ports are listened on, and nothing else is said for theirs"
    for word in ("LoadModule", "ServerRoot", "local.conf", "TraceEnable"):
        assert word not in text


def test_names_of_nobody_go_to_others_where_they_answer_and_nowhere_else():
    text = with_foreign_sites(server(), by_hand("debian-12"))
    first = text.index("ServerName nobody.invalid")
    assert "<VirtualHost *:443>" in text[:first]
    assert text.count("ServerName nobody.invalid") == 1, "their 000-default answers at port 80"


def test_a_site_at_one_address_has_ours_named_there_too():
    state = by_hand("debian-12")
    own = Site("192.0.2.1", 80, "b.example", "/etc/apache2/sites-enabled/b.conf:1")
    text = with_foreign_sites(server(), replace(state, sites=(*state.sites, own), listens=("80",)))
    assert "<VirtualHost *:80 192.0.2.1:80>" in text
    assert "Listen 443 https" in text


def test_a_site_that_has_its_port_to_itself_is_read_too():
    said = [
        "VirtualHost configuration:",
        "*:443                  www.example.net (/etc/apache2/sites-enabled/w.conf:2)",
    ]
    assert read_sites(said) == [Site("*", 443, "www.example.net", "/etc/apache2/sites-enabled/w.conf:2")]


def test_a_host_is_asked_about_others_sites_even_where_nothing_of_ours_wants_apache():
    here = Context(server(webmail=False, clients=False))
    asked = about(here, declared(here)).named["components"]
    assert "apache" in asked
    assert "php" not in asked
