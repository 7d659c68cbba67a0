"""Commands over SSH as they are meant: none of the login shell's own words in the answer, no password in a command."""

from __future__ import annotations

import contextlib
import secrets
import shlex
import time
from collections.abc import Iterator
from typing import Any

from paramiko import ChannelException, SSHException
from pyinfra.connectors.util import SUDO_ASKPASS_ENV_VAR

from deploys.access import sentences

OPENING_SECONDS = 3  # sshd counts a session until both sides have closed it, which takes a moment (MaxSessions 1)
READ = f"IFS= read -r {SUDO_ASKPASS_ENV_VAR}; export {SUDO_ASKPASS_ENV_VAR}; exec"


class Session:
    """paramiko's client for pyinfra's connector, which asks it for nothing but ``exec_command`` and its transport.

    ``password``: sudo's, which travels on stdin. In a command it would stand in the host's list of processes.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._mark = f"posthaus-{secrets.token_hex(8)}"
        self._last: Any = None
        self.password = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def exec_command(self, command: str, *arguments: Any, **options: Any) -> tuple[Any, Answer, Any]:
        """stdin, stdout and stderr of ``command``. SSHException, a sentence, where it cannot be sent."""
        sent, secret = self._without_password(command)
        stdin, stdout, stderr = self._open(f"echo {self._mark}; {sent}", *arguments, **options)
        if secret:
            with contextlib.suppress(OSError):  # a command that has ended already
                stdin.write(f"{secret}\n".encode())
        return stdin, Answer(stdout, self._mark), stderr

    def _open(self, command: str, *arguments: Any, **options: Any) -> tuple[Any, Any, Any]:
        deadline = time.monotonic() + OPENING_SECONDS
        while self._last is not None and not self._last.closed and time.monotonic() < deadline - OPENING_SECONDS / 2:
            time.sleep(0.001)
        while True:
            try:
                answer: tuple[Any, Any, Any] = self._client.exec_command(command, *arguments, **options)
                self._last = answer[1].channel
                return answer
            except ChannelException as error:
                if time.monotonic() > deadline:
                    raise sentences.of_ssh(error) from None
                time.sleep(0.05)
            except (SSHException, EOFError, OSError) as error:
                raise sentences.of_ssh(error) from None

    def _without_password(self, command: str) -> tuple[str, str]:
        """``command`` as it is sent, and the password that goes to its stdin, if it is one of sudo's."""
        said = f"{SUDO_ASKPASS_ENV_VAR}={shlex.quote(self.password)} "
        if self.password and command.startswith("env ") and said in command:
            return f"exec sh -c {shlex.quote(READ + ' ' + command.replace(said, '', 1))}", self.password
        # The shell goes over into the command, so that nothing of it is left in the list of processes.
        plain = command.startswith(("env ", "sudo ", "sh -c "))
        return f"exec {command}" if plain else command, ""


class Answer:
    """stdout, from the line after ``mark`` on: what a login shell prints before it (.bashrc) is no answer."""

    def __init__(self, stdout: Any, mark: str) -> None:
        self._stdout = stdout
        self._mark = mark
        self.channel = Ending(stdout.channel)

    def __iter__(self) -> Iterator[str]:
        lines = iter(self._stdout)
        before: list[str] = []
        for line in lines:
            if line.rstrip("\r\n").endswith(self._mark):
                yield from lines
                return
            before.append(line)
        yield from before  # no shell that we know: whoever reads it has to judge


class Ending:
    """A channel that tells a command's end from the connection's."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    def recv_exit_status(self) -> int:
        """The command's exit code. SSHException, a sentence, where the connection ended first."""
        code = int(self._channel.recv_exit_status())
        transport = self._channel.get_transport()
        if code == -1 and not (transport and transport.is_active()):
            raise SSHException(sentences.LOST)
        return code
