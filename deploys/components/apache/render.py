"""The files of Apache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploys.components.apache import probe
from deploys.components.autoconfig.render import DIRECTORY, SCRIPT
from deploys.components.squirrelmail.options import Webmail
from deploys.components.squirrelmail.render import HOME, STATE, entrance, post_size, socket
from deploys.components.tls.options import Tls
from deploys.components.tls.render import WEBROOT
from deploys.probes.program import MOST_NAMES, program
from deploys.render import template
from operations.file import File

HERE = Path(__file__).parent
TARGET = "/etc/apache2"
CHALLENGES = "/.well-known/acme-challenge/"  # RFC 8555, 8.3
# Beside others' sites: last, so that theirs answer first for names that are nobody's.
SITES, LOAD = "sites-enabled/zz-posthaus.conf", "mods-enabled/zz-posthaus.load"
EARLY = "mods-enabled/00-posthaus.load"  # lua: before security2, whose package enables it, for its library is another
LIBRARIES = "/usr/lib/apache2/modules"
CIPHERS = ":".join(
    [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
    ]
)
# No HTTP/2: its requests wait in threads of their own, on which mod_reqtimeout has no hold.
MODULES = (
    "mpm_event",
    "authz_core",  # Require
    "alias",  # Redirect
    "dir",  # DirectoryIndex
    "env",  # SetEnv
    "headers",
    "buffer",
    "mime",
    "proxy",
    "proxy_fcgi",  # to PHP
    "reqtimeout",  # who sends a request for ever is cut off
    "socache_shmcb",  # TLS sessions
    "ssl",
    "unique_id",  # for security2
)
GUARD = "security2"  # so many threads for one address; after lua, whose library is of another version than its own
# Threads that one address may hold at a time, half of all at most: a browser makes six connections, and needs a thread
# only while a request is under way.
CONNECTIONS = 256
SMALL_FORM = 1 << 16  # bytes: what somebody may send who is not logged in
CHALLENGE_MODULES = ("mpm_event", "authz_core", "alias", "mime", "reqtimeout")


@dataclass(frozen=True)
class Pages:
    """``domains``: whose mail programs ask; ``policies``: those of them that have an MTA-STS policy."""

    domains: tuple[str, ...]
    policies: tuple[str, ...]


@dataclass(frozen=True)
class Beside:
    """Sites of somebody else, which ours stand beside.

    ``names``: further names of ours that are led to https; ``theirs``: the addresses of their sites by port (``*`` for
    any); ``heard``: the ports that their configuration has Apache listen on.
    """

    names: tuple[str, ...]
    theirs: Mapping[int, tuple[str, ...]]
    heard: tuple[int, ...]
    ports: tuple[int, ...]

    @property
    def unheard(self) -> tuple[int, ...]:
        """The ports of ours that nobody listens on yet."""
        return tuple(port for port in self.ports if port not in self.heard)

    @property
    def alone(self) -> tuple[int, ...]:
        """The ports where none of their sites answers for names that are nobody's."""
        return tuple(port for port in self.ports if not {"*", "_default_"} & set(self.theirs.get(port, ())))

    def also(self, port: int) -> str:
        """Their addresses on ``port``, as ours must name them too: Apache looks at the address before the name."""
        own = (f" {one}:{port}" for one in self.theirs.get(port, ()) if one not in ("*", "_default_"))
        return "".join(own)


def packages() -> tuple[str, ...]:
    """Apache and the one module that does not come with it."""
    return ("apache2", "libapache2-mod-security2")


def apache2_conf(
    webmail: Webmail | None,
    hostname: str,
    tls: Tls,
    php: str,
    message_size: int,
    pages: Pages | None = None,
    beside: Beside | None = None,
) -> str:
    """The whole of apache2.conf: the webmail, if any, and the pages for mail programs, if any. ``beside`` others' sites
    it is ours alone, and the rest of Apache's configuration is theirs.

    ``hostname``: the server's own name, for a host without webmail. ``message_size`` in bytes decides how large a form
    may be; ``php`` such as ``8.2``.
    """
    place = address(webmail, hostname)
    largest_form = post_size(message_size) if webmail else 1 << 16
    return template(
        HERE / "apache2.conf.j2",
        beside=beside,
        also=beside.also if beside else _nothing,
        manners=template(HERE / "manners.conf.j2", largest_form=largest_form) if beside else "",
        host=hostname,
        hostname=webmail.hostname if webmail else hostname,
        address=place,
        authority=place.removeprefix("https://"),
        port=webmail.port if webmail else 443,
        home=HOME if webmail else f"{DIRECTORY}/setup",
        socket=socket(php) if webmail else "",
        entrance=entrance(php),
        sessions=f"{STATE}/sessions",
        chain=tls.chain_of(webmail.hostname or "" if webmail else hostname),
        key=tls.key_of(webmail.hostname or "" if webmail else hostname),
        modules=(*MODULES, *(("lua",) if pages else ()), GUARD),
        libraries=LIBRARIES,
        ciphers=CIPHERS,
        policy=content_security_policy(),
        policy_asked=content_security_policy("https:"),
        small_form=SMALL_FORM,
        largest_form=post_size(message_size),
        connections=CONNECTIONS,
        challenges=CHALLENGES if tls.by_http else "",
        webroot=WEBROOT,
        directory=DIRECTORY,
        script=f"{DIRECTORY}/{SCRIPT}",
        pages=pages_conf(pages, tls, beside) if pages else "",
    )


def content_security_policy(*images: str) -> str:
    """What a page may load (https://www.w3.org/TR/CSP3/). ``images``: from where else than the server itself."""
    return "; ".join(
        [
            "default-src 'self'",
            "script-src 'self' 'unsafe-inline'",
            "style-src 'self' 'unsafe-inline'",
            " ".join(["img-src 'self' data:", *images]),
            "frame-ancestors 'self'",
            "form-action 'self'",
            "base-uri 'self'",
            "object-src 'none'",
        ]
    )


def files(text: str, pages: bool, sites: bool, beside: bool) -> dict[str, File]:
    """Every file of ours below /etc/apache2, ``text`` among them: the one file that is all of it, or ``beside`` others'
    sites ours and the modules that these may lack. ``sites``: ours are more than an answer to an ACME authority."""
    if not beside:
        return {"apache2.conf": File(text)}
    early = {EARLY: File(template(HERE / "modules.load.j2", modules=("lua",), libraries=LIBRARIES, sites=None))}
    modules = [module for module in (MODULES if sites else CHALLENGE_MODULES) if module != "mpm_event"]
    late = template(HERE / "modules.load.j2", modules=modules, libraries=LIBRARIES, sites=sites)
    return {SITES: File(text), LOAD: File(late), **(early if pages else {})}


def _nothing(port: int) -> str:
    return ""


def pages_conf(pages: Pages, tls: Tls, beside: Beside | None = None) -> str:
    """The sites that mail programs ask."""
    return template(
        HERE / "pages.conf.j2",
        domains=pages.domains,
        policies=pages.policies,
        directory=DIRECTORY,
        script=f"{DIRECTORY}/{SCRIPT}",
        tls=tls,
        beside=beside,
        also=beside.also if beside else _nothing,
        manners=template(HERE / "manners.conf.j2", largest_form=1 << 16) if beside else "",
        challenges=CHALLENGES if tls.by_http else "",
        webroot=WEBROOT,
    )


def challenges_conf(hostname: str, beside: Beside | None = None) -> str:
    """The whole of apache2.conf for a host without webmail, whose Apache only answers an ACME authority."""
    return template(
        HERE / "challenges.conf.j2",
        beside=beside,
        also=beside.also if beside else _nothing,
        hostname=hostname,
        challenges=CHALLENGES,
        webroot=WEBROOT,
        modules=CHALLENGE_MODULES,
        libraries=LIBRARIES,
    )


def address(webmail: Webmail | None, hostname: str = "") -> str:
    """Where people look, as a browser names it, without a slash at the end: the webmail, else the server itself."""
    if not webmail:
        return f"https://{hostname}"
    port = "" if webmail.port == 443 else f":{webmail.port}"
    return f"https://{webmail.hostname}{port}"


def running(webmail: Webmail | None, hostname: str, tls: Tls, pages: Pages | None) -> str:
    """A shell command that succeeds where Apache leads to https and serves the page there. As for ``apache2_conf``."""
    name, port = (webmail.hostname or hostname, webmail.port) if webmail else (hostname, 443)
    asked = [
        f"{kind}.{domain}" for domain in (pages.domains if pages else ()) for kind in ("autoconfig", "autodiscover")
    ]
    sites = [(name, port, tls.chain_of(name)), *((one, 443, tls.chain_of(one)) for one in asked)]
    return program(
        probe,
        name=name,
        port=port,
        leads=f"{address(webmail, hostname)}/",
        page="/src/login.php" if webmail else "/setup/",
        sites=sites[:MOST_NAMES],
    )


def running_for_challenges() -> str:
    """The same where it serves nothing but what an ACME authority asks for."""
    return program(probe, name="", port=0, leads="", page="", sites=[])
