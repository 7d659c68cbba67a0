"""What kind of machine a host is: all that a run must know before it changes anything, in one command."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from pyinfra.api import FactBase, StringCommand
from typing_extensions import override

from facts.packages import Package, package_versions, policy, upstream
from facts.record import Record
from facts.state import LEASE, LEASE_SECONDS

# Which run changes this host (operations/lock.sh). One that has just ended may take a moment to go.
_LEASE = rf"""under_way() {{
    read -r process began renewed since who <{LEASE} && [ $(($(date +%s) - renewed)) -lt {LEASE_SECONDS} ] &&
        read -r line <"/proc/$process/stat" && set -- ${{line##*\) }} && shift 19 && [ "$1" = "$began" ]
}}
for try in 1 2 3 4 5 6; do
    under_way 2>/dev/null || break
    if [ $try = 6 ]; then echo "run $process $since $who"; else sleep 0.2; fi
done
"""

PROGRAMS = ("postfix", "dovecot-core", "apache2", "php-fpm", "postsrsd", "roundcube-core")

NET_ADMIN = 1 << 12  # linux/capability.h

# Works without root, so that it also answers on a host where sudo is still missing. The clock comes last: apt may
# take seconds, and the time is compared when the answer arrives.
_COMMAND = r"""sed -n 's/^\(ID\|VERSION_ID\|PRETTY_NAME\)=/\1 /p' /etc/os-release
echo "architecture $(dpkg --print-architecture)"
echo "pid1 $(cat /proc/1/comm)"
echo "login $(id -un) $(id -u)"
echo "hostname $(uname -n)"
df -Pk / /var | awk 'NR > 1 { print "free", (NR == 2 ? "/" : "/var"), $4 }'
grep -q . /proc/net/if_inet6 2>/dev/null && echo ipv6
awk '/^CapBnd:/ { print "capabilities", $2 }' /proc/self/status 2>/dev/null
{ echo "ssh ${SSH_CONNECTION##* }"
{ /usr/sbin/sshd -T || sudo -n /usr/sbin/sshd -T; } | sed -nE 's/^(port |listenaddress .*:)([0-9]+)$/ssh \2/p'
systemctl is-active --quiet ssh.socket && systemctl show -p Listen --value ssh.socket |
sed -n 's/.*:\([0-9]*\) (Stream)$/ssh \1/p'
cat /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf | sed -nE 's/^[[:space:]]*Port[[:space:]=]+"?([0-9]+).*/ssh \1/Ip
s/^[[:space:]]*ListenAddress[[:space:]=]+"?([^:]*|\[.*\]):([0-9]+).*/ssh \2/Ip'; } 2>/dev/null
grep -qs '^ENABLED=yes' /etc/ufw/ufw.conf && echo 'firewall ufw'
systemctl is-active --quiet firewalld 2>/dev/null && echo 'firewall firewalld'
command -v cloud-init >/dev/null && echo cloud-init
if ! command -v sudo >/dev/null; then echo "sudo missing"
elif sudo -n true 2>/dev/null; then echo "sudo works"; else echo "sudo asks"; fi
dpkg-query -W -f '${db:Status-Status}\t${Package}\t${Provides}\n' 2>/dev/null |
awk -F'\t' '$1 == "installed" && $3 ~ /mail-transport-agent/ { print "mta", $2 }
$1 ~ /^(unpacked|half-configured|half-installed|triggers-awaited|triggers-pending)$/ { print "unfinished", $2 }'
for update in /var/lib/dpkg/updates/[0-9]*; do [ -e "$update" ] && echo 'unfinished (dpkg itself)' && break; done
lock=$(stat -c %i /var/lib/dpkg/lock-frontend 2>/dev/null) &&
holder=$(awk -v lock="$lock" '{ split($6, at, ":"); if (at[3] == lock && $5 > 0) { print $5; exit } }' /proc/locks) &&
[ -n "$holder" ] && echo "packaging $holder $(tr '\0' ' ' <"/proc/$holder/cmdline")"
sed -nE 's/^VERSION_CODENAME=/codename /p' /etc/os-release
cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
sed -nE 's/^deb +(\[[^]]*\] +)?[^ ]+ +([^ ]+).*/suites \2/p; s/^Suites: *(.*)/suites \1/p'
"""


@dataclass(frozen=True)
class MachineState(Record):
    """One host, as it says itself.

    ``free``: kibibytes to be had below / and /var. ``unfinished``: packages that dpkg left half way. ``mtas``: mail
    servers that Debian knows of (packages that provide mail-transport-agent). ``codename``: of the release;
    ``suites``: those that the package sources name. ``packaging``: who installs packages at the moment, as (process,
    its command line). ``ssh_ports``: where this connection came
    in, and where sshd is told to listen. ``firewalls``: ufw, firewalld, where they are at work. ``may_filter``: packets
    (CAP_NET_ADMIN, capabilities(7)). ``sudo``: missing, asks (for a password) or works. ``clock_offset``: seconds that
    the host is ahead of the workstation. ``run``: the run of Posthaus that is under way there, as (the process that
    carries it, since when in seconds since the epoch, who).
    """

    distribution: str = ""
    version: str = ""
    title: str = ""
    architecture: str = ""
    pid1: str = ""
    login: str = ""
    uid: int = 0
    sudo: str = "missing"
    hostname: str = ""
    free: dict[str, int] = field(default_factory=dict)
    ipv6: bool = False
    cloud_init: bool = False
    mtas: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    codename: str = ""
    suites: tuple[str, ...] = ()
    packaging: tuple[int, str] | None = None
    packages: dict[str, Package] = field(default_factory=dict)
    ssh_ports: tuple[int, ...] = (22,)
    firewalls: tuple[str, ...] = ()
    may_filter: bool = True
    clock_offset: int = 0
    run: tuple[int, int, str] | None = None

    def version_of(self, package: str) -> str | None:
        """``major.minor`` of an installed package, else of the one apt would install."""
        known = self.packages.get(package, Package())
        return upstream(known.installed or known.candidate)

    @property
    def dovecot_series(self) -> str:
        """``2.3`` or ``2.4``: which configuration Dovecot reads here (empty: there is no Dovecot to be had)."""
        return self.version_of("dovecot-core") or ""

    @property
    def php_version(self) -> str:
        """As it stands in PHP's paths and unit names, such as ``8.2``."""
        return self.version_of("php-fpm") or ""

    @property
    def seven_bit(self) -> bool:
        """Whether Postfix can turn 8-bit text into 7-bit text before it is signed: from 3.9 on (none there: yes)."""
        return self.postfix_from(3, 9)

    def postfix_from(self, *least: int) -> bool:
        """Whether Postfix is of this series or a later one (none there: yes)."""
        version = self.version_of("postfix") or "99"
        return tuple(int(number) for number in version.split(".")) >= least

    @property
    def srs_series(self) -> str:
        """``1`` or ``2``: which configuration postsrsd reads here."""
        return (self.version_of("postsrsd") or "").partition(".")[0]


class Machine(FactBase[MachineState]):
    """Release, architecture, versions of the programs, space, clock and what stands in the way of a mail server.

    ``programs``: the Debian packages whose versions count.

    ``pyinfra inventory.py fact facts.machine.Machine``
    """

    default = MachineState

    @override
    def command(self, programs: Iterable[str] = PROGRAMS) -> StringCommand:
        return StringCommand(_COMMAND + _LEASE + ":;", policy(programs), '; echo "clock $(date +%s)"')

    @override
    def process(self, output: list[str]) -> MachineState:
        words: dict[str, list[str]] = {}
        for line in output:
            key, _, rest = line.partition(" ")
            words.setdefault(key, []).append(rest.strip('"'))
        first = {key: values[0] for key, values in words.items()}
        if not {"login", "pid1", "sudo", "clock"} <= set(first):
            return MachineState()  # no shell that we know: neither Debian nor Ubuntu
        login, _, uid = first["login"].partition(" ")
        return MachineState(
            distribution=first.get("ID", ""),
            version=first.get("VERSION_ID", ""),
            title=first.get("PRETTY_NAME", ""),
            architecture=first.get("architecture", ""),
            pid1=first["pid1"],
            login=login,
            uid=int(uid),
            sudo=first["sudo"],
            hostname=first.get("hostname", ""),
            free={path: int(size) for path, size in (line.split() for line in words.get("free", []))},
            ipv6="ipv6" in words,
            cloud_init="cloud-init" in words,
            mtas=tuple(sorted(mta for mta in words.get("mta", []) if mta != "postfix")),
            unfinished=tuple(words.get("unfinished", [])),
            codename=first.get("codename", ""),
            suites=tuple(sorted({suite for line in words.get("suites", []) for suite in line.split()})),
            packaging=_packaging(first.get("packaging", "")),
            packages=package_versions(output),
            ssh_ports=_ssh_ports(words.get("ssh", [])),
            firewalls=tuple(words.get("firewall", [])),
            may_filter=bool(int(first.get("capabilities") or "ffff", 16) & NET_ADMIN),
            clock_offset=int(first["clock"]) - int(time.time()),
            run=_run(first.get("run", "")),
        )


def _run(words: str) -> tuple[int, int, str] | None:
    process, _, rest = words.partition(" ")
    since, _, who = rest.partition(" ")
    return (int(process), int(since), who) if process.isdigit() and since.isdigit() else None


def _packaging(words: str) -> tuple[int, str] | None:
    process, _, command = words.partition(" ")
    return (int(process), command.strip()) if process.isdigit() else None


def _ssh_ports(words: Iterable[str]) -> tuple[int, ...]:
    """sshd's own default is 22 (sshd_config(5)), which also counts where nothing else is known."""
    return tuple(sorted({int(word) for word in words if word.isdigit()})) or (22,)


def programs(without: Collection[str] = ()) -> list[str]:
    """Those whose versions count, ``without`` those that nothing asks for."""
    return [program for program in PROGRAMS if program not in without]
