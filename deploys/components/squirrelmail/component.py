"""The webmail: PHP, SquirrelMail's code, its configuration and its directories."""

from __future__ import annotations

from functools import partial

from deploys.components.component import Component, Context, Directories, Local, Run, State, Step, Tree, sandboxed
from deploys.components.squirrelmail import render
from deploys.components.squirrelmail.options import HOME, NAME, PREFERENCES, SESSIONS, STATE
from deploys.components.squirrelmail.source import squirrelmail_tree, stamp
from deploys.php import pool
from operations import archive
from operations.directories import Directory
from operations.file import File

TMPFILES, LOGROTATE = "/etc/tmpfiles.d", "/etc/logrotate.d"
DIRECTORIES = {
    STATE: Directory(),
    PREFERENCES: Directory("0730", group="www-data"),
    SESSIONS: Directory("0700", "www-data", "www-data"),
    render.SLOTS: Directory("0700", "www-data", "www-data"),
    render.SPOOL: Directory(),
    f"{render.SPOOL}/attach": Directory("0730", group="www-data"),
    f"{render.SPOOL}/tmp": Directory("0700", "www-data", "www-data"),
    render.LOG: Directory("0750", "www-data", "adm"),
}


def component(context: Context) -> Component | None:
    """SquirrelMail in PHP, where it is the webmail. With ``webmail: false`` PHP goes on where Apache serves others."""
    webmail, php = context.mail.webmail, context.php
    if not webmail:
        keeps_units = (pool.unit(php),) if context.foreign.serves_sites else ()
        return Component("SquirrelMail", keeps_units=keeps_units) if keeps_units else None
    if webmail.program != NAME:
        return None
    # a reload also forgets where SquirrelMail's link led
    fpm = pool.service(php, render.CONFIGURATION, reload_on=(HOME,), restart_on=(sandboxed(pool.unit(php)),))
    return Component(
        "SquirrelMail",
        packages=render.packages(webmail),
        oldest={"php-fpm": (8, 1)},
        auto_restart=(fpm.unit,),
        sandbox={fpm.unit: ()},
        steps=(
            Step(
                "Install SquirrelMail",
                archive.unpack,
                {
                    "source": partial(squirrelmail_tree, webmail),
                    "target": HOME,
                    "versions": render.VERSIONS,
                    "stamp": stamp(webmail),
                },
            ),
            Directories("Make SquirrelMail's directories", DIRECTORIES),
            *_trees(context),
            Run("Run PHP with its configuration", fpm, render.running(php)),
        ),
        local=tuple(Local(*one) for one in pool.sockets(NAME, php)),
        state=(State(PREFERENCES, "preferences and address books"),),
        takeover="php",
    )


def _trees(context: Context) -> tuple[Tree, ...]:
    mail, php = context.mail, context.php
    return (
        Tree(
            "Write SquirrelMail's configuration",
            render.CONFIGURATION,
            partial(render.configuration, mail),
            validate=" && ".join(f"php{php} -l $STAGE/{file}" for file in render.FILES),
            shared=True,
        ),
        Tree(
            "Remove attachments that were never sent",
            TMPFILES,
            lambda: {"squirrelmail.conf": File(render.tmpfiles_conf())},
            copy=False,
            shared=True,
        ),
        Tree(
            "Rotate PHP's log",
            LOGROTATE,
            lambda: {"squirrelmail": File(render.logrotate_conf())},
            validate="logrotate --debug $STAGE/squirrelmail",
            copy=False,
            shared=True,
        ),
        Tree(
            "Write PHP's pool",
            pool.directory(php),
            lambda: pool.files(render.php(mail.tls), php, mail.message_size, context.foreign.serves_php),
            validate=pool.VALIDATE.format(php=php),
        ),
    )
