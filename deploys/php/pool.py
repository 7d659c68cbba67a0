"""php-fpm and a webmail's pools in it: their files, the unit that runs them, and how both are tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploys.render import template
from operations.file import File
from operations.service import Service, program

HERE = Path(__file__).parent
# Of the pages of those who are logged in, and of the login page: how many PHP processes there are; how many of the
# latter may ask Dovecot, which takes seconds over a wrong password; and how many one person or address has.
PAGES, PAGES_EACH = 20, 8
ENTRANCE, LOGINS, LOGINS_EACH = 12, 8, 4
# php-fpm.conf includes by an absolute path: the check must follow it into the stage.
VALIDATE = "sed s,$TARGET/,$STAGE/, $STAGE/php-fpm.conf >$STAGE/staged; php-fpm{php} -t -y $STAGE/staged"


@dataclass(frozen=True)
class Webmail:
    """What PHP must know of a webmail: ``name``, of its pools and files; ``user``, who it runs as; ``readable``, the
    paths that it may open; ``temporary``, a directory for uploads; ``sessions``, as session.save_path has it; ``log``,
    as error_log has it; ``seconds`` of computing that a page may take; ``memory``, bytes besides what a message needs;
    ``before``, the PHP file that runs first; ``environment``, by name; ``hidden``, functions of PHP's that it shall not
    find; ``tells_all``: PHP logs whatever it complains of, where the program does not insist on less."""

    name: str
    user: str
    readable: tuple[str, ...]
    temporary: str
    sessions: str
    log: str
    seconds: int
    memory: int
    before: str
    environment: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    tells_all: bool = True


def socket(name: str, php: str) -> str:
    """Where PHP ``php`` listens for Apache: a name of its own, so that two versions never meet."""
    return f"/run/php/{name}-{php}.sock"


def entrance(name: str, php: str) -> str:
    """Where PHP ``php`` listens for the login page: with processes of its own, whatever others are at."""
    return f"/run/php/{name}-login-{php}.sock"


def sockets(name: str, php: str) -> tuple[tuple[str, str], ...]:
    """Both, each with what is answered there."""
    return (
        (socket(name, php), "the webmail's pages, to Apache"),
        (entrance(name, php), "the webmail's login page, to Apache"),
    )


def directory(php: str) -> str:
    """Where the files of php-fpm ``php`` (such as ``8.2``) lie."""
    return f"/etc/php/{php}/fpm"


def files(webmail: Webmail, php: str, message_size: int, foreign: bool) -> dict[str, File]:
    """Every file of ours below ``directory(php)``. ``foreign`` others' pools: php-fpm's own file is theirs."""
    own = {} if foreign else {"php-fpm.conf": File(php_fpm_conf(webmail.name, php))}
    return {**own, f"pool.d/{webmail.name}.conf": File(pool_conf(webmail, php, message_size))}


def pool_conf(webmail: Webmail, php: str, message_size: int) -> str:
    """The php-fpm pools. ``message_size`` in bytes is what Postfix accepts; base64 makes an attachment a third larger.

    A form may be larger than an upload: PHP drops a form that is too large whole, and the message would be lost.
    """
    return template(
        HERE / "pool.conf.j2",
        webmail=webmail,
        pools={
            webmail.name: (socket(webmail.name, php), PAGES),
            f"{webmail.name}-login": (entrance(webmail.name, php), ENTRANCE),
        },
        upload=message_size * 3 // 4,
        post=post_size(message_size),
        memory=webmail.memory + 4 * message_size,
    )


def post_size(message_size: int) -> int:
    """The largest form that the webmail takes, in bytes."""
    return 2 * message_size + (1 << 20)


def php_fpm_conf(name: str, php: str) -> str:
    """php-fpm's own file. The distribution's www pool is not included; whoever needs it makes a second php-fpm."""
    return f"""\
; Written by Posthaus. The next run puts it back.
[global]
pid = /run/php/php{php}-fpm.pid
error_log = /var/log/php{php}-fpm.log
include = {directory(php)}/pool.d/{name}.conf
"""


def before(path: Path, cookie: str, sessions: str, slots: str) -> str:
    """What PHP does before every page of a webmail, from its own template at ``path``; the rest as for ``shares``."""
    return template(
        path,
        shares=shares(cookie, sessions, slots),
        pages_each=PAGES_EACH,
        logins=LOGINS,
        logins_each=LOGINS_EACH,
    )


def shares(cookie: str, sessions: str, slots: str) -> str:
    """Functions in PHP that count who is at how many pages, with locks below ``slots``; ``cookie`` names the session,
    whose file lies below ``sessions``."""
    return template(HERE / "shares.php.j2", cookie=cookie, sessions=sessions, slots=slots)


def unit(php: str) -> str:
    """The service of this series of PHP, which others' pages may use as well."""
    return f"php{php}-fpm.service"


def service(
    php: str,
    configuration: str,
    *,
    reload_on: tuple[str, ...] = (),
    restart_on: tuple[str, ...] = (),
    packages: tuple[str, ...] = (),
) -> Service:
    """php-fpm, which reads ``configuration``, a directory. ``reload_on``, ``restart_on``: what else it must have seen;
    ``packages``: further ones whose upgrade asks for a start."""
    pools = directory(php)
    own = (f"php{php}-{part}" for part in ("fpm", "common", "mbstring", "opcache"))
    return Service(
        unit(php),
        reload_on=(pools, configuration, *reload_on),
        restart_on=(*restart_on, *program(*own, *packages)),
        trees=(pools, configuration),
    )
