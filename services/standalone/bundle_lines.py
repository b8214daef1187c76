"""What a bundle is, in a few lines for the terminal."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from services.standalone.prototype_lines import prototype_lines
from services.standalone.record_lines import record_lines
from shared.model.block import Block
from shared.model.bundle_files import VerifiedFiles
from shared.model.manifest import ArmRef, Manifest
from shared.model.prototypes import Prototypes
from shared.model.tile_classifier import BundleClassifier
from shared.model.vector_model import VectorModel
from shared.words import counted, listed


def bundle_lines(
    folder: Path,
    checked: VerifiedFiles,
    vectors: Mapping[str, VectorModel],
    prototypes: Prototypes | None = None,
    classifier: BundleClassifier | None = None,
) -> list[str]:
    """Its digest, signature, arms, blocks, classes of tiles, prototypes and what a clinical record may hold."""
    manifest = checked.manifest
    encoder_name = manifest.encoder.name if manifest.encoder else "none"
    return [
        f"{manifest.name}{' (SIMULATED)' if manifest.simulated else ''}, made {manifest.created}",
        *(f"read     {sentence}" for sentence in manifest.every_reservation),
        f"digest   {checked.digest}",
        f"signed   {_signed(folder) if checked.signed else 'no'}",
        f"encoder  {encoder_name}",
        *(f"arm      {arm.name} ({_blocks(arm, manifest)})" for arm in manifest.arms),
        *(f"block    {_block_line(block, manifest, vectors)}" for block in manifest.profile.blocks),
        *([f"classes  {listed(classifier.classes)}, from slides by the bundle's classifier"] if classifier else []),
        *prototype_lines(prototypes),
        f"profile  {manifest.profile.name}: a clinical record may hold (--json prints every word)",
        *record_lines(manifest.profile),
        manifest.notice,
    ]


def blocks_json(manifest: Manifest, vectors: Mapping[str, VectorModel]) -> list[dict[str, Any]]:
    """Each block with its title and source, and the names of a vector's columns; null where the bundle has no model."""
    return [
        {"name": block.name, "title": block.title, "source": block.source}
        | ({"columns": _columns(vectors.get(block.name))} if block.source == "vectors" else {})
        for block in manifest.profile.blocks
    ]


def classifier_json(classifier: BundleClassifier | None) -> dict[str, JsonValue] | None:
    """Block, classes and prevalence of the classifier of tiles; null where the bundle has none."""
    shown = {"block", "classes", "prevalence"}
    return classifier.model_dump(mode="json", include=shown) if classifier else None


def _signed(folder: Path) -> str:
    command = f"medulla bundle verify {shlex.quote(str(folder))} --public-key FILE"
    return f"yes, by a key that was not checked here: `{command}` does"


def _blocks(arm: ArmRef, manifest: Manifest) -> str:
    return " + ".join(block.name for block in manifest.profile.ordered(arm.blocks))


def _columns(model: VectorModel | None) -> list[str] | None:
    return None if model is None else list(model.columns)


def _block_line(block: Block, manifest: Manifest, vectors: Mapping[str, VectorModel]) -> str:
    model = vectors.get(block.name)
    source: str = block.source
    if block.source == "vectors":
        source += f", {counted(len(model.columns), 'column')}" if model else ", no model"
    elif block.source == "slides" and manifest.encoder is None:
        source += ", no model"
    named = block.name if block.title == block.name else f"{block.name}: {block.title}"
    return f"{named} (from {source})"
