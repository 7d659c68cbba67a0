"""pyinfra's SSH connector, which says in a sentence what bars the way, and asks for sudo's password once."""

from __future__ import annotations

import getpass
import logging
import shlex
import sys
from pathlib import Path
from typing import Any

from pyinfra.api.arguments import pop_global_arguments
from pyinfra.api.exceptions import ConnectError
from pyinfra.connectors import ssh
from typing_extensions import override

from deploys.access import sentences
from deploys.access.sentences import Login
from deploys.access.session import Session

BECOME = (Path(__file__).parent / "become.sh").read_text(encoding="utf-8")
KEEPALIVE_SECONDS = 15

_typed: dict[str, str] = {}  # sudo's passwords by login, as typed in this run: asked for once, used on every host


def use() -> None:
    """Have every host that pyinfra reaches by SSH be reached this way. (It looks its connectors up by their names.)"""
    logging.getLogger("paramiko").addHandler(
        logging.NullHandler()
    )  # its own words, tracebacks too, are for --debug-all
    ssh.SSHConnector = Connector  # type: ignore[misc]


class Connector(ssh.SSHConnector):
    """SSH, with sudo looked at before anything else is asked of the host."""

    helper = ""  # path on the host of the program that hands sudo the password

    @override
    def connect(self) -> None:
        """Log in, and see that this login may act as root where it is to. ConnectError is one sentence."""
        login = self._login()
        try:
            super().connect()
        except Exception as error:  # paramiko raises whatever a key, a configuration or a server makes it stumble over
            raise ConnectError(sentences.unreachable(error.__context__ or error, login)) from None
        assert self.client is not None
        transport = self.client.get_transport()
        if transport:
            transport.set_keepalive(KEEPALIVE_SECONDS)
        self.client = Session(self.client)  # type: ignore[assignment]
        declared, _ = pop_global_arguments(self.state, self.host, {})
        if declared["_sudo"]:
            self._become_root(login, declared["_sudo_password"] or "")

    def _become_root(self, login: Login, password: str) -> None:
        answer = self._asked(password)
        if answer == "asks" and sys.stdin.isatty():
            password = _typed.get(login.user) or getpass.getpass(
                f"sudo's password of {login.user} (for every host that asks for it): "
            )
            _typed[login.user] = password
            answer = self._asked(password)
            self.host.connector_data["prompted_sudo_password"] = password
        if problem := sentences.no_root(answer, login):
            raise ConnectError(problem)
        self.helper = answer.partition(" ")[2]
        self.client.password = password  # type: ignore[union-attr]

    def _asked(self, password: str) -> str:
        """What become.sh says, without the word before it."""
        assert self.client is not None
        try:
            stdin, stdout, _ = self.client.exec_command(f"sh -c {shlex.quote(BECOME)}")
            stdin.write(f"{password}\n".encode())
            stdin.close()
            lines = list(stdout)
        except (ssh.SSHException, OSError) as error:
            raise ConnectError(str(error)) from None
        return next((line.strip().removeprefix("sudo ") for line in lines if line.startswith("sudo ")), "")

    @override
    def run_shell_command(self, *arguments: Any, **options: Any) -> Any:
        """As pyinfra does it, with the helper that there is already in the place of one of pyinfra's own."""
        if self.helper:
            where = options.get("_temp_dir") or self.host.get_temp_dir_config()
            self.host.connector_data[f"sudo_askpass_path__{where}"] = self.helper
        return super().run_shell_command(*arguments, **options)

    def _login(self) -> Login:
        return Login(
            host=str(self.data["ssh_hostname"] or self.host.name),
            port=int(self.data["ssh_port"] or 22),
            user=str(self.data["ssh_user"] or getpass.getuser()),
            key=str(self.data["ssh_key"] or ""),
            keys=str(self.data["ssh_known_hosts_file"] or ""),
        )
