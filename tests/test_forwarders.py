"""Whom the host's resolver forwards to: asked as unbound will ask, before anything changes. Real name servers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deploys.checks import resolver
from deploys.components.unbound.check import unfit
from deploys.preflight.names import name_problems
from facts.resolvers import Answers, Heard, Resolvers
from tests.dns_server import free_port, named, needs
from tests.test_dns_checks import run_in

HERE = "127.0.0.1"
ROOT = """$TTL 300
. IN SOA ns.root. nobody.root. 1 3600 600 86400 300
. IN NS ns.root.
ns.root. IN A 127.0.0.1
com. IN NS ns.root.
com. IN DS 19718 13 2 8ACBB0CD28F41250A80A491389424D341522D946B0DA0C0291F2D3D771D7805A
"""


def heard(port: int) -> Answers:
    """What the fact makes of a name server here, asked by the very command that a host runs, as a forwarder is."""
    command = Resolvers().command([HERE], port).get_raw_value().replace(r"\1\40\0\1", r"\1\20\0\1")
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=20)
    return Resolvers().process([line for line in done.stdout.splitlines() if line != "told"])


def problem(answers: Answers) -> list[str]:
    return name_problems([], False, False, unfit([HERE], answers))


@needs("named", "dnssec-signzone")
def test_a_forwarder_without_signatures_is_refused_before_anything_changes(tmp_path: Path):
    (tmp_path / "root.zone").write_text(ROOT)
    with named(tmp_path, "recursion no;", 'zone "." { type primary; file "root.zone"; };\n') as port:
        answers = heard(port)
    assert answers.heard[HERE] == Heard("NOERROR", signed=False)
    (said,) = problem(answers)
    assert said.startswith(f"resolver.forward: {HERE} passes on no DNSSEC signatures")
    assert "`resolver: local`" in said


@needs("named", "dnssec-signzone")
def test_a_forwarder_with_signatures_is_welcome(tmp_path: Path):
    (tmp_path / "root.zone").write_text(ROOT)
    run_in(tmp_path, "dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", "-f", "KSK", ".")
    run_in(tmp_path, "dnssec-signzone", "-z", "-S", "-o", ".", "root.zone")
    with named(tmp_path, "recursion no;", 'zone "." { type primary; file "root.zone.signed"; };\n') as port:
        answers = heard(port)
    assert answers.heard[HERE] == Heard("NOERROR", signed=True)
    assert problem(answers) == []


@needs("named")
def test_a_forwarder_that_lets_this_host_ask_nothing_is_refused(tmp_path: Path):
    with named(tmp_path, "recursion no;", "") as port:
        (said,) = problem(heard(port))
    assert f"{HERE} answers REFUSED when asked about the root" in said


def test_a_forwarder_that_is_silent_is_refused_unless_another_answers():
    answers = heard(free_port())
    (said,) = problem(answers)
    assert "does not answer this host at port 53" in said
    good = Answers({"192.0.2.53": Heard("NOERROR", signed=True)})
    assert unfit([HERE, "192.0.2.53"], good) == {}


def test_who_wrote_local_conf_has_said_whom_to_ask():
    assert unfit([HERE], Answers(told=True)) == {}


@pytest.mark.parametrize(
    ("own", "forwarder", "verdicts"),
    [
        (Heard("NOERROR", True, True), Heard("NOERROR", True), ["ok", "ok"]),
        (Heard("SERVFAIL"), Heard("NOERROR"), ["FAIL", "FAIL"]),
        (Heard("NOERROR", True, False), Heard("NOERROR", True), ["FAIL", "ok"]),
        (Heard("NOERROR", True, True), Heard(), ["ok", "FAIL"]),
        (Heard(), Heard("REFUSED"), ["FAIL", "FAIL"]),
    ],
)
def test_verify_says_whether_names_are_found_and_who_is_to_blame(own: Heard, forwarder: Heard, verdicts: list[str]):
    found = resolver.results(["192.0.2.53"], Answers({"127.0.0.1": own, "192.0.2.53": forwarder}))
    assert [result.verdict for result in found] == verdicts
    assert [result.key for result in found] == ["resolver.validates", "resolver.forward.192.0.2.53"]


BYTES = ["said 127.0.0.1 ====", "said 127.0.0.1 AAAA", "said", "said 127.0.0.1 " + "//8=" * 40]


@pytest.mark.parametrize("said", BYTES)
def test_bytes_that_are_no_dns_are_a_bad_answer(said: str):
    assert Resolvers().process([said]).heard.get(HERE, Heard()).signed is False
