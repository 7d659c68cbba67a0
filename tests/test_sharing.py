"""How tests are shared among processes: what shares hosts stays together, and the longest begins first."""

from tests.durations import table
from tests.sharing import group, longest_first

FILE = "tests/on_host/test_messages.py"
HERE = f"{FILE}::test_a_message_arrives"


def test_one_files_tests_on_one_release_are_one_processs():
    assert group(f"{HERE}[debian-13]") == f"{FILE} debian-13"
    assert group(f"{HERE}[debian-13-words0-no_such_parameter]") == f"{FILE} debian-13"
    assert group(f"{HERE}[odd [x]-debian-12]") == f"{FILE} debian-12"
    assert group(f"{HERE}[ubuntu-22.04]") == f"{FILE} ubuntu-22.04"


def test_what_names_no_release_shares_its_file():
    assert group(HERE) == FILE
    assert group(f"{HERE}[imap]") == FILE
    assert group("tests/test_options.py::test_one[debian-13]") == "tests/test_options.py"


def test_the_longest_begins_first_but_every_release_begins_at_once():
    on_12 = [f"tests/on_host/test_a.py::test_{number}[debian-12]" for number in range(3)]
    on_12 += [f"tests/on_host/test_b.py::test_{number}[debian-12]" for number in range(2)]
    fast = [f"tests/test_c.py::test_{number}" for number in range(9)]
    on_13 = ["tests/on_host/test_a.py::test_0[debian-13]"]
    assert longest_first([*fast, *on_12, *on_13]) == [
        "tests/on_host/test_a.py debian-12",
        "tests/on_host/test_a.py debian-13",
        "tests/on_host/test_b.py debian-12",
        "tests/test_c.py",
    ]


def test_who_comes_third_takes_what_waits_for_no_first_run():
    long, bare = "tests/on_host/test_acme.py::test_1", "tests/on_host/test_vagrant.py::test_1"
    begun = [f"tests/on_host/test_verify.py::test_1[{release}]" for release in ("debian-12", "debian-13")]
    assert longest_first([bare, f"{long}[debian-12]", *begun]) == [
        *(f"tests/on_host/test_verify.py {release}" for release in ("debian-12", "debian-13")),
        "tests/on_host/test_vagrant.py",
        "tests/on_host/test_acme.py debian-12",
    ]


def test_fast_tests_of_the_same_file_name_are_fast():
    fast, on_host = "tests/test_verify.py::test_1", "tests/on_host/test_messages.py::test_1[debian-12]"
    assert longest_first([fast, on_host]) == ["tests/on_host/test_messages.py debian-12", "tests/test_verify.py"]


def test_the_table_shows_where_the_time_went():
    spent = [
        (f"{HERE}[debian-13]", "setup", 2.0),
        (f"{HERE}[debian-13]", "call", 1.0),
        ("tests/test_c.py::x", "call", 4),
    ]
    assert [line.split() for line in table(spent)[1:]] == [
        ["4.0", "0.0", "1", "tests/test_c.py;", "x", "4.0"],
        ["3.0", "2.0", "1", FILE, "debian-13;", "test_a_message_arrives", "3.0"],
        ["7.0", "2.0", "2", "in", "all"],
    ]
