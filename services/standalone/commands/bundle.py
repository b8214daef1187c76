"""`medulla bundle …`: shows, verifies and signs model bundles."""

from pathlib import Path
from typing import Annotated

import typer

from services.standalone.commands.options import AsJson
from services.standalone.console import exit_codes, loading, print_json, say
from services.standalone.demo_case import DEMO_BUNDLE
from shared.bounded_file import read_key

app = typer.Typer(help="Model bundles: show, verify, sign.", no_args_is_help=True)

BundleFolder = Annotated[Path, typer.Argument(metavar="PATH", help="Folder of the bundle.")]
ShownBundle = Annotated[
    Path, typer.Argument(metavar="PATH", help="Folder of the bundle.", show_default="the SIMULATED demo's")
]
PublicKey = Annotated[
    Path | None,
    typer.Option(help="ed25519 public key, PEM; then a signature is required.", exists=True, dir_okay=False),
]


@app.command("show")
def show_bundle(path: ShownBundle = DEMO_BUNDLE, as_json: AsJson = False) -> None:
    """Say what a bundle is: arms, encoder, digests, blocks, prototypes, and what a record or vector may hold."""
    with loading():
        from services.standalone.bundle_lines import blocks_json, bundle_lines, classifier_json
        from services.standalone.prototype_lines import prototypes_json
        from shared.model import bundle_files
        from shared.model.bundle import stored_classifier, stored_prototypes, vector_models
    with exit_codes():
        checked = bundle_files.verify(path)
        vectors, prototypes = vector_models(checked), stored_prototypes(checked)
        classifier = stored_classifier(checked)
    if as_json:
        checks = {"digest": checked.digest, "signed": checked.signed, "signature_checked": False}
        contents = {"blocks": blocks_json(checked.manifest, vectors), "prototypes": prototypes_json(prototypes)}
        classes = {"tile_classifier": classifier_json(classifier)}
        print_json(checks | contents | classes | checked.manifest.model_dump(mode="json"))
    else:
        say("\n".join(bundle_lines(path, checked, vectors, prototypes, classifier)))


@app.command("verify")
def verify_bundle(path: BundleFolder, public_key: PublicKey = None, as_json: AsJson = False) -> None:
    """Check every digest, the signature where a key is given, and that the parts fit together and can be loaded.

    The bundle is loaded in a child process with limits of memory and time, since it may be a stranger's.
    """
    with loading():
        from shared.model import bundle_files
        from shared.model.trial import Trial
    with exit_codes():
        checked = bundle_files.verify(path, read_key(public_key) if public_key else None)
        Trial()(checked)
    if as_json:
        print_json({"digest": checked.digest, "ok": True, "signature_checked": public_key is not None})
    else:
        say(f"{path}: every file is intact, digest {checked.digest}; {_signature_words(public_key)}")


@app.command("sign")
def sign_bundle(
    path: BundleFolder,
    key: Annotated[Path, typer.Option(help="ed25519 private key, PEM without password.", exists=True, dir_okay=False)],
    as_json: AsJson = False,
) -> None:
    """Write the bundle's signature with an ed25519 key.

    `openssl genpkey -algorithm ed25519 -out key.pem` makes a key; `openssl pkey -in key.pem -pubout -out key.pub.pem`
    writes its public half, by which `medulla bundle verify` and the scorer check.
    """
    with loading():
        from shared.model import bundle_files
    with exit_codes():
        bundle_files.sign(path, read_key(key))
    if as_json:
        print_json({"bundle": str(path), "signed": True})
    else:
        say(f"{path}: signed")


def _signature_words(public_key: Path | None) -> str:
    return f"signed by {public_key}" if public_key else "no key given, signature not checked"
