"""The files of Apache."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from deploys.components.apache import probe
from deploys.components.apache.foreign import ForeignSites
from deploys.components.autoconfig.options import DIRECTORY, SCRIPT
from deploys.components.roundcube import options as roundcube
from deploys.components.squirrelmail import options as squirrelmail
from deploys.components.squirrelmail.options import Webmail, address
from deploys.components.tls.options import WEBROOT
from deploys.config.mailserver import MailServer
from deploys.php.pool import post_size
from deploys.probes.program import MOST_NAMES, program
from deploys.render import template
from deploys.values.tls import CIPHERS, PROTOCOLS
from operations.file import File

HERE = Path(__file__).parent
TARGET = "/etc/apache2"
CHALLENGES = "/.well-known/acme-challenge/"  # RFC 8555, 8.3
# Beside others' sites: last, so that theirs answer first for names that are nobody's.
SITES, LOAD = "sites-enabled/zz-posthaus.conf", "mods-enabled/zz-posthaus.load"
EARLY = "mods-enabled/00-posthaus.load"  # lua: before security2, whose package enables it, for its library is another
LIBRARIES = "/usr/lib/apache2/modules"
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
# What a browser asks for of Roundcube's skins and plugins (PCRE); tiff, webp and pdf tell Roundcube what it can show.
LOOKS = (
    r"(?:skins|plugins|program)/(?!(?:.*/)?\.)[^?]+"
    r"\.(?:css|js|gif|ico|jpe?g|png|svg|tiff?|webp|woff2?|html|pdf|mp3|ogg|wav)"
)
CHALLENGE_MODULES = ("mpm_event", "authz_core", "alias", "mime", "reqtimeout")


def packages() -> tuple[str, ...]:
    """Apache and the one module that does not come with it."""
    return ("apache2", "libapache2-mod-security2")


def apache2_conf(mail: MailServer, php: str, foreign: ForeignSites | None = None, ipv6: bool = True) -> str:
    """All of apache2.conf: the webmail, if any, and the pages for mail programs, if any. With ``foreign`` sites
    it holds ours alone, and the rest of Apache's configuration is theirs.

    ``php`` such as ``8.2``. The size of a message decides how large a form may be.
    ``ipv6``: the host has IPv6. What this changes is a remark, for which Apache is restarted, and listens there.
    """
    webmail, hostname, tls, pages = mail.webmail or None, mail.hostname, mail.tls, mail.pages
    message_size = mail.message_size
    place = address(webmail, hostname)
    largest_form = post_size(message_size) if webmail else 1 << 16
    missing = template(HERE / "missing.html.j2", address=f"{place}/").replace("\n", "")
    return template(
        HERE / "apache2.conf.j2",
        foreign=foreign,
        ipv6=ipv6,
        further=foreign.further if foreign else _nothing,
        limits=template(HERE / "limits.conf.j2", largest_form=largest_form) if foreign else "",
        host=hostname,
        hostname=webmail.hostname if webmail else hostname,
        address=place,
        http_host=place.removeprefix("https://"),
        port=webmail.port if webmail else 443,
        home=home(webmail) if webmail else f"{DIRECTORY}/setup",
        program=webmail.program if webmail else "",
        roundcube=roundcube_conf(mail, php, missing),
        socket=squirrelmail.socket(php),
        entrance=squirrelmail.entrance(php),
        inside=inside(squirrelmail.COOKIE, squirrelmail.SESSIONS, r"[;}]user_is_logged_in\|b:1;"),
        missing=missing,
        chain=tls.chain_of(webmail.hostname or "" if webmail else hostname),
        key=tls.key_of(webmail.hostname or "" if webmail else hostname),
        modules=(*MODULES, *(("lua",) if pages else ()), GUARD),
        libraries=LIBRARIES,
        protocols=PROTOCOLS,
        ciphers=CIPHERS,
        policy=roundcube_policy() if webmail and webmail.program == roundcube.NAME else content_security_policy(),
        policy_asked=content_security_policy("https:"),
        small_form=SMALL_FORM,
        largest_form=post_size(message_size),
        connections=CONNECTIONS,
        challenges=CHALLENGES if tls.by_http else "",
        webroot=WEBROOT,
        directory=DIRECTORY,
        script=f"{DIRECTORY}/{SCRIPT}",
        pages=pages_conf(mail, foreign) if pages else "",
    )


def home(webmail: Webmail) -> str:
    """The root of the documents of its program."""
    return roundcube.HOME if webmail.program == roundcube.NAME else squirrelmail.HOME


def roundcube_conf(mail: MailServer, php: str, missing: str) -> str:
    """What of Roundcube is served, and by which PHP; ``missing``: the page in the place of all else."""
    return template(
        HERE / "roundcube.conf.j2",
        looks=LOOKS,
        missing=missing,
        socket=roundcube.socket(php),
        entrance=roundcube.entrance(php),
        inside=inside(roundcube.COOKIE, roundcube.SESSIONS, r"(?:^|[;}])user_id\|"),
        small_form=SMALL_FORM,
        largest_form=post_size(mail.message_size),
        policy_asked=roundcube_policy("https:"),
    ).rstrip()


def inside(cookie: str, sessions: str, mark: str) -> str:
    """Whether somebody is logged in, as Apache asks it: the session lies on this host and has ``mark`` (PCRE) in it."""
    return (
        rf"%{{HTTP_COOKIE}} =~ /(?:^|; ){cookie}=([A-Za-z0-9,-]{{16,256}})(?:;|$)/"
        rf" && -s '{sessions}/sess_$1' && file('{sessions}/sess_$1') =~ /{mark}/"
    )


def roundcube_policy(*images: str) -> str:
    """The same for Roundcube's pages: what its own script is answered is script, and uploads are pictures at once."""
    return content_security_policy("blob:", *images, scripts=("'unsafe-eval'",))


def content_security_policy(*images: str, scripts: Iterable[str] = ()) -> str:
    """What a page may load (https://www.w3.org/TR/CSP3/). ``images``: from where else than the server itself;
    ``scripts``: what else they may do."""
    return "; ".join(
        [
            "default-src 'self'",
            " ".join(["script-src 'self' 'unsafe-inline'", *scripts]),
            "style-src 'self' 'unsafe-inline'",
            " ".join(["img-src 'self' data:", *images]),
            "frame-ancestors 'self'",
            "form-action 'self'",
            "base-uri 'self'",
            "object-src 'none'",
        ]
    )


def files(text: str, pages: bool, sites: bool, foreign: bool) -> dict[str, File]:
    """Every file of ours below /etc/apache2, ``text`` among them: the one file that is all of it, or with ``foreign``
    sites ours and the modules that these may lack. ``sites``: ours are more than an answer to an ACME CA."""
    if not foreign:
        return {"apache2.conf": File(text)}
    early = {EARLY: File(template(HERE / "modules.load.j2", modules=("lua",), libraries=LIBRARIES, sites=None))}
    modules = [module for module in (MODULES if sites else CHALLENGE_MODULES) if module != "mpm_event"]
    late = template(HERE / "modules.load.j2", modules=modules, libraries=LIBRARIES, sites=sites)
    return {SITES: File(text), LOAD: File(late), **(early if pages else {})}


def _nothing(port: int) -> str:
    return ""


def pages_conf(mail: MailServer, foreign: ForeignSites | None = None) -> str:
    """The sites that mail programs ask."""
    return template(
        HERE / "pages.conf.j2",
        domains=mail.paged,
        policies=mail.policy_domains,
        directory=DIRECTORY,
        script=f"{DIRECTORY}/{SCRIPT}",
        tls=mail.tls,
        foreign=foreign,
        further=foreign.further if foreign else _nothing,
        limits=template(HERE / "limits.conf.j2", largest_form=1 << 16) if foreign else "",
        challenges=CHALLENGES if mail.tls.by_http else "",
        webroot=WEBROOT,
    )


def challenges_conf(hostname: str, foreign: ForeignSites | None = None, ipv6: bool = True) -> str:
    """All of apache2.conf for a host without webmail, whose Apache only answers an ACME CA."""
    return template(
        HERE / "challenges.conf.j2",
        foreign=foreign,
        ipv6=ipv6,
        further=foreign.further if foreign else _nothing,
        hostname=hostname,
        challenges=CHALLENGES,
        webroot=WEBROOT,
        modules=CHALLENGE_MODULES,
        libraries=LIBRARIES,
    )


def running(mail: MailServer) -> str:
    """A shell command that succeeds where Apache leads to https and serves the page there."""
    webmail, hostname, tls = mail.webmail or None, mail.hostname, mail.tls
    name, port = (webmail.hostname or hostname, webmail.port) if webmail else (hostname, 443)
    paged = mail.paged if mail.pages else ()
    asked = [f"{kind}.{domain}" for domain in paged for kind in ("autoconfig", "autodiscover")]
    sites = [(name, port, tls.chain_of(name)), *((one, 443, tls.chain_of(one)) for one in asked)]
    return program(
        probe,
        name=name,
        port=port,
        leads=f"{address(webmail, hostname)}/",
        page=("/" if webmail.program == roundcube.NAME else "/src/login.php") if webmail else "/setup/",
        sites=sites[:MOST_NAMES],
    )


def running_for_challenges() -> str:
    """The same where it serves nothing but what an ACME CA asks for."""
    return program(probe, name="", port=0, leads="", page="", sites=[])
