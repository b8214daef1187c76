"""The protocol between a process and the child that reads its slide: short JSON, and pixels in shared memory.

Nothing is unpickled, and the parent accepts no file descriptor from a child, so that a child compromised by a hostile
file can do no more than return wrong pixels.
"""

import fcntl
import json
import mmap
import os
import socket
import struct
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BUFFER_BYTES = 4 * 2**20
"""Pixels per transfer: about 20 tiles, few enough to stay in the CPU cache between the two copies."""
_HEAD = struct.Struct("!I")
_MAX_MESSAGE = 2**20
_SEALS = getattr(fcntl, "F_SEAL_SHRINK", 0) | getattr(fcntl, "F_SEAL_GROW", 0) | getattr(fcntl, "F_SEAL_SEAL", 0)

Message = dict[str, Any]
Bytes = NDArray[np.uint8]


class LostError(Exception):
    """The other side is gone or sent an invalid message."""


def send(channel: socket.socket, message: Mapping[str, object], files: Sequence[int] = ()) -> None:
    """Send a message; the other process gets its own descriptors of `files`."""
    data = json.dumps(message, allow_nan=False).encode()
    if files:
        socket.send_fds(channel, [_HEAD.pack(len(data))], list(files))
        channel.sendall(data)
    else:
        channel.sendall(_HEAD.pack(len(data)) + data)


def receive(channel: socket.socket) -> Message:
    """Wait for a message; descriptors sent with it are ignored.

    Raises:
        LostError: the other side is gone, or the message is invalid.
        TimeoutError: the channel's time-out passed.
    """
    return _body(channel, exactly(channel, _HEAD.size))


def receive_with_files(channel: socket.socket, count: int) -> tuple[Message, list[int]]:
    """Wait for a message and up to `count` descriptors that come with it; raises LostError."""
    head, files, _, _ = socket.recv_fds(channel, _HEAD.size, count)
    return _body(channel, head), files


def _body(channel: socket.socket, head: bytes) -> Message:
    if len(head) < _HEAD.size:
        raise LostError
    (size,) = _HEAD.unpack(head)
    if size > _MAX_MESSAGE:
        raise LostError
    try:
        message = json.loads(exactly(channel, size))
    except (ValueError, RecursionError) as error:
        raise LostError from error
    if not isinstance(message, dict):
        raise LostError
    return message


def exactly(channel: socket.socket, size: int) -> bytes:
    """Wait for so many bytes; raises LostError."""
    data = bytearray(size)
    view = memoryview(data)
    while view:
        try:
            received = channel.recv_into(view, 0, socket.MSG_WAITALL)
        except ConnectionError as error:
            raise LostError from error
        if not received:
            raise LostError
        view = view[received:]
    return bytes(data)


def shared_file() -> int:
    """Descriptor of `BUFFER_BYTES` of anonymous memory with a sealed size.

    Not in /dev/shm, which is small in containers; on systems without memfd, a deleted temporary file.
    """
    if sys.platform != "linux":
        with tempfile.TemporaryFile() as file:
            os.ftruncate(file.fileno(), BUFFER_BYTES)
            return os.dup(file.fileno())
    memory = os.memfd_create("tiles", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(memory, BUFFER_BYTES)
    fcntl.fcntl(memory, fcntl.F_ADD_SEALS, _SEALS)
    return memory


def pieces(sizes: Sequence[int]) -> Iterator[list[tuple[int, slice, slice]]]:
    """How arrays of these sizes pass through the buffer, in at least one transfer.

    Each transfer lists (index of the array, its bytes, their place in the buffer); both sides follow the same list.
    """
    full: list[tuple[int, slice, slice]] = []
    used = 0
    for index, size in enumerate(sizes):
        start = 0
        while start < size:
            if used == BUFFER_BYTES:
                yield full
                full, used = [], 0
            stop = min(size, start + BUFFER_BYTES - used)
            full.append((index, slice(start, stop), slice(used, used + stop - start)))
            start, used = stop, used + stop - start
    yield full


def mapped(file: int) -> Bytes:
    """Map such a file as uint8 [BUFFER_BYTES]; the memory is released with the array."""
    return np.frombuffer(mmap.mmap(file, BUFFER_BYTES), np.uint8)
