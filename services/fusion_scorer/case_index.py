"""What the scorer remembers of each case, in the store: each version of a slide, the record, vectors."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from google.protobuf.json_format import MessageToDict
from medulla.v1.common_pb2 import Slide
from medulla.v1.events_pb2 import SlideEmbedded

from services.fusion_scorer.landed_input import LandedInput, landed_input
from shared import keys, model_keys
from shared.blob.port import BlobInfo, BlobStore, read_if_there
from shared.canonical import canonical_json, digest_of
from shared.keys import SlideKey
from shared.slides.embedded import embedded, entries, files, read_entry
from shared.units import CaseId, Sha256, SlideId

_VERSION_DIGITS = 24


@dataclass(frozen=True, slots=True)
class InputEntry:
    """The version of a clinical record or vector that was last looked at."""

    key: str
    etag: str
    digest: str
    last_modified: str
    """ISO 8601."""
    rejected: str | None
    """Why it was refused; None for a good one."""
    reported: bool = False
    """Whether the refusal became a dead letter; older programs did not note it."""


@dataclass(frozen=True)
class CaseIndex:
    """Objects below cases/ and cases-of/.

    Each version of a slide has an entry of its own for each encoder, so a late writer cannot put an older version in
    the place of a newer one. Which of them counts is what stands in the bucket. An entry stays when its version goes:
    were it deleted, a late deletion could meet a version that has come back.
    """

    store: BlobStore

    def put_slide(self, event: SlideEmbedded) -> None:
        """Remember the embeddings of one version of a slide, and that its case holds it, as the tiler does."""
        case = CaseId(event.slide.case_id)
        entry = canonical_json(MessageToDict(event, preserving_proto_field_name=True))
        self.store.put(_entry_key(event.slide, event.bag.encoder_digest), entry)
        self._drop_nameless(event)
        self.store.put_new(keys.case_of(Sha256(event.slide.digest), case), b"{}")

    def _drop_nameless(self, event: SlideEmbedded) -> None:
        """Remove the entry of an older program, whose key names no encoder, where the new one takes its place."""
        key = _entry_key(event.slide)
        if (data := read_if_there(self.store, key)) is None:
            return
        older = read_entry(data, CaseId(event.slide.case_id))
        if older is None or older.bag.encoder_digest == event.bag.encoder_digest:
            self.store.delete(key)

    def entries(self, case: CaseId) -> Mapping[str, SlideEmbedded | None]:
        """The entries of slides by key; None for a damaged one."""
        return entries(self.store, case)

    def slides(self, case: CaseId) -> list[SlideEmbedded]:
        """What is embedded of the case: every version of every slide, in order of slide id."""
        return embedded(self.store, case)

    def note(self, case: CaseId) -> None:
        """Add the case to the index without a slide."""
        self.store.put_new(f"{keys.indexed(case)}known.json", b"{}")

    def put_input(self, landed: LandedInput, entry: InputEntry) -> None:
        """Remember which version of a record or vector was looked at, and what came of it."""
        self.store.put(landed.entry, canonical_json(asdict(entry)))

    def refused(self, key: str) -> bool:
        """Whether the record or vector was refused when it was last read; the refusal was then reported."""
        landed = landed_input(key)
        return landed is not None and bool(self._entry(landed.entry).get("rejected"))

    def accepted(self, key: str, etag: str) -> bool:
        """Whether exactly this version of a record or vector was read when it landed, and not refused."""
        landed = landed_input(key)
        entry = self._entry(landed.entry) if landed else {}
        return entry.get("etag") == etag and not entry.get("rejected")

    def has_input(self, landed: LandedInput, info: BlobInfo) -> bool:
        """Whether exactly this version of a record or vector was looked at."""
        return self._etag_in(landed.entry) == info.etag

    def has_letter(self, landed: LandedInput, entry: InputEntry) -> bool:
        """Whether exactly this came of a record or vector when it was last looked at, and was reported."""
        return self._entry(landed.entry) == asdict(replace(entry, reported=True))

    def note_letter(self, landed: LandedInput, etag: str, rejected: str) -> None:
        """Remember that the refusal of a version is reported, unless another version was looked at meanwhile."""
        entry = self._entry(landed.entry)
        if (entry.get("etag"), entry.get("rejected")) == (etag, rejected):
            self.store.put(landed.entry, canonical_json(entry | {"reported": True}))

    def put_promotion(self, pointer: BlobInfo) -> None:
        """Remember for which promotion every case was asked to be scored again."""
        self.store.put(model_keys.RESCORED, canonical_json({"etag": pointer.etag}))

    def has_promotion(self, pointer: BlobInfo) -> bool:
        """Whether every case was asked to be scored again for exactly this promotion."""
        return self._etag_in(model_keys.RESCORED) == pointer.etag

    def has_case(self, case: CaseId) -> bool:
        """Whether anything of the case was ever seen."""
        return next(iter(self.store.list(keys.indexed(case))), None) is not None

    def cases(self) -> Iterator[CaseId]:
        """Every case, in order."""
        last = ""
        for info in self.store.list(keys.CASES):
            case = info.key.removeprefix(keys.CASES).partition("/")[0]
            if case != last:
                yield CaseId(case)
            last = case

    def _etag_in(self, key: str) -> str:
        return str(self._entry(key).get("etag", ""))

    def _entry(self, key: str) -> dict[str, Any]:
        """The entry; empty where there is none, or a damaged one, so that what it is about is looked at again."""
        try:
            entry = json.loads(read_if_there(self.store, key) or b"{}")
        except (ValueError, RecursionError):
            return {}
        return entry if isinstance(entry, dict) else {}


def entry_key(slide: SlideKey, versions: Iterable[tuple[str, str]], encoder: str = "") -> str:
    """Where the embeddings of a slide by an encoder are remembered; `versions` are key and etag of its files."""
    sorted_versions = sorted([key, etag] for key, etag in versions)
    digest = digest_of([*sorted_versions, [encoder]] if encoder else sorted_versions)
    return keys.indexed_slide(slide.case_id, slide.slide_id, digest[:_VERSION_DIGITS])


def _entry_key(slide: Slide, encoder: str = "") -> str:
    versions = ((stored.key, stored.etag) for stored in files(slide))
    return entry_key(SlideKey(CaseId(slide.case_id), SlideId(slide.slide_id)), versions, encoder)
