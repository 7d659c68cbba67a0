"""Where mail to an address ends, who may send as it, and addresses that contradict each other."""

import pytest
from pydantic import ValidationError

from deploys.config.addresses.options import Expansion
from deploys.config.mailserver import MailServer
from deploys.config.reading.errors import SettingsError

ARGON2 = "{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"


def server(**settings):
    """alice, bob and eve on two domains, and what a test adds."""
    people = ("alice@example.org", "bob@example.org", "eve@example.net")
    whole = {
        "hostname": "mail.example.org",
        "domains": ["example.org", "example.net"],
        "mailboxes": {address: {"password": ARGON2} for address in people},
        **settings,
    }
    return MailServer.read(whole)


def directory(**settings):
    return server(**settings).directory


def refusal(**settings):
    with pytest.raises(SettingsError) as caught:
        server(**settings)
    return caught.value.lines


# --- Where mail ends -------------------------------------------------------------------------------------------------


def test_mail_to_a_mailbox_ends_there_whatever_the_case_and_the_tag():
    people = directory()
    for address in ("bob@example.org", "BOB@Example.org", "bob+shop@example.org"):
        assert people.expand(address) == Expansion(mailboxes=("bob@example.org",))


def test_mail_to_nobody_ends_nowhere():
    assert directory().expand("nobody@example.org") == Expansion()


def test_mail_to_elsewhere_ends_outside():
    assert directory().expand("x@example.com") == Expansion(outside=("x@example.com",))


def test_a_catch_all_gets_only_what_nobody_else_has():
    people = directory(
        aliases={"sales@example.org": ["bob@example.org"]},
        catch_all={"example.org": "alice@example.org", "example.net": "eve@example.net"},
    )
    ends = {
        "bob@example.org": "bob@example.org",
        "bob+x@example.org": "bob@example.org",
        "sales@example.org": "bob@example.org",
        "nobody@example.org": "alice@example.org",
        "nobody@example.net": "eve@example.net",
    }
    assert {address: people.expand(address).mailboxes for address in ends} == {a: (b,) for a, b in ends.items()}


def test_a_mailbox_can_keep_a_copy_of_what_it_forwards():
    people = directory(aliases={"Alice@example.org": ["alice@example.org", "bob@example.org", "x@example.com"]})
    assert people.expand("alice@example.org") == Expansion(("alice@example.org", "bob@example.org"), ("x@example.com",))
    assert people.expand("alice+x@example.org").mailboxes == ("alice@example.org", "bob@example.org")


def test_aliases_lead_to_aliases():
    chain = {f"a{number}@example.org": [f"a{number + 1}@example.org"] for number in range(12)}
    people = directory(aliases={**chain, "a12@example.org": ["bob@example.org", "bob@example.org"]})
    assert people.expand("a0@example.org") == Expansion(mailboxes=("bob@example.org",))


def test_postmaster_and_abuse_of_every_domain_reach_the_postmaster():
    people = directory(aliases={"abuse@example.net": ["eve@example.net"]}, postmaster="bob@example.org")
    assert people.expand("postmaster@example.net").mailboxes == ("bob@example.org",)
    assert people.expand("abuse@example.org").mailboxes == ("bob@example.org",)
    assert people.expand("abuse@example.net").mailboxes == ("eve@example.net",)


def test_a_mailbox_called_postmaster_keeps_its_mail():
    people = directory(mailboxes={"postmaster@example.org": {"password": ARGON2}})
    assert people.expand("postmaster@example.org").mailboxes == ("postmaster@example.org",)
    assert "postmaster@example.org" not in people.all_aliases


# --- Who may send as whom --------------------------------------------------------------------------------------------


def test_only_its_owner_sends_as_a_mailbox_even_where_others_get_copies():
    people = directory(aliases={"alice@example.org": ["alice@example.org", "bob@example.org"]})
    assert people.owners("alice@example.org") == ("alice@example.org",)
    assert people.owners("Alice+shop@example.org") == ("alice@example.org",)


def test_everybody_behind_an_alias_sends_as_it():
    people = directory(
        aliases={"team@example.org": ["alice@example.org", "more@example.org"], "more@example.org": ["bob@example.org"]}
    )
    assert people.owners("team@example.org") == ("alice@example.org", "bob@example.org")


def test_nobody_sends_as_an_address_that_is_not_ours():
    assert directory().owners("x@example.com") == ()
    assert directory().owners("nobody@example.org") == ()


def test_unix_users_log_in_by_their_own_names():
    people = directory(
        accounts="system", mailboxes={"tito@example.org": {}}, aliases={"team@example.org": ["tito@example.org"]}
    )
    assert people.owners("team@example.org") == ("tito",)


def test_a_mailbox_without_a_quota_has_the_servers():
    mailboxes = {f"{name}@example.org": {"password": ARGON2, **more} for name, more in QUOTAS.items()}
    people = directory(quota="2G", mailboxes=mailboxes)
    assert [people.quota_of(address) for address in mailboxes] == [2 << 30, 0, 5 << 20]


QUOTAS: dict[str, dict[str, str | int]] = {"a": {}, "b": {"quota": 0}, "c": {"quota": "5M"}}


# --- Contradictions --------------------------------------------------------------------------------------------------


def test_a_loop_of_aliases_is_printed_once():
    loop = {
        "a@example.org": ["b@example.org"],
        "b@example.org": ["c@example.org"],
        "c@example.org": ["a@example.org"],
    }
    assert refusal(aliases={"start@example.org": ["a@example.org"], **loop}) == [
        "aliases.a@example.org: is an alias loop "
        "(a@example.org → b@example.org → c@example.org → a@example.org); "
        "take one of these steps out"
    ]


def test_two_loops_are_both_printed():
    two = {f"{a}@example.org": [f"{b}@example.org"] for a, b in ("ab", "ba", "cd", "dc")}
    assert [line.split(":")[0] for line in refusal(aliases=two)] == ["aliases.a@example.org", "aliases.c@example.org"]


def test_an_alias_to_itself_needs_a_mailbox():
    (reason,) = refusal(aliases={"ghost@example.org": ["ghost@example.org"]})
    assert reason.startswith("aliases.ghost@example.org: leads to itself, and there is no mailbox ghost@example.org")


def test_an_alias_to_nobody_of_ours_is_refused_with_a_guess():
    (reason,) = refusal(aliases={"x@example.org": ["allice@example.org", "bob+lists@example.org", "abuse@example.org"]})
    assert reason.startswith("aliases.x@example.org: allice@example.org is neither a mailbox nor an alias")
    assert "did you mean alice@example.org?" in reason


def test_a_mailbox_taken_away_names_every_alias_that_still_leads_to_it():
    (reason,) = refusal(
        mailboxes={"alice@example.org": {"password": ARGON2}}, aliases={"sales@example.org": ["bob@example.org"]}
    )
    assert reason.startswith("aliases.sales@example.org: bob@example.org is neither")


def test_an_alias_does_not_silence_a_mailbox():
    (reason,) = refusal(aliases={"alice@example.org": ["bob@example.org"]})
    assert reason.startswith("aliases.alice@example.org: a mailbox of this name exists and would never receive again")
    assert "add alice@example.org to the list to keep a copy" in reason


def test_a_catch_all_leads_to_somebody():
    (reason,) = refusal(catch_all={"example.org": "nosuch@example.org"})
    assert reason.startswith("catch_all.example.org: nosuch@example.org is neither a mailbox nor an alias")
    assert directory(catch_all={"example.org": "x@example.com"}).expand("y@example.org").outside == ("x@example.com",)


def test_a_catch_all_of_somebody_elses_domain_is_refused():
    (reason,) = refusal(catch_all={"example.com": "alice@example.org"})
    assert reason.startswith("catch_all.example.com: example.com is not one of domains; add it there")


def test_the_same_domain_twice_in_catch_all_is_refused():
    (reason,) = refusal(catch_all={"example.org": "alice@example.org", "EXAMPLE.org": "bob@example.org"})
    assert reason == "catch_all.EXAMPLE.org: EXAMPLE.org is the same domain as example.org; keep one of them"


def test_the_same_mailbox_in_two_cases_is_refused_by_both_spellings():
    mailboxes = {name: {"password": ARGON2} for name in ("Alice@example.org", "alice@Example.org")}
    assert refusal(mailboxes=mailboxes) == [
        "mailboxes.alice@Example.org: alice@Example.org is the same mailbox as Alice@example.org; keep one of them"
    ]


def test_a_chain_longer_than_anybody_follows_is_refused_with_the_limit():
    chain = {f"a{number}@example.org": [f"a{number + 1}@example.org"] for number in range(101)}
    reasons = refusal(aliases={**chain, "a101@example.org": ["bob@example.org"]})
    assert "leads through 102 aliases in a row, and 100 is the most" in reasons[0]


def test_an_alias_to_more_than_postfix_expands_is_refused_with_the_limit():
    crowd = [f"x{number}@example.com" for number in range(1001)]
    (reason,) = refusal(aliases={"all@example.org": crowd})
    assert reason.startswith("aliases.all@example.org: leads to more than 1000 addresses, Postfix's limit")


def test_a_misspelt_mailbox_is_not_blamed_on_its_aliases():
    reasons = refusal(
        mailboxes={"bob(at)example.org": {"password": ARGON2}}, aliases={"x@example.org": ["bob@example.org"]}
    )
    assert [reason.split(":")[0] for reason in reasons] == ["mailboxes.bob(at)example.org"]


def test_what_has_been_read_never_changes():
    with pytest.raises(ValidationError):
        server().quota = 1


def test_an_address_may_hold_what_no_mail_program_trips_over():
    odd = "a&b=c~d#e@example.org"
    assert odd in directory(mailboxes={"alice@example.org": {"password": ARGON2}, odd: {"password": ARGON2}}).mailboxes
    assert directory(aliases={"o'neil@example.org": ["alice@example.org"]}).owners("o'neil@example.org")


@pytest.mark.parametrize("local", ["a/b", "a!b", "a%b", "a*b", "~ann", "#ann", "'ann", "a|b", "a$b"])
def test_an_address_that_some_program_would_trip_over_is_refused(local):
    assert "cannot be an address here" in str(refusal(mailboxes={f"{local}@example.org": {"password": ARGON2}}))


def test_a_mailbox_with_an_apostrophe_is_told_the_alias_that_does_it():
    text = str(refusal(mailboxes={"o'neil@example.org": {"password": ARGON2}}))
    assert "declare oneil@example.org, and o'neil@example.org as an alias" in text
