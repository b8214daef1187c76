"""The bundle of `medulla up`: the folder's promoted one, and where people can look at it."""

from pathlib import Path

from services.fusion_scorer.errors import NoBundleError
from services.fusion_scorer.promoted import Bundles, promote
from services.standalone.demo_case import DEMO_BUNDLE
from services.standalone.workspace import Workspace
from shared import keys
from shared.model.bundle_files import verify


def promoted_bundles(workspace: Workspace, bundle: Path) -> Bundles:
    """The bundles of a folder; promotes the given one if none is promoted."""
    bundles = Bundles(workspace.store)
    try:
        bundles.promoted()
    except NoBundleError:
        promote(workspace.store, bundle)
    return bundles


def bundle_folder(workspace: Workspace, bundles: Bundles, given: Path) -> Path | None:
    """The folder of the promoted bundle: the given one, or the one in the workspace; None for the one that ships."""
    digest = bundles.promoted().bundle.digest
    if digest != verify(given).digest:
        return workspace.root / keys.bundle_prefix(digest)
    return None if given == DEMO_BUNDLE else given
