"""What is done to Apache."""

from __future__ import annotations

import shlex
from pathlib import Path

from pyinfra.api import deploy

from deploys.components.apache import render
from deploys.components.apache.services import services
from deploys.components.squirrelmail.options import Webmail
from deploys.components.tls.options import Tls
from operations import config, unit
from operations.file import File

TARGET = render.TARGET


# -t alone would read the files in use; envvars names the directories that the configuration asks for, which only the
# first start makes
_VALIDATE = (
    "export APACHE_CONFDIR=$TARGET; . $STAGE/envvars; mkdir -p $APACHE_RUN_DIR $APACHE_LOCK_DIR; "
    "apache2 -t -f $STAGE/apache2.conf; "
    f"python3 -I -c {shlex.quote((Path(__file__).parent / 'listens.py').read_text(encoding='utf-8'))} $STAGE $TARGET"
)
# Their apache2.conf names what it reads by where Apache's files lie.
_VALIDATE_BESIDE = (
    "export APACHE_CONFDIR=$STAGE; . $STAGE/envvars; mkdir -p $APACHE_RUN_DIR $APACHE_LOCK_DIR; "
    "sed 's|^[[:space:]]*[Ss]erver[Rr]oot .*|ServerRoot '\"$STAGE|\" $STAGE/apache2.conf >$STAGE/staged; "
    "apache2 -t -d $STAGE -f $STAGE/staged; rm -f $STAGE/staged"
)


@deploy("Apache")
def deploy_apache(
    webmail: Webmail | None,
    hostname: str,
    tls: Tls,
    php: str,
    message_size: int,
    pages: render.Pages | None,
    beside: render.Beside | None = None,
) -> None:
    """Serve the webmail and the pages for mail programs by https, and lead http there. As for ``apache2_conf``."""
    text = render.apache2_conf(webmail, hostname, tls, php, message_size, pages, beside)
    files = render.files(text, bool(pages), True, bool(beside))
    _serve(files, render.running(webmail, hostname, tls, pages), tls)


@deploy("Apache")
def deploy_challenges(hostname: str, beside: render.Beside | None = None) -> None:
    """Serve nothing but what an ACME authority asks for at port 80."""
    files = render.files(render.challenges_conf(hostname, beside), False, False, bool(beside))
    _serve(files, render.running_for_challenges(), None)


def _serve(files: dict[str, File], probe: str, tls: Tls | None) -> None:
    (apache,) = services(tls)
    conf = config.tree(
        name="Write Apache's configuration",
        target=TARGET,
        files=files,
        validate=_VALIDATE_BESIDE if render.SITES in files else _VALIDATE,
    )
    unit.converge(
        name="Run Apache with it",
        probe=probe,
        after=[conf],
        **apache.question,
    )
