"""Files of patches that TRIDENT and CLAM write beside the features: coordinates alone, passed over in folders."""

from dataclasses import dataclass, field
from pathlib import Path

from services.standalone.features.feature_paths import FeaturePath
from services.standalone.features.h5_file import open_h5
from services.standalone.features.reading_process import ReadingProcess
from shared.errors import MedullaError
from shared.units import CaseId, SlideId

_FOLDER, _ENDING = "patches", "_patches"


@dataclass
class PatchFiles:
    """Tells files of patches by their content; only those that the tools name so are opened."""

    read: ReadingProcess
    passed_over: list[Path] = field(default_factory=list)

    def __call__(self, path: Path) -> bool:
        """Whether a file holds coordinates and no features; one that cannot be read is none."""
        if path.parent.name.lower() != _FOLDER and not path.stem.lower().endswith(_ENDING):
            return False
        try:
            alone = self.read(holds_coords_alone, FeaturePath(path, CaseId(""), SlideId("")))
        except (MedullaError, OSError):
            return False
        if alone:
            self.passed_over.append(path)
        return alone


def holds_coords_alone(file: FeaturePath) -> bool:
    """Whether an .h5 file holds coordinates of tiles, and no features of them.

    Raises:
        PermanentError: it is damaged.
        OSError: it cannot be read.
    """
    with open_h5(file.path) as arrays:
        return arrays.has("coords") and not (arrays.has("features") or arrays.has("feats"))
