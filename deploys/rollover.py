"""Go over to the key that TLSA has published as the next one: a new certificate for it, and a key after that.

pyinfra inventory.py deploys/rollover.py

Refuses until every name server of the host's zone has published the next key for as long as others may remember the
record without it: run it once to have that noted, and again when it says so. Then run deploys/dns.py, which publishes
the key after that and takes the old one away.
"""

from pyinfra import config, host
from pyinfra.api.exceptions import DeployError

from deploys import site
from deploys.components.certbot.component import order
from deploys.config.mailserver import MailServer
from deploys.records.all_records import primary
from deploys.records.collect import read
from deploys.records.context import DomainContext
from deploys.records.deploy import refusals
from deploys.records.resolver import Resolver
from deploys.records.rollover import lacking
from facts.dns import PublicRecords
from operations import acme

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

mail = MailServer.read(host.data.mail)
if not (mail.tls.acme and mail.dns.tlsa):
    raise DeployError("no next key is declared; that takes tls.acme and dns.tlsa: true")

with refusals():
    settings = read(mail.records, host.data.get("dns") or {}, site.directory() or site.ROOT)

on_host = host.get_fact(PublicRecords, keys=settings.keys, certificate=mail.tls.chain_path, next_key=settings.next_key)
if len(set(on_host.tlsa)) != 2:
    raise DeployError("there is no next key on the host; run deploys/mail.py, then deploys/dns.py")

missing, ttl = lacking(
    mail.hostname,
    on_host.tlsa[1],
    primary([DomainContext(domain, mail.hostname, settings=settings.of(domain)) for domain in mail.domains]).ttl,
    Resolver(settings.resolver, settings.resolver_port).ask,
)
acme.rolled_over(
    name="Roll over to the next key",
    order=order(mail, mail.tls.acme, next_key=True),
    digest=on_host.tlsa[1],
    lacking=list(missing),
    ttl=ttl,
)
