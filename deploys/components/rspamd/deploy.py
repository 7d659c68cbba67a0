"""The filter: what leaves is signed, what arrives is checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pyinfra.api import deploy

from deploys.components.rspamd import antivirus, render, services
from deploys.components.rspamd.keys import given, names
from deploys.components.rspamd.options import Filter
from deploys.config.addresses.options import RESERVED
from deploys.records.options import Records
from operations import config, dkim, unit

TARGET = render.DIRECTORY
USER = render.USER
# As root: rspamd silently skips files that it may not read, and only root may enter the staged directories. Then the
# patterns of top-level domains are compiled, which rspamd would do at its first start, and keep the 150 MB that it
# takes until the next one.
_VALIDATE = """there="--var=CONFDIR=$STAGE --var=LOCAL_CONFDIR=$STAGE"
said=$(rspamadm $there configtest -q -c $STAGE/rspamd.conf 2>&1) || {
  printf '%s\\n' "$said" | sed "s|$STAGE|$TARGET|g" >&2
  exit 1
}
[ -n "$(find /var/lib/rspamd -maxdepth 1 -name '*.hsmp' -size +8M)" ] ||
  runuser -u _rspamd -- rspamadm mime urls /etc/hostname >/dev/null 2>&1 || :
"""


@deploy("The filter")
def deploy_filter(
    settings: Filter,
    records: Records,
    signers: Iterable[str],
    owners: Mapping[str, Iterable[str]],
    trusted_networks: Iterable[str] = (),
    nameserver: str | None = None,
) -> None:
    """rspamd as a milter for Postfix, its keys, and Redis for what it learns. As for ``render.configuration``."""
    signing = tuple(signers)
    dkim.keys(
        name="Create DKIM keys",
        directory=render.KEYS,
        names=names(records, signing),
        given=given(records, signing),
        group=USER,
    )
    conf = config.tree(
        name="Write rspamd's configuration",
        target=TARGET,
        files=render.configuration(settings, records, signing, owners, trusted_networks, nameserver),
        validate=_VALIDATE,
    )
    if settings.learn:
        unit.converge(
            name="Run Redis for rspamd alone",
            probe=f"test -S {render.REDIS_SOCKET}",
            **services.REDIS_FOR_IT.question,
        )
    if settings.antivirus:
        unit.converge(name="Run ClamAV as soon as it has signatures", **services.ANTIVIRUS.question)
    unit.converge(
        name="Run rspamd with it",
        probe=render.running(f"{RESERVED}@{signing[0]}"),
        after=[conf],
        **services.RSPAMD.question,
    )
    unit.converge(
        name="Run the limit on message parts",
        probe=render.mime_running(),
        after=[conf],
        **services.MIME_LIMITS.question,
    )


@deploy("The filter")
def end_antivirus() -> None:
    """Stop ClamAV if it ran for the filter. Before its units are taken away, for these say what stops with it."""
    unit.converge(name="Stop ClamAV, which nothing declared needs", unit=antivirus.UNIT, running=False)
