"""What is done for the webmail: PHP, SquirrelMail's tree, its configuration and its places to write."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from pyinfra.api import deploy
from pyinfra.api.exceptions import DeployError
from pyinfra.api.operation import OperationMeta

from deploys.components.squirrelmail import render
from deploys.components.squirrelmail.options import Source, Webmail
from deploys.components.squirrelmail.services import services
from deploys.components.squirrelmail.source import squirrelmail_tree, stamp
from deploys.components.tls.options import Tls
from deploys.config.addresses.options import Directory as MailDirectory
from deploys.download import DownloadError
from facts.archive import Unpacked
from facts.survey import question
from operations import archive, config, directories, unit
from operations.directories import Directory
from operations.file import File
from operations.survey import ask

TMPFILES, LOGROTATE = "/etc/tmpfiles.d", "/etc/logrotate.d"
PLACES = {
    render.STATE: Directory(),
    f"{render.STATE}/data": Directory("0730", group="www-data"),
    f"{render.STATE}/sessions": Directory("0700", "www-data", "www-data"),
    render.PLACES: Directory("0700", "www-data", "www-data"),
    render.SPOOL: Directory(),
    f"{render.SPOOL}/attach": Directory("0730", group="www-data"),
    f"{render.SPOOL}/tmp": Directory("0700", "www-data", "www-data"),
    render.LOG: Directory("0750", "www-data", "adm"),
}


def targets(php: str) -> tuple[str, ...]:
    """Every target of config.tree here; see deploys/retirement.py."""
    return (render.CONFIGURATION, TMPFILES, LOGROTATE, f"/etc/php/{php}/fpm")


def trees(
    webmail: Webmail,
    directory: MailDirectory,
    hostname: str,
    tls: Tls,
    php: str,
    message_size: int,
    beside: bool = False,
) -> dict[str, dict[str, File]]:
    """``{target: {path: file}}`` of every config.tree here."""
    own = File(render.config_local_php(webmail, directory, hostname, tls), mode="0640", group="www-data")
    return {
        render.CONFIGURATION: {
            "config_local.php": own,
            "before.php": File(render.before_php()),
            "names.php": File(render.names_php(directory), mode="0640", group="www-data"),
        },
        TMPFILES: {"squirrelmail.conf": File(render.tmpfiles_conf())},
        LOGROTATE: {"squirrelmail": File(render.logrotate_conf())},
        f"/etc/php/{php}/fpm": {
            **({} if beside else {"php-fpm.conf": File(render.php_fpm_conf(php))}),
            "pool.d/squirrelmail.conf": File(render.pool_conf(php, message_size, tls)),
        },
    }


@deploy("SquirrelMail")
def deploy_squirrelmail(
    webmail: Webmail,
    directory: MailDirectory,
    hostname: str,
    tls: Tls,
    php: str,
    message_size: int,
    beside: bool = False,
) -> None:
    """Install SquirrelMail and run it in PHP ``php`` (such as ``8.2``). ``message_size`` in bytes; ``beside``: others'
    pools, so that php-fpm's own file is theirs.

    Raises DeployError before anything is changed where the source cannot be had.
    """
    _fetch_if_needed(webmail.pinned)
    archive.unpack(
        name="Install SquirrelMail",
        source=partial(squirrelmail_tree, webmail.pinned),
        target=render.HOME,
        versions=render.VERSIONS,
        stamp=stamp(webmail.pinned),
    )
    directories.present(name="Make SquirrelMail's directories", directories=PLACES)
    declared = trees(webmail, directory, hostname, tls, php, message_size, beside)
    settings = config.tree(
        name="Write SquirrelMail's configuration",
        target=render.CONFIGURATION,
        files=declared[render.CONFIGURATION],
        validate=" && ".join(f"php{php} -l $STAGE/{file}" for file in declared[render.CONFIGURATION]),
    )
    _deploy_housekeeping(declared)
    _deploy_php(php, declared, settings)


def _fetch_if_needed(source: Source) -> None:
    """The workstation has the source before any host changes, or the run ends here and says why."""
    if ask(question(Unpacked, target=render.HOME)).is_version(stamp(source)):
        return
    try:
        squirrelmail_tree(source)
    except DownloadError as error:
        raise DeployError(f"webmail.source: {error}") from None


def _deploy_housekeeping(declared: Mapping[str, dict[str, File]]) -> None:
    config.tree(
        name="Remove attachments that were never sent",
        target=TMPFILES,
        files=declared[TMPFILES],
        copy=False,
    )
    config.tree(
        name="Rotate PHP's log",
        target=LOGROTATE,
        files=declared[LOGROTATE],
        validate="logrotate --debug $STAGE/squirrelmail",
        copy=False,
    )


def _deploy_php(php: str, declared: Mapping[str, dict[str, File]], settings: OperationMeta) -> None:
    target = f"/etc/php/{php}/fpm"
    pool = config.tree(
        name="Write PHP's pool",
        target=target,
        files=declared[target],
        # it includes by an absolute path: the check must follow it into the stage
        validate=f"sed s,$TARGET/,$STAGE/, $STAGE/php-fpm.conf >$STAGE/staged; php-fpm{php} -t -y $STAGE/staged",
    )
    (service,) = services(php)
    unit.converge(
        name="Run PHP with it",
        probe=render.running(php),
        after=[settings, pool],
        **service.question,
    )
