"""A certificate for every service: the operator's own, or one that an authority on the host signs."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from datetime import UTC, datetime

from pyinfra import host, logger
from pyinfra.api import deploy
from pyinfra.api.exceptions import DeployError

from deploys.tls.check import problems, root
from deploys.tls.render import files
from deploys.tls.settings import DIRECTORY, Tls
from operations import authority, config

_SAME_KEY = """cd "$STAGE"
test "$(openssl x509 -in fullchain.pem -pubkey -noout)" = "$(openssl pkey -in privkey.pem -pubout)"
"""


@deploy("TLS")
def deploy_tls(tls: Tls, names: Iterable[str]) -> None:
    """The chain and key that all services read. Raises DeployError where the operator's own do not serve ``names``."""
    if tls.certificate is None or tls.key is None:
        authority.issued(
            name="Have the local authority certify the host", names=sorted(set(names)), directory=DIRECTORY
        )
        return
    chain, key = tls.certificate.read_bytes(), tls.key.read_bytes()
    if wrong := problems(chain, key, names, datetime.now(UTC)):
        raise DeployError("\n".join(["the certificate cannot be served:", *(f"    {one}" for one in wrong)]))
    if tls.key.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        logger.warning("    %s: others can read %s on this workstation: chmod 600", host.name, tls.key)
    config.tree(
        name="Lay the certificate and its key",
        target=DIRECTORY,
        files=files(chain, key),
        validate=_SAME_KEY,
        copy=False,
    )
    # The host's own programs (the webmail, sending) check the certificate as anybody does.
    authority.trusted(name="Trust whoever signed it", certificate=root(chain))
