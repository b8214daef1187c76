"""Targets that read feature files of other tools."""

from pathlib import Path
from random import Random

from services.standalone.features.feature_paths import FeaturePath
from services.standalone.features.imported_file import Importer
from services.standalone.features.reading_process import ReadingProcess
from services.standalone.features.stated import Stated, StatedEncoder
from shared.blob.folder import FolderStore
from shared.units import CaseId, SlideId
from tests.fuzz.mutations import damaged
from tests.fuzz.targets import Make, Read, Target
from tests.support.feature_files import MPP, TILE_PX, TILE_UM, clam, clam_patches, stamp, trident

_HEAD = 4096
"""Bytes in which an HDF5 file of this size holds its structure."""
_LIMIT_S = 5.0


def _h5(folder: Path) -> tuple[Make, Read]:
    files = {"trident": trident(encoder="uni"), "clam": clam(), "patches": clam_patches(), "stamp": stamp()}
    plain = [file.write(folder / f"{name}.h5").read_bytes() for name, file in files.items()]
    packed = stamp().write(folder / "packed.h5", compression="gzip", shuffle=True, chunks=True).read_bytes()
    read_in_process = ReadingProcess(_LIMIT_S)

    def make(rng: Random) -> bytes:
        return damaged(rng.choice((*plain, packed)), rng, _HEAD if rng.random() < 0.8 else None)

    def read(data: bytes, folder: Path) -> object:
        path = folder / "a.h5"
        path.write_bytes(data)
        stated = Stated(StatedEncoder("uni"), tile_px=TILE_PX, tile_um=TILE_UM, mpp=MPP)
        return read_in_process(Importer(FolderStore(folder), stated), FeaturePath(path, CaseId("MB-1"), SlideId("a")))

    return make, read


TARGETS = (Target("features-h5", _h5),)
