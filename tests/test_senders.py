"""Why messages land in spam, and why none arrive: what verify saw, rule by rule."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from deploys.checks import codes, inbound, senders
from deploys.checks.observation import Observation
from deploys.checks.remote.outgoing import summed
from deploys.records.context import DomainContext
from deploys.result import CheckResult, failed, summary
from facts.listeners import Socket
from facts.mailboxes import Usage

COM = DomainContext(
    "example.com", "mail.example.com", v4=("192.0.2.10",), v6=("2001:db8::10",), domains=("example.com",)
)
LOG = """Trusted TLS connection established to gmail-smtp-in.l.google.com[192.0.2.26]:25: TLSv1.3 with cipher X
A1: to=<ana@gmail.com>, relay=gmail-smtp-in.l.google.com[192.0.2.26]:25, delay=1, dsn=2.0.0, status=sent (250 2.0.0 OK)
A2: to=<bea@old.example>, relay=mx.old.example[192.0.2.7]:25, delay=1, dsn=2.0.0, status=sent (250 OK)
A3: to=<ana@gmail.com>, relay=gmail-smtp-in.l.google.com[192.0.2.26]:25, delay=1, dsn=5.7.25, status=bounced \
(host gmail-smtp-in.l.google.com[192.0.2.26] said: 550-5.7.25 [192.0.2.10] no PTR record for tito@example.com)
A4: to=<x@nowhere.example>, relay=none, delay=1, dsn=4.4.3, status=deferred (Host or domain name not found)"""


GOOD = {
    "dns.spf.example.com": "TXT example.com",
    "dns.spf-lookups.example.com": "SPF look-ups example.com",
    "dns.dkim.mail._domainkey.example.com": "TXT mail._domainkey.example.com",
    "messages.dkim": "DKIM on its messages",
    "dns.dmarc._dmarc.example.com": "TXT _dmarc.example.com",
    "refusals.from": "587: From of somebody else",
    "dns.ptr.192.0.2.10": "PTR 192.0.2.10",
    "dns.helo.mail.example.com": "HELO mail.example.com",
    "messages.headers": "From, Date, Message-ID",
    "dns.soa.example.com": "SOA example.com",
    "dns.mx.example.com": "MX example.com",
    "dns.mx-path.example.com": "MX path example.com",
    "dns.nameservers.example.com/ns.example.com": "name server ns.example.com of example.com",
    "refusals.postmaster": "25: mail for postmaster",
    "refusals.relay": "25: relay to elsewhere",
    "refusals.sender": "587: sender of somebody else",
    "dns.blocklist.zen.spamhaus.org.192.0.2.10": "blocklist zen.spamhaus.org 192.0.2.10",
    "refusals.unknown-recipient": "25: unknown recipient",
    "messages.read.993": "read by IMAP 993, TLS",
    "messages.send.587": "message by 587, STARTTLS",
    "certificates.file": "certificate on disk",
    "certificates.served": "certificates served",
}
UNDECLARED = ("refusals.postmaster.*", "certificates.acme", "dns.tlsa.*", "dns.mta-sts.*")


def checked(**changes: bool | None) -> list[CheckResult]:
    """What was looked at on a host where all is well, but for these, by their keys."""
    return [CheckResult(key, "group", what, "", "", changes.get(key, True)) for key, what in GOOD.items()]


def outgoing(log: str = LOG) -> Observation:
    return Observation("outgoing", *summed(log.splitlines()))


def ruled(results: list[CheckResult], **more: object) -> dict[str, CheckResult]:
    seen = more.pop("seen", [outgoing()])
    return {result.what: result for result in senders.results(results, [COM], seen, False, UNDECLARED)}  # type: ignore[arg-type]


def test_every_rule_holds_where_its_evidence_does_and_names_who_asks():
    rules = ruled(checked())
    assert {result.verdict for result in rules.values()} <= {"ok", "warn"}
    assert rules["SPF"].seen == "holds: TXT example.com, SPF look-ups example.com"
    assert "Outlook" in rules["DMARC"].expected


@pytest.mark.parametrize(
    ("result", "rules"),
    [
        ("dns.spf.example.com", {"SPF"}),
        ("dns.dkim.mail._domainkey.example.com", {"DKIM on every message"}),
        ("dns.dmarc._dmarc.example.com", {"DMARC"}),
        ("dns.ptr.192.0.2.10", {"reverse name, both directions"}),
        ("dns.soa.example.com", {"the sender's domain exists"}),
        ("dns.blocklist.zen.spamhaus.org.192.0.2.10", {"on no blocklist"}),
    ],
)
def test_a_rule_is_broken_by_its_evidence_alone_and_the_failure_counts_there(result, rules):
    broken = ruled(checked(**{result: False}))
    assert {what for what, one in broken.items() if one.verdict == "broken"} == rules
    assert not failed(list(broken.values())), "it counts once, at its own check"
    assert "1 broken" in summary(list(broken.values()))


def test_what_nobody_could_ask_is_not_called_fulfilled():
    assert ruled(checked(**{"dns.ptr.192.0.2.10": None}))["reverse name, both directions"].verdict == "unknown"
    without_dns = senders.results(checked()[:0], [], [outgoing()], forwards=False)
    assert {result.verdict for result in without_dns[:-2]} == {"unknown"}
    assert not {"SPF", "DMARC", "on no blocklist"} & {result.what for result in without_dns}, "nobody was to look"


def verdicts(results: list[CheckResult]) -> dict[str, str]:
    """Of all rules, those of senders and those of what arrives."""
    told = senders.results(results, [COM], [outgoing()], False, UNDECLARED)
    return {result.key: result.verdict for result in (*told, *came(results).values())}


def test_what_a_result_is_called_decides_nothing():
    renamed = [replace(result, what=f"Zeile {number}", group="Gruppe") for number, result in enumerate(checked())]
    assert verdicts(renamed) == verdicts(checked())
    for key in GOOD:
        one_broken = [replace(result, ok=result.key != key) for result in renamed]
        assert verdicts(one_broken) == verdicts(checked(**{key: False})) != verdicts(renamed), key


@pytest.mark.parametrize("key", GOOD)
def test_a_rule_whose_evidence_nobody_saw_is_never_ok(key: str):
    """Each result of a good verification left out makes some rule unknown, and no rule better."""
    without = verdicts([result for result in checked() if result.key != key])
    changed = {rule: verdict for rule, verdict in without.items() if verdict != verdicts(checked())[rule]}
    assert set(changed.values()) == {"unknown"}, changed


@pytest.mark.parametrize(
    ("hostname", "verdict"),
    [
        ("mail.example.com", "ok"),
        ("mx1.static-shop.example", "ok"),
        ("192-0-2-10.hoster.example", "FAIL"),
        ("ip192.0.2.10.hoster.example", "FAIL"),
        ("dyn-17.isp.example", "warn"),
        ("customer.isp.example", "warn"),
    ],
)
def test_a_name_that_a_provider_gives_to_everybody_is_told(hostname, verdict):
    assert senders.own_name(hostname, ["192.0.2.10"]).verdict == verdict


def test_a_short_key_is_told():
    key = rsa.generate_private_key(65537, 1024).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    context = DomainContext("example.com", "mail.example.com", dkim={"old": der})
    (result,) = [
        one for one in senders.results([], [context], [], forwards=False) if one.what == "DKIM keys long enough"
    ]
    assert (result.ok, result.seen) == (False, "old._domainkey.example.com has 1024 bits")


def test_the_log_tells_how_messages_left_and_nobodys_address():
    sent, told = summed(LOG.splitlines())
    assert (sent, json.loads(told)["tls"]) == (2, 1)
    assert "tito@" not in told
    result = ruled(checked())["TLS in transit"]
    assert (result.seen, result.verdict) == ("1 of 2 messages in 24 h left by TLS", "warn")
    assert ruled(checked(), seen=[outgoing("")])["TLS in transit"].verdict == "unknown"


def test_messages_that_met_only_servers_without_tls_are_a_warning_for_the_host_did_ask():
    log = "A2: to=<bea@old.example>, relay=mx.old.example[192.0.2.7]:25, delay=1, dsn=2.0.0, status=sent (250 OK)"
    result = ruled(checked(), seen=[outgoing(log)])["TLS in transit"]
    assert (result.verdict, result.seen) == ("warn", "0 of 1 messages in 24 h left by TLS")


@pytest.mark.parametrize(
    ("answer", "whose", "word"),
    [
        ("550-5.7.25 [192.0.2.10] The IP address sending this message does not have a PTR record", "Gmail", "reverse"),
        ("421-4.7.28 Gmail has detected an unusual rate of unsolicited mail", "Gmail", "too many"),
        (
            "550-5.7.26 Your email has been blocked because the sender is unauthenticated. gsmtp",
            "Gmail",
            "SPF nor DKIM",
        ),
        ("421 4.7.0 [TSS04] Messages from 192.0.2.10 temporarily deferred due to user complaints", "Yahoo", "complain"),
        (
            "550 5.7.515 Access denied, sending domain does not meet the required authentication level",
            "Outlook",
            "DMARC",
        ),
        ("550 5.7.1 Unfortunately, messages from [192.0.2.10] weren't sent. (S3150).", "Outlook", "network"),
    ],
)
def test_what_a_provider_says_is_put_in_plain_words(answer, whose, word):
    (result,) = codes.results({answer: 3})
    assert result.what == f"{whose} refused"
    assert word in result.seen
    assert result.seen.startswith("3: ")
    assert result.verdict == "warn"


def test_an_answer_that_says_nothing_about_us_is_no_result():
    assert codes.results({"550 5.1.1 no such user": 9, "452 4.2.2 over quota": 2}) == []


# --- messages from outside


def came(
    results: list[CheckResult],
    listen: tuple[str, ...] = ("0.0.0.0", "::"),
    says: str | None = "220 mail.example.com ESMTP",
    **more: object,
) -> dict[str, CheckResult]:
    sockets = [Socket("tcp", address, 25, "master", 1, True) for address in listen]
    seen = [Observation("names", *more.get("names", (1, "Postfix finds mail.example.com")))]  # type: ignore[misc]
    used = int(str(more.get("percent", 12)))
    boxes = {"tito@example.com": Usage(3, used, "/tito", 100), "ana@example.com": Usage(1, 9, "/ana")}
    refusing: list[str] = more.get("refusing", [])  # type: ignore[assignment]
    found = inbound.results(results, [COM], sockets, seen, refusing, lambda address: says, boxes, (), UNDECLARED)
    return {result.what: result for result in found}


def test_a_message_from_outside_meets_a_good_host_in_the_order_of_what_is_likely():
    found = came(checked())
    assert [result.verdict for result in found.values()] == ["ok"] * len(found)
    assert list(found) == [
        "example.com: mail routing", "example.com: accepted by Postfix", "port 25 on every address",
        "Postfix resolves names", "no blocklist refuses by itself", "a message gets into a mailbox",
        "space in the mailboxes",
        "what the policies promise", "port 25 from the workstation",
    ]  # fmt: skip


def test_an_address_in_the_dns_where_nothing_listens_is_told():
    result = came(checked(), listen=("0.0.0.0",))["port 25 on every address"]
    assert (result.ok, result.seen) == (False, "nothing listens for 2001:db8::10")


def test_each_reason_why_nothing_arrives_is_told_at_its_place():
    assert came(checked(**{"dns.mx.example.com": False}))["example.com: mail routing"].verdict == "broken"
    assert came(checked(**{"refusals.postmaster": False}))["example.com: accepted by Postfix"].verdict == "broken"
    assert came(checked(), names=(0, "Postfix does not, the host does"))["Postfix resolves names"].ok is False
    assert came(checked(), names=(None, "the DNS has no name"))["Postfix resolves names"].ok is None
    assert (
        came(checked(), refusing=["smtpd_recipient_restrictions"])["no blocklist refuses by itself"].verdict == "warn"
    )


def test_a_mailbox_that_is_nearly_full_is_named():
    result = came(checked(), percent=97)["space in the mailboxes"]
    assert (result.verdict, result.seen) == ("warn", "tito@example.com 97 %")


def test_what_only_another_network_sees_is_not_pretended():
    result = came(checked(), says=None)["port 25 from the workstation"]
    assert result.ok is None
    assert "cannot know from here" in result.seen
    assert came(checked(), says="220 other.example ESMTP")["port 25 from the workstation"].ok is None


def test_a_person_is_told_what_no_program_can_do():
    told = senders.manual_steps("mail.example.com", ["192.0.2.10"], ["example.com"])
    assert "192.0.2.10" in told[0]
    assert "mail.example.com" in told[0]
    assert any("Postmaster Tools" in one for one in told)
