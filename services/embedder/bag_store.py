"""A slide's parts, bag and manifest in the store; each is written once, the manifest last."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum, auto

import numpy as np
from medulla.v1.events_pb2 import SlideTiled
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from services.embedder.bag import Part, decode_part, encode_part
from services.embedder.errors import DamagedChunkError
from services.embedder.manifest import EncoderManifest
from shared import keys
from shared.blob.port import BlobStore, read_if_there
from shared.canonical import canonical_json, sha256
from shared.errors import PermanentError
from shared.units import Sha256

BAG_FILE = "bag.safetensors"
MANIFEST_FILE = "manifest.json"
REFUSED_FILE = "refused.json"
"""Why the slide has no bag; a replayed dead letter may make one all the same."""
REQUESTED_FILE = "requested.json"
"""The slide was requested from the backlog."""


@dataclass(frozen=True, slots=True)
class BagRecord:
    """A finished bag: its key and its counts."""

    key: str
    digest: str
    """Lower-case hex SHA-256 of the bag file."""
    tiles: int
    corrupt: int


class BagState(Enum):
    """What became of a slide."""

    MISSING = auto()
    FINISHED = auto()
    REFUSED = auto()


@dataclass(frozen=True)
class BagFolder:
    """The folder of one slide, plan and encoder: `prefix`, with its closing slash."""

    store: BlobStore
    prefix: str

    def finished(self) -> BagRecord | None:
        """The bag, if it is complete."""
        data = read_if_there(self.store, self.prefix + MANIFEST_FILE)
        return None if data is None else BagRecord(**json.loads(data)["bag"])

    def state(self) -> BagState:
        """Whether there is a bag, or is to be none."""
        if self.store.head(self.prefix + MANIFEST_FILE):
            return BagState.FINISHED
        return BagState.REFUSED if self.store.head(self.prefix + REFUSED_FILE) else BagState.MISSING

    def refuse(self, error: PermanentError) -> None:
        """Note that the slide was refused, so that no sweep requests it again."""
        self.store.put(self.prefix + REFUSED_FILE, canonical_json({"reason": error.reason}))

    def requested_after(self, moment: datetime) -> bool:
        """Whether the slide was requested from the backlog since."""
        info = self.store.head(self.prefix + REQUESTED_FILE)
        return info is not None and info.last_modified > moment

    def note_request(self) -> None:
        """Note that the slide is requested from the backlog now."""
        self.store.put(self.prefix + REQUESTED_FILE, b"{}")

    def stored_parts(self) -> set[int]:
        """Numbers of the stored parts."""
        prefix = self.prefix + "part-"
        return {int(info.key.removeprefix(prefix).partition(".")[0]) for info in self.store.list(prefix)}

    def part(self, number: int) -> Part:
        """Read one part.

        Raises:
            ObjectChangedError: it does not exist, or no longer.
        """
        return decode_part(self.store.get(self._part_key(number)))

    def put_part(self, number: int, part: Part) -> None:
        """Store a part; an existing one stays."""
        self.store.put_new(self._part_key(number), encode_part(part))

    def finish(self, bag: bytes, tiles: int, corrupt: int) -> BagRecord:
        """Write the bag, then the manifest that completes it; existing ones stay."""
        key = self.prefix + BAG_FILE
        if not self.store.put_new(key, bag):
            bag = self.store.get(key)
        record = BagRecord(key=key, digest=sha256(bag), tiles=tiles, corrupt=corrupt)
        self.store.put_new(self.prefix + MANIFEST_FILE, canonical_json({"version": 1, "bag": asdict(record)}))
        return record

    def drop_parts(self) -> None:
        """Remove the parts, and what is noted while there is no bag."""
        for info in list(self.store.list(self.prefix)):
            if info.key.removeprefix(self.prefix) not in (BAG_FILE, MANIFEST_FILE):
                self.store.delete(info.key)

    def _part_key(self, number: int) -> str:
        return f"{self.prefix}part-{number:05d}.safetensors"


def bag_folder(store: BlobStore, event: SlideTiled, encoder: EncoderManifest) -> BagFolder:
    """Where the bag of a planned slide stands."""
    slide, plan = Sha256(event.slide.digest), Sha256(event.plan.digest)
    return BagFolder(store, keys.bag_prefix(slide, plan, Sha256(encoder.digest)))


def plan_coords(store: BlobStore, plan_prefix: str) -> NDArray[np.int32]:
    """Read the level-0 positions of a plan's tiles, int32 [n, 2].

    Raises:
        ObjectChangedError: the plan does not exist.
        DamagedChunkError: its tiles cannot be read.
    """
    try:
        coords: NDArray[np.int32] = load(store.get(plan_prefix + keys.PLAN_TILES))["coords"]
    except (SafetensorError, KeyError) as error:
        raise DamagedChunkError(f"the tiles of plan {plan_prefix} cannot be read: {error}") from error
    return coords
