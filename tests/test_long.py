"""Long tests are left to the nightly, and every run that leaves some out says so."""

import pytest

from tests.nested import nested

TESTS = "import pytest\n\n@pytest.mark.long\ndef test_long(): pass\n\ndef test_short(): pass\n"
SAID = "1 long test was left to the nightly (--long runs them): test_x.py"


def run(directory, *words):
    done = nested(directory, TESTS, *words, mark="long")
    assert not done.returncode, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("processes", [(), ("-n", "2")])
def test_a_long_test_is_left_out_aloud_and_no_failure_in_ci(tmp_path, processes):
    said = run(tmp_path, *processes)
    assert "1 passed" in said
    assert said.count(SAID) == 1


@pytest.mark.parametrize("processes", [(), ("-n", "2")])
def test_it_runs_where_long_tests_are_wanted(tmp_path, processes):
    said = run(tmp_path, "--long", *processes)
    assert "2 passed" in said
    assert "nightly" not in said


def test_what_other_words_leave_out_is_not_counted(tmp_path):
    assert "nightly" not in run(tmp_path, "-k", "short")
