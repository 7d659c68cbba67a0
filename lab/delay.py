"""A TCP proxy that adds a fixed delay each way: a distant host, on a machine without network emulation."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

CHUNK = 1 << 16  # bytes read at once
Chunk = tuple[float, bytes]  # when it may go on (the loop's clock, seconds), what


@contextlib.contextmanager
def delayed(host: str, port: int, seconds: float) -> Iterator[int]:
    """Carry every connection to a free port of 127.0.0.1 on to ``host``:``port``, each byte late by ``seconds``.

    Yields the port. The added round trip is twice ``seconds``; bandwidth is not limited. Runs in a thread of its own.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="delay", daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(_serve(host, port, seconds), loop).result(10)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        asyncio.run_coroutine_threadsafe(_close(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _serve(host: str, port: int, seconds: float) -> asyncio.Server:
    """Start listening; one pair of carriers for each connection."""

    async def connect(near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        with contextlib.closing(near_out), contextlib.suppress(OSError, asyncio.CancelledError):
            far_in, far_out = await asyncio.open_connection(host, port)
            with contextlib.closing(far_out):
                await asyncio.gather(_carry(near_in, far_out, seconds), _carry(far_in, near_out, seconds))

    return await asyncio.start_server(connect, "127.0.0.1", 0)


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter, seconds: float) -> None:
    """Carry bytes one way, each ``seconds`` after it came, and the end of the stream like a byte."""
    late: asyncio.Queue[Chunk] = asyncio.Queue()
    writer = asyncio.create_task(_write(late, target))
    while True:
        chunk = await source.read(CHUNK)
        late.put_nowait((asyncio.get_running_loop().time() + seconds, chunk))
        if not chunk:
            break
    await writer


async def _write(late: asyncio.Queue[Chunk], target: asyncio.StreamWriter) -> None:
    """Write what is due, in order; an empty chunk ends it and closes this way, not the other."""
    while True:
        due, chunk = await late.get()
        await asyncio.sleep(due - asyncio.get_running_loop().time())
        if not chunk:
            target.write_eof()
            return
        target.write(chunk)
        await target.drain()


async def _close(server: asyncio.Server) -> None:
    """Stop listening and end the connections that are still carried."""
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
