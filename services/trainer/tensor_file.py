"""Reads the tensors of a file of `torch.save`; no code in the file is run."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

Array = npt.NDArray[np.generic]


def load_tensors(path: Path) -> dict[str, Array]:
    """Dense tensors by name, where the file holds a dictionary of them; a tensor by itself has the empty name.

    Raises:
        ValueError: it holds something else, or is damaged.
        OSError: it cannot be read.
    """
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:
        raise ValueError("holds more than tensors, or is damaged") from error
    named = stored if isinstance(stored, dict) else {"": stored}
    return {str(name): _array(value) for name, value in named.items()}


def _array(value: object) -> Array:
    """A dense tensor as an array; bfloat16, which numpy lacks, as float32."""
    if not isinstance(value, torch.Tensor) or value.layout != torch.strided or not value.is_contiguous():
        raise ValueError("holds something else than dense tensors")
    return np.asarray((value.float() if value.dtype == torch.bfloat16 else value).numpy())
