"""The child process of one open slide: reads under limits, with one thread per channel."""

import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Thread
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from services.tiler import reader_wire as wire
from services.tiler.ports import Cut, Origins, Region, Rgb, SlideReader
from services.tiler.range_channel import CHANNELS, RangeClient
from services.tiler.ranged_slide import RangedSlide, open_ranged
from services.tiler.readers import OpenSlide
from services.tiler.resolution import Override
from shared.child_process import limit_memory
from shared.error_location import place_of
from shared.errors import PermanentError
from shared.malloc import keep_memory
from shared.preprocessing import Preprocessing
from shared.units import Level0Px, MicronsPerPx, TilePx

_SET_PARENT_DEATH_SIGNAL = 1
_FIRST_TO_BE_KILLED = "1000"
_SENTENCE = 2000
_LIBC = ctypes.CDLL(None)


def main(setup_socket: socket.socket, open_slide: OpenSlide) -> NoReturn:
    """Open the slide that the first message on `setup_socket` names, then serve each channel passed later.

    Bytes of a slide that is not on this machine are asked for on the channels that come with that message.
    """
    try:
        _die_with_parent()
        keep_memory()
        request, channels = wire.receive_with_files(setup_socket, CHANNELS)
        limit_memory(request["memory_mb"])
        answer = _attempt(lambda: _serve(setup_socket, _opened(request, channels, open_slide)))
        wire.send(setup_socket, answer)
    finally:
        os._exit(0)


def _opened(request: wire.Message, channels: list[int], open_slide: OpenSlide) -> SlideReader:
    if "ranged" in request:
        return open_ranged(RangedSlide.from_message(request["ranged"]), RangeClient(channels))
    return open_slide(Path(request["path"]), Override(**request["override"]))


def _die_with_parent() -> None:
    """End with the host, even if it is killed; outside Linux closing `setup_socket` ends an idle child."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if sys.platform == "linux":
        _LIBC.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        with suppress(OSError):  # some sandboxes do not allow it
            Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_BE_KILLED, encoding="ascii")


def _serve(setup_socket: socket.socket, reader: SlideReader) -> wire.Message:
    """Confirm that the slide is open, then serve each channel in a thread until `setup_socket` is closed."""
    wire.send(setup_socket, {})
    while True:
        try:
            _, files = wire.receive_with_files(setup_socket, 2)
        except wire.LostError:
            os._exit(0)
        channel, buffer = files
        Thread(target=_ChannelServer(socket.socket(fileno=channel), buffer, reader).run, daemon=True).start()


class _ChannelServer:
    """Answers one request after the other; arrays go through the channel's own shared memory.

    Tiles are read straight into it.
    """

    def __init__(self, channel: socket.socket, buffer: int, reader: SlideReader) -> None:
        self._channel = channel
        self._buffer = wire.mapped(buffer)
        self._reader = reader
        os.close(buffer)

    def run(self) -> None:
        """Serve until the owner closes the channel."""
        try:
            while True:
                self._answer(wire.receive(self._channel))
        except (wire.LostError, OSError):
            pass
        finally:
            self._channel.close()

    def _answer(self, request: wire.Message) -> None:
        arrays: list[NDArray[Any]] = []
        answer = _attempt(lambda: self._read(request, arrays))
        flat = [np.ascontiguousarray(array).reshape(-1).view(np.uint8) for array in arrays]
        for number, piece in enumerate(wire.pieces([array.nbytes for array in flat])):
            if number:
                wire.receive(self._channel)
            for index, in_array, in_buffer in piece:
                if not np.may_share_memory(flat[index], self._buffer):
                    self._buffer[in_buffer] = flat[index][in_array]
            wire.send(self._channel, {} if number else answer)

    def _read(self, request: wire.Message, arrays: list[NDArray[Any]]) -> wire.Message:
        match request["op"]:
            case "tiles":
                origins, cut = _tiles(request)
                tiles = self._reader.read_tiles(origins, cut, self._room(len(origins), cut.px))
                arrays += [tiles.pixels, tiles.corrupt]
            case "damaged":
                arrays.append(self._reader.find_damaged(*_tiles(request)))
            case "overview":
                overview = self._reader.read_overview(MicronsPerPx(request["um_per_px"]))
                arrays += [overview.pixels, overview.readable]
            case "layout":
                return {"layout": asdict(self._reader.layout())}
            case "region":
                arrays.append(np.frombuffer(self._reader.read_region(Region(**request["region"])), np.uint8))
            case _:
                return {"facts": asdict(self._reader.describe())}
        return {"shapes": [array.shape for array in arrays]}

    def _room(self, count: int, px: int) -> Rgb | None:
        """The shared memory as pixels of tiles, uint8 [count, px, px, 3]; None if it is too small."""
        size = count * px * px * 3
        return self._buffer[:size].reshape(count, px, px, 3) if size <= len(self._buffer) else None


def _tiles(request: wire.Message) -> tuple[Origins, Cut]:
    """The tiles of a request."""
    width, height, px, preprocessing = request["cut"]
    origins = np.array(request["origins"], np.int32).reshape(-1, 2)
    return origins, Cut(Level0Px(width), Level0Px(height), TilePx(px), Preprocessing(preprocessing))


def _attempt(work: Callable[[], wire.Message]) -> wire.Message:
    """Do the work; an error becomes an answer."""
    try:
        return work()
    except PermanentError as error:
        return {"refused": type(error).__name__, "sentence": str(error)[:_SENTENCE]}
    except MemoryError:
        return {"out_of_memory": True}
    except OSError as error:
        return {"errno": error.errno or 0, "sentence": (error.strerror or "")[:_SENTENCE]}
    except Exception as error:  # noqa: BLE001 - the owner gets type and location, never a value
        return {"bug": f"{type(error).__name__} at {place_of(error)}"}
