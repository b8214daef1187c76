"""Everything broken that a lab, a registry or a program on the bus may send, and who has to give each up."""

import json
import random
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from shared.bus import dead_letters, headers, s3_events, topics
from shared.bus.port import Record
from tests.stack.services import SERVICES
from tests.support import slides, tiffs
from tests.support.installation import CLINICAL, Installation

TILER, EMBEDDER, SCORER, RESULTS = SERVICES
_READERS: Mapping[str, Sequence[str]] = {
    topics.S3_EVENTS: (TILER, SCORER),
    topics.SLIDES_TILED: (EMBEDDER,),
    topics.SLIDES_EMBEDDED: (SCORER,),
    topics.SLIDES_REJECTED: (RESULTS,),
    topics.CASES_RESCORE: (SCORER,),
    topics.CASES_RESCORE_BACKGROUND: (SCORER,),
    topics.CASES_SCORED: (RESULTS,),
    topics.CASES_SCORED_BACKGROUND: (RESULTS,),
    topics.CASES_ERASE: (SCORER, RESULTS),
    topics.PROGRESS: (RESULTS,),
    **{topics.retry_topic(service): (service,) for service in SERVICES},
}
"""Of every topic that a service works through: not dead letters, nor what the push to a FHIR server tries again."""
_ODD_BYTES = (b"", b"\xff\x00 this is no event", b"{}", b"[" * 5000, b"x" * 500_000)
_FRAME, _SIDES_AT = b"\xff\xc0", 5
"""Marker of a JPEG's frame header, and where in it height and width stand."""
_NO_ANSWER = frozenset({"internal_error", "retries_exhausted"})
"""Reasons that are faults of ours, not of the poison."""


@dataclass(frozen=True, slots=True)
class Poison:
    """Something broken, and the services each of which has to give it up, once."""

    kind: str
    name: str
    """What its dead letters name."""
    readers: Sequence[str]
    put: Callable[[Installation], None]


def one_of_each(seed: int, prefix: str) -> list[Poison]:
    """A poison of every kind, in the order that the seed gives; names begin with `prefix`."""
    rng = random.Random(seed)  # noqa: S311 - an order that can be repeated
    poisons = [*_objects(prefix), *_messages(prefix, rng)]
    rng.shuffle(poisons)
    return poisons


def ended_once(system: Installation, poisons: Iterable[Poison]) -> list[Poison]:
    """Those that each of their readers gave up in one dead letter with an answer, and nobody else did."""
    letters = [delivery.record for delivery in system.read(topics.DEAD_LETTERS)]
    return [poison for poison in poisons if _is_one_outcome(poison, letters)]


def _is_one_outcome(poison: Poison, letters: Iterable[Record]) -> bool:
    about = [dead_letters.read(letter) for letter in letters if _names(letter, poison.name)]
    by = Counter(letter.service for letter in about)
    return by == Counter(poison.readers) and not any(letter.reason in _NO_ANSWER for letter in about)


def _names(letter: Record, name: str) -> bool:
    return name in letter.key or name.encode() in letter.value


def _objects(prefix: str) -> Iterator[Poison]:
    """Slides, records and vectors; `{}` in a key is the case."""
    record = json.loads(CLINICAL.read_text())
    for kind, (key, data) in {**broken_slides(), **_inputs(record)}.items():
        case = f"{prefix}-{kind.replace(' ', '-')}"
        reader = TILER if key.startswith("slides/") else SCORER
        yield Poison(kind, case, (reader,), _landing(key.format(case), data))


def _landing(key: str, data: bytes) -> Callable[[Installation], None]:
    return lambda system: system.land(key, data)


def broken_slides() -> Mapping[str, tuple[str, bytes]]:
    """Key, with `{}` for the case, and bytes of each kind; those that misbehave need `child_readers.open_hostile`."""
    at, whole = "slides/{}/slide.svs", slides.cc0_bytes()
    bomb = tiffs.RawTiff([tiffs.tiled_page(119_904, 119_904, 119_904)]).packed()
    return {
        "truncated slide": (at, slides.truncated(0.6)),
        "garbled slide": (at, slides.garbled(range(130))),
        "slide without resolution": (at, slides.without_mpp()),
        "slide of one gigantic tile": (at, bomb),
        "slide of looping directories": (at, tiffs.RawTiff([tiffs.tiled_page(512, 512)] * 3, loop=True).packed()),
        "empty object": (at, b""),
        "file that is no slide": (at, b"this is no slide at all"),
        "slide of a bad case": ("slides/{} and more/slide.svs", whole),
        "slide that crashes its reader": ("slides/{}/overview--segfault.svs", whole),
        "slide that hangs its reader": ("slides/{}/overview--sleep.svs", whole),
        "slide that swells its reader": ("slides/{}/overview--allocate.svs", whole),
        "slide of tiles that claim to be gigantic": (at, _bomb()),
    }


def _bomb() -> bytes:
    """A slide of 8,192 px whose tiles of 512 px all are one JPEG that claims 65,500 px a side."""
    jpeg = bytearray(tiffs.encoded(slides.cc0_pixels()[1500:2012, 600:1112]))
    struct.pack_into(">HH", jpeg, jpeg.index(_FRAME) + _SIDES_AT, 65_500, 65_500)
    count = (8192 // 512) ** 2
    offsets = tiffs.Values(tiffs.LONG, count, struct.pack("<I", 16) * count)
    sizes = tiffs.Values(tiffs.LONG, count, struct.pack("<I", len(jpeg)) * count)
    return tiffs.RawTiff([tiffs.tiled_page(8192, 8192, 512, offsets=offsets, sizes=sizes)], data=bytes(jpeg)).packed()


def _inputs(record: Mapping[str, object]) -> Mapping[str, tuple[str, bytes]]:
    clinical = "clinical/{}.json"
    return {
        "record that is no JSON": (clinical, b'{"case_id": '),
        "record of an odd value": (clinical, json.dumps({**record, "sex": "odd"}).encode()),
        "record of another case": (clinical, json.dumps({**record, "case_id": "CHAOS-other"}).encode()),
        "record of odd characters": (clinical, b"\xff\xfe\x00"),
        "vector outside of a case": ("vectors/{}.json", b"{}"),
    }


def _messages(prefix: str, rng: random.Random) -> Iterator[Poison]:
    """Odd bytes on every topic, and events that are well-formed and wrong."""
    for topic, readers in _READERS.items():
        for number, data in enumerate(_ODD_BYTES if topic == topics.S3_EVENTS else rng.sample(_ODD_BYTES, 1)):
            yield _message(f"odd bytes on {topic} {number}", prefix, topic, readers, data)
    s3, readers = topics.S3_EVENTS, _READERS[topics.S3_EVENTS]
    elsewhere = s3_events.to_bytes("another-bucket", [f"slides/{prefix}-elsewhere/slide.svs"])
    yield _message("event of another bucket", prefix, s3, readers, elsewhere)
    huge = s3_events.to_bytes("another-bucket", [f"slides/{prefix}-huge/{'x' * 500_000}.svs"])
    yield _message("event of a huge key", prefix, s3, readers, huge)
    nothing = b'{"Records": [{"eventName": "s3:ObjectCreated:Put"}]}'
    yield _message("event without an object", prefix, s3, readers, nothing)
    for_ever = {headers.ORIGIN: "nowhere", headers.ATTEMPT: "many", headers.NOT_BEFORE: "1e300"}
    for service in SERVICES:
        again = topics.retry_topic(service)
        yield _message(f"event put aside for ever on {again}", prefix, again, (service,), b"", for_ever)


def _message(
    kind: str,
    prefix: str,
    topic: str,
    readers: Sequence[str],
    data: bytes,
    attributes: Mapping[str, str] = MappingProxyType({}),
) -> Poison:
    name = f"{prefix}-{kind.replace(' ', '-')}"
    return Poison(kind, name, readers, lambda system: system.send(Record(topic, name, data, dict(attributes))))
