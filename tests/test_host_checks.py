"""Verify without a host: its ports, units and certificates, turned into results."""

import base64
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploys.checks import certificates, listeners, services
from deploys.checks.observation import Observation
from deploys.result import CheckResult, failed
from facts.listeners import Socket
from facts.units import Unit
from tests.declared import ports
from tests.settings import NAMES, NOW, mail

# --- listeners


def listening(*ports, address="0.0.0.0", process="master", protocol="tcp"):
    return [Socket(protocol, address, port, process, 1, not address.startswith("127.")) for port in ports]


ALL_PORTS = (25, 80, 110, 143, 443, 465, 587, 993, 995, 4190)


def test_a_host_with_every_declared_port_open_and_no_other_is_two_good_results():
    found = listeners.results(ports(mail()), listening(*ALL_PORTS) + listening(22, process="sshd"))
    assert [result.verdict for result in found] == ["ok", "ok"]
    assert found[0].seen == "25 80 110 143 443 465 587 993 995 4190"


def test_a_port_where_nothing_listens_is_one_result_that_fails_and_names_the_remedy():
    found = listeners.results(ports(mail()), listening(*[port for port in ALL_PORTS if port != 993]))
    assert [result for result in found if result.ok is False] == [
        CheckResult(
            "listeners.declared.993",
            "listeners",
            "port 993 (IMAP)",
            "listening",
            "nothing listens",
            False,
            "run deploys/mail.py",
        )
    ]


def test_a_declared_port_that_only_the_host_itself_can_reach_is_not_open():
    others = listening(*[port for port in ALL_PORTS if port != 25])
    found = listeners.results(ports(mail()), others + listening(25, address="127.0.0.1"))
    assert [(result.what, result.seen) for result in found if not result.ok] == [
        ("port 25 (SMTP)", "listens on 127.0.0.1 only")
    ]


def test_an_undeclared_port_open_to_the_world_is_one_result_that_names_its_process():
    found = listeners.results(ports(mail()), listening(*ALL_PORTS) + listening(11332, process="rspamd"))
    wrong = [result for result in found if not result.ok]
    assert [(result.what, result.seen) for result in wrong] == [("port 11332/tcp", "rspamd listens")]
    assert "open_ports: [11332/tcp]" in wrong[0].remedy


def test_the_same_port_on_ipv4_and_ipv6_is_one_result():
    both = listening(9100, process="exporter") + listening(9100, address="::", process="exporter")
    assert sum(not result.ok for result in listeners.results(ports(mail()), listening(*ALL_PORTS) + both)) == 1


@pytest.mark.parametrize(
    "more",
    [
        listening(53, 11334, address="127.0.0.53", process="systemd-resolve"),
        listening(2222, process="sshd"),
        listening(22, process="systemd"),
        listening(68, process="systemd-network", protocol="udp"),
        listening(51820, process=None, protocol="udp"),
        listening(9100, process="exporter"),
    ],
    ids=["loopback", "sshd", "sshd's socket", "dhcp", "declared udp", "declared tcp"],
)
def test_what_everybody_has_and_what_the_operator_declares_is_no_finding(more):
    found = listeners.results(ports(mail()), listening(*ALL_PORTS) + more, open_ports=["9100/tcp", "51820/udp"])
    assert not failed(found)


def test_a_resolver_that_asks_its_neighbours_is_a_warning():
    found = listeners.results(ports(mail()), listening(*ALL_PORTS) + listening(5355, process="systemd-resolve"))
    assert [result.verdict for result in found] == ["ok", "warn"]
    assert "LLMNR=no" in found[1].remedy


def test_a_port_of_a_protocol_that_is_not_declared_must_be_shut():
    served = ports(mail(dovecot={"protocols": ["imap"]}, webmail=False, clients=False))
    found = listeners.results(served, listening(25, 465, 587, 143, 993, 110, 80))
    assert {result.what for result in found if not result.ok} == {"port 110/tcp", "port 80/tcp"}


# --- services


RUNNING = Unit(
    loaded=True,
    enabled=True,
    active=True,
    state="active (running)",
    since=1000.0,
    changed_at=1500.0,
    newest_reload=1400.0,
)


def unit(**changes):
    return services.results({"postfix.service": Unit(**(vars(RUNNING) | changes))})


def test_a_unit_that_runs_what_lies_on_disk_is_one_good_result():
    (result,) = unit()
    assert result.verdict == "ok"
    assert "active (running) since 1970-01-01 00:16:40 UTC" in result.seen


def test_configuration_newer_than_the_unit_is_one_result_that_fails_and_says_by_how_much():
    (result,) = unit(newest_reload=1561.0)
    assert (result.ok, result.seen) == (False, "files changed 0:01:01 after it last read them")
    assert result.remedy == "run deploys/mail.py, which reloads it"


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({"loaded": False}, "no such unit"),
        ({"active": False, "state": "failed (failed)"}, "failed (failed)"),
        ({"deleted_exe": True}, "runs a program that an upgrade replaced"),
        ({"newest_restart": 1600.0}, "files changed 0:01:40 after it last read them"),
        ({"need_daemon_reload": True}, "its unit file changed since systemd read it"),
        ({"enabled": False}, "not enabled: it would not come back after a reboot"),
    ],
)
def test_each_thing_wrong_with_a_unit_is_named_and_has_a_remedy(changes, seen):
    (result,) = unit(**changes)
    assert (result.ok, result.seen) == (False, seen)
    assert "deploys/mail.py" in result.remedy


# --- certificates


def der(names=NAMES, days=90.0, serial=0xABCDEF):
    """A self-signed certificate, as the verification would hand it over."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    built = (
        x509.CertificateBuilder(subject, subject, key.public_key(), serial)
        .not_valid_before(NOW - timedelta(days=100))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return base64.b64encode(built.public_bytes(serialization.Encoding.DER)).decode()


def served(on_disk, ports, **more):
    seen = [Observation("disk", 0, "", der=on_disk)]
    seen += [Observation("certificate", port, name="mail.example.com", **({"der": on_disk} | more)) for port in ports]
    return certificates.results(seen, NAMES, NOW)


def test_one_certificate_on_disk_and_on_all_ports_is_two_good_results():
    found = served(der(), [993, 25, 465])
    assert [result.verdict for result in found] == ["ok", "ok"]
    assert found[1].seen == "on 25 465 993: serial abcdef…"


@pytest.mark.parametrize(
    ("days", "verdict"), [(14.5, "ok"), (13.5, "warn"), (3.5, "warn"), (2.5, "FAIL"), (-1, "FAIL")]
)
def test_days_left_warn_below_fourteen_and_fail_below_three(days, verdict):
    assert served(der(days=days), [])[0].verdict == verdict


def test_an_expired_certificate_says_since_when():
    (result,) = served(der(days=-2), [])
    assert result.seen.startswith("expired 2026-11-23")
    assert result.remedy == "renew it, then run deploys/mail.py"


def test_a_name_that_the_certificate_does_not_cover_fails():
    (result,) = served(der(names=["mail.example.com"]), [])
    assert (result.ok, result.seen) == (False, "does not cover webmail.example.com")


def test_a_wildcard_covers_one_label_and_no_more():
    assert served(der(names=["*.example.com"]), [])[0].ok
    assert not served(der(names=["*.com", "*.mail.example.com", "example.com"]), [])[0].ok


def test_a_port_that_still_serves_the_old_certificate_fails_and_names_both_serials():
    old = der(serial=0x1234)
    found = certificates.results(
        [
            Observation("disk", 0, "", der=der(serial=0x5678)),
            Observation("certificate", 25, "", "mail.example.com", old),
            Observation("certificate", 587, "", "mail.example.com", old),
        ],
        NAMES,
        NOW,
    )
    assert [(result.what, result.seen) for result in found if not result.ok] == [
        ("certificate on 25 587", "serial 1234…, on disk serial 5678…")
    ]


def test_a_certificate_that_clients_would_refuse_fails_with_their_reason():
    found = served(der(), [993], seen="unable to get local issuer certificate")
    assert found[1].seen == "clients refuse it: unable to get local issuer certificate"
    assert found[1].verdict == "FAIL"


def test_a_port_without_tls_fails_and_a_shut_port_is_left_to_the_listeners():
    assert served(der(), [993], der=None, seen="SSLError: wrong version number")[1].verdict == "FAIL"
    assert served(der(), [993], der=None, seen="ConnectionRefusedError: [Errno 111]")[1].verdict == "unknown"
