"""The files of Apache."""

from __future__ import annotations

from pathlib import Path

from deploys.render import template
from deploys.squirrelmail.render import HOME, post_size, socket
from deploys.squirrelmail.settings import Webmail
from deploys.tls.settings import Tls

HERE = Path(__file__).parent
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


def packages(webmail: Webmail) -> tuple[str, ...]:
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
    )


def address(webmail: Webmail) -> str:
    """The webmail as a browser names it, without a slash at the end."""
    port = "" if webmail.port == 443 else f":{webmail.port}"
    return f"https://{webmail.hostname}{port}"


def probe(webmail: Webmail) -> str:
    """A shell command, needing bash alone: Apache leads to the webmail, and its https port is open."""
    ask = f"printf 'HEAD / HTTP/1.1\\r\\nHost: {webmail.hostname}\\r\\nConnection: close\\r\\n\\r\\n' >&3"
    return (
        f"bash -c \"exec 3<>/dev/tcp/127.0.0.1/80 && {ask} && grep -q '^Location: {address(webmail)}/' <&3"
        f' && exec 4<>/dev/tcp/127.0.0.1/{webmail.port}"'
    )
