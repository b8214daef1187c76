"""The encoder that `--encoder` names: one whose model is here, or one that is known by its name alone."""

import re
from pathlib import Path

from services.embedder.errors import UnknownEncoderError
from services.embedder.manifest import MANIFEST_FILE, read_manifest
from services.standalone.encoders.recipe import aliases_of
from services.standalone.features.errors import OtherFeaturesError
from services.standalone.features.stated import StatedEncoder
from shared.units import Sha256

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


def stated_encoder(text: str, dim: int | None) -> StatedEncoder:
    """The encoder of a name, or of a folder with a manifest.

    Raises:
        UnknownEncoderError: it is neither, or the manifest cannot be read.
        OtherFeaturesError: the encoder of the folder gives another number of features than `dim`.
    """
    if (Path(text) / MANIFEST_FILE).is_file():
        manifest = read_manifest(Path(text))
        if dim not in (None, manifest.dim):
            raise OtherFeaturesError(f"encoder {manifest.name} gives {manifest.dim} features a tile, not {dim}")
        return StatedEncoder(
            manifest.name, Sha256(manifest.digest), manifest.dim, manifest.tile_um, aliases_of(manifest)
        )
    if not _NAME.fullmatch(text):
        raise UnknownEncoderError(f"--encoder {text!a} is neither a name nor a folder with {MANIFEST_FILE}")
    return StatedEncoder(text, dim=dim)
