"""Every fact against what real hosts said: tests/facts/MODULE.FACT/*.yaml holds the output and what to make of it."""

from pathlib import Path
from unittest.mock import patch

import pytest

# pyinfra's command line, which pyinfra_testing imports, hands ssl and threads of the whole process to gevent. Too late
# for that here: every other test's TLS would end in a RecursionError.
with patch("gevent.monkey.patch_all"):
    from pyinfra_testing.facts import make_fact_tests

HERE = Path(__file__).parent / "facts"

# A script of many lines is tested by what it says on a host, not word for word.
pytestmark = pytest.mark.filterwarnings("ignore:No command set for test")

for folder in sorted(path.name for path in HERE.iterdir() if path.is_dir()):
    globals()[f"Test_{folder}"] = make_fact_tests("facts", folder, HERE / folder)
