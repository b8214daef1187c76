"""The demo bundle as training would write it now: with its prototypes, and with a made-up classifier of tiles."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from services.standalone.demo_case import DEMO_BUNDLE
from services.trainer.tile_classifier.cohort_block import COMPOSITION
from shared.model.block import DEFAULT_BLOCKS
from shared.model.bundle_files import FolderFiles
from shared.model.bundle_writer import write_bundle
from shared.model.manifest import MANIFEST, EncoderRef
from shared.model.mil import MIL, PROJECTED
from shared.model.onnx_mil import OnnxMil
from shared.model.prototypes import PROTOTYPES, Prototypes
from shared.model.tile_classifier import TILE_CLASSIFIER, BundleClassifier

_OLD = "prototypes.json"
_PROJECTED_INSIDE = "flat"
"""Name of the projected tiles in graphs of older programs, where they are no output."""


CLASSES = ("nodules", "plain", "necrosis")


def with_tile_groups(folder: Path) -> Path:
    """Write the bundle into a folder; no model reads the shares of the classes."""
    files = dict(FolderFiles(DEMO_BUNDLE).read())
    manifest, old = json.loads(files.pop(MANIFEST)), json.loads(files.pop(_OLD))
    files[MIL] = _projecting(files[MIL], old["axes"])
    files[PROTOTYPES] = _converted(old["prototypes"]).as_bytes()
    classifier = _classifier(OnnxMil(files[MIL]).width, EncoderRef.model_validate(manifest["encoder"]))
    blocks = [block.model_dump(exclude_defaults=True) for block in (*DEFAULT_BLOCKS, COMPOSITION)]
    facts = {name: manifest[name] for name in manifest if name != "files"}
    facts["profile"] = manifest["profile"] | {"blocks": blocks}
    write_bundle(folder, files | {TILE_CLASSIFIER: classifier.as_json()}, facts, key=None)
    return folder


def _classifier(width: int, encoder: EncoderRef) -> BundleClassifier:
    return BundleClassifier(
        block=COMPOSITION.name,
        classes=CLASSES,
        encoder=encoder,
        prevalence=np.full(len(CLASSES), 1 / len(CLASSES)),
        coefficients=np.random.default_rng(1).normal(size=(len(CLASSES), width)),
        intercept=np.zeros(len(CLASSES)),
        temperature=1.0,
    )


def _projecting(model: bytes, axes: int) -> bytes:
    graph = onnx.load_from_string(model)
    graph.graph.node.append(helper.make_node("Identity", [_PROJECTED_INSIDE], [PROJECTED]))
    graph.graph.output.append(helper.make_tensor_value_info(PROJECTED, TensorProto.FLOAT, ["n", axes]))
    return bytes(graph.SerializeToString(deterministic=True))


def _converted(rows: Sequence[Mapping[str, Any]]) -> Prototypes:
    ratios = [[row["hazard_ratio_per_sd"][end] for end in ("est", "lo", "hi")] for row in rows]
    centres = np.array([row["centre"] for row in rows], np.float32)
    return Prototypes(centres, np.array([row["mean_share"] for row in rows]), np.array(ratios))
