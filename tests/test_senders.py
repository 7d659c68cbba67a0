"""Why messages land in spam, and why none arrive: what the proof saw, rule by rule."""

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


def proof(**changes: bool | None) -> list[CheckResult]:
    """What was looked at on a host where all is well, but for these lines, by their keys."""
    return [CheckResult(key, "group", what, "", "", changes.get(key, True)) for key, what in GOOD.items()]


def outgoing(log: str = LOG) -> Observation:
    return Observation("outgoing", *summed(log.splitlines()))


def ruled(lines: list[CheckResult], **more: object) -> dict[str, CheckResult]:
    seen = more.pop("seen", [outgoing()])
    return {line.what: line for line in senders.lines(lines, [COM], seen, False, UNDECLARED)}  # type: ignore[arg-type]


def test_every_rule_holds_where_its_evidence_does_and_names_who_asks():
    rules = ruled(proof())
    assert {line.verdict for line in rules.values()} <= {"ok", "warn"}
    assert rules["SPF"].seen == "holds: TXT example.com, SPF look-ups example.com"
    assert "Outlook" in rules["DMARC"].expected


@pytest.mark.parametrize(
    ("line", "rules"),
    [
        ("dns.spf.example.com", {"SPF"}),
        ("dns.dkim.mail._domainkey.example.com", {"DKIM on every message"}),
        ("dns.dmarc._dmarc.example.com", {"DMARC"}),
        ("dns.ptr.192.0.2.10", {"a reverse name, both ways"}),
        ("dns.soa.example.com", {"the sender's domain exists"}),
        ("dns.blocklist.zen.spamhaus.org.192.0.2.10", {"on no blocklist"}),
    ],
)
def test_a_rule_is_broken_by_its_evidence_alone_and_the_failure_counts_there(line, rules):
    broken = ruled(proof(**{line: False}))
    assert {what for what, one in broken.items() if one.verdict == "broken"} == rules
    assert not failed(list(broken.values())), "it counts once, at its own line"
    assert "1 broken" in summary(list(broken.values()))


def test_what_nobody_could_ask_is_not_called_fulfilled():
    assert ruled(proof(**{"dns.ptr.192.0.2.10": None}))["a reverse name, both ways"].verdict == "unknown"
    without_dns = senders.lines(proof()[:0], [], [outgoing()], forwards=False)
    assert {line.verdict for line in without_dns[:-2]} == {"unknown"}
    assert not {"SPF", "DMARC", "on no blocklist"} & {line.what for line in without_dns}, "nobody was to look"


def verdicts(lines: list[CheckResult]) -> dict[str, str]:
    """Of all rules, those of senders and those of what arrives."""
    told = senders.lines(lines, [COM], [outgoing()], False, UNDECLARED)
    return {line.key: line.verdict for line in (*told, *came(lines).values())}


def test_what_a_line_is_called_decides_nothing():
    renamed = [replace(line, what=f"Zeile {number}", group="Gruppe") for number, line in enumerate(proof())]
    assert verdicts(renamed) == verdicts(proof())
    for key in GOOD:
        one_broken = [replace(line, ok=line.key != key) for line in renamed]
        assert verdicts(one_broken) == verdicts(proof(**{key: False})) != verdicts(renamed), key


@pytest.mark.parametrize("key", GOOD)
def test_a_rule_whose_evidence_nobody_saw_is_never_ok(key: str):
    """Each line of a good proof left out makes some rule unknown, and no rule better."""
    without = verdicts([line for line in proof() if line.key != key])
    changed = {rule: verdict for rule, verdict in without.items() if verdict != verdicts(proof())[rule]}
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
    subject = DomainContext("example.com", "mail.example.com", dkim={"old": der})
    (line,) = [one for one in senders.lines([], [subject], [], forwards=False) if one.what == "DKIM keys long enough"]
    assert (line.ok, line.seen) == (False, "old._domainkey.example.com has 1024 bits")


def test_the_log_tells_how_messages_left_and_nobodys_address():
    sent, told = summed(LOG.splitlines())
    assert (sent, json.loads(told)["tls"]) == (2, 1)
    assert "tito@" not in told
    line = ruled(proof())["TLS on the way"]
    assert (line.seen, line.verdict) == ("1 of 2 messages in 24 h left by TLS", "warn")
    assert ruled(proof(), seen=[outgoing("")])["TLS on the way"].verdict == "unknown"


def test_messages_that_met_only_servers_without_tls_are_a_warning_for_the_host_did_ask():
    log = "A2: to=<bea@old.example>, relay=mx.old.example[192.0.2.7]:25, delay=1, dsn=2.0.0, status=sent (250 OK)"
    line = ruled(proof(), seen=[outgoing(log)])["TLS on the way"]
    assert (line.verdict, line.seen) == ("warn", "0 of 1 messages in 24 h left by TLS")


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
        ("550 5.7.1 Unfortunately, messages from [192.0.2.10] weren't sent. (S3150).", "Outlook", "block"),
    ],
)
def test_what_a_provider_says_is_put_in_plain_words(answer, whose, word):
    (line,) = codes.lines({answer: 3})
    assert line.what == f"{whose} refused"
    assert word in line.seen
    assert line.seen.startswith("3: ")
    assert line.verdict == "warn"


def test_an_answer_that_says_nothing_about_us_is_no_line():
    assert codes.lines({"550 5.1.1 no such user": 9, "452 4.2.2 over quota": 2}) == []


# --- messages from outside


def came(
    lines: list[CheckResult],
    listen: tuple[str, ...] = ("0.0.0.0", "::"),
    says: str | None = "220 mail.example.com ESMTP",
    **more: object,
) -> dict[str, CheckResult]:
    sockets = [Socket("tcp", address, 25, "master", 1, True) for address in listen]
    seen = [Observation("names", *more.get("names", (1, "Postfix finds mail.example.com")))]  # type: ignore[misc]
    used = int(str(more.get("percent", 12)))
    boxes = {"tito@example.com": Usage(3, used, "/tito", 100), "ana@example.com": Usage(1, 9, "/ana")}
    refusing: list[str] = more.get("refusing", [])  # type: ignore[assignment]
    found = inbound.lines(lines, [COM], sockets, seen, refusing, lambda address: says, boxes, (), UNDECLARED)
    return {line.what: line for line in found}


def test_a_message_from_outside_meets_a_good_host_in_the_order_of_what_is_likely():
    found = came(proof())
    assert [line.verdict for line in found.values()] == ["ok"] * len(found)
    assert list(found) == [
        "example.com: the way here", "example.com: known here", "port 25 on every address", "Postfix finds names",
        "no list refuses by itself", "a message gets into a mailbox", "room in the mailboxes",
        "what the policies promise", "port 25 from here",
    ]  # fmt: skip


def test_an_address_in_the_dns_where_nothing_listens_is_told():
    line = came(proof(), listen=("0.0.0.0",))["port 25 on every address"]
    assert (line.ok, line.seen) == (False, "nothing listens for 2001:db8::10")


def test_each_reason_why_nothing_arrives_is_told_at_its_place():
    assert came(proof(**{"dns.mx.example.com": False}))["example.com: the way here"].verdict == "broken"
    assert came(proof(**{"refusals.postmaster": False}))["example.com: known here"].verdict == "broken"
    assert came(proof(), names=(0, "Postfix does not, the host does"))["Postfix finds names"].ok is False
    assert came(proof(), names=(None, "the DNS has no name"))["Postfix finds names"].ok is None
    assert came(proof(), refusing=["smtpd_recipient_restrictions"])["no list refuses by itself"].verdict == "warn"


def test_a_mailbox_that_is_nearly_full_is_named():
    line = came(proof(), percent=97)["room in the mailboxes"]
    assert (line.verdict, line.seen) == ("warn", "tito@example.com 97 %")


def test_what_only_another_network_sees_is_not_pretended():
    line = came(proof(), says=None)["port 25 from here"]
    assert line.ok is None
    assert "cannot know from here" in line.seen
    assert came(proof(), says="220 other.example ESMTP")["port 25 from here"].ok is None


def test_a_person_is_told_what_no_program_can_do():
    told = senders.for_a_person("mail.example.com", ["192.0.2.10"], ["example.com"])
    assert "192.0.2.10" in told[0]
    assert "mail.example.com" in told[0]
    assert any("Postmaster Tools" in one for one in told)
