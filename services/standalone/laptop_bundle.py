"""The bundle of `medulla up`: the given one or the folder's promoted one, and where people can look at it."""

from pathlib import Path

from services.fusion_scorer.errors import NoBundleError
from services.fusion_scorer.last_good import LastGood
from services.fusion_scorer.promoted import Bundles, promote
from services.standalone.accepted_reservations import check_reservations
from services.standalone.console import note
from services.standalone.demo_case import DEMO_BUNDLE
from services.standalone.workspace import Workspace
from shared import model_keys
from shared.model.bundle_files import verify
from shared.model.errors import BadBundleError
from shared.model.trial import Trial
from shared.units import Sha256


def promoted_bundles(workspace: Workspace, folder: Path | None, *, despite_reservations: bool = False) -> Bundles:
    """The bundles of a workspace, after promoting that of `folder`, or the one that ships where none is promoted.

    The promoted one is loaded when this returns, so that a start uses no other. What speaks against that of `folder` is
    printed where it is accepted. While the promoted bundle cannot be used, the last good one is, as the page says.

    Raises:
        ReservationsError: something speaks against the models of `folder`, which was not accepted.
        BadBundleError: the bundle is not intact.
    """
    bundles = Bundles(workspace.store, trial=Trial(), last_good=LastGood(workspace.store))
    if folder is not None:
        _promote_folder(workspace, folder, _usable_digest(bundles), despite_reservations=despite_reservations)
    try:
        bundles.promoted(waits=True)
    except NoBundleError:
        promote(workspace.store, DEMO_BUNDLE)
        bundles.promoted(waits=True)
    return bundles


def _promote_folder(workspace: Workspace, folder: Path, promoted: Sha256 | None, *, despite_reservations: bool) -> None:
    files = verify(folder)
    check_reservations(files.manifest, accepted=despite_reservations)
    if files.digest != promoted:
        promote(workspace.store, folder, trial=Trial())
    if files.manifest.every_reservation:
        note("\n  ".join([f"{folder}: read its model_card.md first:", *files.manifest.every_reservation]))


def _usable_digest(bundles: Bundles) -> Sha256 | None:
    """Digest of the promoted bundle; None where there is none, or where another is used in its place."""
    try:
        return bundles.promotion().bundle.digest
    except (NoBundleError, BadBundleError):
        return None


def bundle_folder(workspace: Workspace, bundles: Bundles, folder: Path | None) -> Path | None:
    """The folder of the promoted bundle: `folder`, or the one in the workspace; None for the one that ships."""
    digest = bundles.promoted().bundle.digest
    if digest == verify(DEMO_BUNDLE).digest:
        return None
    return folder or workspace.root / model_keys.bundle_prefix(digest)
