"""The files of the webmail and of the PHP that runs it."""

from __future__ import annotations

from pathlib import Path

import idna

from deploys.components.squirrelmail import probe
from deploys.components.squirrelmail.options import COOKIE, HOME, NAME, SESSIONS, STATE, Webmail, entrance, socket
from deploys.components.tls.options import Tls
from deploys.config.addresses.options import Directory
from deploys.config.mailserver import MailServer
from deploys.php import pool
from deploys.probes.program import program
from deploys.render import php_quote, template
from deploys.values.languages import ENGLISH
from operations.file import File

HERE = Path(__file__).parent

VERSIONS = "/usr/share/squirrelmail-versions"
CONFIGURATION = "/etc/squirrelmail"
SPOOL = "/var/spool/squirrelmail"
LOG = "/var/log/squirrelmail"
SLOTS = f"{STATE}/slots"  # who is at how many pages
SECONDS = 20  # of computing that one page may take
READABLE = (f"{HOME}/", f"{VERSIONS}/", f"{CONFIGURATION}/", f"{STATE}/", f"{SPOOL}/", f"{LOG}/", "/etc/localtime")


# PHP's gettext speaks only languages whose locales the host has made. Where its functions are not, SquirrelMail brings
# its own.
GETTEXT = (
    *("_", "gettext", "dgettext", "dcgettext", "ngettext", "dngettext", "dcngettext"),
    *("textdomain", "bindtextdomain", "bind_textdomain_codeset"),
)
FILES = ("config_local.php", "before.php", "names.php")


def configuration(mail: MailServer) -> dict[str, File]:
    """Every file below /etc/squirrelmail. Only the webmail reads what tells who has a mailbox."""
    texts = (config_local_php(mail), before_php(), names_php(mail.directory))
    private = {"config_local.php", "names.php"}
    return {
        name: File(text, "0640", group="www-data") if name in private else File(text)
        for name, text in zip(FILES, texts, strict=True)
    }


def php(tls: Tls) -> pool.Webmail:
    """How PHP runs it."""
    return pool.Webmail(
        NAME,
        user="www-data",
        readable=(*READABLE, "/etc/ssl/certs/", tls.chain_path),
        temporary=f"{SPOOL}/tmp",
        sessions=SESSIONS,
        log=f"{LOG}/php.log",
        seconds=SECONDS,
        memory=96 << 20,
        hidden=GETTEXT,
        before=f"{CONFIGURATION}/before.php",
    )


def packages(webmail: Webmail) -> tuple[str, ...]:
    """Without mbstring a "€" in a subject breaks; logrotate keeps PHP's and Apache's logs small."""
    return ("php-fpm", "php-mbstring", "logrotate", "ca-certificates")


def before_php() -> str:
    """What PHP does before every page: nobody has all of it, and nothing unreadable goes out."""
    return pool.before(HERE / "before.php.j2", COOKIE, SESSIONS, SLOTS)


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
        language=mail.webmail.language if mail.webmail else ENGLISH,
        timezone=mail.webmail.timezone if mail.webmail else None,
        sieve="sieve" in mail.dovecot.protocols,
    )


def names_php(directory: Directory) -> str:
    """Login to the name that mail.yaml gives the mailbox: what its From says until the person chooses otherwise."""
    named = {directory.login(address): mailbox.name for address, mailbox in directory.mailboxes.items() if mailbox.name}
    rows = "".join(f"    {php_quote(login)} => {php_quote(name)},\n" for login, name in sorted(named.items()))
    return f"<?php\n// Written by Posthaus. The next run puts it back.\nreturn [\n{rows}];\n"


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


def running(version: str) -> str:
    """A shell command that succeeds where PHP ``version`` makes the login page."""
    return program(probe, paths=[socket(version), entrance(version)], page=f"{HOME}/src/login.php")
