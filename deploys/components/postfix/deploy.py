"""Postfix: takes messages from the world and from our own people, and brings them to Dovecot or away."""

from __future__ import annotations

from pyinfra.api import deploy

from deploys.components.postfix import render
from deploys.components.postfix.options import Postfix
from deploys.components.postfix.services import services
from deploys.components.tls.options import Tls
from deploys.config.addresses.options import Directory
from operations import config, unit

TARGET = render.DIRECTORY
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
        */ways) quiet postmap -c "$STAGE" -q posthaus "regexp:$table" ;;
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


@deploy("Postfix")
def deploy_postfix(postfix: Postfix, hostname: str, directory: Directory, tls: Tls, ipv6: bool, resolves: bool) -> None:
    """SMTP on 25, submission on 587 and 465, delivery by LMTP."""
    conf = config.tree(
        name="Write Postfix's configuration",
        target=TARGET,
        files=render.configuration(postfix, hostname, directory, tls, ipv6),
        validate=_VALIDATE,
        build=_BUILD,
        built=render.built(),
    )
    (service,) = services(tls, resolves)
    unit.converge(
        name="Run Postfix with it",
        probe=render.running(postfix, hostname, directory, tls),
        after=[conf],
        **service.question,
    )
