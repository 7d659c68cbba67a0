"""pyinfra's command line without the second of CPU that its imports take: an interpreter that has them all is forked.

For tests, which run pyinfra many hundred times. What runs is pyinfra's own ``main``, with arguments, environment,
directory and streams of its own, in a process of its own; of this project, what the entry points import is there.
"""

from __future__ import annotations

import ast
import gc
import inspect
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import local
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
ENTRY_POINTS = ("inventory.py", "deploys/mail.py", "deploys/verify.py", "deploys/drift.py")
READ_AT_START = ("LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "PYTHONPATH", "PYTHONUTF8", "PYTHONIOENCODING")
fork, waitpid = os.fork, os.waitpid  # as they are before pyinfra has gevent replace them


class Warm:
    """The interpreters of this process, one for each of its threads; they end with it."""

    def __init__(self) -> None:
        self._own = local()
        self._environment = dict(os.environ)

    def serves(self, environment: Mapping[str, str]) -> bool:
        """Whether Python starts with this environment as it started here."""
        return all(environment.get(name) == self._environment.get(name) for name in READ_AT_START)

    def run(self, command: Sequence[str], cwd: Path, env: Mapping[str, str], seconds: float) -> Any:
        """What subprocess.run gives for a command of pyinfra, its text captured, nobody at its stdin.

        Raises subprocess.TimeoutExpired after ``seconds``; the run is killed then.
        """
        with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
            streams = {"out": out.name, "err": err.name}
            self._say(json.dumps({"command": list(command), "cwd": str(cwd), "env": dict(env), **streams}))
            pid = int(self._answer())
            if not select.select([self._pipes[1]], [], [], seconds)[0]:
                os.kill(pid, signal.SIGKILL)
                self._answer()
                raise subprocess.TimeoutExpired(list(command), seconds)
            return subprocess.CompletedProcess(command, int(self._answer()), _text(out), _text(err))

    @property
    def _server(self) -> subprocess.Popen[bytes]:
        """This thread's interpreter, started if need be."""
        if not hasattr(self._own, "server"):
            self._own.server = subprocess.Popen(
                [sys.executable, "-m", "lab.warm"],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
            )  # fmt: skip
        server: subprocess.Popen[bytes] = self._own.server
        return server

    @property
    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        """Its stdin and stdout."""
        assert self._server.stdin
        assert self._server.stdout
        return self._server.stdin, self._server.stdout

    def _say(self, request: str) -> None:
        self._pipes[0].write(f"{request}\n".encode())

    def _answer(self) -> bytes:
        return self._pipes[1].readline()


def _text(stream: IO[bytes]) -> str:
    return stream.read().decode()


def imports(path: Path) -> list[str]:
    """The modules that a file of Python begins with, in order."""
    found = []
    for statement in ast.parse(path.read_text("utf-8")).body:
        if isinstance(statement, ast.Import):
            found += [name.name for name in statement.names]
        elif isinstance(statement, ast.ImportFrom):
            found += [str(statement.module), *(f"{statement.module}.{name.name}" for name in statement.names)]
    return found


def prepare() -> None:
    """Import pyinfra's command line and what the entry points ask for; compile the templates."""
    import_module("pyinfra_cli.main")
    for entry in ENTRY_POINTS:
        for module in imports(ROOT / entry):
            with suppress(ModuleNotFoundError):  # a name within a module
                import_module(module)
    for path in (ROOT / "deploys").glob("**/*.j2"):
        sys.modules["deploys.render"].compiled(path)
    pinned = sys.modules["deploys.components.squirrelmail.options"].Webmail()
    with suppress(sys.modules["deploys.download"].DownloadError):  # whoever needs it says so
        # A second of CPU: each verification compares the host's copy with it.
        sys.modules["deploys.components.squirrelmail.source"].squirrelmail_tree(pinned)
    inspect.stack()  # pyinfra asks for it at each operation; where every module's file lies is remembered from then on


def serve() -> None:
    """Fork a pyinfra for every line of stdin, until it ends; say each one's number, then its exit code."""
    prepare()
    gc.collect()
    gc.freeze()  # what is here by now no child has to look through for garbage
    for line in sys.stdin:
        pid = fork()
        if pid == 0:
            become(json.loads(line))
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(waitpid(pid, 0)[1]), flush=True)


def become(run: Mapping[str, Any]) -> None:
    """Go on as this run of pyinfra, as its console script begins it; never returns."""
    sys.modules["gevent"].reinit()  # else it would share its wait for events with its parent, and miss some
    ways = ((os.devnull, os.O_RDONLY), (run["out"], os.O_WRONLY), (run["err"], os.O_WRONLY))
    for target, (path, way) in enumerate(ways):
        source = os.open(path, way)
        os.dup2(source, target)
        os.close(source)
    os.chdir(run["cwd"])
    os.environ.clear()
    os.environ.update(run["env"])
    sys.argv[:] = run["command"]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    sys.exit(sys.modules["pyinfra_cli.main"].main())


if __name__ == "__main__":
    serve()
