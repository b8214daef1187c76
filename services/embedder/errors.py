"""Errors of an encoder, a plan or its tiles."""

from shared.errors import PermanentError, TransientError


class UnknownEncoderError(PermanentError):
    """There is no such encoder, its manifest cannot be read, or its answer differs from its manifest."""

    reason = "unknown_encoder"
    advice = (
        "Point the encoder setting at a folder with encoder.onnx and manifest.json, as `medulla encoder export` makes."
    )


class EncoderAlteredError(PermanentError):
    """The encoder's file is not the one its manifest describes."""

    reason = "digest_mismatch"
    advice = "Fetch the encoder again; do not use an encoder that was altered."


class EncoderMismatchError(PermanentError):
    """A plan was made for tiles of another size than the encoder expects."""

    reason = "encoder_mismatch"
    advice = (
        "Plan the slide again with the grid of the encoder's manifest (tile_px, tile_um and preprocessing), "
        "or use another encoder."
    )


class TooManyCorruptTilesError(PermanentError):
    """More of a slide's tiles could not be decoded than the operator allows."""

    reason = "too_many_corrupt_tiles"
    advice = "Scan or export the slide again; EMBEDDER_MAX_CORRUPT sets the share that is allowed."


class TooSlowError(PermanentError):
    """A slide takes longer to embed than the operator allows."""

    reason = "slide_too_large"
    advice = "Check whether so much of the slide is tissue; EMBEDDER_LIMIT_S allows more, and a GPU needs less."


class EncoderStoppedError(TransientError):
    """The process ends, or its encoder hangs; the tiles are embedded later."""


class EmptyPlanError(PermanentError):
    """A plan has no tiles, so there is nothing to embed."""

    reason = "no_tissue"
    advice = "Look at the slide's thumbnail; if there is tissue on it, relax the tissue rules and plan it again."


class DamagedChunkError(TransientError):
    """A chunk of tiles arrived damaged or incomplete; another request may help."""
