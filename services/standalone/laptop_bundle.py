"""The bundle of `medulla up`: the given one or the folder's promoted one, and where people can look at it."""

from pathlib import Path

from services.fusion_scorer.errors import NoBundleError
from services.fusion_scorer.promoted import Bundles, promote
from services.standalone.console import note
from services.standalone.demo_case import DEMO_BUNDLE
from services.standalone.workspace import Workspace
from shared import keys
from shared.model.bundle_files import verify
from shared.model.trial import Trial
from shared.units import Sha256


def promoted_bundles(workspace: Workspace, given: Path | None) -> Bundles:
    """The bundles of a folder, after promoting the given one, or the one that ships where none is promoted.

    What speaks against the given one is printed; on a laptop it needs no flag.

    Raises:
        BadBundleError: the bundle is not intact.
    """
    bundles = Bundles(workspace.store)
    promoted = _promoted_digest(bundles)
    if given is not None:
        _promote_given(workspace, given, promoted)
    elif promoted is None:
        promote(workspace.store, DEMO_BUNDLE)
    return bundles


def _promote_given(workspace: Workspace, given: Path, promoted: Sha256 | None) -> None:
    files = verify(given)
    if files.digest != promoted:
        promote(workspace.store, given, trial=Trial())
    if files.manifest.reservations:
        note("\n  ".join([f"{given}: read its model_card.md first:", *files.manifest.reservations]))


def _promoted_digest(bundles: Bundles) -> Sha256 | None:
    try:
        return bundles.promoted().bundle.digest
    except NoBundleError:
        return None


def bundle_folder(workspace: Workspace, bundles: Bundles, given: Path | None) -> Path | None:
    """The folder of the promoted bundle: the given one, or the one in the workspace; None for the one that ships."""
    digest = bundles.promoted().bundle.digest
    if digest == verify(DEMO_BUNDLE).digest:
        return None
    return given or workspace.root / keys.bundle_prefix(digest)
