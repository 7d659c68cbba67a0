"""The files of the webmail and of the PHP that runs it."""

from __future__ import annotations

from pathlib import Path

import idna

from deploys.components.squirrelmail import probe
from deploys.components.squirrelmail.options import HOME, STATE, Webmail, entrance, post_size, socket
from deploys.components.tls.options import Tls
from deploys.config.addresses.options import Directory
from deploys.config.mailserver import MailServer
from deploys.probes.program import program
from deploys.render import php_quote, template
from operations.file import File

HERE = Path(__file__).parent

VERSIONS = "/usr/share/squirrelmail-versions"
CONFIGURATION = "/etc/squirrelmail"
SPOOL = "/var/spool/squirrelmail"
LOG = "/var/log/squirrelmail"
SLOTS = f"{STATE}/slots"  # who is at how many pages
# How many PHP processes there are for the pages of those who are logged in, and for the login page; how many of the
# latter may ask Dovecot, which takes seconds over a wrong password; and how many one person or address has.
PAGES, PAGES_EACH = 20, 8
ENTRANCE, LOGINS, LOGINS_EACH = 12, 8, 4
SECONDS = 20  # of computing that one page may take
READABLE = (f"{HOME}/", f"{VERSIONS}/", f"{CONFIGURATION}/", f"{STATE}/", f"{SPOOL}/", f"{LOG}/", "/etc/localtime")


FILES = ("config_local.php", "before.php", "names.php")


def configuration(mail: MailServer) -> dict[str, File]:
    """Every file below /etc/squirrelmail. Only the webmail reads what tells who has a mailbox."""
    texts = (config_local_php(mail), before_php(), names_php(mail.directory))
    private = {"config_local.php", "names.php"}
    return {
        name: File(text, "0640", group="www-data") if name in private else File(text)
        for name, text in zip(FILES, texts, strict=True)
    }


def pools(mail: MailServer, php: str, foreign: bool = False) -> dict[str, File]:
    """Every file of ours below /etc/php/VERSION/fpm. ``foreign`` others' pools php-fpm's own file is theirs."""
    own = {} if foreign else {"php-fpm.conf": File(php_fpm_conf(php))}
    return {**own, "pool.d/squirrelmail.conf": File(pool_conf(php, mail.message_size, mail.tls))}


def packages(webmail: Webmail) -> tuple[str, ...]:
    """Without mbstring a "€" in a subject breaks; logrotate keeps PHP's and Apache's logs small."""
    return ("php-fpm", "php-mbstring", "logrotate", "ca-certificates")


def before_php() -> str:
    """What PHP does before every page: nobody has all of it, and nothing unreadable goes out."""
    return template(
        HERE / "before.php.j2",
        slots=SLOTS,
        state=STATE,
        pages_each=PAGES_EACH,
        logins=LOGINS,
        logins_each=LOGINS_EACH,
    )


def config_local_php(mail: MailServer) -> str:
    """SquirrelMail's configuration: what differs from its defaults (source: config_default.php of both lines)."""
    directory = mail.directory
    return template(
        HERE / "config_local.php.j2",
        title=mail.webmail.title if mail.webmail else "",
        domain=directory.domains[0],
        completed=_completion(directory),
        others=_other_domains(directory),
        unicode_domains=_unicode_domains(directory),
        hostname=mail.hostname,
        chain=mail.tls.chain_path,
        state=STATE,
        spool=SPOOL,
    )


def names_php(directory: Directory) -> str:
    """Login to the name that mail.yaml gives the mailbox: what its From says until the person chooses otherwise."""
    named = {directory.login(address): mailbox.name for address, mailbox in directory.mailboxes.items() if mailbox.name}
    rows = "".join(f"    {php_quote(login)} => {php_quote(name)},\n" for login, name in sorted(named.items()))
    return f"<?php\n// Written by Posthaus. The next run puts it back.\nreturn [\n{rows}];\n"


def pool_conf(php: str, message_size: int, tls: Tls) -> str:
    """The php-fpm pools. ``message_size`` in bytes is what Postfix accepts; base64 makes an attachment a third larger.

    A form may be larger than an upload: PHP drops a form that is too large whole, and the message would be lost.
    """
    return template(
        HERE / "pool.conf.j2",
        pools={"squirrelmail": (socket(php), PAGES), "squirrelmail-login": (entrance(php), ENTRANCE)},
        before=f"{CONFIGURATION}/before.php",
        seconds=SECONDS,
        log=LOG,
        state=STATE,
        spool=SPOOL,
        readable=(*READABLE, "/etc/ssl/certs/", tls.chain_path),
        upload=message_size * 3 // 4,
        post=post_size(message_size),
        memory=(96 << 20) + 4 * message_size,
    )


def php_fpm_conf(php: str) -> str:
    """php-fpm's own file. The distribution's www pool is not included; whoever needs it makes a second php-fpm."""
    return f"""\
; Written by Posthaus. The next run puts it back.
[global]
pid = /run/php/php{php}-fpm.pid
error_log = /var/log/php{php}-fpm.log
include = /etc/php/{php}/fpm/pool.d/squirrelmail.conf
"""


def tmpfiles_conf() -> str:
    """Messages never sent leave their attachments behind: away after a day (tmpfiles.d(5))."""
    return f"""\
# Written by Posthaus. The next run puts it back.
d {SPOOL}/attach 0730 root www-data 1d
d {SPOOL}/tmp 0700 www-data www-data 1d
d {STATE}/sessions 0700 www-data www-data 1d
"""


def logrotate_conf() -> str:
    """PHP's errors; PHP opens the file anew for every line, so nothing needs to be told (logrotate(8))."""
    return f"""\
# Written by Posthaus. The next run puts it back.
{LOG}/*.log {{
    weekly
    rotate 8
    compress
    delaycompress
    missingok
    notifempty
    su www-data adm
}}
"""


def _completion(directory: Directory) -> str | None:
    """The domain that a bare name gets: the only one, or that of the Unix users."""
    system = directory.accounts == "system"
    return directory.domains[0] if system or len(directory.domains) == 1 else None


def _other_domains(directory: Directory) -> dict[str, str]:
    """Unix users whose address is in another domain than the first, and that domain."""
    if directory.accounts != "system":
        return {}
    split = (address.rpartition("@") for address in directory.mailboxes)
    return {local: domain for local, _, domain in split if domain != directory.domains[0]}


def _unicode_domains(directory: Directory) -> dict[str, str]:
    """Internationalised domains as people write them, and as Dovecot knows them (RFC 5891)."""
    return {idna.decode(domain): domain for domain in directory.domains if "xn--" in domain}


def running(php: str) -> str:
    """A shell command that succeeds where PHP makes the login page."""
    return program(probe, paths=[socket(php), entrance(php)], page=f"{HOME}/src/login.php")
