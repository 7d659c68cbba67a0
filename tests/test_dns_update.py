"""Dynamic updates of a real name server: what differs changes, what is another's stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from deploys.records import all_records, transport
from deploys.records.record import Record, record, txt
from deploys.records.resolver import Resolver
from deploys.records.tsig import TsigKey
from deploys.records.update import Server, UpdateError, changes, send
from tests.dns_contexts import NET
from tests.dns_server import KEY, SECRET, authoritative, free_port, needs

pytestmark = needs("named")
BARE = """$TTL 300
example.net. IN SOA ns1.example.net. hostmaster.example.net. 1 3600 600 86400 300
example.net. IN NS ns1.example.net.
ns1.example.net. IN A 192.0.2.53
example.net. IN TXT "site-verification=of-another-program"
example.net. IN TXT "v=spf1 mx -all"
www.example.net. IN A 192.0.2.80
webmail.example.net. IN A 192.0.2.80
"""
TSIG = TsigKey(name=KEY, algorithm="hmac-sha256", secret=SecretStr(SECRET))
RECORDS = all_records.of_domain(NET)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with authoritative(tmp_path, {"example.net": BARE}) as port:
        yield Server("127.0.0.1", port, TSIG)


def held(server: Server, name: str, kind: str) -> set[str]:
    return set(Resolver(server.address, server.port).ask(name, kind).values)


def test_all_records_arrive_and_a_second_run_has_nothing_to_say(server: Server):
    send(server, "example.net", changes(server, RECORDS))
    assert changes(server, RECORDS) == ()
    for one in RECORDS:
        assert held(server, one.name, one.type) >= {rdata.to_text() for rdata in one.rdatas}


def test_anothers_records_stay_even_at_the_same_name_and_type(server: Server):
    send(server, "example.net", changes(server, RECORDS))
    assert held(server, "example.net", "TXT") == {
        '"site-verification=of-another-program"',
        '"v=spf1 a:mail.example.com ~all"',
    }
    assert held(server, "www.example.net", "A") == {"192.0.2.80"}
    assert held(server, "ns1.example.net", "A") == {"192.0.2.53"}


def test_only_what_differs_is_sent(server: Server):
    send(server, "example.net", changes(server, RECORDS))
    stricter = replace(transport.mx(NET)[0], values=("20 mail.example.com.",))
    (change,) = changes(server, [stricter, *RECORDS[1:]])
    assert str(change) == "- example.net. MX 10 mail.example.com.; + example.net. MX 20 mail.example.com."


def test_a_new_lifetime_alone_is_a_change(server: Server):
    send(server, "example.net", changes(server, RECORDS))
    brief = [replace(one, ttl=600) for one in transport.mx(NET)]
    send(server, "example.net", changes(server, brief))
    assert changes(server, brief) == ()
    assert held(server, "example.net", "MX") == {"10 mail.example.com."}


def test_a_zone_that_somebody_changed_meanwhile_is_left_as_it_is(server: Server):
    planned = changes(server, RECORDS)
    other = record("example.net", "MX", 300, ["5 elsewhere.example.org."], "another administrator's")
    send(server, "example.net", changes(server, other))
    with pytest.raises(UpdateError, match="somebody changed the zone meanwhile"):
        send(server, "example.net", planned)
    assert held(server, "example.net", "MX") == {"5 elsewhere.example.org."}
    assert held(server, "_dmarc.example.net", "TXT") == set()


def test_a_cname_that_the_server_drops_in_silence_is_noticed(server: Server):
    alias = record("webmail.example.net", "CNAME", 300, ["mail.example.com."], "webmail")
    with pytest.raises(UpdateError, match=r"not webmail\.example\.net\. CNAME"):
        send(server, "example.net", changes(server, alias))


def test_a_key_that_the_server_does_not_know_is_said_so_without_the_secret(server: Server):
    stranger = replace(server, key=TSIG.model_copy(update={"secret": SecretStr("YW5vdGhlciBzZWNyZXQgb2YgbWluZQ==")}))
    with pytest.raises(UpdateError, match="does not accept the key test-key") as refusal:
        changes(stranger, RECORDS)
    assert "YW5v" not in str(refusal.value)


def test_a_name_outside_the_zone_is_refused(server: Server):
    outside: tuple[Record, ...] = record("example.org", "TXT", 300, [txt("v=spf1 -all")], "not ours")
    with pytest.raises(UpdateError, match=r"refused \((NOTAUTH|REFUSED|NOTZONE)\)"):
        send(server, "example.net", changes(server, outside))


def test_a_server_that_is_not_there_is_said_so():
    with pytest.raises(UpdateError, match="does not answer over TCP"):
        changes(Server("127.0.0.1", free_port(), TSIG), RECORDS)
