"""Labelled tiles of made-up pixels and an encoder small enough to be trained within a second."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from services.embedder.export import EncoderCard, wrap_encoder
from services.embedder.graph import Preparation

PX = 32
WIDTH = 6


Colour = tuple[int, int, int]
PINK, VIOLET = (225, 150, 190), (120, 80, 170)
EQUALLY_BRIGHT = ((190, 110, 150), (110, 190, 150))
"""Two colours that a colour-blind encoder cannot tell apart."""


def labelled_tiles(
    folder: Path,
    patients: int = 6,
    tiles: int = 3,
    px: int = PX,
    colours: tuple[Colour, Colour] = (PINK, VIOLET),
    seed: int = 5,
) -> Path:
    """Two classes, pink and violet, each patient with tiles of both; names as the command wants them."""
    rng = np.random.default_rng(seed)
    for name, colour in zip(("pink", "violet"), colours, strict=True):
        (folder / name).mkdir(parents=True)
        for patient in range(patients):
            for tile in range(tiles):
                pixels = np.clip(np.array(colour) + rng.normal(0, 25, (px, px, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / name / f"P{patient}__{tile}.png")
    return folder


def convolutional(path: Path, operations: tuple[str, ...] = ("Relu", "MaxPool"), *, colour_blind: bool = False) -> Path:
    """Two convolutions with `operations` between them; padding is computed from constants, as exporters leave it."""
    rng = np.random.default_rng(3)
    first = rng.normal(0, 0.3, (4, 3, 3, 3))
    weights = {
        "w1": np.repeat(first.mean(axis=1, keepdims=True), 3, axis=1) if colour_blind else first,
        "b1": rng.normal(0, 0.1, 4),
        "w2": rng.normal(0, 0.3, (WIDTH, 4, 3, 3)),
        "b2": rng.normal(0, 0.1, WIDTH),
    }
    nodes = [
        helper.make_node("Concat", ["before", "after"], ["pads"], axis=0),
        helper.make_node("Pad", ["image", "pads", "zero"], ["padded"]),
        helper.make_node("Conv", ["padded", "w1", "b1"], ["x0"], strides=[2, 2]),
        *(_between(name, f"x{i}", f"x{i + 1}") for i, name in enumerate(operations)),
        helper.make_node("Conv", [f"x{len(operations)}", "w2", "b2"], ["y"], pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["y"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["means"]),
    ]
    constants = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    constants += [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in _PADS.items()]
    constants.append(numpy_helper.from_array(np.array(0, np.float32), "zero"))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, PX, PX])
    output = helper.make_tensor_value_info("means", TensorProto.FLOAT, ["n", WIDTH])
    graph = helper.make_graph(nodes, "small", [image], [output], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


_PADS = {"before": [0, 0, 0, 0], "after": [0, 0, 1, 1]}


def _between(name: str, source: str, target: str) -> onnx.NodeProto:
    if name == "MaxPool":
        return helper.make_node(name, [source], [target], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    if name in ("Mul", "Add"):
        return helper.make_node(name, [source, source], [target])
    return helper.make_node(name, [source], [target])


def small_encoder(folder: Path, *, colour_blind: bool = False) -> Path:
    """An encoder's folder that takes uint8 tiles of 32 px, 128 um a side."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = convolutional(folder / "weights.onnx", colour_blind=colour_blind)
    card = EncoderCard("small", "1", "tests", "Apache-2.0", "small: made up for tests.\n", PX, 128.0)
    wrap_encoder(weights, Preparation(mean=(127.0,) * 3, std=(128.0,) * 3), card, folder)
    weights.unlink()
    return folder
