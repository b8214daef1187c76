"""A vision transformer small enough to be exported within seconds."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import timm
import torch

from services.embedder.conversion import Precision
from services.standalone.encoders.onnx_model import to_onnx
from services.standalone.encoders.pooling import Pooled
from services.standalone.encoders.prepared import Prepared
from services.standalone.encoders.recipe import Pixels
from tests.support.finetuning import PX


def small_transformer(precision: Precision) -> bytes:
    """The graph of two blocks of 32 features on tiles of 32 px, exported as encoders of others are."""
    torch.manual_seed(5)
    sizes: dict[str, Any] = {"img_size": PX, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 4}
    network = timm.create_model("vit_tiny_patch16_224", pretrained=False, num_classes=0, **sizes)
    pixels = Pixels(tile_px=PX, tile_um=128.0, mean=(0.5,) * 3, std=(0.25,) * 3, input_px=PX)
    graph = to_onnx(Prepared(Pooled(network, "class_token", 1), pixels, PX).eval(), PX, precision)
    with TemporaryDirectory() as folder:
        graph.save(Path(folder) / "graph.onnx")
        return (Path(folder) / "graph.onnx").read_bytes()
