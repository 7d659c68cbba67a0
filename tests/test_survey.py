"""What a run asks it asks together, and anew after each change: with pyinfra's own engine, on this machine."""

import importlib
import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pyinfra import host, state
from pyinfra.api import Config, FactBase, Host, Inventory, State, StringCommand
from pyinfra.api.connect import connect_all, disconnect_all
from pyinfra.api.operation import add_op, operation
from pyinfra.api.operations import run_ops
from pyinfra.api.state import StateStage
from pyinfra.context import ctx_host, ctx_state

import operations
from facts.directories import Directories
from facts.record import Record
from facts.survey import Question, Survey, answers, kinds, question, script
from facts.tree import OnDisk, Tree, TreeState
from facts.units import Unit
from operations import survey
from operations.survey import ask, expect, looks, together
from tests.settings import ROOT


class Lines(FactBase[list[str]]):
    """The lines of a file on the host."""

    default = list

    def command(self, path: str) -> StringCommand:
        return StringCommand("cat", path, "2>/dev/null; true")

    def process(self, output: list[str]) -> list[str]:
        return output


class Says(Lines):
    """What a command prints."""

    def command(self, path: str) -> StringCommand:
        return StringCommand(path)


class OfAnother(Lines):
    """What only a program that is not installed could say."""

    def requires_command(self, path: str) -> str:
        return "posthaus-no-such-program"


def _of_file(path: str, **_: object) -> list[Question[list[str]]]:
    return [question(Lines, path=path)]


@looks(_of_file)
def holds(path, lines):
    """Make ``lines`` the content of the file ``path``."""
    (about,) = _of_file(path)
    if ask(about) != lines:
        yield StringCommand("printf '%s\\n'", *lines, ">", path)


class Run:
    """A run on one host; what it sends is counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, checks: bool) -> None:
        self.sent: list[str] = []
        self.state = State(Inventory((["@local"], {})), Config(), check_for_changes=checks)
        original = Host.run_shell_command

        def run(host: Host, command: StringCommand, *arguments: Any, **options: Any) -> Any:
            self.sent.append(str(command))
            return original(host, command, *arguments, **options)

        monkeypatch.setattr(Host, "run_shell_command", run)
        connect_all(self.state)
        self.state.set_stage(StateStage.Prepare)

    def call(self, operation: Any, **arguments: Any) -> None:
        add_op(self.state, operation, name=f"{operation.__name__} {arguments}", **arguments)

    def execute(self) -> None:
        self.state.set_stage(StateStage.Execute)
        run_ops(self.state)

    @property
    def changed(self) -> int:
        (results,) = self.state.results.values()
        meta = self.state.ops[self.state.inventory.get_host("@local")]
        assert results.error_ops == 0
        return sum(data.operation_meta.did_change() for data in meta.values())


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Run]]:
    """Begin a run; ``checks``: operations are asked first whether they would change anything, as without -y."""
    begun: list[Run] = []

    def one(checks: bool = False) -> Run:
        begun.append(Run(monkeypatch, checks))
        return begun[-1]

    yield one
    for run in begun:
        disconnect_all(run.state)


def files(tmp_path: Path, count: int) -> list[str]:
    """Paths of files that each hold the word ``same``."""
    for number in range(count):
        (tmp_path / str(number)).write_text("same\n")
    return [str(tmp_path / str(number)) for number in range(count)]


def test_a_run_with_nothing_to_do_asks_once(begin, tmp_path):
    run = begin()
    for path in files(tmp_path, 12):
        run.call(holds, path=path, lines=["same"])
    assert run.sent == []
    run.execute()
    assert (run.changed, len(run.sent)) == (0, 1)


@operation()
def seen(paths, found):
    """What the files hold, asked while the run executes."""
    if state.is_executing:
        asked = [question(Lines, path=path) for path in paths]
        with together(asked):
            found += [ask(one, _ignore_errors=True) for one in asked]
    host.noop("looks only")
    yield from ()


def test_who_only_looks_asks_once_while_the_run_executes(begin, tmp_path):
    run = begin()
    found: list[list[str]] = []
    run.call(seen, paths=files(tmp_path, 12), found=found)
    run.execute()
    assert (found, len(run.sent)) == ([["same"]] * 12, 1)


@pytest.mark.parametrize("changed", [{0}, {11}, {3, 4, 5}, {0, 2, 4, 6, 8, 10}])
def test_each_change_and_what_is_still_to_come_after_it_are_two_commands(begin, tmp_path, changed):
    run = begin()
    for number, path in enumerate(files(tmp_path, 12)):
        run.call(holds, path=path, lines=["other" if number in changed else "same"])
    run.execute()
    assert run.changed == len(changed)
    assert len(run.sent) <= 2 * len(changed) + 1
    assert [path.read_text() for path in sorted(tmp_path.iterdir(), key=lambda path: int(path.name))] == [
        "other\n" if number in changed else "same\n" for number in range(12)
    ]


def test_what_was_seen_is_forgotten_when_something_changes(begin, tmp_path):
    (path,) = files(tmp_path, 1)
    run = begin()
    run.call(holds, path=path, lines=["other"])
    run.call(holds, path=path, lines=["same"])
    run.execute()
    assert run.changed == 2
    assert Path(path).read_text() == "same\n"


def test_who_looks_before_acting_asks_once_and_once_more_when_it_begins_to_act(begin, tmp_path):
    run = begin(checks=True)
    paths = files(tmp_path, 12)
    with ctx_state.use(run.state), ctx_host.use(run.state.inventory.get_host("@local")):
        expect(asked for path in paths for asked in holds.questions(path=path, lines=["same"]))
    for path in paths:
        run.call(holds, path=path, lines=["same"])
    assert len(run.sent) == 1
    Path(paths[7]).write_text("meanwhile\n")
    run.execute()
    assert run.changed == 1
    assert len(run.sent) == 1 + 1 + 2


def test_an_answer_that_is_too_old_does_not_count(begin, tmp_path, monkeypatch):
    run = begin()
    first, second = files(tmp_path, 2)
    run.call(holds, path=first, lines=["same"])
    run.call(holds, path=second, lines=["same"])
    monkeypatch.setattr(survey, "HOLDS_SECONDS", 0)
    run.execute()
    assert (run.changed, len(run.sent)) == (0, 2)


def asked(*questions: Question[Any]) -> list[Any]:
    """What a shell on this machine answers to all of them; None for a question without an answer."""
    groups = kinds(questions)
    done = subprocess.run(["sh", "-s"], input=script(groups), capture_output=True, text=True, check=True)
    said = Survey().process(done.stdout.splitlines())
    found = {
        one: (answers(group, said.get(number)) or [None] * len(group))[at]
        for number, group in enumerate(groups)
        for at, one in enumerate(group)
    }
    return [found[one] for one in questions]


ODD = [
    "exit 3",
    "kill -9 $$",
    "cat",
    "printf 'no end of line'",
    "echo; echo",
    "if",
    "exec >/dev/null",
    "read line; echo $line",
    "echo 'unbalanced (",
]


@pytest.mark.parametrize("odd", ODD)
def test_a_question_that_fails_spoils_no_other(odd):
    before, _, after = asked(question(Says, path="echo a b"), question(Says, path=odd), question(Says, path="echo c"))
    assert (before, after) == (["a b"], ["c"])


def test_a_question_that_hangs_spoils_no_other(monkeypatch):
    monkeypatch.setattr("facts.survey.LONGEST", 0.2)
    assert asked(question(Says, path="echo a; sleep 60"), question(Says, path="echo b")) == [None, ["b"]]


@pytest.mark.parametrize(
    "text", ["", "a", "a\n", "a\n\n", "\n", "\na", "a\n\nb\n", " a \n", "posthaus-0123456789abcdef 0 0\n"]
)
def test_an_answer_arrives_line_for_line(tmp_path, text):
    (tmp_path / "file").write_text(text)
    (found,) = asked(question(Lines, path=str(tmp_path / "file")))
    assert found == text.splitlines()


def test_a_program_that_is_not_there_says_nothing():
    assert asked(question(OfAnother, path="/etc/hosts"), question(Says, path="echo b")) == [[], ["b"]]


def test_an_answer_that_failed_among_others_is_asked_for_by_itself(begin, tmp_path):
    once = tmp_path / "once"
    first = question(Says, path=f"[ -e {once} ] && echo now || {{ touch {once}; exit 3; }}")
    run = begin()
    with ctx_state.use(run.state), ctx_host.use(run.state.inventory.get_host("@local")):
        assert ask(first) == ["now"]
    assert len(run.sent) == 2


def test_questions_of_one_kind_get_the_answers_that_each_would_get_alone(tmp_path):
    (tmp_path / "a" / "c").mkdir(parents=True)
    (tmp_path / "a" / "b c").write_text("text")
    (tmp_path / "a" / "c" / "d").symlink_to("/etc/hosts")
    (tmp_path / "a").chmod(0o2750)
    questions: list[Question[Any]] = [
        question(Tree, target=str(tmp_path / "a"), paths=["b c", "c/d", "c", "none"]),
        question(Tree, target=str(tmp_path / "a" / "c"), paths=["d"]),
        question(Tree, target=str(tmp_path / "nowhere"), paths=["d"]),
        question(Directories, paths=[str(tmp_path / "a"), str(tmp_path / "a" / "b c"), "/nowhere"]),
        question(Directories, paths=["/etc", "/nowhere", str(tmp_path / "a")]),
    ]
    together = asked(*questions)
    assert together == [alone for one in questions for alone in asked(one)]
    assert together[0].files["c/d"].sha256 is None
    assert set(together[0].files) == {"b c", "c/d", "c"}
    assert together[3].keys() == {str(tmp_path / "a")}


def test_the_same_question_is_asked_once():
    one, other = question(Lines, path="/etc/hosts"), question(Lines, path="/etc/passwd")
    assert kinds([one, other, question(Lines, path="/etc/hosts")]) == [[one], [other]]
    assert question(Tree, target="/etc", paths=["a"]) == question(Tree, paths=("a",), target="/etc")


def modules() -> list[ModuleType]:
    """The modules of operations."""
    names = (path.stem for path in Path(operations.__file__).parent.glob("[!_]*.py"))
    return [__import__(f"operations.{name}", fromlist=[name]) for name in names]


def test_every_operation_tells_its_questions_and_forgets_when_it_changes_something():
    found = [
        (module.__name__, name, value)
        for module in modules()
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__ and hasattr(value, "questions")
    ]
    assert len(found) >= 15
    for path in Path(operations.__file__).parent.glob("[!_]*.py"):
        if path.stem != "survey":
            text = path.read_text(encoding="utf-8")
            assert "@operation" not in text, f"{path} makes an operation past the gate"
            assert "get_fact" not in text, f"{path} asks past the survey"


def test_whatever_a_fact_answers_pyinfra_can_print():
    modules = [importlib.import_module(f"facts.{path.stem}") for path in sorted((ROOT / "facts").glob("*.py"))]
    answers = {
        found
        for module in modules
        for found in vars(module).values()
        if isinstance(found, type) and is_dataclass(found) and found.__module__ == module.__name__ != "facts.survey"
    }
    assert {found.__name__ for found in answers if not issubclass(found, Record)} == set()
    assert {Unit, TreeState} <= answers
    json.dumps([Unit().to_json(), TreeState({"a": OnDisk("0644", "root", "root", None)}).to_json()])
