"""Security updates by night: they come in, the security team's alone; another series of a mail program waits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.mailhost import MailHost
from tests.on_host.settings import example

pytestmark = pytest.mark.host
# Two archives, named as the release's for security and as its other, and in apt's place of all others for a while.
# package NAME VERSION SOURCE ARCHIVE: one with a program of its own; an archive knows its packages by their files.
ARCHIVES = r"""set -eu
. /etc/os-release
root=/srv/archives; mkdir -p $root/security $root/updates
package() {
    dir=$(mktemp -d); mkdir -p $dir/DEBIAN $dir/usr/lib/$1
    cp /bin/sleep $dir/usr/lib/$1/$1
    printf 'Package: %s\nVersion: %s\nSource: %s\nArchitecture: all\nMaintainer: hers\nDescription: hers\n' \
        "$1" "$2" "$3" >$dir/DEBIAN/control
    chmod 755 $dir; dpkg-deb --root-owner-group -b $dir "$4/$1_$2.deb" >/dev/null; rm -r $dir
}
archive() {
    cd $root/$1
    for deb in *.deb; do
        dpkg-deb -f $deb
        printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' $deb $(stat -c %s $deb) $(sha256sum <$deb | cut -d' ' -f1)
    done >Packages
    printf 'Origin: Debian\nLabel: %s\nCodename: %s-%s\nSuite: stable-%s\nDate: %s\nSHA256:\n %s %s Packages\n' \
        $2 $VERSION_CODENAME $1 $1 "$(date -Ru)" $(sha256sum <Packages | cut -d' ' -f1) $(stat -c %s Packages) >Release
    echo "deb [trusted=yes] file:$root/$1 ./" >>/etc/apt/sources.list
    cd /
}
mkdir /srv/apt
for here in sources.list sources.list.d; do [ ! -e /etc/apt/$here ] || mv /etc/apt/$here /srv/apt/; done
mv /var/lib/apt/lists /srv/apt/
mkdir -p /srv/first /var/lib/apt/lists
for each in hers elsewhere; do package $each 1.0 $each /srv/first; done
for each in dovecot postfix; do package $each-hers $1.900 $each /srv/first; shift; done
dpkg -i /srv/first/*.deb >/dev/null
set -- $(dpkg-query -W -f '${Version} ' dovecot-hers postfix-hers)
package hers 1.1 hers $root/security
package elsewhere 1.1 elsewhere $root/updates
package dovecot-hers ${1%.900}.901 dovecot $root/security
package dovecot-hers 1:99.0 dovecot $root/security
package postfix-hers 99.0 postfix $root/security
archive security Debian-Security
archive updates Debian
apt-get -qq update
systemd-run --quiet --unit=hers /usr/lib/hers/hers infinity
"""
GONE = r"""systemctl stop hers; apt-get -qq purge hers elsewhere dovecot-hers postfix-hers >/dev/null
rm -rf /etc/apt/sources.list /var/lib/apt/lists /srv/archives /srv/first
mv /srv/apt/lists /var/lib/apt/; mv /srv/apt/* /etc/apt/; rmdir /srv/apt"""
SERIES = "dpkg-query -W -f '${Version} ' dovecot-core postfix | sed -E 's/([0-9]+\\.[0-9]+)[^ ]*/\\1/g'"


@contextmanager
def updates_waiting(host: MailHost) -> Iterator[tuple[str, str]]:
    """Updates of a program that runs, of one within and beyond Dovecot's series, of one beyond Postfix's, and one that
    is not of the security team's. Yields the series of both."""
    dovecot, postfix = host.run(SERIES).stdout.split()
    host.run(f"sh -s {dovecot} {postfix}", input=ARCHIVES)
    try:
        yield dovecot, postfix
    finally:
        host.run(GONE)


def versions(host: MailHost) -> dict[str, str]:
    """Of what updates_waiting has installed."""
    said = host.run("dpkg-query -W -f '${Package} ${Version}\\n' hers elsewhere dovecot-hers postfix-hers").stdout
    return dict(line.split() for line in said.splitlines())


def process(host: MailHost) -> str:
    return host.run("systemctl show -p MainPID --value hers").stdout


def test_security_updates_come_at_the_declared_hour_and_another_series_waits(mail_host: MailHost):
    """The unit that apt's timer starts is started by hand: what it would do at half past two."""
    run = mail_host.converge(example(updates={"at": "02:30"}))
    assert run.rc == 0, run.output
    assert mail_host.converge().changes == 0
    hours = mail_host.run("systemctl show -p TimersCalendar apt-daily.timer apt-daily-upgrade.timer").stdout
    assert re.findall(r"OnCalendar=(\S+ \S+)", hours) == ["*-*-* 01:30:00", "*-*-* 02:30:00"]
    with updates_waiting(mail_host) as (dovecot, postfix):
        before = process(mail_host)
        mail_host.run("rm -f /var/lib/apt/periodic/*stamp; systemctl start apt-daily-upgrade.service")
        assert versions(mail_host) == {
            "hers": "1.1",
            "elsewhere": "1.0",
            "dovecot-hers": f"{dovecot}.901",
            "postfix-hers": f"{postfix}.900",
        }
        assert process(mail_host) not in (before, "0\n"), "what runs replaced programs is started anew"
