"""A proxy with latency and a rate for each connection: `python -m tests.bench.slow_link TARGET_PORT BYTES_PER_S`.

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


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, bytes_per_s: float) -> None:
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
            free_at = leaves + len(data) / bytes_per_s
        sink.close()

    sender = asyncio.create_task(send())
    data = b"-"
    while data:
        data = await source.read(_PIECE)
        await pieces.put((loop.time() + ROUND_TRIP_S / 2, data))
    await sender


async def _serve(target: int, bytes_per_s: float) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            other_reader, other_writer = await asyncio.open_connection("127.0.0.1", target, limit=4 * _PIECE)
            ways = (_pump(reader, other_writer, bytes_per_s), _pump(other_reader, writer, bytes_per_s))
            await asyncio.gather(*ways, return_exceptions=True)

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
def slow_link(target: int, bytes_per_s: float = BYTES_PER_S) -> Iterator[SlowLink]:
    """Run the proxy in a process of its own; each connection passes at most `bytes_per_s`."""
    command = [sys.executable, "-m", "tests.bench.slow_link", str(target), str(bytes_per_s)]
    with Popen(command, stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield SlowLink(int(process.stdout.readline()), process.pid)
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
