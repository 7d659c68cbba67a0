"""Where a message is: lines that real hosts wrote, and what a person reads of them."""

from __future__ import annotations

import pytest

from deploys.config.mailserver import MailServer
from deploys.tracing import asked, usage
from deploys.tracing.journeys import Journey, ends, journeys, told
from facts.mailboxes import Usage
from tests.settings import box, example

NEW, OLD = "2026-11-27T04:12:26+00:00 mail.example.com ", "2026-11-27T04:12:26+0000 mail.example.com "
LMTP = "relay=mail.example.com[private/dovecot-lmtp], delay=0.07, delays=0.06/0/0/0.01, dsn=2.0.0, status=sent"


def one(*lines: str, head: str = NEW) -> Journey:
    (found,) = journeys([head + line for line in lines])
    return found


def now(journey: Journey) -> list[str]:
    return [line.strip() for line in told(journey) if line.startswith("  →")]


def arriving(queue: str, message: str, action: str = "no action", points: str = "4.30/6.00") -> tuple[str, ...]:
    return (
        f"postfix/smtpd[3072]: {queue}: client=unknown[172.17.0.1]",
        f"postfix/cleanup[3076]: {queue}: message-id=<{message}>",
        f"rspamd[2514]: (rspamd_proxy) <f806cb>; proxy; rspamd_task_write_log: id: <{message}>, qid: <{queue}>, "
        f"ip: 172.17.0.1, from: <a@b.example>, (default: F ({action}): [{points}] [AUTH_NA(1.00){{}},"
        "MIME_GOOD(-0.10){text/plain;},BAYES_SPAM(3.40){99.9%;},ARC_NA(0.00){}]), len: 333, time: 40.0ms, dns req: 4",
        f"postfix/qmgr[3059]: {queue}: from=<a@b.example>, size=539, nrcpt=1 (queue active)",
    )


@pytest.mark.parametrize("head", [NEW, OLD])
def test_a_message_in_the_inbox_is_told_from_its_arrival_to_its_folder(head: str):
    found = one(
        *arriving("ABBB06A6D21", "1@b.example"),
        "dovecot[1913]: lmtp(tito@example.com)<1931><oQYsLSoDCWuLBwAAYIgGOA>: sieve: msgid=<1@b.example>: "
        "stored mail into mailbox 'INBOX'",
        f"postfix/lmtp[3078]: ABBB06A6D21: to=<tito@example.com>, {LMTP} (250 2.0.0 <tito@example.com> oQY Saved)",
        "postfix/qmgr[3059]: ABBB06A6D21: removed",
        head=head,
    )
    assert list(told(found)) == [
        "<1@b.example>",
        "  2026-11-27 04:12:26  handed in by unknown[172.17.0.1]",
        "  2026-11-27 04:12:26  rspamd: no spam, 4.30 points (Junk from 6.00 on): BAYES_SPAM +3.40, AUTH_NA +1.00, "
        "MIME_GOOD -0.10",
        "  2026-11-27 04:12:26  accepted, from a@b.example, 539 bytes",
        "  2026-11-27 04:12:26  tito@example.com: stored in INBOX",
        "  → tito@example.com has it: stored in INBOX",
    ]


def test_junk_says_why():
    found = one(
        *arriving("ABBB06A6D21", "1@b.example", "add header", "7.10/6.00"),
        "dovecot[1913]: lmtp(tito@example.com)<1931><x>: sieve: msgid=<1@b.example>: "
        "fileinto action: stored mail into mailbox 'Junk'",
    )
    assert now(found) == [
        "→ tito@example.com has it in Junk; rspamd: Junk, 7.10 points (Junk from 6.00 on): BAYES_SPAM +3.40, "
        "AUTH_NA +1.00, MIME_GOOD -0.10"
    ]


@pytest.mark.parametrize(
    ("line", "told_now"),
    [
        (
            "postfix/smtpd[3072]: NOQUEUE: reject: RCPT from unknown[172.17.0.1]: 550 5.1.1 <nobody@example.com>: "
            "Recipient address rejected: User unknown; from=<a@b.example> to=<nobody@example.com> proto=ESMTP",
            "→ nobody@example.com does not have it: refused: 550 5.1.1 <nobody@example.com>: Recipient address "
            "rejected: User unknown (by unknown[172.17.0.1], from a@b.example)",
        ),
        (
            "postfix/submission/smtpd[3086]: NOQUEUE: reject: RCPT from unknown[172.17.0.1]: 450 4.1.2 <z@else.invalid>"
            ": Recipient address rejected: Domain not found; from=<> to=<z@else.invalid> proto=ESMTP",
            "→ z@else.invalid does not have it: put off while it was handed in (whoever sends it tries again): 450 "
            "4.1.2 <z@else.invalid>: Recipient address rejected: Domain not found (by unknown[172.17.0.1])",
        ),
        (
            "postfix/cleanup[3076]: CDD8D6A6D47: milter-reject: END-OF-MESSAGE from unknown[172.17.0.1]: 5.7.1 "
            "Messages from pest@b.example are not taken here; from=<> to=<tito@example.com> proto=ESMTP helo=<mx>",
            "→ tito@example.com does not have it: refused: 5.7.1 Messages from pest@b.example are not taken here "
            "(by unknown[172.17.0.1])",
        ),
        (
            "postfix/smtp[3625]: DAD116A6D37: to=<x@else.invalid>, orig_to=<away@example.com>, relay=none, delay=0.08, "
            "delays=0.05/0.03/0/0, dsn=5.4.4, status=bounced (Host or domain name not found)",
            "→ x@else.invalid does not have it: not delivered, and its sender was told: Host or domain name not found",
        ),
        (
            "postfix/smtp[3625]: DAD116A6D37: to=<x@gmail.com>, relay=gmail-smtp-in.l.google.com[192.0.2.1]:25, "
            "delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250 2.0.0 OK gsmtp)",
            "→ x@gmail.com is on another server, which has it: taken by gmail-smtp-in.l.google.com[192.0.2.1]:25: "
            "250 2.0.0 OK gsmtp",
        ),
    ],
)
def test_each_end_of_a_message_is_one_sentence(line: str, told_now: str):
    assert now(one(line)) == [told_now]


def test_what_waits_is_explained_in_the_words_that_verify_has_for_its_code():
    found = one(
        "postfix/smtp[1]: DAD116A6D37: to=<x@gmail.com>, relay=gmail-smtp-in.l.google.com[192.0.2.1]:25, delay=1, "
        "delays=0/0/1/0, dsn=4.7.28, status=deferred (host gmail-smtp-in.l.google.com[192.0.2.1] said: 421-4.7.28 "
        "unusual rate of mail (in reply to end of DATA command))"
    )
    assert list(told(found))[-2].startswith(
        "  → x@gmail.com does not have it yet: waits, and is tried again: host gmail"
    )
    assert list(told(found))[-1] == (
        "    Gmail means: too many messages at once; send nothing for ten minutes, then slowly; look for a stolen login"
    )


def test_what_was_put_off_and_came_through_later_has_arrived():
    deferred = (
        "postfix/smtp[1]: DAD116A6D37: to=<x@b.example>, relay=none, delay=1, dsn=4.4.1, status=deferred (timeout)"
    )
    sent = (
        "postfix/smtp[1]: DAD116A6D37: to=<x@b.example>, relay=b.example[192.0.2.1]:25, dsn=2.0.0, status=sent (250 ok)"
    )
    assert ends(one(deferred, sent))["x@b.example"].kind == "sent"


HELD = (
    "postfix/submissions/smtpd[1]: DAD116A6D37: client=unknown[172.17.0.1], sasl_username=x@b.example",
    "postfix/submissions/smtpd[1]: DAD116A6D37: hold: END-OF-MESSAGE from unknown[172.17.0.1]: <END-OF-MESSAGE>: "
    "End-of-data x@b.example has handed in 301 messages to 301 recipients within an hour; from=<x@b.example> "
    "to=<tito@example.com> proto=ESMTP helo=<laptop>",
)
WAITS = "postfix/smtp[1]: DAD116A6D37: to=<x@c.example>, relay=none, delay=1, dsn=4.4.1, status=deferred (timeout)"
STORED = f"postfix/lmtp[3078]: DAD116A6D37: to=<tito@example.com>, {LMTP} (250 2.0.0 <tito@example.com> oQY Saved)"


def test_what_is_on_hold_says_why_and_who_can_let_it_go():
    assert now(one(*HELD)) == [
        "→ whoever it is for does not have it yet: on hold until somebody releases it (deploys/held.py): x@b.example "
        "has handed in 301 messages to 301 recipients within an hour"
    ]


def test_what_was_released_is_where_it_went():
    found = one(*HELD, "postfix/postsuper[9]: DAD116A6D37: released from hold", STORED)
    assert now(found) == ["→ tito@example.com has it: given to Dovecot"]
    assert any("released by somebody with root's rights" in line for line in told(found))


def test_what_somebody_deleted_is_gone_for_those_alone_who_did_not_have_it():
    dropped = "postfix/postsuper[9]: DAD116A6D37: removed"
    gone = "does not have it: deleted from the queue by somebody with root's rights"
    assert now(one(*HELD, dropped)) == [f"→ whoever it is for {gone}"]
    assert now(one(STORED, WAITS, dropped)) == [
        "→ tito@example.com has it: given to Dovecot",
        f"→ x@c.example {gone}",
    ]


def test_what_a_rule_sends_on_is_the_same_message():
    found = one(
        *arriving("F36756A6D37", "1@b.example"),
        "dovecot[1913]: lmtp(iqbal@example.com)<1931><x>: sieve: msgid=<1@b.example>: fileinto action: stored mail into"
        " mailbox 'Work'",
        "postfix/sieve/smtpd[3634]: 345726A6D71: client=localhost[127.0.0.1], sasl_method=XCLIENT, "
        "sasl_username=iqbal@example.com",
        "postfix/cleanup[3638]: 345726A6D71: message-id=<1@b.example>",
        "dovecot[1913]: lmtp(iqbal@example.com)<1931><x>: sieve: msgid=<1@b.example>: redirect action: forwarded to "
        "<ana@example.net>",
        "dovecot[1913]: lmtp(ana@example.net)<1931><x>: sieve: msgid=<1@b.example>: discard action: Marked message to "
        "be discarded if not explicitly delivered (discard action)",
    )
    assert found.queues == ["F36756A6D37", "345726A6D71"]
    assert now(found) == [
        "→ iqbal@example.com has it: stored in Work, by a rule",
        "→ ana@example.net does not have it: a rule threw it away",
    ]
    assert "  2026-11-27 04:12:26  written or sent on by a rule of iqbal@example.com" in told(found)


def test_an_address_gets_its_last_messages_and_says_how_many_there_are():
    lines = [NEW + line for number in range(12) for line in arriving(f"ABBB06A6D{number:02}", f"{number}@b.example")]
    said = asked.answer("mail.example.com", "tito@example.com", "-3d", lines)
    assert said.startswith(
        "mail.example.com: tito@example.com, in the logs of 3d, the last 10 of 12 messages\n<2@b.example>"
    )
    assert asked.answer("h", "x@y.example", "-3d", []) == (
        "h: nothing about x@y.example in the logs of 3d; it may never have come here"
    )


@pytest.mark.parametrize(
    ("said", "taken"),
    [("3d", "-3d"), ("12h", "-12h"), ("yesterday", "yesterday"), ("2026-11-27 14:30", "2026-11-27 14:30")],
)
def test_times_are_taken_as_people_say_them(said: str, taken: str):
    assert asked.since(said) == taken


@pytest.mark.parametrize("said", ["soon", "3 days; reboot", "", "--vacuum-size=1"])
def test_what_is_no_time_is_refused(said: str):
    with pytest.raises(ValueError, match="is no time; write 12h, 3d"):
        asked.since(said)


@pytest.mark.parametrize("said", [None, "", "two words", "a b@c", "x"])
def test_what_names_no_message_is_refused(said: object):
    with pytest.raises(ValueError, match="say what to look for"):
        asked.about(said)


def test_the_largest_mailbox_comes_first_and_what_was_left_behind_is_named():
    mail = MailServer.read(example(mailboxes={"tito@example.org": box(quota="5G"), "ana@example.org": box(quota=0)}))
    found = {
        "tito@example.org": Usage(1200, 4 << 30, "/var/mail/vhosts/example.org/tito", 5 << 30),
        "gone@example.org": Usage(3, 6 << 30, "/var/mail/vhosts/example.org/gone"),
        "posthaus-probe@example.org": Usage(0, 0, "/x"),
    }
    assert usage.table(found, mail.directory).splitlines() == [
        "mailbox           messages  size  quota  full",
        "gone@example.org         3   6 G               no mailbox (any more): /var/mail/vhosts/example.org/gone",
        "tito@example.org     1,200   4 G    5 G   80%",
        "ana@example.org          0     0   none",
        "all                  1,203  10 G",
    ]
