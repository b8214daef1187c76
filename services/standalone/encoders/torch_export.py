"""Makes an encoder's folder from a network of torch: built, given weights, exported, compared, described."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch

from services.embedder.conversion import Parity
from services.embedder.export import write_encoder
from services.embedder.manifest import DATA_FILE, SCRIPT_FILE, EncoderManifest, file_digest
from services.embedder.onnx_encoder import OnnxModel
from services.embedder.ports import Tiles
from services.standalone.encoders.errors import BadNetworkError
from services.standalone.encoders.job import COMPLETE, ExportJob, card, conversion
from services.standalone.encoders.networks import build_network
from services.standalone.encoders.onnx_model import MOST_BYTES, OPSET, OnnxGraph, to_onnx, traced
from services.standalone.encoders.parity import check_parity, compare, parity_tiles
from services.standalone.encoders.pooling import Pooled
from services.standalone.encoders.prepared import Prepared
from services.standalone.encoders.recipe import Recipe
from services.standalone.encoders.weights import load_weights, randomize
from shared.preprocessing import is_default
from shared.progress import Advance, silent

_STEPS = 4
"""Network with its weights, graph, comparison, folder."""


def export_encoder(job: ExportJob, advance: Advance = silent) -> EncoderManifest:
    """Make an encoder's folder; nothing is written unless it gives the features of the network.

    Raises:
        BadNetworkError: the network cannot be built or exported, or the weights are not its own.
        LicenceRefusedError: the terms of the weights forbid the use, or were not acknowledged.
        DifferentFeaturesError: the encoder gives other features than the network.
    """
    weights = job.permitted_weights()
    job.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=job.out.parent, prefix=".export-") as scratch:
        model, files, parity = _compared(job, weights, Path(scratch), advance)
        facts = conversion(job, weights, parity, OPSET)
        manifest = write_encoder(model, card(job), job.out, conversion=facts, files=files)
    advance(_STEPS, _STEPS)
    return manifest


def _compared(
    job: ExportJob, weights: Path | None, scratch: Path, advance: Advance
) -> tuple[bytes, dict[str, Path], Parity]:
    """The graph, its further files, and the comparison; torch's network is given up in the end."""
    pixels = job.recipe.pixels
    network = torch_network(job.recipe, weights, job.random_seed)
    advance(1, _STEPS)
    model, files = _saved(_graph(network, job), scratch)
    advance(2, _STEPS)
    served = OnnxModel(model, scratch)
    tiles = parity_tiles(pixels.tile_px, pixels.tile_um)
    parity = compare(served.run, network.embed, f"torch {torch.__version__}", tiles)
    check_parity(parity, job.precision)
    advance(3, _STEPS)
    return model, files | (_script(network, tiles, scratch) if job.torchscript else {}), parity


def _graph(network: Prepared, job: ExportJob) -> OnnxGraph:
    graph = to_onnx(network, job.recipe.pixels.tile_px, job.precision)
    if not is_default(job.preprocessing):
        graph.model.metadata_props["preprocessing"] = job.preprocessing
    return graph


def _script(network: Prepared, tiles: Tiles, scratch: Path) -> dict[str, Path]:
    """The network as TorchScript for Triton's PyTorch back end, compared with itself."""
    path = scratch / SCRIPT_FILE
    traced(network, torch.from_numpy(tiles[:2])).save(str(path))
    script = torch.jit.load(path)  # type: ignore[no-untyped-call]
    parity = compare(lambda batch: np.asarray(script(torch.from_numpy(batch)).detach()), network.embed, "torch", tiles)
    check_parity(parity, "float32")
    return {SCRIPT_FILE: path}


def torch_network(recipe: Recipe, weights: Path | None, random_seed: int | None) -> Prepared:
    """The network of a recipe with its weights, pooling and preparation.

    Raises:
        BadNetworkError: it cannot be built, or the weights are not its own.
    """
    if recipe.pixels.input_px is None:
        raise BadNetworkError("the side that the network takes is not known; give --input-px")
    network = build_network(recipe.architecture)
    if random_seed is not None:
        randomize(network, random_seed)
    elif weights and recipe.architecture.kind not in COMPLETE:
        load_weights(network, weights, recipe.weights)
    pooled = Pooled(network, recipe.pooling, recipe.prefix_tokens)
    return Prepared(pooled, recipe.pixels, recipe.pixels.input_px).eval()


def _saved(graph: OnnxGraph, folder: Path) -> tuple[bytes, dict[str, Path]]:
    """The graph's bytes, and the file of its weights where they are too many for one ONNX file."""
    path = folder / "graph.onnx"
    if graph.weight_bytes < MOST_BYTES:
        graph.save(path)
        return path.read_bytes(), {}
    graph.save(path, DATA_FILE)
    model, data = onnx.load(path, load_external_data=False), folder / DATA_FILE
    model.metadata_props.add(key="data_sha256", value=file_digest(data))
    return model.SerializeToString(deterministic=True), {DATA_FILE: data}
