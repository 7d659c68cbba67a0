"""Converge: read mail.yaml once, then each component in order."""

from pyinfra import config, host

from deploys.components.apache.deploy import deploy_apache, deploy_challenges
from deploys.components.autoconfig.deploy import deploy_clients
from deploys.components.dovecot.deploy import deploy_dovecot
from deploys.components.host.deploy import deploy_host, deploy_units
from deploys.components.host.render import debconf
from deploys.components.host.restarts import drop_ins
from deploys.components.mta_sts.deploy import deploy_sts
from deploys.components.postfix.deploy import deploy_postfix
from deploys.components.postfix.tables import owners
from deploys.components.postsrsd.deploy import deploy_srs
from deploys.components.rspamd.deploy import deploy_filter, end_antivirus
from deploys.components.sieve.deploy import deploy_sieve
from deploys.components.squirrelmail.deploy import deploy_squirrelmail
from deploys.components.tls.deploy import deploy_order, deploy_tls
from deploys.components.unbound.deploy import deploy_resolver
from deploys.config.mailserver import MailServer
from deploys.preflight.deploy import deploy_preflight
from deploys.retirement import deploy_retirement
from deploys.takeover import look as takeover
from deploys.takeover.deploy import deploy_keeping
from operations import packages

config.TEMP_DIR = "/var/tmp"  # sudo's askpass helper runs from there; a careful host mounts /tmp noexec

mail = MailServer.read(host.data.mail)
ground = deploy_preflight(mail)  # facts only: what stands in the way is said before anything changes
machine, foreign = ground.machine, ground.foreign
php = machine.php_version
deploy_keeping(takeover.found(mail, machine, foreign), foreign)
neighbours = takeover.beside(mail, foreign)

packages.installed(
    name="Install the packages of all components", packages=mail.packages(), debconf=debconf(mail.hostname)
)
deploy_host(mail.hostname, machine)
if not (mail.filter and mail.filter.antivirus):
    end_antivirus()
deploy_units({**mail.units, **(drop_ins([f"php{php}-fpm.service"]) if mail.webmail else {})})
if mail.resolves:
    deploy_resolver(mail.resolver, machine.ipv6)
deploy_tls(mail.tls, mail.names, mail.page_names)  # before all that serves it
deploy_dovecot(mail.dovecot, mail.directory, mail.tls, machine.dovecot_series, machine.ipv6, mail.learn_endpoint)
deploy_sieve()
if mail.filter:
    deploy_filter(
        mail.filter, mail.records, mail.signers, owners(mail.directory), mail.trusted_networks, mail.nameserver
    )
rewriting = deploy_srs(mail.domains, machine.srs_series) if mail.forwards else None
if mail.sts:
    deploy_sts()
room = mail.postfix_settings(rewriting, machine.seven_bit)
deploy_postfix(room, mail.hostname, mail.directory, mail.tls, machine.ipv6, mail.resolves)  # knocks at all of these
if mail.webmail:
    deploy_squirrelmail(
        mail.webmail,
        mail.directory,
        mail.hostname,
        mail.tls,
        php,
        mail.message_size,
        takeover.php_beside(mail, foreign),
    )
if mail.pages:
    deploy_clients(mail.client_site, mail.policies, bool(mail.webmail))
if mail.webmail or mail.pages:
    deploy_apache(mail.webmail or None, mail.hostname, mail.tls, php, mail.message_size, mail.apache_pages, neighbours)
elif mail.tls.by_http:
    deploy_challenges(mail.hostname, neighbours)
deploy_retirement(mail, php, foreign.targets, bool(neighbours))  # what nothing above declares any more goes away
# last: it asks an authority somewhere else, which may refuse
deploy_order(mail.tls, mail.names, mail.page_names, mail.dns.tlsa)
