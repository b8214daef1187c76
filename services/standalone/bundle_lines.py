"""What a bundle is, in a few lines for the terminal."""

from services.standalone.record_lines import record_lines
from shared.model.manifest import Manifest

_SIGNED = "yes, by a key that was not checked here: `medulla bundle verify --public-key FILE` does"


def bundle_lines(digest: str, manifest: Manifest, *, signed: bool) -> list[str]:
    """Its digest, signature, arms and what a clinical record may hold."""
    encoder_name = manifest.encoder.name if manifest.encoder else "none"
    arms = ", ".join(f"{arm.name} ({' + '.join(arm.blocks)})" for arm in manifest.arms)
    return [
        f"{manifest.name}{' (SIMULATED)' if manifest.simulated else ''}, made {manifest.created}",
        f"digest   {digest}",
        f"signed   {_SIGNED if signed else 'no'}",
        f"encoder  {encoder_name}",
        f"arms     {arms}",
        f"profile  {manifest.profile.name}: a clinical record may hold (--json prints every word)",
        *record_lines(manifest.profile),
        manifest.notice,
    ]
