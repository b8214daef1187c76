"""Arrays as safetensors, the same bytes each time; the library's own writer shuffles the metadata."""

import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

_ALIGNMENT = 8
_NAMES = {"float16": "F16", "float32": "F32", "float64": "F64", "int32": "I32", "int64": "I64", "uint8": "U8"}


def encode_tensors(tensors: Mapping[str, NDArray[np.generic]], metadata: Mapping[str, str] | None = None) -> bytes:
    """Write a safetensors file: widest items first, then by name; metadata sorted.

    Raises:
        KeyError: an array's type is not one of float16/32/64, int32/64, uint8.
    """
    ordered = sorted(tensors.items(), key=lambda named: (-named[1].dtype.itemsize, named[0]))
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))} if metadata else {}
    offset = 0
    for name, array in ordered:
        end = offset + array.nbytes
        header[name] = {"dtype": _NAMES[array.dtype.name], "shape": array.shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=True).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return b"".join([len(text).to_bytes(8, "little"), text, *(_bytes(array) for _, array in ordered)])


def decode_metadata(data: bytes) -> dict[str, str]:
    """Read the metadata of a safetensors file.

    Raises:
        ValueError: the bytes are not such a file.
    """
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    return dict(header.get("__metadata__", {}))


def _bytes(array: NDArray[np.generic]) -> bytes:
    return np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
