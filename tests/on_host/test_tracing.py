"""Where is the message? The answer of a host that has taken, refused, filed and passed on some."""

from __future__ import annotations

import time

import pytest

from lab.mailhost import MailHost
from tests.on_host.post import arrived, compose, deliver
from tests.on_host.settings import ANA, IQBAL, TITO, example

pytestmark = pytest.mark.host

# What has no date is Junk, and one alias leads to a server that there is not.
CHANGES = {
    "aliases": {"info@example.com": [TITO, IQBAL], "away@example.com": ["someone@elsewhere.invalid"]},
    "filter": {"blocklists": False, "scores": {"MISSING_DATE": 20}, "block": ["pest.example"]},
}


def traced(host: MailHost, about: str, *expected: str) -> str:
    """What a person reads, once all of ``expected`` stands there: a log is written a little later than a reply."""
    ends = time.monotonic() + 60
    while True:
        run = host.pyinfra("deploys/trace.py", "--data", f"about={about}", "-y")
        assert run.rc == 0, run.output
        if all(part in run.output for part in expected) or time.monotonic() > ends:
            return run.output
        time.sleep(1)


def test_each_message_is_told_to_its_end(mail_host: MailHost):
    run = mail_host.converge(example(**CHANGES))
    assert run.rc == 0, run.output
    mail_host.run(f"doveadm sieve put -u {IQBAL} -a on", input=f'require "copy"; redirect :copy "{ANA}";')
    try:
        junk, forwarded, by_rule = compose(TITO), compose("away@example.com"), compose(IQBAL)
        del junk["Date"]
        for to, message in ((TITO, junk), ("away@example.com", forwarded), (IQBAL, by_rule)):
            assert deliver(mail_host, to, message=message) == 250
        assert deliver(mail_host, "nobody@example.com") == 550
        assert deliver(mail_host, TITO, message=compose(TITO, sender="a@pest.example")) == 554

        expected = (
            f"→ {TITO} has it in Junk; rspamd: Junk, ",
            " points (Junk from 6.00 on): ",
            "MISSING_DATE +",
        )
        told = traced(mail_host, junk["Message-ID"], *expected)
        assert all(part in told for part in expected), told
        assert IQBAL not in told, "it is of one message alone"

        expected = ("→ someone@elsewhere.invalid does not have it", "elsewhere.invalid")
        told = traced(mail_host, forwarded["Message-ID"], *expected)
        assert all(part in told for part in expected), told

        expected = (f"→ {IQBAL} has it", f"a rule sends it on to {ANA}", f"→ {ANA} has it")
        told = traced(mail_host, by_rule["Message-ID"], *expected)
        assert all(part in told for part in expected), told

        expected = ("→ nobody@example.com does not have it: refused: 550 5.1.1",)
        assert expected[0] in traced(mail_host, "nobody@example.com", *expected)
        expected = (junk["Message-ID"], "refused: 5.7.1 Messages from pest.example are not taken here")
        told = traced(mail_host, TITO, *expected)
        assert all(part in told for part in expected), told
        assert "never have come here" in mail_host.pyinfra("deploys/trace.py", "--data", "about=x@y.example").output
    finally:
        mail_host.run(f"doveadm sieve delete -u {IQBAL} -a on", check=False)
    assert arrived(mail_host, ANA, mail_host.password(ANA), by_rule["Subject"]), "and so it is"


def test_who_keeps_how_much_is_a_table(mail_host: MailHost):
    big = compose(ANA, size=200_000)
    assert deliver(mail_host, ANA, message=big) == 250
    assert arrived(mail_host, ANA, mail_host.password(ANA), big["Subject"], seconds=60)
    run = mail_host.pyinfra("deploys/mailboxes.py", "-y")
    assert run.rc == 0, run.output
    (row,) = [line.split() for line in run.output.splitlines() if line.startswith(ANA)]
    assert row[3] in ("K", "M")
    assert (row[4:6], row[6][-1]) == (["2", "M"], "%")
    assert int(row[6][:-1]) >= 10
