"""The files of Apache."""

from __future__ import annotations

from pathlib import Path

from deploys.render import template
from deploys.squirrelmail.render import HOME, post_size, socket
from deploys.squirrelmail.settings import Webmail
from deploys.tls.render import WEBROOT
from deploys.tls.settings import Tls

HERE = Path(__file__).parent
CHALLENGES = "/.well-known/acme-challenge/"  # RFC 8555, 8.3
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
MODULES = (
    "mpm_event",
    "authz_core",  # Require
    "alias",  # Redirect
    "dir",  # DirectoryIndex
    "headers",
    "http2",
    "mime",
    "proxy",
    "proxy_fcgi",  # to PHP
    "reqtimeout",  # who sends a request for ever is cut off
    "socache_shmcb",  # TLS sessions
    "ssl",
)


def packages() -> tuple[str, ...]:
    """Apache alone: its modules come with it."""
    return ("apache2",)


def apache2_conf(webmail: Webmail, tls: Tls, php: str, message_size: int) -> str:
    """The whole of apache2.conf. ``message_size`` in bytes decides how large a form may be."""
    return template(
        HERE / "apache2.conf.j2",
        hostname=webmail.hostname,
        address=address(webmail),
        authority=address(webmail).removeprefix("https://"),
        port=webmail.port,
        home=HOME,
        socket=socket(php),
        chain=tls.chain_path,
        key=tls.key_path,
        modules=MODULES,
        libraries=LIBRARIES,
        ciphers=CIPHERS,
        largest_form=post_size(message_size),
        challenges=CHALLENGES if tls.by_http else "",
        webroot=WEBROOT,
    )


def challenges_conf(hostname: str) -> str:
    """The whole of apache2.conf for a host without webmail, whose Apache only answers an ACME authority."""
    return template(
        HERE / "challenges.conf.j2",
        hostname=hostname,
        challenges=CHALLENGES,
        webroot=WEBROOT,
        modules=("mpm_event", "authz_core", "alias", "mime", "reqtimeout"),
        libraries=LIBRARIES,
    )


def address(webmail: Webmail) -> str:
    """The webmail as a browser names it, without a slash at the end."""
    port = "" if webmail.port == 443 else f":{webmail.port}"
    return f"https://{webmail.hostname}{port}"


PROBE_CHALLENGES = "bash -c 'exec 3<>/dev/tcp/127.0.0.1/80'"


def probe(webmail: Webmail) -> str:
    """A shell command, needing bash alone: Apache leads to the webmail, and its https port is open."""
    ask = f"printf 'HEAD / HTTP/1.1\\r\\nHost: {webmail.hostname}\\r\\nConnection: close\\r\\n\\r\\n' >&3"
    return (
        f"bash -c \"exec 3<>/dev/tcp/127.0.0.1/80 && {ask} && grep -q '^Location: {address(webmail)}/' <&3"
        f' && exec 4<>/dev/tcp/127.0.0.1/{webmail.port}"'
    )
