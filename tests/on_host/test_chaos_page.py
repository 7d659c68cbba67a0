"""The tables of docs/reliability.md: written by the test, each release's between its own marks."""

from collections import Counter

import pytest

from tests.on_host.chaos.ledger import Count
from tests.on_host.chaos.page import written
from tests.on_host.chaos.rounds import Row

COUNT = Count(taken=1200, delivered=1196, queued=1, bounced=2, lost=("one",), twice=Counter({"two": 3}))
ROW = Row(
    fault="no network", count=COUNT, put_off=7, refused=4, unanswered=1, changes=5, again=0, seconds=60.5,
)  # fmt: skip


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "reliability.md"
    path.write_text(
        "# Words\n\n<!-- debian-13: written by tests/on_host/test_chaos.py -->\nold\n<!-- debian-13: end -->\nmore\n"
    )
    return path


def test_a_release_has_its_new_table_and_the_words_around_stay(page):
    written(page, "debian-13", [ROW], COUNT)
    text = page.read_text()
    assert "| no network | 1200 | 1196 | 1 | 2 | 1 | 3 | 7 | 4 | 5 | 0 |\n" in text
    assert "1,200 messages answered 250" in text
    assert "old" not in text
    assert (text.startswith("# Words\n"), text.endswith("\nmore\n")) == (True, True)


def test_another_release_gets_a_table_of_its_own(page):
    written(page, "debian-12", [ROW], COUNT)
    written(page, "debian-12", [ROW], COUNT)
    assert page.read_text().count("| no network |") == 1
    assert "old" in page.read_text()
