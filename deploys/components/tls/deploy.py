"""A certificate for every service: the operator's own, or one that an authority on the host signs."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pyinfra import host, logger
from pyinfra.api import deploy
from pyinfra.api.exceptions import DeployError

from deploys.components.tls import render
from deploys.components.tls.acme import Acme
from deploys.components.tls.check import problems, root
from deploys.components.tls.options import DIRECTORY, SNI_DIRECTORY, Named, Tls
from facts.acme import LETSENCRYPT
from operations import acme, ca, config, unit

_SAME_KEY = """cd "$STAGE"
test "$(openssl x509 -in fullchain.pem -pubkey -noout)" = "$(openssl pkey -in privkey.pem -pubout)" || exit 1
"""


@deploy("TLS")
def deploy_tls(tls: Tls, names: Iterable[str], optional: Iterable[str] = ()) -> None:
    """The chain and key that all services read. Raises DeployError where the operator's own do not serve ``names``.

    ``optional``: names that the local authority certifies too.

    With ACME: one that holds the place until ``deploy_order``, where none lies there yet.
    """
    if tls.sni:
        _install_by_sni(tls.sni)
    if tls.certificate and tls.key:
        _install(tls.certificate, tls.key, names)
        return
    ca.issued(
        name="Install a placeholder certificate" if tls.acme else "Sign a certificate by the local CA",
        names=sorted({*names, *optional}),
        directory=DIRECTORY,
        hold=bool(tls.acme),
        others=tls.acme.roots if tls.acme else "",
    )
    if tls.acme:
        _prepare(tls.acme)


@deploy("The certificate by ACME")
def deploy_order(tls: Tls, names: Sequence[str], optional: Sequence[str] = (), next_key: bool = False) -> None:
    """Order the certificate, once all services run: the authority comes to Apache. Nothing without ``tls.acme``.

    ``optional``: names that it covers as soon as the DNS has them. ``next_key``: make the key that comes after its own.
    """
    if not tls.acme:
        acme.ended(name="Stop renewing undeclared certificates", directory=DIRECTORY)
        return
    acme.issued(name="Order the certificate", order=_order(tls.acme, names, optional, next_key))


@deploy("The next key")
def deploy_next_key(
    declared: Acme, names: Sequence[str], optional: Sequence[str], digest: str, lacking: Sequence[str], ttl: int
) -> None:
    """Serve the key that was published as the next one, or fail; all as for ``acme.rolled_over``."""
    acme.rolled_over(
        name="Roll over to the next key",
        order=_order(declared, names, optional, next_key=True),
        digest=digest,
        lacking=list(lacking),
        ttl=ttl,
    )


def _order(declared: Acme, names: Sequence[str], optional: Sequence[str], next_key: bool) -> acme.Order:
    return acme.Order(
        names=list(names),
        optional=list(optional),
        directory=DIRECTORY,
        server=declared.directory,
        email=declared.email,
        authenticator=render.authenticator(declared),
        options=render.options(declared),
        webroot=render.WEBROOT if declared.by_http else "",
        hook=f"{LETSENCRYPT}/{render.HOOK}",
        roots=declared.roots,
        next_key=next_key,
    )


def _install(certificate: Path, key: Path, names: Iterable[str]) -> None:
    chain, secret = _read(certificate, key, names)
    config.tree(
        name="Install the certificate and its key",
        target=DIRECTORY,
        files=render.files(chain, secret),
        validate=_SAME_KEY,
        copy=False,
    )
    # The host's own programs (the webmail, sending) check the certificate as anybody does.
    ca.trusted(name="Trust its CA", certificate=root(chain))


def _install_by_sni(named: Mapping[str, Named]) -> None:
    config.tree(
        name="Install the certificates of further names",
        target=SNI_DIRECTORY,
        files=render.files_by_sni({name: _read(one.certificate, one.key, [name]) for name, one in named.items()}),
        validate=f'for STAGE in "$STAGE"/*/; do\n{_SAME_KEY}done\n',
        copy=False,
    )


def _read(certificate: Path, key: Path, names: Iterable[str]) -> tuple[bytes, bytes]:
    chain, secret = certificate.read_bytes(), key.read_bytes()
    if wrong := problems(chain, secret, names, datetime.now(UTC)):
        raise DeployError("\n".join(["the certificate cannot be served:", *(f"    {one}" for one in wrong)]))
    if key.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        logger.warning("    %s: others can read %s on this workstation: chmod 600", host.name, key)
    return chain, secret


def _prepare(declared: Acme) -> None:
    config.tree(
        name="Write certbot's deploy hook",
        target=LETSENCRYPT,
        files=render.letsencrypt(declared),
        validate=f"sh -n $STAGE/{render.HOOK}",
        copy=False,
    )
    unit.converge(name="Enable certbot's timer", unit="certbot.timer")
