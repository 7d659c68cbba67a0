"""The host's name: in /etc/hosts as Debian writes it, and what others wrote there stays."""

import pytest

from deploys.components.host.render import hosts, zz_posthaus_cfg

OURS = "127.0.1.1\tmail.example.com mail"


def test_a_bare_file_gets_our_name():
    assert hosts("", "mail.example.com") == f"127.0.0.1\tlocalhost\n{OURS}\n"


def test_a_second_time_changes_nothing():
    once = hosts("127.0.0.1 localhost\n::1 localhost ip6-localhost\n192.0.2.9 backup # nightly\n", "mail.example.com")
    assert hosts(once, "mail.example.com") == once


def test_what_others_wrote_stays_word_for_word():
    foreign = "# by hand\n\n::1 localhost   ip6-localhost\n192.0.2.9\tbackup.example.com backup # nightly\n"
    assert hosts(f"127.0.0.1 localhost\n{foreign}", "mail.example.com") == f"127.0.0.1 localhost\n{OURS}\n{foreign}"


def test_the_name_that_the_provider_gave_goes():
    before = "127.0.0.1 localhost\n127.0.1.1 vm-4711.provider.example vm-4711\n"
    assert hosts(before, "mail.example.com") == f"127.0.0.1 localhost\n{OURS}\n"


@pytest.mark.parametrize(
    "line", ["172.17.0.2\tmail.example.com mail", "172.17.0.2 mail", "203.0.113.5 MAIL.example.com"]
)
def test_no_other_line_may_answer_for_our_name(line: str):
    assert hosts(f"127.0.0.1 localhost\n{line}\n", "mail.example.com") == f"127.0.0.1 localhost\n{OURS}\n"


def test_other_names_of_a_line_survive_ours():
    after = hosts("127.0.0.1 localhost\n203.0.113.5 mail www # the web\n", "mail.example.com")
    assert after == f"127.0.0.1 localhost\n{OURS}\n203.0.113.5\twww # the web\n"


def test_a_file_that_says_the_same_in_its_own_way_stays():
    by_cloud_init = "# manage_etc_hosts\n127.0.1.1 mail.example.com mail\n127.0.0.1 localhost\n"
    assert hosts(by_cloud_init, "mail.example.com") == by_cloud_init
    also_elsewhere = f"{by_cloud_init}192.0.2.1 mail\n"
    assert hosts(also_elsewhere, "mail.example.com") == f"# manage_etc_hosts\n127.0.0.1 localhost\n{OURS}\n"


def test_a_name_that_only_begins_like_ours_is_foreign():
    line = "192.0.2.1 mail.example.com.au mailman"
    assert line in hosts(f"127.0.0.1 localhost\n{line}\n", "mail.example.com")


def test_cloud_init_is_told_all_three_things():
    assert zz_posthaus_cfg("mail.example.com").splitlines()[1:] == [
        "preserve_hostname: true",
        "manage_etc_hosts: false",
        "fqdn: mail.example.com",
    ]
