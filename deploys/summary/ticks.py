"""While a step takes long, a line now and then that it is at work: for those whose terminal shows no progress, too."""

from __future__ import annotations

from typing import Any

import gevent
from pyinfra import logger
from pyinfra.api import Host, State
from pyinfra.api.state import BaseStateCallback

EVERY_SECONDS = 20

_at_work: dict[tuple[str, str], Any] = {}


class Ticks(BaseStateCallback):
    """pyinfra calls it when an operation begins on a host, and when it has ended there."""

    @staticmethod
    def operation_host_start(state: State, host: Host, op_hash: str) -> None:
        _at_work[host.name, op_hash] = gevent.spawn(_tick, host.name, sorted(state.op_meta[op_hash].names)[0])

    @staticmethod
    def operation_host_success(state: State, host: Host, op_hash: str, retry_count: int = 0) -> None:
        _ended(host.name, op_hash)

    @staticmethod
    def operation_host_error(
        state: State, host: Host, op_hash: str, retry_count: int = 0, max_retries: int = 0
    ) -> None:
        _ended(host.name, op_hash)

    @staticmethod
    def operation_end(state: State, op_hash: str) -> None:
        for name, key in [one for one in _at_work if one[1] == op_hash]:
            _ended(name, key)  # of a host that was lost meanwhile


def _tick(host: str, step: str) -> None:
    seconds = 0
    while True:
        gevent.sleep(EVERY_SECONDS)
        seconds += EVERY_SECONDS
        logger.info("    %s: still at work: %s (%d s)", host, step.rpartition(" | ")[2], seconds)


def _ended(host: str, op_hash: str) -> None:
    ticking = _at_work.pop((host, op_hash), None)
    if ticking is not None:
        ticking.kill(block=False)
