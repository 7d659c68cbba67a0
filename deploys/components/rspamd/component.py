"""rspamd: what leaves is signed, what arrives is checked; Redis, where it keeps what it learns."""

from __future__ import annotations

from functools import partial

from deploys.components.component import (
    UNITS,
    Component,
    Context,
    Local,
    Look,
    Run,
    Secret,
    State,
    Step,
    Tree,
    sandboxed,
)
from deploys.components.rspamd import render, units
from deploys.components.rspamd.keys import given, names
from deploys.components.rspamd.options import CONTROLLER, MILTER_SOCKET, MIME_SOCKET
from facts.dkim import KNOWN
from facts.state import BACKGROUND
from operations import dkim
from operations.service import Service, program

DIRECTORY = render.DIRECTORY
# The patterns of top-level domains, which rspamd would compile at its first start, and keep the 150 MB that it takes
# until the next one. It takes seconds, on one processor, and no step waits for it but rspamd's own.
_COMPILE = """[ -n "$(find /var/lib/rspamd -maxdepth 1 -name '*.hsmp' -size +8M)" ] ||
  runuser -u _rspamd -- rspamadm mime urls /etc/hostname >/dev/null 2>&1 || :
"""
# As root: rspamd silently skips files that it may not read, and only root may enter the staged directories.
_VALIDATE = f"""there="--var=CONFDIR=$STAGE --var=LOCAL_CONFDIR=$STAGE"
said=$(rspamadm $there configtest -q -c $STAGE/rspamd.conf 2>&1) || {{
  printf '%s\\n' "$said" | sed "s|$STAGE|$TARGET|g" >&2
  exit 1
}}
tries=0
while systemctl is-active --quiet {BACKGROUND} && [ "$tries" -lt 300 ]; do sleep 0.2; tries=$((tries + 1)); done
systemctl is-active --quiet {BACKGROUND} || {{
{_COMPILE}}}
"""
RSPAMD = Service(
    "rspamd.service",
    reload_on=(DIRECTORY,),
    # rspamd goes on listening where it did before until it ends, whatever it has read again.
    restart_on=(
        f"{DIRECTORY}/{render.PROXY}",
        f"{UNITS}/{units.DROP_IN}",
        sandboxed("rspamd.service"),
        *program("rspamd"),
    ),
    trees=(DIRECTORY,),
)
MIME_LIMITS = Service(units.MIME, restart_on=(f"{UNITS}/{units.MIME}", f"{DIRECTORY}/{render.MIME_PROGRAM}"))
REDIS = Service(f"{render.REDIS}.service", restart_on=(f"{UNITS}/{render.REDIS}.service", *program("redis-tools")))
# By itself it writes once in five minutes.
LEARNED = State(
    f"/var/lib/{render.REDIS}",
    "what rspamd has learned",
    written_by=("redis-cli", "-s", render.REDIS_SOCKET, "save"),
)


def component(context: Context) -> Component | None:
    """rspamd as a milter for Postfix, and before it the milter that counts a message's parts."""
    mail = context.mail
    if not mail.filter:
        return None
    signing = names(mail.records, mail.signers)
    learns = mail.filter.learn
    redis = Run("Run Redis for rspamd alone", REDIS, f"test -S {render.REDIS_SOCKET}")
    return Component(
        "rspamd",
        packages=render.packages(mail.filter),
        units=units.units(mail.filter, mail.accounts),
        sandbox={"rspamd.service": units.SANDBOX},
        background=_COMPILE,
        steps=(
            Step(
                "Create DKIM keys",
                dkim.keys,
                {
                    "directory": render.KEYS,
                    "names": signing,
                    "given": given(mail.records, mail.signers),
                    "group": render.USER,
                },
            ),
            Tree(
                "Write rspamd's configuration",
                DIRECTORY,
                partial(render.configuration, mail.filter, mail),
                validate=_VALIDATE,
            ),
            *((redis,) if learns else ()),
            Run("Run rspamd with its configuration", RSPAMD, render.running(mail.directory.probe)),
            Run("Run the limit on message parts", MIME_LIMITS, units.mime_running(), after=(DIRECTORY,)),
        ),
        local=(
            Local(MIME_SOCKET, "how many parts a message has, to Postfix"),
            Local(MILTER_SOCKET, "what becomes of a message, to Postfix"),
            Local(CONTROLLER, "what people move to and from Junk, to Dovecot"),
            *((Local(render.REDIS_SOCKET, "what was learned, to rspamd"),) if learns else ()),
        ),
        state=(
            State(render.KEYS, "DKIM keys"),
            State(KNOWN, "which DKIM keys were published"),
            *((LEARNED,) if learns else ()),
        ),
        looks=(
            Look("rspamd", {"controller": CONTROLLER}),
            *((Look("endpoint", {"name": "rspamd", "at": CONTROLLER, "unit": "rspamd"}),) if mail.metrics else ()),
        ),
        secrets=tuple(Secret(f"{render.KEYS}/{name}.key", "0640", group=render.USER) for name in signing),
        takeover="rspamd",
    )
