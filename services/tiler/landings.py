"""The tiler's memory of what it did with each version of each object, so that a repeated event costs one look."""

import json
from dataclasses import dataclass

from google.protobuf.json_format import MessageToDict, ParseDict
from medulla.v1.events_pb2 import SlideRejected, SlideTiled

from services.tiler.planner import PLANNER_VERSION, PlanSpec
from services.tiler.resolution import MppTable, Override
from shared import keys
from shared.blob.port import BlobInfo, BlobStore
from shared.canonical import canonical_json, digest_of, sha256
from shared.keys import BadCaseIdError, SlideKey


@dataclass(frozen=True)
class Landings:
    """Remembers outcomes under key, version and everything that decided them."""

    blobs: BlobStore
    spec: PlanSpec

    def knows(self, info: BlobInfo, override: Override) -> bool:
        """Whether anything came of this version of the object under the same parameters."""
        return self.blobs.head(self._key(info, override)) is not None

    def lacks(self, info: BlobInfo, mpp: MppTable) -> bool:
        """Whether an object is a slide that nothing came of yet: what the sweep looks for."""
        try:
            slide = slide_at(info.key)
        except BadCaseIdError:
            return False
        return slide is not None and not self.knows(info, mpp.of(slide.case_id, slide.slide_id))

    def recall(self, info: BlobInfo, override: Override) -> SlideTiled | SlideRejected | None:
        """What came of this version of the object, if it was worked on under the same parameters."""
        if not self.knows(info, override):
            return None
        said = json.loads(self.blobs.get(self._key(info, override)))
        return ParseDict(said, SlideRejected() if "reason" in said else SlideTiled())

    def remember(self, info: BlobInfo, override: Override, outcome: SlideTiled | SlideRejected) -> None:
        """Keep what came of it."""
        said = MessageToDict(outcome, preserving_proto_field_name=True)
        self.blobs.put_new(self._key(info, override), canonical_json(said))

    def _key(self, info: BlobInfo, override: Override) -> str:
        parameters = [PLANNER_VERSION, self.spec.model_dump(mode="json"), override.named, override.default]
        name = "\n".join([info.key, info.etag, digest_of(parameters)])
        return f"{keys.LANDINGS}{sha256(name.encode())}.json"


def slide_at(key: str) -> SlideKey | None:
    """Whose slide the key names; None for companion files, markers of folders and what lies elsewhere."""
    if not key.startswith(keys.SLIDES) or key.endswith("/"):
        return None
    return keys.slide_key(key)
