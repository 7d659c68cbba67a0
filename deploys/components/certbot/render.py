"""The files of certbot, and what it is told."""

from __future__ import annotations

from pathlib import Path

from deploys.components.tls.acme import Acme, Dns01
from deploys.components.tls.options import DIRECTORY, WEBROOT, Tls
from deploys.render import template
from facts.acme import LETSENCRYPT, LINEAGE
from facts.state import LOCK, LOCK_SECONDS, UNITS
from operations.file import File

HERE = Path(__file__).parent
HOOK = "renewal-hooks/deploy/posthaus"  # below /etc/letsencrypt, as the next one
CREDENTIALS = "posthaus/rfc2136.ini"
READERS = ("postfix.service", "dovecot.service", "apache2.service")


def packages(tls: Tls) -> tuple[str, ...]:
    """certbot, and what it needs where it proves itself by the DNS."""
    return ("certbot", *(() if tls.by_http else ("python3-certbot-dns-rfc2136",)))


def letsencrypt(acme: Acme) -> dict[str, File]:
    """Our files below /etc/letsencrypt: what follows a renewal, and what the challenge needs."""
    given = {HOOK: File(hook(), mode="0755")}
    if isinstance(acme.challenge, Dns01):
        given[CREDENTIALS] = File(rfc2136_ini(acme.challenge), mode="0600")
    return given


def hook() -> str:
    """What certbot runs after each renewal."""
    return template(
        HERE / "hook.sh.j2",
        live=f"{LETSENCRYPT}/live/{LINEAGE}",
        directory=DIRECTORY,
        lock=LOCK,
        lock_seconds=LOCK_SECONDS,
        units=READERS,
        units_memory=UNITS,
    )


def rfc2136_ini(challenge: Dns01) -> str:
    """The credentials of certbot's plugin (certbot-dns-rfc2136's documentation). Values are taken as they stand."""
    dns = challenge.rfc2136
    settings = {
        "server": dns.server,
        "port": dns.port,
        "name": dns.key.name,
        "secret": dns.key.secret.get_secret_value(),
        "algorithm": dns.key.algorithm.upper(),
    }
    return "".join(f"dns_rfc2136_{word} = {value}\n" for word, value in settings.items())


def authenticator(acme: Acme) -> str:
    """certbot's plugin for the challenge."""
    return "webroot" if acme.by_http else "dns-rfc2136"


def options(acme: Acme) -> tuple[str, ...]:
    """What certbot's plugin is told."""
    if isinstance(acme.challenge, Dns01):
        wait = str(acme.challenge.rfc2136.wait)
        credentials = f"{LETSENCRYPT}/{CREDENTIALS}"
        return ("--dns-rfc2136-credentials", credentials, "--dns-rfc2136-propagation-seconds", wait)
    return ("--webroot-path", WEBROOT)
