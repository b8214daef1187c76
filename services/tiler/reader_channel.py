"""One thread's channel to the process that reads its slide: requests, answers, and pixels in shared memory."""

import os
import socket
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from services.tiler import reader_wire as wire

Arrays = Sequence[NDArray[Any]]
Target = Callable[[Sequence[tuple[int, ...]]], Arrays]
"""From the shapes that the child names, arrays to be filled; raises ValueError for shapes that cannot be."""


class ReaderChannel:
    """A channel; not thread-safe."""

    def __init__(self, channel: socket.socket, buffer: wire.Bytes) -> None:
        self._channel = channel
        self._buffer = buffer

    @classmethod
    def through(cls, setup_socket: socket.socket) -> Self:
        """Open one more channel to the child at the other end of `setup_socket`."""
        ours, childs = socket.socketpair()
        buffer = wire.shared_file()
        try:
            with childs:
                wire.send(setup_socket, {}, [childs.fileno(), buffer])
            return cls(ours, wire.mapped(buffer))
        except BaseException:
            ours.close()
            raise
        finally:
            os.close(buffer)

    def ask(self, request: wire.Message, until: float, target: Target) -> wire.Message:
        """Send a request, wait for the answer until the monotonic time `until`, and fill its arrays.

        Raises:
            LostError, TimeoutError, OSError: the child is gone, or there is no answer in time.
            ValueError, TypeError: the answer is invalid.
        """
        self._expect(until)
        wire.send(self._channel, request)
        answer = wire.receive(self._channel)
        if "shapes" in answer:
            self._fill(target([tuple(shape) for shape in answer["shapes"]]), until)
        return answer

    def close(self) -> None:
        """Close the channel, which ends the child's thread, and release the memory."""
        self._channel.close()
        self._buffer = np.empty(0, np.uint8)

    def _fill(self, arrays: Arrays, until: float) -> None:
        flat = [array.reshape(-1).view(np.uint8) for array in arrays]
        for number, piece in enumerate(wire.pieces([array.nbytes for array in flat])):
            if number:
                self._expect(until)
                wire.send(self._channel, {})
                wire.receive(self._channel)
            for index, in_array, in_buffer in piece:
                flat[index][in_array] = self._buffer[in_buffer]

    def _expect(self, until: float) -> None:
        """Set the time-out of the next operations."""
        remaining = until - monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._channel.settimeout(remaining)
