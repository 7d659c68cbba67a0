"""The files of Roundcube, and of the PHP that runs it."""

from __future__ import annotations

from pathlib import Path

from deploys.components.component import Context
from deploys.components.roundcube import probe
from deploys.components.roundcube.options import COOKIE, DATABASE, HOME, NAME, SESSIONS, STATE, entrance, socket
from deploys.components.squirrelmail.options import Webmail
from deploys.components.tls.options import Tls
from deploys.config.addresses.options import Directory
from deploys.config.mailserver import MailServer
from deploys.php import pool
from deploys.probes.program import program
from deploys.render import php_quote, template
from deploys.values.strength import LEAST
from operations.file import File

HERE = Path(__file__).parent

CONFIGURATION = "/etc/posthaus-roundcube"
PACKAGE = "/etc/roundcube"
PLUGINS = "/var/lib/roundcube/plugins"  # where Roundcube looks for them; those of the package are links there
USER = "roundcube"
TEMPORARY = f"{STATE}/temp"
KEY = f"{STATE}/des_key"
SLOTS = f"{STATE}/slots"  # who is at how many pages
SECONDS = 60  # of computing that one page may take
READABLE = (
    f"{STATE}/",
    f"{CONFIGURATION}/",
    f"{PACKAGE}/",
    "/usr/share/roundcube/",
    "/var/lib/roundcube/",
    "/usr/share/php/",
    "/usr/share/javascript/",
    "/usr/share/nodejs/",
    "/usr/share/misc/",
    "/usr/share/zoneinfo/",
    "/etc/mime.types",
    "/etc/ssl/certs/",
    "/dev/urandom",
)
OF_THE_PACKAGE = ("acl", "archive", "managesieve", "markasjunk", "password", "zipdownload")
OURS = {
    "posthaus": ("posthaus.php", "session.php"),
    "posthaus_apps": ("posthaus_apps.php", "localization/en_US.inc"),
}
PLUGIN_FILES = tuple(f"{name}/{file}" for name, files in OURS.items() for file in files)
FILES = ("config.inc.php", "people.php", "before.php", "defaults.inc.php", "mimetypes.php")
# Languages that Roundcube calls by other names than SquirrelMail does.
SPELLED = {"ja": "ja_JP", "no_NO": "nb_NO", "sr_YU": "sr_CS"}
ACCOUNT = ("password", "posthaus_apps")  # of the account service
UPDATE = "/usr/share/roundcube/bin/updatedb.sh --package=roundcube --dir=/usr/share/roundcube/SQL"
# What the packages' installation reads: no database of theirs, and nothing in Apache's conf-enabled.
PREPARE = """[ -e /etc/dbconfig-common/roundcube.conf ] || {
    mkdir -p /etc/dbconfig-common
    printf '%s\\n' "dbc_install='false'" "dbc_upgrade='false'" "dbc_remove='false'" "dbc_dbtype='sqlite3'" \\
        >/etc/dbconfig-common/roundcube.conf
}
# after a purge debconf no longer knows the question, and says so
echo roundcube-core roundcube/reconfigure-webserver multiselect | debconf-set-selections || :
"""


def packages() -> tuple[str, ...]:
    """php-fpm is named, else apt takes Apache's mod_php for "php"; zip is for zipdownload, gd for thumbnails."""
    return (
        "roundcube-core",
        "roundcube-sqlite3",
        "roundcube-plugins",
        "php-fpm",
        "php-gd",
        "php-mbstring",
        "php-zip",
        "ca-certificates",
    )


def plugins(mail: MailServer) -> tuple[str, ...]:
    """Those that are on: filters where ManageSieve is, passwords where they are Dovecot's and not the Unix users'."""
    lacking = (
        *(() if "sieve" in mail.dovecot.protocols else ("managesieve",)),
        *(() if mail.accounts == "virtual" else ACCOUNT),
    )
    return tuple(one for one in ("posthaus", *OF_THE_PACKAGE, "posthaus_apps") if one not in lacking)


def plugin_files() -> dict[str, File]:
    """Our plugins, below PLUGINS."""
    return {path: File((HERE / "plugins" / path).read_bytes()) for path in PLUGIN_FILES}


def configuration(context: Context) -> dict[str, File]:
    """Every file below CONFIGURATION. Only the webmail reads what tells who has a mailbox."""
    return {
        "config.inc.php": File(config_inc_php(context), "0640", group=USER),
        "people.php": File(people_php(context.mail.directory), "0640", group=USER),
        "before.php": File(before_php()),
        # Roundcube looks for these beside its configuration
        "defaults.inc.php": File(f"<?php\nrequire '{PACKAGE}/defaults.inc.php';\n"),
        "mimetypes.php": File(f"<?php\nreturn require '{PACKAGE}/mimetypes.php';\n"),
    }


def config_inc_php(context: Context) -> str:
    """What differs from Roundcube's defaults (defaults.inc.php); 1.5 has other names for servers than 1.6."""
    mail, page = context.mail, context.mail.webmail or Webmail()
    system = mail.accounts == "system"
    return template(
        HERE / "config.inc.php.j2",
        old=context.machine.version_of("roundcube-core") == "1.5",
        database=DATABASE,
        key=KEY,
        plugins=plugins(mail),
        hostname=mail.hostname,
        chain=mail.tls.chain_path,
        message_size=mail.message_size,
        completed=mail.domains[0] if system or len(mail.domains) == 1 else "",
        title=page.title,
        language=language(page),
        timezone=page.timezone,
        shortest=LEAST,
        temporary=TEMPORARY,
    )


def language(page: Webmail) -> str:
    """As Roundcube spells it; "" where mail.yaml names none: then it is the browser's."""
    return SPELLED.get(page.language, page.language) if "language" in page.model_fields_set else ""


def people_php(directory: Directory) -> str:
    """Login to the name that mail.yaml gives the mailbox; and of Unix users the domain, where it is not the first."""
    named = {address: mailbox.name for address, mailbox in directory.mailboxes.items() if mailbox.name}
    parts = [address.rpartition("@") for address in directory.mailboxes if directory.accounts == "system"]
    domains = {local: domain for local, _, domain in parts if domain != directory.domains[0]}
    return (
        "<?php\n// Written by Posthaus. The next run puts it back.\nreturn [\n"
        f"    'names' => [\n{_rows(named)}    ],\n    'domains' => [\n{_rows(domains)}    ],\n];\n"
    )


def _rows(found: dict[str, str]) -> str:
    return "".join(f"        {php_quote(key)} => {php_quote(value)},\n" for key, value in sorted(found.items()))


def before_php() -> str:
    """What PHP does before every page: nobody has all of it."""
    return pool.before(HERE / "before.php.j2", COOKIE, SESSIONS, SLOTS)


def php(tls: Tls) -> pool.Webmail:
    """How PHP runs it. Apache reads the sessions to tell who is logged in (session.save_path, N;MODE;PATH)."""
    return pool.Webmail(
        NAME,
        user=USER,
        readable=(*READABLE, tls.chain_path),
        temporary=TEMPORARY,
        sessions=f'"0;0640;{SESSIONS}"',
        log="syslog",
        seconds=SECONDS,
        memory=128 << 20,
        before=f"{CONFIGURATION}/before.php",
        environment={"ROUNDCUBE_CONFIG_DIR": CONFIGURATION},
        tells_all=False,  # it insists on an error_reporting of its own
    )


def tmpfiles_conf() -> str:
    """Attachments that were never sent, and sessions that nobody ended: away after a day (tmpfiles.d(5))."""
    return f"""\
# Written by Posthaus. The next run puts it back.
d {TEMPORARY} 0700 {USER} {USER} 1d
d {SESSIONS} 2710 {USER} www-data 1d
"""


def units(version: str | None) -> dict[str, File]:
    """The package's timers run as our user; the one that clears up every half hour first brings the database up to
    the program, should an upgrade have come. Before 1.6 there are none, so these are whole then."""
    old = version == "1.5"
    kinds = {"gc": ("*:05,35:00", "gc.sh"), "cleandb": ("05:00", "cleandb.sh")}
    found = {}
    for kind, (when, script) in kinds.items():
        service = f"[Service]\nUser={USER}\nGroup={USER}\nEnvironment=ROUNDCUBE_CONFIG_DIR={CONFIGURATION}\n"
        service += "RestrictAddressFamilies=none\nRestrictAddressFamilies=AF_UNIX\n"
        service += f"ExecStartPre={UPDATE}\n" if kind == "gc" else ""
        name = f"roundcube-{kind}"
        if old:
            service += (
                f"Type=oneshot\nNoNewPrivileges=yes\nProtectSystem=full\nExecStart=/usr/share/roundcube/bin/{script}\n"
            )
            found[f"{name}.service"] = File(f"{_HEAD}{service}")
            timer = f"[Timer]\nOnCalendar=*-*-* {when}\n\n[Install]\nWantedBy=timers.target\n"
            found[f"{name}.timer"] = File(f"{_HEAD}{timer}")
        else:
            found[f"{name}.service.d/posthaus.conf"] = File(f"{_HEAD}{service}")
    return found


_HEAD = "# Written by Posthaus: the next run undoes changes made here.\n"


def running(version: str, mail: MailServer) -> str:
    """A shell command that succeeds where PHP ``version`` lets the probe in and shows its messages."""
    return program(
        probe,
        entrance=entrance(version),
        socket=socket(version),
        page=f"{HOME}/index.php",
        address=mail.directory.probe,
    )
