"""Whether an encoder is the one whose features a bundle reads, before anything is embedded by it."""

from pathlib import Path

from services.embedder.manifest import read_manifest
from services.standalone.errors import OtherBundleEncoderError
from shared.model.bundle import Bundle


def check_encoder(bundle: Bundle, folder: Path) -> None:
    """Refuse an encoder that a bundle cannot read; one without a model of slides reads none.

    Raises:
        OtherBundleEncoderError: the bundle reads another encoder.
        UnknownEncoderError: the folder holds no encoder.
    """
    trained_on = bundle.manifest.encoder
    if bundle.mil is None or trained_on is None:
        return
    encoder = read_manifest(folder)
    if encoder.digest != trained_on.digest:
        raise OtherBundleEncoderError(
            f"--encoder names {encoder.name} {encoder.digest[:12]}, "
            f"and bundle {bundle.manifest.name} reads {trained_on.name} {trained_on.digest[:12]}"
        )
