"""Security updates by night: what mail.yaml may say, and what the host is told."""

from __future__ import annotations

import pytest

from deploys.components.updates import render
from deploys.components.updates.options import Updates
from deploys.config.reading.errors import SettingsError
from tests.declared import parts
from tests.settings import server


def text(updates: Updates) -> str:
    return render.apt(updates)[render.APT_FILE].data.decode()


def test_updates_come_at_the_declared_hour_and_their_lists_an_hour_before():
    units = {name: file.data.decode() for name, file in render.units(Updates(at="00:30")).items()}
    assert "OnCalendar=*-*-* 00:30:00" in units["apt-daily-upgrade.timer.d/posthaus.conf"]
    assert "OnCalendar=*-*-* 23:30:00" in units["apt-daily.timer.d/posthaus.conf"]


def test_the_host_restarts_only_where_that_is_declared():
    assert 'Automatic-Reboot "false"' in text(Updates())
    assert 'Automatic-Reboot "true"' in text(Updates(reboot=True))


def test_nothing_but_security_comes_by_itself():
    lines = [line.strip() for line in text(Updates()).splitlines() if "origin=" in line]
    assert lines
    assert all("security" in line for line in lines)


def test_the_series_of_dovecot_and_postfix_stay_as_their_configuration_is_written_for():
    series = render.ours({"dovecot": "2.3", "postfix": ""})[render.SERIES_FILE].data.decode()
    assert "Package: src:dovecot\nPin: version /^([0-9]+:)?2\\.3[^0-9]/\nPin-Priority: 500\n" in series
    assert "Package: src:dovecot\nPin: version *\nPin-Priority: -1\n" in series
    assert "postfix" not in series


@pytest.mark.parametrize(
    ("at", "said"), [("4 am", "no time of day"), ("24:00", "no time of day"), (870, 'in quotes, "14:30"')]
)
def test_a_time_that_is_none_is_refused_with_what_would_be_right(at, said):
    with pytest.raises(SettingsError) as refused:
        server(updates={"at": at})
    assert "updates.at" in str(refused.value)
    assert said in str(refused.value)


def test_with_updates_false_nothing_of_it_is_there():
    assert "Updates" not in [one.name for one in parts(server(updates=False))]
    assert "Updates" in [one.name for one in parts(server())]
