"""The demo bundle as training would write it now: with the prototypes that it was trained with."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from services.standalone.demo_case import DEMO_BUNDLE
from shared.model.bundle_files import FolderFiles
from shared.model.bundle_writer import write_bundle
from shared.model.manifest import MANIFEST
from shared.model.mil import MIL, PROJECTED
from shared.model.prototypes import PROTOTYPES, Prototypes

_OLD = "prototypes.json"
_PROJECTED_INSIDE = "flat"
"""Name of the projected tiles in graphs of older programs, where they are no output."""


def with_prototypes(folder: Path) -> Path:
    """Write the bundle into a folder."""
    files = dict(FolderFiles(DEMO_BUNDLE).read())
    manifest, old = json.loads(files.pop(MANIFEST)), json.loads(files.pop(_OLD))
    files[MIL] = _projecting(files[MIL], old["axes"])
    files[PROTOTYPES] = _converted(old["prototypes"]).as_bytes()
    write_bundle(folder, files, {name: manifest[name] for name in manifest if name != "files"}, key=None)
    return folder


def _projecting(model: bytes, axes: int) -> bytes:
    graph = onnx.load_from_string(model)
    graph.graph.node.append(helper.make_node("Identity", [_PROJECTED_INSIDE], [PROJECTED]))
    graph.graph.output.append(helper.make_tensor_value_info(PROJECTED, TensorProto.FLOAT, ["n", axes]))
    return bytes(graph.SerializeToString(deterministic=True))


def _converted(rows: Sequence[Mapping[str, Any]]) -> Prototypes:
    ratios = [[row["hazard_ratio_per_sd"][end] for end in ("est", "lo", "hi")] for row in rows]
    centres = np.array([row["centre"] for row in rows], np.float32)
    return Prototypes(centres, np.array([row["mean_share"] for row in rows]), np.array(ratios))
