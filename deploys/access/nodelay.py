"""An SSH transport that sends small packets at once, and notices a host that has gone.

paramiko leaves Nagle's algorithm on, which costs some 40 ms a command. As host data:
``ssh_paramiko_connect_kwargs = {"transport_factory": NoDelayTransport}``.
"""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from paramiko import Transport

GONE_SECONDS = 60


class NoDelayTransport(Transport):
    """paramiko's Transport with TCP_NODELAY set; what a host does not acknowledge for a minute ends the connection.

    (tcp(7), TCP_USER_TIMEOUT; by default it takes a quarter of an hour. Only Linux has it.)
    """

    def __init__(self, sock: Any, *arguments: Any, **options: Any) -> None:
        with contextlib.suppress(AttributeError, OSError):  # a proxy command's pipe has no such option
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GONE_SECONDS * 1000)
        super().__init__(sock, *arguments, **options)

    @classmethod
    def to_json(cls) -> str:
        """Its name: pyinfra prints host data as JSON, where a class has no place."""
        return cls.__name__
