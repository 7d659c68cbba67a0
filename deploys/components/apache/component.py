"""Apache: the webmail, the pages for mail programs, and what an ACME CA asks for at port 80."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path

from deploys.components.apache import render
from deploys.components.apache.foreign import ForeignSites, foreign_sites
from deploys.components.component import LOCAL_CONF, Component, Context, Listener, Run, State, Tree, sandboxed
from deploys.components.tls.options import Tls
from deploys.config.mailserver import MailServer
from operations.service import Service, program

TARGET = render.TARGET
NAME, UNIT = "Apache", "apache2.service"
# -t alone would read the files in use; envvars names the directories that the configuration asks for, which only the
# first start makes
_VALIDATE = (
    "export APACHE_CONFDIR=$TARGET; . $STAGE/envvars; mkdir -p $APACHE_RUN_DIR $APACHE_LOCK_DIR; "
    "apache2 -t -f $STAGE/apache2.conf; "
    f"python3 -I -c {shlex.quote((Path(__file__).parent / 'listens.py').read_text(encoding='utf-8'))} $STAGE $TARGET"
)
# Their apache2.conf names what it reads by where Apache's files lie.
_VALIDATE_FOREIGN = (
    "export APACHE_CONFDIR=$STAGE; . $STAGE/envvars; mkdir -p $APACHE_RUN_DIR $APACHE_LOCK_DIR; "
    "sed 's|^[[:space:]]*[Ss]erver[Rr]oot .*|ServerRoot '\"$STAGE|\" $STAGE/apache2.conf >$STAGE/staged; "
    "apache2 -t -d $STAGE -f $STAGE/staged; rm -f $STAGE/staged"
)


def service(tls: Tls | None) -> Service:
    """Apache. ``tls``: whose certificates it serves. A reload can neither change the MPM nor take all modules."""
    further = [path(name) for name in tls.sni for path in (tls.chain_of, tls.key_of)] if tls else []
    certificates = (tls.chain_path, tls.key_path, *further) if tls else ()
    own = ("apache2.conf", render.SITES, render.EARLY, render.LOAD)
    return Service(
        UNIT,
        restart_on=(*(f"{TARGET}/{path}" for path in own), sandboxed(UNIT), *program("apache2", "apache2-bin")),
        reload_on=(f"{TARGET}/local.conf", *certificates),
        trees=(TARGET,),
    )


def component(context: Context) -> Component | None:
    """Apache for whatever is declared of these; where nothing is, it serves the others' sites alone, if any."""
    mail, foreign = context.mail, foreign_sites(context.mail, context.foreign)
    serves = bool(mail.webmail or mail.pages)
    if not (serves or mail.tls.by_http):
        return _others_alone() if foreign else None
    return Component(
        NAME,
        packages=render.packages(),
        oldest={"apache2": (2, 4)},
        auto_restart=(UNIT,),
        sandbox={UNIT: ("ProtectSystem=full",)},
        steps=(
            Tree(
                "Write Apache's configuration",
                TARGET,
                partial(_files, context, foreign),
                validate=_VALIDATE_FOREIGN if foreign else _VALIDATE,
            ),
            Run("Run Apache with its configuration", service(mail.tls if serves else None), _probe(mail)),
        ),
        listens=_listeners(mail),
        processes=("apache2",),
        state=(State(f"{TARGET}/local.conf", LOCAL_CONF, always=False),),
        takeover="apache",
    )


def _others_alone() -> Component:
    """Ours went away: it reads its configuration once more."""
    alone = Service(UNIT, reload_on=(f"{TARGET}/sites-enabled",))
    return Component(NAME, steps=(Run("Let Apache serve the other sites alone", alone),), last=True)


def _files(context: Context, foreign: ForeignSites | None) -> dict[str, render.File]:
    mail = context.mail
    serves = bool(mail.webmail or mail.pages)
    ipv6 = context.machine.ipv6
    text = (
        render.apache2_conf(mail, context.php, foreign, ipv6)
        if serves
        else render.challenges_conf(mail.hostname, foreign, ipv6)
    )
    return render.files(text, mail.pages, serves, bool(foreign))


def _probe(mail: MailServer) -> str:
    return render.running(mail) if mail.webmail or mail.pages else render.running_for_challenges()


def _listeners(mail: MailServer) -> tuple[Listener, ...]:
    webmail = mail.webmail.port if mail.webmail else None
    return (
        Listener(80, None, "HTTP"),
        *((Listener(webmail, "https", "webmail"),) if webmail else ()),
        *((Listener(443, "pages", "HTTPS"),) if mail.pages and webmail != 443 else ()),
    )
