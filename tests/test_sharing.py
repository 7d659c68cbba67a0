"""How tests are shared among processes: a release's hosts belong to one of them."""

from tests.sharing import group

HERE = "tests/on_host/test_messages.py::test_a_message_arrives"


def test_each_release_is_one_processs():
    assert group(f"{HERE}[debian-13]") == "debian-13"
    assert group(f"{HERE}[debian-13-words0-no_such_parameter]") == "debian-13"
    assert group(f"{HERE}[odd [x]-debian-12]") == "debian-12"
    assert group(f"{HERE}[ubuntu-22.04]") == "ubuntu-22.04"


def test_what_names_no_release_shares_the_rest():
    assert group(HERE) == "host"
    assert group(f"{HERE}[imap]") == "host"


def test_a_test_without_a_host_is_anybodys():
    assert group("tests/test_options.py::test_one[debian-13]") == "tests/test_options.py::test_one[debian-13]"
