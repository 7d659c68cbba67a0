"""Before an upgrade of the release: to which one, what it changes, what to see to, and what is not over yet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deploys.components import all as every
from deploys.components.component import Context
from deploys.config.mailserver import MailServer
from deploys.preflight.halfway import unfinished_problems
from deploys.result import CheckResult, severity
from deploys.upgrading import dialect
from deploys.upgrading.foresee import PROGRAMS, afterwards, asked, results
from deploys.upgrading.seen import Seen
from deploys.upgrading.target import Refused, target
from deploys.values.releases import CODENAMES, SUPPORTED
from facts.machine import MachineState
from facts.packages import Package
from facts.upgrade import UpgradeState
from tests.settings import boxes, mail

BOOKWORM = {
    "dovecot-core": "1:2.3.19.1+dfsg1-2",
    "php-fpm": "2:8.2+93",
    "postfix": "3.7.11-0",
    "postsrsd": "1.10-2",
    "apache2": "2.4.67-1",
}
TRIXIE = {
    "dovecot-core": "1:2.4.1+dfsg1-6",
    "php-fpm": "2:8.4+96",
    "postfix": "3.10.13-0",
    "postsrsd": "2.0.10-1",
    "apache2": "2.4.71-1",
}
NOW = MachineState(
    distribution="debian",
    version="12",
    title="Debian GNU/Linux 12 (bookworm)",
    codename="bookworm",
    suites=("bookworm", "bookworm-security"),
    packages={name: Package(installed=version) for name, version in BOOKWORM.items()},
)
ROOM = {path: (4 << 20, "/dev/vda1") for path in ("/", "/usr", "/var", "/boot")}
REACHED = ("trixie", "trixie-security", "trixie-updates")
FRESH = CheckResult("backup.last", "backup", "last backup", "within 26 hours", "2 hours ago", True)


def offered(settings: MailServer, **changes: Any) -> UpgradeState:
    """Debian 13, with all that ``settings`` ask for."""
    versions = {name: Package(BOOKWORM.get(name, "1.0-1"), TRIXIE.get(name, "1.0-2")) for name in asked(settings, NOW)}
    usual = UpgradeState(versions, download=112_000_000, grows=167_000_000, free=ROOM, reached=REACHED)
    return replace(usual, **changes)


def told(settings: MailServer | None = None, queue: int = 0, now: MachineState = NOW, **changes: Any) -> dict[str, Any]:
    """What is said of each thing, by its key."""
    settings = settings or mail()
    seen = Seen(now, offered(settings, **changes), queue, [FRESH])
    return {one.key: one for one in results(settings, seen, "13")}


def machine(distribution: str, version: str) -> MachineState:
    return MachineState(distribution=distribution, version=version, title=f"{distribution} {version}")


@pytest.mark.parametrize(
    ("distribution", "version", "wanted", "to"),
    [
        ("debian", "12", "debian-13", "13"),
        ("debian", "12", None, "13"),
        ("ubuntu", "22.04", None, "24.04"),
        ("ubuntu", "24.04", "ubuntu-26.04", "26.04"),
    ],
)
def test_an_upgrade_goes_to_the_release_that_follows(distribution: str, version: str, wanted: str | None, to: str):
    assert target(machine(distribution, version), wanted) == to


@pytest.mark.parametrize(
    ("distribution", "version", "wanted", "why"),
    [
        ("ubuntu", "22.04", "ubuntu-26.04", "from ubuntu-22.04 to ubuntu-24.04 first, then on to ubuntu-26.04"),
        ("debian", "12", "debian-14", "debian-14 is not served; there are ubuntu-22.04, "),
        ("debian", "13", None, "is the newest release of its kind"),
        ("debian", "13", "debian-13", "this host has debian-13"),
        ("debian", "13", "debian-12", "no upgrade leads to debian-12"),
        ("debian", "12", "ubuntu-24.04", "no upgrade leads from debian-12 to ubuntu-24.04"),
        ("debian", "11", None, "is not among the releases served"),
        ("fedora", "44", "debian-13", "is not among the releases served"),
    ],
)
def test_no_other_way_is_one(distribution: str, version: str, wanted: str | None, why: str):
    with pytest.raises(Refused, match=why):
        target(machine(distribution, version), wanted)


def test_each_release_that_is_served_has_the_name_by_which_package_sources_call_it():
    assert {name: tuple(versions) for name, versions in CODENAMES.items()} == SUPPORTED


def test_nothing_stands_in_the_way_of_a_host_in_order():
    found = told()
    assert severity(list(found.values())) == 0
    assert found["programs.dovecot-core"].expected == "2.3.19 now"
    assert found["programs.dovecot-core"].seen == "2.4.1 then"
    assert found["programs.php-fpm"].seen == "8.4 then"
    assert {"meanwhile.login", "meanwhile.delivery", "meanwhile.webmail"} <= set(found)
    assert "packages.further" not in found


@pytest.mark.parametrize("options", [{}, {"search": True}, {"webmail": {"program": "roundcube"}}, {"webmail": False}])
def test_what_either_generation_needs_is_asked_of_the_new_release(options: dict[str, Any]):
    settings = mail(**options)
    then = afterwards(NOW, "13", offered(settings))
    assert set(every.packages(every.declared(Context(settings, then)))) <= set(asked(settings, NOW))


def test_the_index_of_words_is_made_anew_by_another_package():
    found = told(mail(search=True))
    assert found["packages.further"].seen == "dovecot-flatcurve"
    assert "meanwhile.search" in found


def test_a_package_that_the_new_release_lacks_stands_in_the_way():
    settings = mail()
    packages = {**offered(settings).packages, "rspamd": Package("3.4-1")}
    found = told(settings, packages=packages)
    assert found["packages.declared"].seen == "the new release has no rspamd"
    assert found["packages.declared"].verdict == "FAIL"


def test_a_release_that_cannot_be_reached_stands_in_the_way_and_nothing_is_made_up_of_it():
    present = {name: replace(one, candidate=one.installed) for name, one in offered(mail()).packages.items()}
    complaint = "Failed to fetch http://deb.example.org/dists/trixie/InRelease"
    found = told(packages=present, installs={}, reached=("trixie-security",), unreachable=(complaint,))
    assert found["packages.sources"].verdict == "FAIL"
    assert found["upgrade.release"].verdict == "FAIL"
    assert not {"run.files", "packages.declared", "packages.apt"} & set(found)
    assert {"host.unfinished", "backup.last"} <= set(found)


@pytest.mark.parametrize(
    ("changes", "key", "verdict"),
    [
        ({"held": ("rspamd",)}, "host.held", "warn"),
        ({"behind": 7}, "host.behind", "warn"),
        ({"kept": ("linux-image-amd64",)}, "packages.apt", "warn"),
        ({"origins": {"packages.sury.org": ("https://packages.sury.org/php bookworm/main",)}}, "host.sources", "warn"),
        ({"removes": ("rspamd",)}, "packages.removed", "warn"),
        ({"free": {**ROOM, "/var": (100 << 10, "/dev/vda2")}}, "host.space./var", "FAIL"),
        ({"free": {**ROOM, "/usr": (100 << 10, "/dev/vda2")}}, "host.space./usr", "FAIL"),
        ({"refused": ("Unmet dependencies.",)}, "packages.apt", "FAIL"),
        ({"reached": ("bookworm", "bookworm-security")}, "packages.sources", "FAIL"),
        ({"suites": ("stable", "stable-security")}, "packages.suites", "FAIL"),
    ],
)
def test_what_is_not_in_order_is_said(changes: dict[str, Any], key: str, verdict: str):
    assert told(**changes)[key].verdict == verdict


def test_what_apt_keeps_back_of_the_mail_server_stays_as_it_is_and_stands_in_the_way():
    found = told(kept=("dovecot-core", "dovecot-imapd"))
    assert (found["packages.kept"].seen, found["packages.kept"].verdict) == ("dovecot-core, dovecot-imapd", "FAIL")
    assert "programs.dovecot-core" not in found, "it is said to become another version"
    assert "meanwhile.login" not in found
    assert told(kept=("tzdata",))["packages.apt"].verdict == "warn"
    assert "packages.kept" not in told(kept=("tzdata",))


def test_package_sources_by_the_name_of_a_release_are_what_an_upgrade_begins_with():
    suites = ("bookworm", "bookworm-updates", "bookworm-security", "bookworm-backports")
    assert "packages.suites" not in told(suites=suites)
    assert told(suites=suites)["packages.sources"].verdict == "ok"


def test_a_new_kernel_wants_room_in_boot():
    free = {**ROOM, "/boot": (60 << 10, "/dev/vda3")}
    assert "host.space./boot" not in told(free=free, kernel=90 << 10)
    found = told(free=free, kernel=90 << 10, installs={"linux-image-6.12.0-amd64": "6.12"})
    assert (found["host.space./boot"].expected, found["host.space./boot"].verdict) == ("90 MiB", "FAIL")
    found = told(free=free, kernel=40 << 10, installs={"linux-image-6.12.0-amd64": "6.12"})
    assert found["host.space./boot"].verdict == "warn", "Debian 13's kernel and firmware may need more than the present"


def test_what_dpkg_left_half_way_stands_in_the_way():
    assert told(now=replace(NOW, unfinished=("apache2",)))["host.unfinished"].verdict == "FAIL"


def test_messages_that_wait_are_counted():
    assert told(queue=1234)["mail.queue"].seen == "1,234 wait"


def test_no_backup_and_one_that_is_late_are_said():
    settings = mail()
    for watched, verdict in (([], "warn"), ([replace(FRESH, remedy="late")], "FAIL"), ([FRESH], "ok")):
        seen = Seen(NOW, offered(settings), 0, watched)
        (found,) = [one for one in results(settings, seen, "13") if one.key == "backup.last"]
        assert found.verdict == verdict


LOCAL_CONF = """# mine
mail_max_userip_connections =
plugin {
  quota_grace =
}
protocol imap {
  mail_max_userip_connections =
  ssl_cert =
}
service imap-login {
  service_count =
  inet_listener imaps {
    port =
  }
}
passdb {
  driver =
  args =
}
passdb mine {
  driver =
}
disable_plaintext_auth =
anything_of_a_plugin =
""".splitlines()


def test_the_lines_of_local_conf_that_dovecot_2_4_refuses_are_named():
    assert dialect.refused_lines(LOCAL_CONF) == {
        3: "plugin",
        8: "ssl_cert",
        11: "service_count",
        16: "passdb",
        23: "disable_plaintext_auth",
    }
    found = told(local_conf=tuple(LOCAL_CONF))
    assert found["dovecot.local.8"].what == "local.conf, line 8"
    assert found["dovecot.local.8"].verdict == "warn"
    assert told(local_conf=("mail_max_userip_connections =",))["dovecot.local"].verdict == "ok"


def test_settings_in_mail_yaml_that_dovecot_2_4_refuses_are_named():
    names = {"protocol imap/ssl_cert": "x", "mail_max_userip_connections": 5, "service imap-login/service_count": 1}
    found = told(mail(dovecot={"settings": names}))
    refused = [one.seen for key, one in found.items() if key.startswith("dovecot.settings.")]
    assert refused == ["protocol imap/ssl_cert is unknown there", "service imap-login/service_count is unknown there"]


def test_passwords_of_old_kinds_are_counted_for_dovecot_2_4_wants_a_word_for_them():
    weak = {"bob@example.com": {"password": "{MD5-CRYPT}$1$saltsalt$" + 22 * "a"}}
    assert "dovecot.hashes" not in told()
    assert told(mail(mailboxes={**boxes("alice@example.com"), **weak}))["dovecot.hashes"].seen.startswith("1, since")


def test_programs_whose_versions_are_told_are_all_of_some_component():
    every_one = mail(search=True, filter={"antivirus": True}, tls={"acme": {"email": "tito@example.com"}})
    further = mail(webmail={"program": "roundcube"}, resolver="local", aliases={"a@example.com": ["b@example.org"]})
    names = {*asked(every_one, NOW), *asked(further, NOW), "restic"}
    assert set(PROGRAMS) <= names


@pytest.mark.parametrize(
    ("command", "waits"),
    [
        ("apt-get -y full-upgrade", True),
        ("apt full-upgrade", True),
        ("/usr/bin/python3 /usr/bin/do-release-upgrade", True),
        ("/usr/bin/python3 /usr/bin/unattended-upgrade", False),
        ("apt-get install -y mc", False),
    ],
)
def test_a_run_waits_for_an_upgrade_that_is_at_work_and_not_for_every_apt(command: str, waits: bool):
    problems = unfinished_problems(replace(NOW, packaging=(4711, command)))
    assert bool(problems) == waits
    assert all("process 4711" in problem for problem in problems)


def test_what_stopped_half_way_is_told_with_how_to_go_on():
    stopped = replace(NOW, unfinished=("dovecot-core", "apache2"))
    (problem,) = unfinished_problems(stopped, ["openssl", "libtlsrpt0", "libc-bin", "systemd"])
    assert "not set up: 2 of them; still to be installed: libc-bin, libtlsrpt0, openssl and 1 more. As root" in problem
    assert unfinished_problems(stopped) == [], "what only has to be set up the run sets up"
    assert unfinished_problems(stopped, ["dovecot-core"]) == [], "and unpacks again what was being unpacked"


def test_sources_of_the_next_release_under_a_system_of_this_one_are_no_ground_to_install_from():
    (problem,) = unfinished_problems(replace(NOW, suites=("trixie", "trixie-security")))
    assert "those of trixie, and it is bookworm still" in problem
    for suites in (("bookworm", "bookworm-backports"), ("stable",), ()):
        assert unfinished_problems(replace(NOW, suites=suites)) == []
    assert unfinished_problems(replace(NOW, codename="trixie", suites=("trixie",))) == []
