"""certbot: the certificate by ACME (RFC 8555), ordered and renewed."""

from __future__ import annotations

from functools import partial

from deploys.components.certbot import render
from deploys.components.component import Component, Context, Run, State, Step, Tree
from deploys.components.tls.acme import Acme
from deploys.components.tls.options import DIRECTORY, WEBROOT
from deploys.config.mailserver import MailServer
from facts.acme import LETSENCRYPT
from operations import acme
from operations.service import Service

NAME, TIMER = "certbot", "certbot.timer"


def component(context: Context) -> Component:
    """The order, once all services run: the CA comes to Apache. Without ``tls.acme`` nothing is renewed."""
    mail = context.mail
    if not mail.tls.acme:
        ended = Step("Stop renewing undeclared certificates", acme.ended, {"directory": DIRECTORY})
        # its timer may renew certificates of the administrator's own
        return Component(NAME, steps=(ended,), keeps_units=(TIMER,), last=True)
    return Component(
        NAME,
        packages=render.packages(mail.tls),
        steps=(
            Tree(
                "Write certbot's deploy hook",
                LETSENCRYPT,
                partial(render.letsencrypt, mail.tls.acme),
                validate=f"sh -n $STAGE/{render.HOOK}",
                copy=False,
                shared=True,
            ),
            Run("Enable certbot's timer", Service(TIMER)),
            Step("Order the certificate", acme.issued, {"order": order(mail, mail.tls.acme, mail.dns.tlsa)}),
        ),
        state=(State(LETSENCRYPT, "the ACME account, certificates and keys"),),
        last=True,
    )


def order(mail: MailServer, declared: Acme, next_key: bool) -> acme.Order:
    """What is asked of the CA. ``next_key``: make the key that comes after its own, to be published."""
    return acme.Order(
        names=list(mail.names),
        optional=list(mail.page_names),
        directory=DIRECTORY,
        server=declared.directory,
        email=declared.email,
        authenticator=render.authenticator(declared),
        options=render.options(declared),
        webroot=WEBROOT if declared.by_http else "",
        hook=f"{LETSENCRYPT}/{render.HOOK}",
        roots=declared.roots,
        next_key=next_key,
    )
