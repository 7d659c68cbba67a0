"""Every record a domain needs, to the byte, from the settings alone."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError

from deploys.records import all_records, autoconfig, host, senders, transport
from deploys.records.context import DomainContext
from deploys.records.options import Dns, DomainRecords, MtaSts, Records
from deploys.records.record import Record
from tests.dns_contexts import COM, GOLDEN, KEYS, NET


def said(context: DomainContext, **settings: object) -> DomainContext:
    return replace(context, settings=DomainRecords.model_validate(settings))


def values(records: tuple[Record, ...]) -> list[tuple[str, str]]:
    return [(one.name, value) for one in records for value in one.values]


def test_the_host_has_its_addresses():
    assert values(host.a(COM)) == [("mail.example.com.", "192.0.2.25")]
    assert values(host.aaaa(COM)) == [("mail.example.com.", "2001:db8::25")]


def test_a_host_without_ipv6_has_no_aaaa():
    assert host.aaaa(replace(COM, v6=())) == ()


def test_each_domain_sends_its_mail_to_the_one_host():
    assert values(transport.mx(COM)) == [("example.com.", "10 mail.example.com.")]
    assert values(transport.mx(NET)) == [("example.net.", "10 mail.example.com.")]


def test_no_name_of_a_second_domain_leads_anywhere_but_to_the_one_host():
    for record in all_records.of_domain(NET):
        assert record.name.endswith("example.net.")
        if record.type in ("MX", "CNAME", "SRV"):
            assert all(
                value.endswith((" mail.example.com.", " .")) or value == "mail.example.com." for value in record.values
            )


def test_spf_names_the_host_and_who_else_may_send():
    context = said(COM, spf={"include": ["_spf.relay.example"], "all": "-all"})
    assert values(senders.spf(context)) == [
        (
            "example.com.",
            '"v=spf1 a:mail.example.com include:_spf.relay.example -all"',
        )
    ]


def test_bounces_are_judged_by_the_hosts_own_spf_and_dmarc():
    assert values(host.host_spf(COM)) == [("mail.example.com.", '"v=spf1 a -all"')]
    assert values(host.host_dmarc(COM)) == [
        ("_dmarc.mail.example.com.", '"v=DMARC1; p=none; rua=mailto:postmaster@example.com"')
    ]


def test_bounces_are_signed_and_the_hosts_own_name_has_the_keys():
    records = host.host_dkim(replace(COM, host_dkim=KEYS))
    assert [one.name for one in records] == [
        "mail._domainkey.mail.example.com.", "mail-ed25519._domainkey.mail.example.com.",
    ]  # fmt: skip
    assert set(records) <= set(all_records.everything([replace(COM, host_dkim=KEYS)]))
    assert host.host_dkim(COM) == ()


def test_a_host_whose_name_is_a_mail_domain_has_one_spf_record_not_two():
    context = replace(COM, domain="mail.example.com", domains=("mail.example.com",))
    spf = [one for one in all_records.everything([context]) if one.type == "TXT" and one.text.startswith("v=spf1")]
    assert values(tuple(spf)) == [("mail.example.com.", '"v=spf1 a:mail.example.com ~all"')]


@pytest.mark.parametrize("size", ["2048", "4096"])
def test_a_long_dkim_key_is_cut_into_strings_the_dns_can_hold_and_joins_to_the_same_key(size: str):
    base64_key = (GOLDEN / f"rsa-{size}.spki").read_text()
    (record,) = senders.dkim(replace(COM, dkim={"mail": base64.b64decode(base64_key)}))
    strings = record.rdatas[0].strings  # type: ignore[attr-defined]
    assert max(map(len, strings)) <= 255 < sum(map(len, strings))
    assert record.text == f"v=DKIM1; k=rsa; p={base64_key}"


def test_an_ed25519_key_is_published_as_its_bare_32_bytes_under_a_selector_of_its_own():
    records = senders.dkim(COM)
    assert [one.name for one in records] == ["mail._domainkey.example.com.", "mail-ed25519._domainkey.example.com."]
    key = records[1].text.removeprefix("v=DKIM1; k=ed25519; p=")
    assert base64.b64decode(key) == KEYS["mail-ed25519"][-32:]


def test_a_new_selector_leaves_the_old_one_published():
    context = replace(
        said(COM, dkim={"selector": "s2", "publish": ["s1"]}), dkim={name: KEYS["mail"] for name in ("s1", "s2", "s3")}
    )
    names = [one.name for one in senders.dkim(context)]
    assert names == ["s2._domainkey.example.com.", "s1._domainkey.example.com."]


def test_a_key_that_receivers_cannot_use_is_refused():
    elliptic = generate_private_key(SECP256R1()).public_key()
    with pytest.raises(ValueError, match="RSA of at least 1024 bits"):
        senders.dkim_text(elliptic.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def test_dmarc_says_its_policy_and_who_reads_the_reports():
    context = said(COM, dmarc={"policy": "reject", "rua": ["dmarc+in@example.com", "a!b@example.net"]})
    assert senders.dmarc(context)[0].text == (
        "v=DMARC1; p=reject; rua=mailto:dmarc%2Bin@example.com,mailto:a%21b@example.net"
    )
    assert senders.dmarc(said(COM, dmarc={"rua": []}))[0].text == "v=DMARC1; p=none"


def test_a_domain_that_reads_anothers_reports_consents_to_them():
    context = replace(COM, reports_for=("example.net",))
    assert values(senders.reports_accepted(context)) == [("example.net._report._dmarc.example.com.", '"v=DMARC1"')]


def test_the_mta_sts_policy_starts_in_testing_and_names_the_same_host_as_the_mx():
    assert transport.mta_sts_policy(NET) == (
        "version: STSv1\r\nmode: testing\r\nmx: mail.example.com\r\nmax_age: 86400\r\n"
    )


def test_the_mta_sts_id_is_new_exactly_when_the_policy_is():
    testing, again = transport.mta_sts(COM)[0], transport.mta_sts(replace(COM, v4=("192.0.2.26",)))[0]
    enforced = transport.mta_sts(said(COM, mta_sts={"mode": "enforce"}))[0]
    moved = transport.mta_sts(replace(COM, hostname="mx.example.com"))[0]
    assert testing.text == "v=STSv1; id=be6a844a94b9834664e5d3709724dd35" == again.text
    assert len({testing.text, enforced.text, moved.text}) == 3


def test_nothing_is_published_that_leads_to_a_page_the_host_does_not_serve():
    names = {record.name.split(".")[0] for record in all_records.of_domain(replace(COM, pages=False))}
    assert names & {"_mta-sts", "mta-sts", "autoconfig", "autodiscover", "_autodiscover"} == set()
    assert "_imaps" in names


def test_mta_sts_declared_off_leaves_no_record():
    off = said(COM, mta_sts=False)
    assert transport.mta_sts(off) == transport.mta_sts_host(off) == ()
    with pytest.raises(ValueError, match="mta_sts: false"):
        transport.mta_sts_policy(off)


def test_a_name_that_is_a_domain_itself_gets_addresses_where_a_cname_cannot_stand():
    context = replace(COM, webmail="example.com")
    assert [(one.type, one.name) for one in host.webmail(context)] == [("A", "example.com."), ("AAAA", "example.com.")]
    assert [one.type for one in host.webmail(COM)] == ["CNAME"]
    assert host.webmail(replace(COM, webmail="mail.example.com")) == ()


def test_what_is_not_offered_says_so():
    context = replace(COM, offered=frozenset({"imaps", "submissions"}))
    offered = {one.name.split(".")[0]: one.values for one in autoconfig.srv(context)}
    assert offered == {
        "_imaps": ("0 1 993 mail.example.com.",),
        "_imap": ("0 0 0 .",),
        "_pop3s": ("0 0 0 .",),
        "_pop3": ("0 0 0 .",),
        "_submissions": ("0 1 465 mail.example.com.",),
        "_submission": ("0 0 0 .",),
        "_sieve": ("0 0 0 .",),
    }


def test_thunderbird_and_outlook_find_the_host():
    assert values(autoconfig.autoconfig(NET)) == [("autoconfig.example.net.", "mail.example.com.")]
    assert values(autoconfig.autodiscover(NET)) == [
        ("autodiscover.example.net.", "mail.example.com."),
        ("_autodiscover._tcp.example.net.", "0 1 443 mail.example.com."),
    ]


def test_tls_reports_go_to_somebody():
    assert transport.tls_rpt(COM)[0].text == "v=TLSRPTv1; rua=mailto:postmaster@example.com"
    assert transport.tls_rpt(said(COM, tlsrpt=False)) == ()


def test_only_declared_cas_may_sign():
    context = said(COM, caa={"issue": ["letsencrypt.org", "ca.example"], "iodef": "tito@example.com"})
    assert transport.caa(context)[0].values == (
        '0 issue "letsencrypt.org"',
        '0 issue "ca.example"',
        '0 iodef "mailto:tito@example.com"',
    )
    assert transport.caa(NET) == ()


def test_tlsa_publishes_the_key_now_and_the_key_next():
    assert values(host.tlsa(COM)) == [
        ("_25._tcp.mail.example.com.", "3 1 1 " + "aa" * 32),
        ("_25._tcp.mail.example.com.", "3 1 1 " + "bb" * 32),
    ]


def test_the_hoster_is_told_each_reverse_name():
    assert values(host.ptr(COM)) == [
        ("25.2.0.192.in-addr.arpa.", "mail.example.com."),
        (f"5.2.0.0.{'0.' * 20}8.b.d.0.1.0.0.2.ip6.arpa.", "mail.example.com."),
    ]


def test_every_record_holds_data_the_dns_accepts():
    for record in (*all_records.everything([COM, NET]), *host.ptr(COM)):
        assert len(record.rdatas) == len(record.values) > 0


def test_the_hosts_own_records_stand_once_in_the_zone_that_holds_its_name():
    zones = all_records.by_zone(all_records.everything([NET, COM]), ["example.net", "example.com"])
    assert [one.name for one in zones["example.com"] if one.type == "A"] == ["mail.example.com."]
    assert [one for one in zones["example.net"] if one.type in ("A", "AAAA")] == []


def test_a_host_outside_all_zones_keeps_its_records_apart():
    away = replace(COM, hostname="mx.hoster.example")
    zones = all_records.by_zone(all_records.everything([away]), ["example.com"])
    assert "mx.hoster.example." in {one.name for one in zones[""]}


def test_rfc2136_without_a_key_is_refused():
    with pytest.raises(ValidationError, match="needs server"):
        Dns(mode="rfc2136", server="192.0.2.53")


def test_a_key_that_nothing_reads_is_refused():
    with pytest.raises(ValidationError, match="only with mode: rfc2136"):
        Dns(server="192.0.2.53")


@pytest.mark.parametrize(
    "text",
    [
        'key "posthaus" {\n\talgorithm hmac-sha256;\n\tsecret "c2l4dGVlbiBieXRlcyBvciBtb3Jl";\n};\n',
        "hmac-sha256:posthaus:c2l4dGVlbiBieXRlcyBvciBtb3Jl\n",
    ],
)
def test_a_tsig_key_is_read_as_tsig_keygen_prints_it(tmp_path: Path, text: str):
    (tmp_path / "key").write_text(text)
    settings = {"mode": "rfc2136", "server": "192.0.2.53", "key": {"file": "key"}}
    key = Dns.model_validate(settings, context={"base": tmp_path}).key
    assert key is not None
    assert (key.name, key.algorithm) == ("posthaus", "hmac-sha256")
    assert "c2l4" not in repr(key)


def test_a_broken_tsig_key_is_refused_without_being_shown(tmp_path: Path):
    (tmp_path / "key").write_text('key "posthaus" { algorithm hmac-sha256; secret "geheim!"; };')
    settings = {"mode": "rfc2136", "server": "192.0.2.53", "key": {"file": "key"}}
    with pytest.raises(ValidationError, match="not base64") as refusal:
        Dns.model_validate(settings, context={"base": tmp_path})
    assert "geheim" not in str(refusal.value)


def test_a_domain_of_which_nothing_is_said_has_safe_defaults():
    settings = Records().of("example.org")
    assert (settings.dmarc.policy, settings.mta_sts, settings.caa) == ("none", MtaSts(), False)
