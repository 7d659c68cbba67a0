"""Postfix: takes messages from the world and from our own people, and brings them to Dovecot or away."""

from __future__ import annotations

from functools import partial

from deploys.components.component import Component, Context, Listener, Local, Look, Run, State, Table, Tree, sandboxed
from deploys.components.postfix import render, tables
from deploys.components.postfix.options import SEVEN_BIT_PORT, SIEVE_SOCKET, SPOOL, SRS_PORT
from deploys.components.tls.options import Tls
from deploys.components.unbound.options import FOR_POSTFIX, RESOLV_CONF
from deploys.values import ports
from operations.service import Service, program

DIRECTORY = render.DIRECTORY
LISTENERS = (
    Listener(ports.SMTP, "smtp", "SMTP"),
    Listener(ports.SUBMISSIONS, "smtps", "submission"),
    Listener(ports.SUBMISSION, "smtp", "submission"),
)
# Postfix's own checkers exit with 0 on unknown parameters and doubled rows, so whatever they say is a refusal.
_VALIDATE = r"""refuse() { printf '%s\n' "$1" | sed "s|$STAGE|$TARGET|g" >&2; exit 1; }
quiet() { said=$("$@" 2>&1 >/dev/null) || :; [ -z "$said" ] || refuse "$said"; }
quiet postconf -c "$STAGE" -n
quiet postconf -c "$STAGE" -M
quiet postconf -c "$STAGE" -P
twice=$(postconf -c "$STAGE" -M | awk '{ print $1, $2 }' | sort | uniq -d)
[ -z "$twice" ] || refuse "master.cf names a service twice: $twice"
quiet postmap -c "$STAGE" -q nobody "regexp:$STAGE/local-senders"
for table in "$STAGE"/posthaus/*; do
    case $table in
        */restart-parameters | *.cdb) ;;
        */returned) quiet postmap -c "$STAGE" -q SRS0=posthaus "regexp:$table" ;;
        */transports) quiet postmap -c "$STAGE" -q posthaus "regexp:$table" ;;
        */*-headers) quiet postmap -c "$STAGE" -q Posthaus "regexp:$table" ;;
        *) quiet postmap -c "$STAGE" -q posthaus "texthash:$table" ;;
    esac
done
"""
# A row too many is but a warning of postmap's.
_BUILD = r"""said=$(postmap -c "$STAGE" "cdb:$STAGE/$SOURCE" 2>&1) || said=${said:-postmap failed}
[ -z "$said" ] || { printf '%s\n' "$said" | sed "s|$STAGE|$TARGET|g" >&2; exit 1; }
chown --reference="$STAGE/$SOURCE" -- "$STAGE/$SOURCE.cdb"
chmod --reference="$STAGE/$SOURCE" -- "$STAGE/$SOURCE.cdb"
"""
# an instance of a template up to Debian 12 and Ubuntu 24.04, later itself
UNITS_OF_POSTFIX = ("postfix.service", "postfix@.service")


def service(tls: Tls, resolves: bool) -> Service:
    """Postfix. ``tls``: whose certificates it serves; ``resolves``: it asks the host's own resolver."""
    return Service(
        "postfix.service",
        instance="postfix@-.service",  # Debian 12 runs it behind a wrapper
        reload_on=(DIRECTORY, *tls.directories),
        restart_on=(
            f"{DIRECTORY}/{render.RESTART_PARAMETERS}",
            *((FOR_POSTFIX,) if resolves else ()),
            *map(sandboxed, UNITS_OF_POSTFIX),
            *program("postfix"),
        ),
        sees=(RESOLV_CONF, FOR_POSTFIX if resolves else RESOLV_CONF),
        trees=(DIRECTORY,),
    )


def component(context: Context) -> Component:
    """SMTP on 25, submission on 587 and 465, delivery by LMTP."""
    mail = context.mail
    return Component(
        "Postfix",
        packages=render.packages(mail),
        oldest={"postfix": (3, 6)},
        auto_restart=UNITS_OF_POSTFIX,
        sandbox=dict.fromkeys(UNITS_OF_POSTFIX, ()),
        steps=(
            Tree(
                "Write Postfix's configuration",
                DIRECTORY,
                partial(render.configuration, context),
                validate=_VALIDATE,
                build=_BUILD,
                built=render.built(),
            ),
            Run(
                "Run Postfix with its configuration",
                service(mail.tls, mail.resolves),
                render.running(mail),
            ),
        ),
        listens=LISTENERS,
        processes=("master", "smtpd", "postscreen"),
        local=_local(context),
        tables=(
            Table(f"{DIRECTORY}/posthaus/domains", tables.read_domains),
            Table(f"{DIRECTORY}/posthaus/aliases", tables.read_aliases),
        ),
        state=(State(SPOOL, "the queue: messages that are on their way"),),
        looks=(Look("queue"),),
        takeover="postfix",
    )


def _local(context: Context) -> tuple[Local, ...]:
    return (
        Local(SIEVE_SOCKET, "what people's Sieve scripts send, from Dovecot"),
        *(
            (Local(f"127.0.0.1:{SRS_PORT}", "Postfix's own messages that are sent on"),)
            if context.mail.forwards
            else ()
        ),
        *(
            (Local(f"127.0.0.1:{SEVEN_BIT_PORT}", "Postfix's own 8-bit texts, made 7-bit ones"),)
            if render.converts(context)
            else ()
        ),
    )
