"""Imports one feature file: its bag, its plan, and what it was read as."""

import json
from dataclasses import asdict, dataclass, replace

from services.embedder.bag_store import BagFolder
from services.standalone.features.feature_paths import FeaturePath
from services.standalone.features.imported_bag import import_bag
from services.standalone.features.opened import opened
from services.standalone.features.reading import Reading, stated_in_file
from services.standalone.features.stated import Stated, check_encoder, grid_of
from shared import keys
from shared.blob.port import BlobStore, read_if_there
from shared.canonical import canonical_json, digest_of
from shared.program import program_version

_FINISHED = "imports/"
"""Prefix of what earlier runs imported, by a digest of the file's identity and of all that was stated."""


@dataclass(frozen=True)
class Importer:
    """Imports one file."""

    store: BlobStore
    stated: Stated

    def expecting(self, dim: int) -> "Importer":
        """The same, for files of `dim` features a tile."""
        return replace(self, stated=replace(self.stated, encoder=replace(self.stated.encoder, dim=dim)))

    def __call__(self, file: FeaturePath) -> Reading:
        """Import a file, unless an earlier run did and its bag is still there.

        Raises:
            PermanentError: it is refused.
            OSError: it cannot be read.
        """
        data = read_if_there(self.store, key := self._key(file))
        earlier = None if data is None else Reading(**json.loads(data))
        if earlier and self.store.head(earlier.bag):
            return earlier
        reading = self._read(file)
        self.store.put_new(key, canonical_json(asdict(reading)))
        return reading

    def _key(self, file: FeaturePath) -> str:
        stat = file.path.stat()
        identity = [str(file.path.resolve()), stat.st_size, stat.st_mtime_ns, file.case_id, file.slide_id, file.mpp]
        digest = digest_of([program_version(), identity, str(self.stated)])
        return f"{_FINISHED}{digest}.json"

    def _read(self, file: FeaturePath) -> Reading:
        encoder = self.stated.encoder
        with opened(file.path, self.stated.tool, self.stated.patches) as contents:
            check_encoder(contents, encoder)
            grid = grid_of(contents, self.stated, file.mpp)
            bag = import_bag(contents, grid, encoder)
        prefix = keys.bag_prefix(bag.slide_digest, bag.plan_digest, bag.encoder_digest)
        self.store.put_new(keys.plan_prefix(bag.slide_digest, bag.plan_digest) + keys.PLAN, bag.plan)
        record = BagFolder(self.store, prefix).finish(bag.data, bag.tiles, 0)
        return Reading(
            file=str(file.path),
            case_id=file.case_id,
            slide_id=file.slide_id,
            tool=contents.tool or "",
            tiles=bag.tiles,
            features=contents.dim,
            dtype=contents.dtype,
            tile_px=grid.tile_px,
            tile_um=grid.tile_um,
            tile_level0_px=grid.side_px,
            mpp=grid.mpp,
            coords=grid.unit,
            encoder=encoder.name,
            in_file=stated_in_file(contents),
            slide_digest=bag.slide_digest,
            plan_digest=bag.plan_digest,
            encoder_digest=bag.encoder_digest,
            bag=record.key,
            bag_digest=record.digest,
        )
