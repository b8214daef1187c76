"""`medulla bundle …` and `medulla encoder …`: look at model files, check them, sign them, make them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from services.embedder.export import EncoderCard, wrap_encoder
from services.embedder.graph import Preparation, Triple
from services.embedder.manifest import DEFAULT_ENCODER, EncoderManifest, Training, read_manifest, read_model
from services.standalone.console import AsJson, exit_codes, print_json, say
from services.standalone.record_lines import record_lines
from services.tiler.grid import GridSpec
from shared.model import bundle_files
from shared.model.bundle import load
from shared.model.manifest import Manifest

bundle = typer.Typer(help="Model bundles: show, verify, sign.", no_args_is_help=True)
encoder = typer.Typer(help="Encoders: show, export.", no_args_is_help=True)

_SIGNED = "yes, by a key that was not checked here: `medulla bundle verify --public-key FILE` does"
BundleFolder = Annotated[Path, typer.Argument(metavar="PATH", help="Folder of the bundle.")]
PublicKey = Annotated[
    Path | None,
    typer.Option(help="ed25519 public key, PEM; then a signature is required.", exists=True, dir_okay=False),
]
_IMAGENET_MEAN: Triple = (123.675, 116.28, 103.53)
_IMAGENET_STD: Triple = (58.395, 57.12, 57.375)
"""What networks trained on ImageNet with torchvision's recipe expect, times 255."""


@bundle.command("show")
def show_bundle(path: BundleFolder, as_json: AsJson = False) -> None:
    """Say what a bundle is: arms, encoder, digests, and what a clinical record for it may hold."""
    with exit_codes():
        checked = bundle_files.verify(path)
    if as_json:
        said = {"digest": checked.digest, "signed": checked.signed, "signature_checked": False}
        print_json(said | checked.manifest.model_dump(mode="json"))
    else:
        say("\n".join(_bundle_lines(checked.digest, checked.manifest, signed=checked.signed)))


@bundle.command("verify")
def verify_bundle(path: BundleFolder, public_key: PublicKey = None, as_json: AsJson = False) -> None:
    """Check every digest, the signature where a key is given, and that the parts fit together."""
    with exit_codes():
        checked = load(path, public_key.read_bytes() if public_key else None)
    if as_json:
        print_json({"digest": checked.digest, "ok": True, "signature_checked": public_key is not None})
    else:
        say(f"{path}: every file is intact, digest {checked.digest}; {_signature_words(public_key)}")


@bundle.command("sign")
def sign_bundle(
    path: BundleFolder,
    key: Annotated[Path, typer.Option(help="ed25519 private key, PEM without password.", exists=True, dir_okay=False)],
    as_json: AsJson = False,
) -> None:
    """Write the bundle's signature with an ed25519 key.

    `openssl genpkey -algorithm ed25519 -out key.pem` makes a key; `openssl pkey -in key.pem -pubout -out key.pub.pem`
    writes its public half, by which `medulla bundle verify` and the scorer check.
    """
    with exit_codes():
        bundle_files.sign(path, key.read_bytes())
    if as_json:
        print_json({"bundle": str(path), "signed": True})
    else:
        say(f"{path}: signed")


@encoder.command("show")
def show_encoder(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="Folder of the encoder.", show_default="the one that ships")
    ] = DEFAULT_ENCODER,
    as_json: AsJson = False,
) -> None:
    """Say what an encoder is, after checking its digest."""
    with exit_codes():
        manifest = read_manifest(path)
        read_model(path, manifest)
    if as_json:
        print_json(manifest.model_dump(mode="json"))
    else:
        say("\n".join(_encoder_lines(manifest)))


@encoder.command("export")
def export_encoder(
    weights: Annotated[Path, typer.Option(help="ONNX network, float images NCHW in, features \\[n, dim] out.")],
    name: Annotated[str, typer.Option(help="Name of the encoder.")],
    source: Annotated[str, typer.Option(help="Where the weights come from and what they were trained on.")],
    licence: Annotated[str, typer.Option(help="Licence of the weights.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    version: Annotated[str, typer.Option(help="Version of the encoder.")] = "1.0.0",
    mean: Annotated[Triple, typer.Option(help="Mean of each channel, 0 to 255.")] = _IMAGENET_MEAN,
    std: Annotated[Triple, typer.Option(help="Standard deviation of each channel, 0 to 255.")] = _IMAGENET_STD,
    tile_px: Annotated[int, typer.Option(help="Side of a tile in pixels.")] = GridSpec().tile_px,
    tile_um: Annotated[float, typer.Option(help="Side of a tile in microns.")] = GridSpec().tile_um,
    as_json: AsJson = False,
) -> None:
    """Wrap a network so that it takes uint8 tiles: resize and normalisation go inside the graph."""
    card = EncoderCard(name, version, source, licence, f"{name}: {source}. Licence: {licence}.\n", tile_px, tile_um)
    with exit_codes():
        manifest = wrap_encoder(weights, Preparation(mean=mean, std=std), card, out)
    if as_json:
        print_json(manifest.model_dump(mode="json"))
    else:
        say(f"{out}: encoder {manifest.name}, {manifest.dim} features, digest {manifest.digest}")


def _bundle_lines(digest: str, manifest: Manifest, *, signed: bool) -> list[str]:
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


def _encoder_lines(manifest: EncoderManifest) -> list[str]:
    rows: dict[str, Any] = {
        "source": manifest.source,
        "licence": manifest.licence,
        "digest": manifest.digest,
        "tiles": f"{manifest.input_px} px, {manifest.tile_um:g} um ({manifest.um_per_px:g} um/px)",
        "features": manifest.dim,
    }
    told = [f"{name:9}{value}" for name, value in rows.items()]
    return [f"{manifest.name} {manifest.version}", *told, *(training_lines(manifest.training))]


def training_lines(training: Training | None) -> list[str]:
    """How an encoder was fine-tuned and whether it helped, in a few lines."""
    if training is None:
        return []
    before = "" if training.frozen_loss is None else f", {training.frozen_loss:.4g} while the head alone was trained"
    mark = "SIMULATED " if training.simulated else ""
    return [
        f"tuned    from {training.base} on {mark}{training.learned_from}: {training.tiles} tiles of "
        f"{training.patients} patients, data {training.data_digest[:12]}",
        f"loss     {training.best_loss:.4g} in epoch {training.best_epoch} of {training.epochs}{before}",
        f"verdict  {training.verdict}",
    ]


def _signature_words(public_key: Path | None) -> str:
    return f"signed by {public_key}" if public_key else "no key given, signature not checked"
