"""A bundle and cases small enough to count by hand, for tests of the fusion scorer."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from medulla.v1.events_pb2 import SlideEmbedded
from onnx import TensorProto, helper, numpy_helper

from services.fusion_scorer.inputs import PlanFacts, SlideFacts, SlideInput
from shared.blob.port import BlobStore
from shared.model.block import DEFAULT_BLOCKS
from shared.model.prototypes import PROTOTYPES, Prototypes
from shared.model.tile_classifier import TILE_CLASSIFIER, BundleClassifier
from shared.tensors import encode_tensors
from shared.times import stamp

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ENCODER = hashlib.sha256(b"the encoder").hexdigest()
PROFILE: dict[str, Any] = {
    "name": "toy",
    "variables": [
        {"name": "age", "kind": "numeric", "block": "clinical", "unit": "years", "low": 0, "high": 120},
        {"name": "stage", "kind": "ordinal", "block": "clinical", "label": "M stage", "levels": ["M0", "M1"]},
        {"name": "group", "kind": "categorical", "block": "molecular", "levels": ["G3", "G4"]},
    ],
    "outcome": {"codes": {"0": "censored", "1": "relapse"}},
    "horizons_years": [3, 5],
}
STAGE = {"name": "M+", "variable": "stage", "form": "level", "levels": ["M1"], "impute": 0.25, "mean": 0.25}
GROUP = {"name": "G3", "variable": "group", "form": "level", "levels": ["G3"], "impute": 0.5, "mean": 0.5}
SLIDES = {"name": "slides", "variable": "pathomics", "form": "value", "mean": 1.0, "scale": 2.0}
AGE = {"name": "age", "variable": "age", "form": "value", "impute": 8.0, "mean": 8.0, "scale": 4.0}
TIMES = [1.0, 5.0]
BASELINE = {"event": [0.1, 0.5], "competing": [0.05, 0.25]}
"""Constant hazards of 0.1 and 0.05 a year."""


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def linear(coefficients: Sequence[float], baseline: Sequence[float]) -> dict[str, Any]:
    """One cause of a fit."""
    return {"log_hazard": {"kind": "linear", "coefficients": list(coefficients)}, "baseline": list(baseline)}


def fit(coefficients: Sequence[float]) -> dict[str, Any]:
    """Relapse with coefficients, a competing event without."""
    event = linear(coefficients, BASELINE["event"])
    return {"event": event, "competing": [linear([0.0] * len(coefficients), BASELINE["competing"])]}


def arm(columns: Sequence[Mapping[str, Any]], coefficients: Sequence[float]) -> dict[str, Any]:
    """An arm with two refits, a little milder and a little stronger than the fit."""
    refits = [fit([c - 0.1 for c in coefficients]), fit([c + 0.1 for c in coefficients])]
    return {"columns": list(columns), "times_years": TIMES, "fit": fit(coefficients), "refits": refits}


def mil(width: int = 2, *, projects: bool = False) -> bytes:
    """A model over the first 2 of `width` features: attention by one, log-risk the attended mean of the other.

    A model that `projects` gives the tiles as they are.
    """
    nodes = [
        helper.make_node("Gather", ["bag", "zero"], ["raw"], axis=1),
        helper.make_node("Gather", ["bag", "one"], ["said"], axis=1),
        helper.make_node("Softmax", ["raw"], ["attention"], axis=0),
        helper.make_node("MatMul", ["attention", "said"], ["log_risk"]),
        *([helper.make_node("Identity", ["bag"], ["projected"])] if projects else []),
    ]
    floats, ints = TensorProto.FLOAT, np.int64
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("bag", floats, ["n", width])],
        [
            helper.make_tensor_value_info("log_risk", floats, []),
            helper.make_tensor_value_info("attention", floats, ["n"]),
            *([helper.make_tensor_value_info("projected", floats, ["n", width])] if projects else []),
        ],
        [numpy_helper.from_array(np.array(i, ints), name) for i, name in enumerate(("zero", "one"))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def prototypes() -> Prototypes:
    """Two prototypes of the toy's tiles, around a second feature of 0 and of 4; the second goes with higher risk."""
    ratios = [[np.nan] * 3, [1.5, 1.2, 1.875]]
    return Prototypes(features((0, 0), (0, 4)), np.array([0.75, 0.25]), np.array(ratios))


def with_prototypes() -> dict[str, bytes]:
    """Files of a toy bundle that has prototypes."""
    return {"mil.onnx": mil(projects=True), PROTOTYPES: prototypes().as_bytes()}


def tile_classifier(**changes: Any) -> BundleClassifier:
    """A classifier of the toy's tiles: nodular with a second feature of 4, plain with one of 0."""
    content = {
        "block": "composition",
        "classes": ["nodular", "plain"],
        "encoder": {"name": "toy-encoder", "digest": ENCODER},
        "prevalence": [0.5, 0.5],
        "coefficients": [[0.0, 20.0], [0.0, 0.0]],
        "intercept": [-40.0, 0.0],
        "temperature": 1.0,
    }
    return BundleClassifier.model_validate({**content, **changes})


def with_classifier(**changes: Any) -> dict[str, Any]:
    """Files of a toy bundle with a classifier of tiles, and a first arm that reads the shares of its classes."""
    hazard = {"kind": "linear", "coefficients": [0.5]}
    shares = {"mean": [0.25, 0.75], "scale": [0.1, 0.1], "used": [0], "log_hazard": hazard}
    column = {"name": "composition", "variable": "composition", "form": "value", "mean": 0.0, "scale": 1.0}
    rules = parts()["thresholds.json"]["arms"]
    return {
        TILE_CLASSIFIER: {**tile_classifier().as_json(), **changes},
        "vectors-composition.json": {"block": "composition", "columns": ["nodular", "plain"], **shares},
        "composed.json": arm([column], [1.0]),
        "thresholds.json": {"arms": rules | {"composed": rules["pathomics"]}},
    }


def composed_entries() -> dict[str, Any]:
    """What bundle.json says of a bundle with these files."""
    block = {"name": "composition", "source": "vectors", "title": "histology composition"}
    blocks = [*(each.model_dump(exclude={"fit"}) for each in DEFAULT_BLOCKS), block]
    composed = {"name": "composed", "file": "composed.json", "blocks": ["composition"]}
    return {"profile": {**PROFILE, "blocks": blocks}, "arms": [composed, *facts()["arms"]]}


def parts() -> dict[str, Any]:
    """The JSON files of the toy bundle, to be changed before they are written."""
    rule = {
        "horizon_years": 3,
        "groups": [{"name": "low", "below": 0.2}, {"name": "high", "below": None}],
        "basis": "a limit made up for a test",
    }
    names = ("fused", "clinical_molecular", "clinical", "pathomics")
    embedding = {"mean": [0, 0], "axes": [[1, 0]], "spread": [1], "residual": 1, "limits": {"flag": 3, "abstain": 6}}
    files = {
        "fused.json": arm([STAGE, GROUP, SLIDES], [0.8, 0.4, 0.5]),
        "clinical_molecular.json": arm([STAGE, GROUP], [0.8, 0.4]),
        "clinical.json": arm([STAGE, AGE], [0.8, -0.2]),
        "pathomics.json": arm([SLIDES], [0.5]),
        "calibration.json": {"arms": {}},
        "thresholds.json": {"arms": dict.fromkeys(names, rule)},
        "reference.json": {
            "log_risk": {name: [-2, -1, 0, 1, 2] for name in names},
            "embedding": embedding,
            "numeric": {"age": {"mean": 8, "spread": 4, "limits": {"flag": 3, "abstain": 5}}},
        },
    }
    return dict(json.loads(json.dumps(files)))


def facts() -> dict[str, Any]:
    """What the toy bundle's bundle.json says."""
    arms = {
        "fused": ["clinical", "molecular", "pathomic"],
        "clinical_molecular": ["clinical", "molecular"],
        "clinical": ["clinical"],
        "pathomics": ["pathomic"],
    }
    return {
        "version": 1,
        "name": "toy",
        "created": "2026-03-02",
        "profile": PROFILE,
        "encoder": {"name": "toy-encoder", "digest": ENCODER},
        "arms": [{"name": name, "file": f"{name}.json", "blocks": blocks} for name, blocks in arms.items()],
        "simulated": False,
    }


def arms_with_doubts(**doubts: str) -> list[dict[str, Any]]:
    """The toy bundle's arms in bundle.json, with what speaks against some of them."""
    return [
        {**entry, "reservations": [doubts[name]] if (name := entry["name"]) in doubts else []}
        for entry in facts()["arms"]
    ]


def write_bundle(
    folder: Path, changed: Mapping[str, Any] | None = None, entries: Mapping[str, Any] | None = None
) -> Path:
    """Write the toy bundle, with some JSON files or bytes (`changed`) and entries of bundle.json of one's own."""
    contents = {**parts(), "mil.onnx": mil(), "model_card.md": b"# A toy\n", **(changed or {})}
    files = {name: item if isinstance(item, bytes) else json.dumps(item).encode() for name, item in contents.items()}
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    manifest = {**facts(), "files": {name: digest(data) for name, data in files.items()}, **(entries or {})}
    (folder / "bundle.json").write_text(json.dumps(manifest, sort_keys=True))
    return folder


def features(*rows: Sequence[float]) -> npt.NDArray[np.float32]:
    """Tiles of two features: how much they are attended, and what they say."""
    return np.array(rows, np.float32).reshape(-1, 2)


def embedded(
    case: str, slide: str, bag: bytes, landed: datetime = NOON, encoder: str = ENCODER, tiles: int = 3
) -> SlideEmbedded:
    """The event about a slide whose bag has these bytes."""
    name = digest(f"{case}/{slide}/{landed}".encode())
    event = SlideEmbedded(event_id=digest(f"{name}{digest(bag)}".encode())[:32], as_of=stamp(landed))
    event.slide.case_id, event.slide.slide_id, event.slide.digest = case, slide, name
    event.slide.object.key, event.slide.object.etag = f"slides/{case}/{slide}", name[:32]
    event.slide.object.last_modified.CopyFrom(event.as_of)
    event.plan.digest, event.plan.prefix = digest(b"plan"), f"plans/{name}/{digest(b'plan')}/"
    event.bag.key, event.bag.digest = f"embeddings/{name}/{digest(bag)}/bag.safetensors", digest(bag)
    event.bag.encoder_digest, event.bag.encoder_name, event.bag.tiles = encoder, "toy-encoder", tiles
    event.ledger.ok, event.ledger.background = tiles, 5
    return event


def bag_bytes(rows: npt.NDArray[np.float32]) -> bytes:
    """A bag file of these tiles, in a column of the slide."""
    coords = np.stack([np.zeros(len(rows)), 256 * np.arange(len(rows))], axis=1).astype(np.int32)
    return encode_tensors({"features": rows.astype(np.float16), "coords": coords})


def plan() -> PlanFacts:
    """A plan of a slide of 512 x 2560 px."""
    slide = SlideFacts(width_px=512, height_px=2560, mpp_x=0.5, mpp_y=0.5, mpp_source="openslide.mpp-x")
    ledger = {"ok": 2, "background": 5}
    return PlanFacts(slide=slide, tile_width_px=256, tile_height_px=256, qc_flags=("pen_ink",), ledger=ledger)


def slide_input(slide: str, rows: npt.NDArray[np.float32], case: str = "MB-1", encoder: str = ENCODER) -> SlideInput:
    """A slide in memory."""
    coords = np.stack([np.zeros(len(rows)), 256 * np.arange(len(rows))], axis=1).astype(np.int32)
    return SlideInput(embedded(case, slide, bag_bytes(rows), encoder=encoder, tiles=len(rows)), plan(), rows, coords)


def store_slide(
    store: BlobStore,
    case: str,
    slide: str,
    rows: npt.NDArray[np.float32],
    minutes: float = 0,
    pixels: bytes | None = None,
) -> SlideEmbedded:
    """Put a slide with its plan and bag into a store, as lab, tiler and embedder do; the event about it, unsent.

    Its bytes are `pixels`, by default none that another slide, case or time has.
    """
    data = bag_bytes(rows)
    event = embedded(case, slide, data, NOON + timedelta(minutes=minutes), tiles=len(rows))
    content = pixels or event.slide.digest.encode()
    event.slide.object.etag, event.slide.digest = store.put(event.slide.object.key, content).etag, digest(content)
    event.plan.prefix = f"plans/{event.slide.digest}/{event.plan.digest}/"
    event.bag.key = f"embeddings/{event.slide.digest}/{digest(data)}/bag.safetensors"
    store.put(event.bag.key, data)
    store.put(f"{event.plan.prefix}plan.json", json.dumps({"version": 1, **plan().model_dump()}).encode())
    return event


def clinical_json(case: str = "MB-1", **values: Any) -> bytes:
    """A record's bytes."""
    return json.dumps({"case_id": case, **values}).encode()
