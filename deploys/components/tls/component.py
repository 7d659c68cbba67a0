"""A certificate for every service: the operator's own, or one that a CA on the host signs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from deploys.components.component import AnyStep, Component, Context, Look, Secret, State, Step, Tree
from deploys.components.tls import render
from deploys.components.tls.options import DIRECTORY, SNI_DIRECTORY, Tls
from deploys.result import CONVERGE
from deploys.values.certificates import root
from operations import ca
from operations.file import File

_SAME_KEY = """cd "$STAGE"
test "$(openssl x509 -in fullchain.pem -pubkey -noout)" = "$(openssl pkey -in privkey.pem -pubout)" || exit 1
"""


def component(context: Context) -> Component:
    """The chain and key that all services read. With ACME: a placeholder until it is ordered (certbot's component)."""
    mail = context.mail
    own = ("privkey.pem", "ca/ca.key", "ca/leaf.key")
    return Component(
        "TLS",
        packages=render.packages(),
        steps=certificates(mail.tls, mail.names, mail.page_names),
        state=() if mail.tls.certificate else (State(DIRECTORY, "keys, the local CA and what it signed"),),
        secrets=tuple(Secret(f"{DIRECTORY}/{name}") for name in own if not (mail.tls.key and name == "privkey.pem")),
        looks=tuple(looks(mail.tls, mail.hostname)),
    )


def looks(tls: Tls, hostname: str) -> Iterator[Look]:
    """The certificate that everybody is shown as ``hostname``, and those of further names."""
    renew = "put a newer one at tls.certificate in mail.yaml, then run deploys/mail.py" if tls.certificate else CONVERGE
    if tls.acme:
        renew = "certbot renew; why it did not by itself: journalctl -u certbot -n 50"
    yield Look("certificate", {"name": hostname, "path": tls.chain_path, "remedy": renew})
    for name in tls.sni:
        remedy = f"put a newer one at tls.sni of {name} in mail.yaml, then run deploys/mail.py"
        yield Look("certificate", {"name": name, "path": tls.chain_of(name), "remedy": remedy})


def certificates(tls: Tls, names: Iterable[str], optional: Iterable[str] = ()) -> tuple[AnyStep, ...]:
    """What puts the certificates there. ``names``: what ours must cover; ``optional``: what the local CA adds."""
    return (*_sni(tls), *(_given(tls) if tls.certificate else _signed(tls, {*names, *optional})))


def _sni(tls: Tls) -> tuple[AnyStep, ...]:
    if not tls.sni:
        return ()
    return (
        Tree(
            "Install the certificates of further names",
            SNI_DIRECTORY,
            partial(_sni_files, tls),
            validate=f'for STAGE in "$STAGE"/*/; do\n{_SAME_KEY}done\n',
            copy=False,
        ),
    )


def _sni_files(tls: Tls) -> dict[str, File]:
    pairs = {name: (one.certificate.read_bytes(), one.key.read_bytes()) for name, one in tls.sni.items()}
    return render.files_by_sni(pairs)


def _given(tls: Tls) -> tuple[AnyStep, ...]:
    chain = tls.certificate.read_bytes() if tls.certificate else b""
    return (
        Tree(
            "Install the certificate and its key",
            DIRECTORY,
            partial(render.files, chain, tls.key.read_bytes() if tls.key else b""),
            validate=_SAME_KEY,
            copy=False,
        ),
        # The host's own programs (the webmail, sending) check the certificate as anybody does.
        Step("Trust its CA", ca.trusted, {"certificate": root(chain)}),
    )


def _signed(tls: Tls, names: Iterable[str]) -> tuple[AnyStep, ...]:
    acme = tls.acme
    arguments = {
        "names": sorted(names),
        "directory": DIRECTORY,
        "placeholder": bool(acme),
        "others": acme.roots if acme else "",
    }
    name = "Install a placeholder certificate" if acme else "Sign a certificate by the local CA"
    return (Step(name, ca.issued, arguments),)
