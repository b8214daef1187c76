"""What an encoder is and how it was fine-tuned, in a few lines for the terminal."""

from typing import Any

from services.embedder.conversion import Conversion
from services.embedder.manifest import EncoderManifest, Training


def encoder_lines(manifest: EncoderManifest) -> list[str]:
    """Its source, licence, digest, tiles and training."""
    rows: dict[str, Any] = {
        "source": manifest.source,
        "licence": manifest.licence,
        "digest": manifest.digest,
        "tiles": f"{manifest.input_px} px, {manifest.tile_um:g} um ({manifest.um_per_px:g} um/px), "
        f"preprocessing {manifest.preprocessing}",
        "features": manifest.dim,
    }
    lines = [f"{name:9}{value}" for name, value in rows.items()]
    return [
        f"{manifest.name} {manifest.version}",
        *lines,
        *training_lines(manifest.training),
        *conversion_lines(manifest.conversion),
    ]


def training_lines(training: Training | None) -> list[str]:
    """How an encoder was fine-tuned and whether it helped, in a few lines."""
    if training is None:
        return []
    guard = training.guard
    mark = "SIMULATED " if training.simulated else ""
    return [
        f"tuned    from {training.base} on {mark}{training.learned_from}: {training.tiles} tiles of "
        f"{training.patients} patients, data {training.data_digest[:12]}",
        *([f"adapted  to {training.unlabelled} tiles without labels"] if training.unlabelled else []),
        *([f"{guard.metric}: frozen {guard.frozen}, tuned {guard.tuned}"] if guard and guard.gain else []),
        f"verdict  {training.verdict}",
    ]


def conversion_lines(conversion: Conversion | None) -> list[str]:
    """How an encoder was made from a network and how closely it was checked, in a few lines."""
    if conversion is None:
        return []
    parity = conversion.parity
    lines = [
        f"network  {conversion.network}, {conversion.pooling.replace('_', ' ')}, weights in {conversion.precision}",
        f"parity   differs from {parity.reference} by {parity.largest_difference:.2g} at most on {parity.tiles} tiles "
        f"({parity.share_of_norm:.2g} of the norm), cosine {parity.cosine:.6f}",
    ]
    if conversion.random_seed is not None:
        return [*lines, f"RANDOM   weights drawn from seed {conversion.random_seed}: its features mean nothing"]
    weights = f"weights  sha256 {conversion.weights_digest}"
    return [*lines, weights, f"terms    {conversion.terms.name}, exported for {conversion.use} use"]
