"""A proxy with latency and a limited rate for each connection: `python -m tests.bench.slow_link TARGET_PORT`.

It prints its own port. What arrives leaves half a round trip later, at no more than the rate.
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from subprocess import PIPE, Popen

ROUND_TRIP_S = 0.020
BYTES_PER_S = 100e6
_PIECE = 2**18


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Pass one direction on: each piece leaves when its predecessor has, and not before its delay is over."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)

    async def send() -> None:
        free_at = 0.0
        while (piece := await pieces.get())[1]:
            due, data = piece
            leaves = max(due, free_at)
            await asyncio.sleep(max(0.0, leaves - loop.time()))
            sink.write(data)
            await sink.drain()
            free_at = leaves + len(data) / BYTES_PER_S
        sink.close()

    sender = asyncio.create_task(send())
    data = b"-"
    while data:
        data = await source.read(_PIECE)
        await pieces.put((loop.time() + ROUND_TRIP_S / 2, data))
    await sender


async def _serve(target: int) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            other_reader, other_writer = await asyncio.open_connection("127.0.0.1", target, limit=4 * _PIECE)
            await asyncio.gather(_pump(reader, other_writer), _pump(other_reader, writer), return_exceptions=True)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=4 * _PIECE)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


@dataclass(frozen=True, slots=True)
class SlowLink:
    """A running proxy."""

    port: int
    pid: int


@contextmanager
def slow_link(target: int) -> Iterator[SlowLink]:
    """Run the proxy in a process of its own."""
    with Popen([sys.executable, "-m", "tests.bench.slow_link", str(target)], stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield SlowLink(int(process.stdout.readline()), process.pid)
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
