"""A smarthost in between, and hosts with and without IPv6."""

from __future__ import annotations

import re
from collections.abc import Iterator

import docker
import pytest
from docker.types import IPAMConfig, IPAMPool

from lab import sweep
from lab.mailhost import MailHost
from lab.releases import RELEASES
from lab.waiting import wait_until
from tests.on_host.conftest import StartHost
from tests.on_host.post import arrived, compose, submit
from tests.on_host.settings import ANA, IQBAL, PASSWORDS, TITO, example

pytestmark = pytest.mark.host

SMARTHOST = "relay.example.net"
# The smarthost is one of ours, told to let the login of a customer send as the customer's people.
LETS_CUSTOMERS_SEND = {"parameters": {"mua_sender_restrictions": "reject_non_fqdn_sender"}}


@pytest.fixture
def smarthost(start_host: StartHost, mail_host: MailHost, snapshot: str) -> MailHost:
    """A mail server for example.net in the snapshot's place."""
    host = start_host(mail_host.release, image=snapshot)
    host.run("rm -r /etc/ssl/posthaus")  # else the copy's CA would be one that the original trusts
    settings = example(
        hostname=SMARTHOST, domains=["example.net"], postmaster=ANA, aliases=None, webmail=False, clients=False
    )
    settings["filter"] = False  # ours lets nobody write under a name that is not theirs; a provider's customers may
    settings["mailboxes"] = {ANA: {**settings["mailboxes"][ANA], "quota": "1G"}}
    run = host.converge({**settings, "postfix": LETS_CUSTOMERS_SEND})
    assert run.rc == 0, run.output
    return host


@pytest.mark.parametrize(("port", "tls"), [(587, "starttls"), (465, "implicit")])
def test_outgoing_messages_take_the_smarthost_with_its_name_checked_and_a_password(
    own_mail_host: MailHost, smarthost: MailHost, port: int, tls: str
) -> None:
    host = own_mail_host
    settings = example(domains=["example.com"], catch_all=None)
    del settings["mailboxes"][ANA]
    host.say()
    (host.site / "relay.secret").write_text(PASSWORDS[ANA] + "\n")
    password = {"file": "relay.secret"}
    settings["postfix"] = {"parameters": {"smtp_host_lookup": "dns, native"}}  # its name stands in /etc/hosts here
    settings["relayhost"] = {"host": SMARTHOST, "port": port, "tls": tls, "username": ANA, "password": password}
    host.run(f"echo '{smarthost.address} {SMARTHOST}' >>/etc/hosts")
    run = host.converge(settings)
    assert run.rc == 0, run.output
    assert PASSWORDS[ANA] not in run.output + run.stdout
    assert host.run("stat -c '%a %U' /etc/postfix/posthaus/relayhost-password").stdout == "600 root\n"

    untrusted = compose(ANA, sender=TITO)
    assert submit(host, TITO, PASSWORDS[TITO], TITO, ANA, untrusted) == 250
    tried = f"journalctl -o cat --no-pager -t postfix/smtp | grep 'to=<{ANA}>'"
    wait_until(lambda: not host.run(tried, check=False).returncode, 20, "it was never tried")
    said = host.run(tried).stdout.splitlines()
    assert all("status=deferred (Server certificate not" in line for line in said), "nobody vouches for it yet"

    host.write("/usr/local/share/ca-certificates/smarthost.crt", smarthost.read("/etc/ssl/posthaus/ca/ca.pem"))
    host.run("update-ca-certificates && postfix reload && sleep 1 && postfix flush")  # smtp reads it at start
    assert arrived(smarthost, ANA, PASSWORDS[ANA], untrusted["Subject"], seconds=30) is not None
    assert host.run("mailq").stdout.strip() == "Mail queue is empty"


def test_messages_of_a_domain_with_a_smarthost_of_its_own_take_that_and_no_other_domains_do(
    own_mail_host: MailHost, smarthost: MailHost
) -> None:
    host = own_mail_host
    bea, cem = "bea@example.org", "cem@example.info"
    host.say()
    (host.site / "relay.secret").write_text(PASSWORDS[ANA] + "\n")
    log_in = {"host": SMARTHOST, "username": ANA, "password": {"file": "relay.secret"}}
    settings = example(catch_all=None)
    settings["domains"] = {
        "example.com": {"relayhost": log_in},
        "example.org": {"relayhost": {**log_in, "port": 465, "tls": "implicit"}},
        "example.info": {},
    }
    settings["mailboxes"] |= {name: settings["mailboxes"][TITO] for name in (bea, cem)}
    del settings["mailboxes"][ANA]
    parameters = {"smtp_host_lookup": "dns, native", "mua_recipient_restrictions": "reject_non_fqdn_recipient"}
    settings["postfix"] = {"parameters": parameters}  # no DNS here knows example.net
    host.run(f"echo '{smarthost.address} {SMARTHOST}' >>/etc/hosts")
    host.write("/usr/local/share/ca-certificates/smarthost.crt", smarthost.read("/etc/ssl/posthaus/ca/ca.pem"))
    host.run("update-ca-certificates")
    run = host.converge(settings)
    assert run.rc == 0, run.output
    assert PASSWORDS[ANA] not in run.output + run.stdout
    assert host.run("stat -c '%a %U' /etc/postfix/posthaus/relayhost-passwords").stdout == "600 root\n"
    for sender, port in ((TITO, 587), (bea, 465), (cem, None)):
        message = compose(ANA, sender=sender)
        assert submit(host, sender, PASSWORDS[TITO], sender, ANA, message) == 250
        found = arrived(smarthost, ANA, PASSWORDS[ANA], message["Subject"], seconds=30 if port else 4)
        assert (found is not None) is bool(port), (sender, host.run("mailq").stdout)
        if port:
            said = host.run("journalctl -o cat --no-pager -t postfix/relayhost/smtp").stdout
            assert re.search(rf"Verified TLS connection established to {SMARTHOST}\S*:{port}", said)
            assert re.search(rf"relay={SMARTHOST}\S*:{port}, .*status=sent", said)


@pytest.mark.webmail
def test_without_ipv6_everything_listens_on_ipv4_and_nothing_complains(mail_host: MailHost) -> None:
    if mail_host.run("cat /proc/net/if_inet6", check=False).stdout:
        pytest.skip("this engine gives every host IPv6: a host without it was not tried")
    listening = mail_host.run("ss -Hltn").stdout
    assert all(f"0.0.0.0:{port} " in listening for port in (25, 465, 587, 143, 993, 443))
    assert "Address family not supported" not in mail_host.run("journalctl -o cat --no-pager").stdout


@pytest.fixture
def two_families(engine: docker.DockerClient, release: str) -> Iterator[str]:
    """A network whose hosts have an IPv6 address too; each release's is another one, for both may be there at once."""
    number = 1 + sorted(RELEASES).index(release)
    pools = [IPAMPool(subnet=f"fd00:7068:{number}::/64"), IPAMPool(subnet=f"172.30.{97 + number}.0/24")]
    network = engine.networks.create(
        f"posthaus-two-families-{release}", enable_ipv6=True, ipam=IPAMConfig(pool_configs=pools), labels=sweep.owner()
    )
    yield network.name
    network.remove()


@pytest.mark.webmail
def test_with_ipv6_everything_listens_on_both_families_and_messages_come_by_either(
    two_families: str, start_host: StartHost, mail_host: MailHost, snapshot: str
) -> None:
    host = start_host(mail_host.release, image=snapshot, network=two_families)
    run = host.converge(example())
    assert run.rc == 0, run.output
    assert host.converge().changes == 0
    listening = host.run("ss -Hltn").stdout
    assert all(f"[::]:{port} " in listening or f"*:{port} " in listening for port in (25, 465, 587, 143, 993, 443))
    address = host.run('ip -6 -o addr show scope global | awk \'{ sub("/.*", "", $4); print $4 }\'').stdout.strip()
    message = compose(IQBAL)
    program = f"import smtplib,sys; smtplib.SMTP('{address}', 25).sendmail('', ['{IQBAL}'], sys.stdin.read())"
    host.run(f'python3 -c "{program}"', input=message.as_string())
    assert arrived(host, IQBAL, PASSWORDS[IQBAL], message["Subject"]) is not None
    assert host.run("postconf -h mynetworks").stdout.strip().endswith("[::1]/128")
    assert host.verify().rc == 0


def test_a_forwarder_that_does_not_answer_is_refused_before_anything_changes(mail_host: MailHost) -> None:
    before = mail_host.run("find /etc -printf '%p %C@\\n' | sort | sha256sum").stdout
    run = mail_host.converge(example(resolver={"forward": ["127.0.0.2"]}))
    mail_host.say(example())
    assert run.rc != 0
    assert "resolver.forward: 127.0.0.2 does not answer this host at port 53" in run.output
    assert mail_host.run("find /etc -printf '%p %C@\\n' | sort | sha256sum").stdout == before
