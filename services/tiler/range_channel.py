"""How the child process of a slide asks this process for bytes of the slide's objects: it has no network of its own."""

import errno
import os
import socket
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from services.tiler import reader_wire as wire
from services.tiler.bucket_bytes import MAX_READ, Ranges
from shared.errors import MedullaError

CHANNELS = 4
"""Requests of one child at once."""


def serve(files: Ranges) -> list[socket.socket]:
    """Answer requests on new channels until their other ends, which are returned, are closed."""
    ends = []
    for _ in range(CHANNELS):
        ours, childs = socket.socketpair()
        ends.append(childs)
        Thread(target=_answer_all, args=(ours, files), name="ranges", daemon=True).start()
    return ends


def _answer_all(channel: socket.socket, files: Ranges) -> None:
    with closing(channel):
        try:
            while True:
                _answer(channel, files, wire.receive(channel))
        except (wire.LostError, OSError, ValueError, TypeError, KeyError):  # the child is gone, or is not sound
            return


def _answer(channel: socket.socket, files: Ranges, request: wire.Message) -> None:
    try:
        data = files.read(int(request["file"]), int(request["at"]), int(request["size"]))
    except MedullaError:
        wire.send(channel, {"failed": True})
        return
    wire.send(channel, {"size": len(data)})
    channel.sendall(data)


class RangeClient:
    """The child's side; safe to use from several threads."""

    def __init__(self, channels: Sequence[int]) -> None:
        self._free: SimpleQueue[socket.socket] = SimpleQueue()
        for channel in channels:
            self._free.put(socket.socket(fileno=channel))

    def read(self, file: int, at: int, size: int) -> bytes:
        """Read bytes of a file; raises OSError where the store does not give them."""
        channel = self._free.get()
        try:
            wire.send(channel, {"file": file, "at": at, "size": size})
            answer = wire.receive(channel)
            if "failed" in answer:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return wire.exactly(channel, answer["size"])
        except wire.LostError as error:
            raise OSError(errno.EPIPE, os.strerror(errno.EPIPE)) from error
        finally:
            self._free.put(channel)


class RemoteBytes:
    """A byte source over one object in the bucket."""

    def __init__(self, client: RangeClient, file: int, size: int) -> None:
        self.name = f"{file:05d}"
        self.path: Path | None = None
        self.size = size
        self._client = client
        self._file = file

    def read(self, at: int, size: int) -> bytes:
        """Read bytes [at, at + size); fewer where the file ends."""
        end = min(at + size, self.size)
        steps = range(at, end, MAX_READ)
        return b"".join(self._client.read(self._file, start, min(MAX_READ, end - start)) for start in steps)

    def close(self) -> None:
        """Nothing is held open."""
