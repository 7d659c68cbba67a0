"""In CI a test on a host gets a second try, aloud; nothing else does, and not many in one run."""

import pytest

from tests.nested import nested
from tests.second_try import MOST

# Fails the first time that it runs, and says why.
FLICKERING = """
def test_{name}():
    path = pathlib.Path(__file__).with_name("{name}.seen")
    seen, _ = path.exists(), path.touch()
    print("it was rspamd")
    assert seen, "the message did not come"
"""
HOST = "@pytest.mark.host"


def run(directory, *tests, ci="true", words=()):
    return nested(directory, "import pathlib\n\nimport pytest\n\n" + "\n".join(tests), *words, mark="host", ci=ci)


@pytest.mark.parametrize("words", [(), ("-n", "2")])
def test_what_failed_once_on_a_host_passes_and_the_run_tells_what_happened(tmp_path, words):
    done = run(tmp_path, HOST + FLICKERING.format(name="post"), words=words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 1 rerun" in done.stdout
    assert "1 test had a second try" in done.stdout
    assert "the message did not come" in done.stdout
    assert "it was rspamd" in done.stdout


def test_what_fails_twice_fails(tmp_path):
    done = run(tmp_path, f"{HOST}\ndef test_post():\n    assert not 'lost'\n")
    assert (done.returncode, "1 failed, 1 rerun" in done.stdout) == (1, True), done.stdout


def test_without_a_host_or_on_a_persons_machine_everything_fails_at_once(tmp_path):
    done = run(tmp_path, FLICKERING.format(name="words"))
    assert (done.returncode, " rerun in " in done.stdout) == (1, False), done.stdout
    done = run(tmp_path, HOST + FLICKERING.format(name="post"), ci="")
    assert (done.returncode, " rerun in " in done.stdout) == (1, False), done.stdout


@pytest.mark.parametrize("words", [(), ("-n", "2")])
def test_many_that_need_it_fail_the_run(tmp_path, words):
    tests = [HOST + FLICKERING.format(name=f"post{number}") for number in range(MOST + 1)]
    done = run(tmp_path, *tests, words=words)
    assert done.returncode == 1, done.stdout
    assert f"{MOST + 1} tests had a second try: more than {MOST}, so this run fails" in done.stdout
