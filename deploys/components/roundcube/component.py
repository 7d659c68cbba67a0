"""Roundcube: the release's own, with a configuration, a database and a user of its own."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from deploys.components.component import (
    UNITS,
    Component,
    Context,
    Directories,
    Local,
    Run,
    Secret,
    State,
    Step,
    Tree,
    sandboxed,
)
from deploys.components.roundcube import render
from deploys.components.roundcube.options import DATABASES, NAME, SESSIONS, STATE
from deploys.php import pool
from operations import accounts, secret
from operations.directories import Directory
from operations.file import File
from operations.service import Service, program

USER = render.USER
DIRECTORIES = {
    STATE: Directory("0751"),
    DATABASES: Directory("0700", USER, USER),
    render.TEMPORARY: Directory("0700", USER, USER),
    render.SLOTS: Directory("0700", USER, USER),
    SESSIONS: Directory("2710", USER, "www-data"),  # what lies in it is of Apache's group, which may read it
}
PACKAGES = ("roundcube-core", "roundcube-plugins", "roundcube-sqlite3")
CLEARING = Service(
    "roundcube-gc.timer",
    restart_on=(f"{UNITS}/roundcube-gc.service.d", render.CONFIGURATION, *program(*PACKAGES)),
    trees=(render.CONFIGURATION,),
)
DELETING = Service("roundcube-cleandb.timer")


def component(context: Context) -> Component | None:
    """Roundcube in PHP, where it is the webmail."""
    mail, php = context.mail, context.php
    if not mail.webmail or mail.webmail.program != NAME:
        return None
    seen = {"reload_on": (render.PLUGINS,), "restart_on": (sandboxed(pool.unit(php)),)}
    fpm = pool.service(php, render.CONFIGURATION, **seen, packages=PACKAGES)
    return Component(
        "Roundcube",
        packages=render.packages(),
        oldest={"php-fpm": (8, 1), "roundcube-core": (1, 5)},
        prepare=render.PREPARE,
        units=render.units(context.machine.version_of("roundcube-core")),
        auto_restart=(fpm.unit,),
        sandbox={fpm.unit: ()},
        steps=(
            Step(
                "Create the user that Roundcube runs as",
                accounts.system_user,
                {"user": USER, "uid": None, "home": STATE},
            ),
            Directories("Make Roundcube's directories", DIRECTORIES),
            Step(
                "Make the key of Roundcube's sessions", secret.made, {"path": render.KEY, "group": USER, "mode": "0640"}
            ),
            *_trees(context),
            # starts what brings the database up, each time that this does something
            Run(
                "Bring Roundcube's database up, and clear it up in time",
                CLEARING,
                "systemctl start roundcube-gc.service",
            ),
            Run("Clear Roundcube's database of what was deleted", DELETING),
            Run("Run PHP with its configuration", fpm, render.running(php, mail)),
        ),
        local=tuple(Local(*one) for one in pool.sockets(NAME, php)),
        state=(State(DATABASES, "people's settings, names and address books at Roundcube"),),
        secrets=(Secret(render.KEY, "0640", group=USER),),
        takeover="php",
    )


def _trees(context: Context) -> tuple[Tree, ...]:
    mail, php = context.mail, context.php
    return (
        Tree(
            "Write Roundcube's plugins",
            render.PLUGINS,
            render.plugin_files,
            validate=_checked(php, render.PLUGIN_FILES),
            copy=False,
        ),
        Tree(
            "Write Roundcube's configuration",
            render.CONFIGURATION,
            partial(render.configuration, context),
            validate=_checked(php, render.FILES),
            shared=True,
        ),
        Tree(
            "Remove attachments that were never sent",
            "/etc/tmpfiles.d",
            lambda: {"posthaus-roundcube.conf": File(render.tmpfiles_conf())},
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


def _checked(php: str, files: Iterable[str]) -> str:
    return " && ".join(f"php{php} -l $STAGE/{file} >/dev/null" for file in files)
