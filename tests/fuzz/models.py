"""Targets that read bags, bundles, their native models and encoders."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from random import Random

import numpy as np

from services.embedder.export import EncoderCard, wrap_encoder
from services.embedder.graph import Preparation
from services.embedder.manifest import DATA_FILE, MODEL_FILE, read_manifest, read_model
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.case_reader import CaseReader
from services.fusion_scorer.inputs import CaseInputs
from services.fusion_scorer.score import score
from services.fusion_scorer.score_json import to_bytes
from services.fusion_scorer.snapshot import TakeSnapshot
from services.fusion_scorer.vectors import read_vector
from services.standalone.demo_case import DEMO_BUNDLE
from services.trainer.cohort.embeddings import read_embeddings
from shared.blob.memory import MemoryStore
from shared.canonical import sha256
from shared.model.bundle import load
from shared.model.onnx_mil import OnnxMil
from shared.model.trees import read_trees
from shared.units import CaseId
from tests.fuzz.mutations import damaged, odd_json
from tests.fuzz.targets import Make, Read, Target
from tests.support import fusion
from tests.support.networks import small_network, weights_outside
from tests.support.trees_text import with_sizes
from tests.support.vector_bundle import vector_json, write_vector_bundle

_HEADER = 200
"""Bytes of a bag that hold its header, about."""
_GRAPH = 1000
"""Bytes of mil.onnx that hold its nodes, about."""


def _bag(folder: Path) -> tuple[Make, Read]:
    good = fusion.bag_bytes(fusion.features((1, 2), (3, 4), (5, 6)))
    bundle = load(fusion.write_bundle(folder / "toy"))

    def read(data: bytes, _: Path) -> object:
        store = MemoryStore()
        event = fusion.store_slide(store, "MB-1", "a.svs", fusion.features((1, 2)))
        event.bag.digest = sha256(data)
        store.put(event.bag.key, data)
        event.slide.object.etag = store.put(event.slide.object.key, b"slide").etag
        CaseIndex(store).put_slide(event)
        return CaseReader(store)(TakeSnapshot(store, CaseIndex(store))(CaseId("MB-1")), bundle)

    return lambda rng: damaged(good, rng, _HEADER), read


def _embeddings(_: Path) -> tuple[Make, Read]:
    good = fusion.bag_bytes(fusion.features((1, 2), (3, 4)))

    def read(data: bytes, folder: Path) -> object:
        (folder / "bag.safetensors").write_bytes(data)
        columns = "case_id,slide_id,slide_digest,tiles,path"
        (folder / "index.csv").write_text(f"{columns}\nMB-1,a.svs,{'0' * 64},2,bag.safetensors\n")
        return read_embeddings(folder).bag("MB-1")

    return lambda rng: damaged(good, rng, _HEADER), read


def _bundle(folder: Path) -> tuple[Make, Read]:
    """One file of a bundle is changed, and its digest in bundle.json with it: only what is inside can refuse it."""
    whole = {path.name: path.read_bytes() for path in write_vector_bundle(folder / "good").iterdir()}

    def make(rng: Random) -> bytes:
        name = rng.choice(sorted(whole))
        return name.encode() + b"\n" + _changed(name, whole[name], rng)

    def read(data: bytes, folder: Path) -> object:
        name, _, content = data.partition(b"\n")
        return load(_written({**whole, name.decode(): content}, name.decode(), folder / "bundle"))

    return make, read


def _changed(name: str, content: bytes, rng: Random) -> bytes:
    if name.endswith(".json") and rng.random() < 0.8:
        return odd_json(json.loads(content), rng)
    return damaged(content, rng)


def _written(files: Mapping[str, bytes], changed: str, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    if changed != "bundle.json":
        manifest = json.loads(files["bundle.json"])
        manifest["files"][changed] = sha256(files[changed])
        (folder / "bundle.json").write_text(json.dumps(manifest))
    return folder


def _vector(folder: Path) -> tuple[Make, Read]:
    """A vector that is not refused gives a score."""
    bundle, case = load(write_vector_bundle(folder / "good")), CaseId("MB-1")
    good = json.loads(vector_json("blood", hb=10, wbc=None, plt=250))

    def read(data: bytes, _: Path) -> object:
        vector = read_vector(data, case, "blood", bundle)
        return to_bytes(score(bundle, CaseInputs(case, vectors=(vector,) if vector else ()), "0.0").score)

    return lambda rng: odd_json(good, rng), read


def _encoder(_: Path) -> tuple[Make, Read]:
    good = json.loads((DEFAULT_ENCODER / "manifest.json").read_bytes())

    def read(data: bytes, folder: Path) -> object:
        (folder / "manifest.json").write_bytes(data)
        return read_manifest(folder)

    return lambda rng: odd_json(good, rng), read


def _encoder_graph(folder: Path) -> tuple[Make, Read]:
    """The graph of an encoder with weights in a file beside it is changed, and its digest with it.

    What passes is run in a child process first, which is not done here.
    """
    card = EncoderCard("small", "1", "fuzz", "Apache-2.0", "", tile_px=16, tile_um=8.0)
    raw = Preparation(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    manifest = wrap_encoder(small_network(folder / "net.onnx"), raw, card, folder)
    weights_outside(folder / MODEL_FILE, DATA_FILE)
    good, data = (folder / MODEL_FILE).read_bytes(), (folder / DATA_FILE).read_bytes()

    def read(model: bytes, folder: Path) -> object:
        (folder / MODEL_FILE).write_bytes(model)
        (folder / DATA_FILE).write_bytes(data)
        return read_model(folder, manifest.model_copy(update={"digest": sha256(model), "data_digest": sha256(data)}))

    return lambda rng: damaged(good, rng), read


def _trees(_: Path) -> tuple[Make, Read]:
    """Sizes of the trees are made to fit in every second input, so that what was changed in them is read."""
    good = (DEMO_BUNDLE / "lightgbm.txt").read_bytes()

    def make(rng: Random) -> bytes:
        data = damaged(good, rng)
        return with_sizes(data.decode(errors="replace")).encode() if rng.random() < 0.5 else data

    return make, lambda data, _: read_trees("lightgbm.txt", data)(np.zeros((1, 21)))


def _onnx(_: Path) -> tuple[Make, Read]:
    good = (DEMO_BUNDLE / "mil.onnx").read_bytes()

    def read(data: bytes, _: Path) -> object:
        model = OnnxMil(data)
        return model(np.zeros((2, model.width), np.float32))

    return lambda rng: damaged(good, rng, _GRAPH), read


TARGETS = (
    Target("bag", _bag),
    Target("embeddings", _embeddings),
    Target("bundle", _bundle),
    Target("vector", _vector),
    Target("encoder", _encoder),
    Target("encoder graph", _encoder_graph),
    Target("trees", _trees),
    Target("onnx", _onnx),
)
