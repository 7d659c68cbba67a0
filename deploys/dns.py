"""The records that the site's domains need in the DNS: as files, as a table, and to name servers of one's own.

pyinfra inventory.py deploys/dns.py
"""

from pyinfra import config, host

from deploys import site
from deploys.config.mailserver import MailServer
from deploys.records.collect import contexts, read
from deploys.records.deploy import deploy_records, refusals
from facts.dns import PublicRecords

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

home = site.directory() or site.ROOT
mail = MailServer.read(host.data.mail)

with refusals():
    settings = read(mail.records, host.data.get("dns") or {}, home)
    next_key = settings.next_key if mail.tls.acme else ""  # one that nothing leads to is not published
    on_host = host.get_fact(PublicRecords, keys=settings.keys, certificate=mail.tls.chain_path, next_key=next_key)
    deploy_records(
        contexts=contexts(
            mail.hostname,
            mail.domains,
            mail.webmail.hostname if mail.webmail else None,
            mail.dovecot.protocols,
            settings,
            on_host,
            mail.paged,
        ),
        directory=home / "dns",
    )
