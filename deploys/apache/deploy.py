"""What is done to Apache."""

from __future__ import annotations

from pyinfra.api import deploy

from deploys.apache.render import apache2_conf, probe
from deploys.squirrelmail.settings import Webmail
from deploys.tls.settings import Tls
from operations import config, unit
from operations.file import File

TARGET = "/etc/apache2"


@deploy("Apache")
def deploy_apache(webmail: Webmail, tls: Tls, php: str, message_size: int) -> None:
    """Serve the webmail by https, and lead http there. ``message_size`` in bytes; ``php`` such as ``8.2``."""
    conf = config.tree(
        name="Write Apache's configuration",
        target=TARGET,
        files={"apache2.conf": File(apache2_conf(webmail, tls, php, message_size))},
        # -t alone would read the files in use; envvars names the directories that the configuration asks for, which
        # only the first start makes
        validate="export APACHE_CONFDIR=$TARGET; . $STAGE/envvars; mkdir -p $APACHE_RUN_DIR $APACHE_LOCK_DIR; "
        "apache2 -t -f $STAGE/apache2.conf",
    )
    unit.converge(
        name="Run Apache with it",
        unit="apache2.service",
        restart_on=[f"{TARGET}/apache2.conf"],  # a reload can neither change the MPM nor take all modules
        reload_on=[f"{TARGET}/local.conf", tls.chain_path, tls.key_path],
        trees=[TARGET],
        probe=probe(webmail),
        after=[conf],
    )
