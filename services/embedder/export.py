"""Creates an encoder's folder from a network's ONNX file: wrapped graph, manifest with a known answer, notice."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx

from services.embedder.conversion import Conversion
from services.embedder.errors import UnknownEncoderError
from services.embedder.graph import Preparation, wrap
from services.embedder.known_tile import answer_for, known_tile
from services.embedder.manifest import (
    DATA_FILE,
    MANIFEST_FILE,
    MAX_MODEL_BYTES,
    MODEL_FILE,
    SCRIPT_FILE,
    EncoderManifest,
    Training,
    check_model,
    file_digest,
)
from services.embedder.onnx_encoder import OnnxModel
from shared.bounded_file import read_bounded
from shared.canonical import sha256
from shared.files import put
from shared.preprocessing import Preprocessing, is_default

NOTICE_FILE = "NOTICE"
_DIGESTS = {DATA_FILE: "data_digest", SCRIPT_FILE: "script_digest"}


@dataclass(frozen=True, slots=True)
class EncoderCard:
    """Name, origin and tile size of an encoder."""

    name: str
    version: str
    source: str
    licence: str
    notice: str
    """Text of the NOTICE file: owner and terms of the weights."""
    tile_px: int = 256
    tile_um: float = 128.0
    preprocessing: Preprocessing = Preprocessing.AREA


def wrap_encoder(weights: Path, preparation: Preparation, card: EncoderCard, out: Path) -> EncoderManifest:
    """Write encoder.onnx, manifest.json and NOTICE into `out`; the same inputs give the same bytes.

    A preprocessing other than the default is named in encoder.onnx too, so that the digest tells such encoders apart.

    Raises:
        UnknownEncoderError: the file is not a network from images to features [n, dim].
    """
    return write_encoder(prepared_graph(weights, preparation, card), card, out)


def write_encoder(
    model: bytes,
    card: EncoderCard,
    out: Path,
    training: Training | None = None,
    conversion: Conversion | None = None,
    files: Mapping[str, Path] | None = None,
) -> EncoderManifest:
    """Write a graph that takes uint8 tiles, its notice and, last, the manifest that completes it.

    `files` by their name in the folder are moved there: weights outside the graph, TorchScript.

    Raises:
        UnknownEncoderError: its output is not features [n, dim], or only zeros.
    """
    out.mkdir(parents=True, exist_ok=True)
    files = files or {}
    digests = {_DIGESTS[name]: file_digest(path) for name, path in files.items()}
    facts = {"training": training, "conversion": conversion, **digests}
    manifest = _describe(model, card, files.get(DATA_FILE)).model_copy(update=facts)
    for name, path in files.items():
        shutil.move(path, out / name)
    text = manifest.model_dump_json(indent=2, exclude_none=training is None) + "\n"
    contents = {MODEL_FILE: model, NOTICE_FILE: card.notice.encode(), MANIFEST_FILE: text.encode()}
    for name, content in contents.items():
        put(out / name, content)
    return manifest


def prepared_graph(weights: Path, preparation: Preparation, card: EncoderCard) -> bytes:
    """A network's graph with the preparation of pixels in front; its weights may lie in `NAME.data` beside it.

    Raises:
        UnknownEncoderError: the file is not a network from images to features, or names other files.
    """
    try:
        _check_network(weights)
        model = wrap(onnx.load(weights), preparation, card.tile_px)
        if not is_default(card.preprocessing):
            model.metadata_props.add(key="preprocessing", value=card.preprocessing)
        return model.SerializeToString(deterministic=True)
    except OSError as error:
        raise UnknownEncoderError(f"cannot read {weights}: {error.strerror}") from error
    except UnknownEncoderError:
        raise
    except Exception as error:  # protobuf and onnx have no common exception for invalid bytes
        raise UnknownEncoderError(f"{weights} is no network that can be wrapped: {error}") from error


def _check_network(path: Path) -> None:
    """Check a network before onnx or a runtime sees it, as an encoder is."""
    data = path.with_name(f"{path.name}.data")
    model = read_bounded(path, MAX_MODEL_BYTES, str(path), UnknownEncoderError)
    check_model(model, path, data if os.path.lexists(data) else None)


def _describe(model: bytes, card: EncoderCard, data: Path | None) -> EncoderManifest:
    check_model(model, Path(MODEL_FILE), data)
    features = OnnxModel(model, data.parent if data else None).run(known_tile(card.tile_px)[None])
    if features.ndim != 2 or features.shape[0] != 1:
        raise UnknownEncoderError(
            f"the network gives {list(features.shape)} for one tile, not [1, dim]; choose another output"
        )
    return EncoderManifest(
        name=card.name,
        version=card.version,
        source=card.source,
        licence=card.licence,
        digest=sha256(model),
        input_px=card.tile_px,
        tile_um=card.tile_um,
        um_per_px=card.tile_um / card.tile_px,
        preprocessing=card.preprocessing,
        dim=features.shape[1],
        known_answer=answer_for(features[0]),
    )
