"""What is done to Apache."""

from __future__ import annotations

from pyinfra.api import deploy

from deploys.apache import render
from deploys.squirrelmail.settings import Webmail
from deploys.tls.settings import Tls
from operations import config, unit
from operations.file import File

TARGET = "/etc/apache2"


# -t alone would read the files in use; envvars names the directories that the configuration asks for, which only the
# first start makes
_VALIDATE = (
    "export APACHE_CONFDIR=$TARGET; . $STAGE/envvars; mkdir -p $APACHE_RUN_DIR $APACHE_LOCK_DIR; "
    "apache2 -t -f $STAGE/apache2.conf"
)


@deploy("Apache")
def deploy_apache(
    webmail: Webmail | None, hostname: str, tls: Tls, php: str, message_size: int, pages: render.Pages | None
) -> None:
    """Serve the webmail and the pages for mail programs by https, and lead http there. As for ``apache2_conf``."""
    text = render.apache2_conf(webmail, hostname, tls, php, message_size, pages)
    further = [path(name) for name in tls.by_name for path in (tls.chain_of, tls.key_of)]
    _serve(text, render.probe(webmail, hostname), (tls.chain_path, tls.key_path, *further))


@deploy("Apache")
def deploy_challenges(hostname: str) -> None:
    """Serve nothing but what an ACME authority asks for at port 80."""
    _serve(render.challenges_conf(hostname), render.PROBE_CHALLENGES)


def _serve(text: str, probe: str, certificate: tuple[str, ...] = ()) -> None:
    conf = config.tree(
        name="Write Apache's configuration",
        target=TARGET,
        files={"apache2.conf": File(text)},
        validate=_VALIDATE,
    )
    unit.converge(
        name="Run Apache with it",
        unit="apache2.service",
        restart_on=[f"{TARGET}/apache2.conf"],  # a reload can neither change the MPM nor take all modules
        reload_on=[f"{TARGET}/local.conf", *certificate],
        trees=[TARGET],
        probe=probe,
        after=[conf],
    )
