"""What goes wrong. The world takes back what is its own (a network, a full disk); all else stays until the one run."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from lab import pyinfra
from lab.waiting import wait_until
from tests.on_host.chaos import disks
from tests.on_host.chaos.certificate import expired
from tests.on_host.chaos.traffic import PATIENCE
from tests.on_host.chaos.world import UNITS, World
from tests.on_host.settings import TITO, example

Doing = Callable[[World, random.Random], None]
_SCRIPTS = "|".join(sorted(path.stem for path in (pyinfra.ROOT / "operations").glob("*.sh")))
# What a run has begun on the host, but for the one who asks.
_END_RUN = f"pkill -KILL -f '^sh -c .*posthaus-({_SCRIPTS})( |$)|posthaus-({_SCRIPTS}) ' ; true"
_SERVICES = f"$({UNITS} | grep '[.]service$' | grep -v -e firewall -e bans-table)"
_GONE = "add table inet chaos; add chain inet chaos {0} {{ type filter hook {0} priority -400; }};"
_NO_NETWORK = " ".join(_GONE.format(way) + f" add rule inet chaos {way} {side} != lo drop;" for way, side in
                       (("input", "iifname"), ("output", "oifname")))  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """``begin``: what happens; ``over``: what the world takes back. ``by_itself``: every service comes back before any
    run. ``disk``: the directory that lies on a small disk for this round."""

    name: str
    begin: Doing
    over: Doing | None = None
    by_itself: bool = False
    disk: str | None = None


def shell(command: str) -> Doing:
    """A command on the host, which may fail as it will: it is meant to break things."""

    def do(world: World, chance: random.Random) -> None:
        world.host.run(command, check=False)

    return do


def lasts(seconds: float) -> Doing:
    """What has begun goes on for so long."""

    def do(world: World, chance: random.Random) -> None:
        time.sleep(seconds)

    return do


def killed(*units: str, times: int = 3) -> Doing:
    """``kill -9`` of the main process of each unit, and so again whenever it has come back."""

    def do(world: World, chance: random.Random) -> None:
        for _ in range(times):
            world.host.run(f"systemctl kill --kill-who=main -s KILL {' '.join(units)}", check=False)
            time.sleep(chance.uniform(1, 4))  # at another point of its work each time

    return do


def all_killed(world: World, chance: random.Random) -> None:
    """``kill -9`` of every process of every service at once."""
    world.host.run(f"systemctl kill -s KILL {_SERVICES}", check=False)


def runs_die(world: World, chance: random.Random) -> None:
    """Runs with other settings, each of which dies with whatever it has begun on the host."""
    for size in range(3, 7):
        world.host.say({**world.settings, "message_size": f"{size}M", "webmail": {**_webmail(), "title": f"T{size}"}})
        process = subprocess.Popen(
            [pyinfra.command(), "inventory.py", "deploys/mail.py", "-y"],
            cwd=pyinfra.ROOT, env=pyinfra.site_environment(world.host.site), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(chance.uniform(2, 9))
        process.send_signal(signal.SIGKILL)
        world.host.run(_END_RUN, check=False)
        process.wait(timeout=30)


def _webmail() -> dict[str, object]:
    return dict(example().get("webmail") or {})


def rebooted(world: World, chance: random.Random) -> None:
    """As by ``systemctl reboot``: everything is told to stop."""
    world.host.run("systemctl poweroff", check=False)
    _starts_again(world)


def power_cut(world: World, chance: random.Random) -> None:
    """Every process is gone at once. (What the kernel had not written yet it still writes: that is no part of this.)"""
    world.host.host.container.kill()
    _starts_again(world)


def _starts_again(world: World) -> None:
    container = world.host.host.container

    def stopped() -> bool:
        container.reload()
        return bool(container.status == "exited")

    wait_until(stopped, 120, "the host does not stop")
    container.start()
    world.host.host.wait()


def together(*faults: Doing) -> Doing:
    """One after the other."""

    def do(world: World, chance: random.Random) -> None:
        for one in faults:
            one(world, chance)

    return do


MAIN_CF, DOVECOT_CONF = "/etc/postfix/main.cf", "/etc/dovecot/dovecot.conf"
no_network = together(shell(f"nft '{_NO_NETWORK}'"), lasts(PATIENCE + 5))  # until who waits for an answer gives up
network_again = shell("nft delete table inet chaos")
half_dovecot = shell(f"truncate -s 700 {DOVECOT_CONF}; systemctl restart dovecot")
no_milter = shell("postconf -e smtpd_milters=inet:127.0.0.1:9; postfix reload")
junk_rspamd = shell("echo '{ junk' >>/etc/rspamd/local.d/groups.conf; systemctl restart rspamd")
no_tables = shell("rm -rf /etc/postfix/posthaus; postfix reload")
no_users = shell(f"grep -l '^{TITO}:' -r /etc/dovecot | xargs -r truncate -s 0; systemctl restart dovecot")
old_certificate = together(expired, shell("systemctl reload postfix dovecot apache2"))
switched_off = shell("systemctl disable --now dovecot rspamd; systemctl mask --now postsrsd")

FAULTS = (
    Fault("kill -9 of Postfix's master, three times", killed("'postfix*.service'"), by_itself=True),
    Fault("kill -9 of Dovecot's master, three times", killed("dovecot"), by_itself=True),
    Fault("kill -9 of rspamd, three times", killed("rspamd"), by_itself=True),
    Fault("kill -9 of Redis, three times", killed("posthaus-redis"), by_itself=True),
    Fault("kill -9 of postsrsd, three times", killed("postsrsd"), by_itself=True),
    Fault("kill -9 of every process of every service at once", all_killed, by_itself=True),
    Fault("four runs die, with what they began", runs_die),
    Fault("the host reboots", rebooted),
    Fault("the host loses power", power_cut),
    Fault("the disk of the mailboxes is full", shell(disks.FILL), shell(disks.FREE), disk="/var/mail/vhosts"),
    Fault("the disk of the queue is full", shell(disks.FILL), shell(disks.FREE), disk="/var/spool/postfix"),
    Fault("no network", no_network, network_again),
    Fault("the resolver is stopped", shell("systemctl stop unbound")),
    Fault("Redis is stopped", shell("systemctl stop posthaus-redis")),
    Fault("rspamd is stopped", shell("systemctl stop rspamd")),
    Fault("postsrsd is stopped", shell("systemctl stop postsrsd")),
    Fault("Dovecot is stopped", shell("systemctl stop dovecot")),
    Fault("units are disabled, one is masked", switched_off),
    Fault("Postfix asks a filter that is not there", no_milter),
    Fault("main.cf is empty", shell(f": >{MAIN_CF}; postfix reload")),
    Fault("Postfix's tables are deleted", no_tables),
    Fault("dovecot.conf ends in the middle", half_dovecot),
    Fault("Dovecot's list of people is empty", no_users),
    Fault("rspamd's configuration does not parse", junk_rspamd),
    Fault("the certificate has expired", old_certificate),
)
# All of this happens to one host, in an order that chance chooses, with no run in between. (No full disks, and nothing
# by which mail is refused for good.)
TOGETHER = (
    killed("'postfix*.service'", times=1), killed("dovecot", times=1), killed("rspamd", times=1), all_killed,
    no_network, network_again, shell("systemctl stop unbound"), shell("systemctl stop posthaus-redis"),
    shell("systemctl stop rspamd"), shell("systemctl stop postsrsd"), half_dovecot, no_milter, junk_rspamd, no_tables,
    old_certificate, runs_die, rebooted, power_cut,
)  # fmt: skip


def everything(world: World, chance: random.Random) -> None:
    """TOGETHER, some seconds apart; at the end there is a network."""
    for fault in chance.sample(TOGETHER, len(TOGETHER)):
        fault(world, chance)
        time.sleep(chance.uniform(2, 6))
    network_again(world, chance)


# What leaves a shared host as it was after one run.
SHORT = Fault(
    "every service is killed, then one is stopped and two are broken",
    together(all_killed, shell("systemctl stop posthaus-redis"), no_tables, half_dovecot),
)
EVERYTHING = Fault(f"{len(TOGETHER)} of these, in an order by chance, before one run", everything)
