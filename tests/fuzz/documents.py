"""Targets that read records, tables, profiles, events and scores."""

import json
from pathlib import Path
from random import Random
from typing import Any

from google.protobuf import json_format
from medulla.v1.events_pb2 import CaseScored, SlideTiled

from services.results.case_state import read_score
from services.standalone.demo_case import DEMO, DEMO_BUNDLE
from services.standalone.selection import parted, select
from services.trainer.cohort.table import read_cohort
from services.trainer.profile import PROFILES, load_profile
from shared.bus import headers, s3_events, topics
from shared.bus.events import TOPIC_OF, context, decoder, to_record
from shared.bus.port import Record
from shared.model.bundle_files import verify
from shared.model.record import parse_record
from shared.units import CaseId
from tests.fuzz.mutations import damaged, odd_json, odd_table
from tests.fuzz.targets import Make, Read, Target
from tests.support import scores

_KINDS: tuple[Any, ...] = tuple(TOPIC_OF)
_COHORT = (
    "case_id,site_id,age_at_diagnosis_years,sex,chang_m_stage,molecular_group,time_days,event_code\n"
    "MB-1,A,6.5,female,M0,G3,700,1\nMB-2,A,11,male,M2,WNT,1500,0\nMB-3,B,3,male,M0,SHH,90,3\n"
)
_SLIDES = "case_id,path,slide_id,mpp\nMB-1,one.svs,one,0.25\nMB-2,two.svs,,\nMB-3,folder,three,0.5\n"


def _json_of(good: Any) -> Make:
    return lambda rng: odd_json(good, rng)


def _clinical(_: Path) -> tuple[Make, Read]:
    profile = verify(DEMO_BUNDLE).manifest.profile
    good = json.loads(next((DEMO / "clinical").glob("*.json")).read_bytes())
    return _json_of(good), lambda data, _: parse_record(data, CaseId(good["case_id"]), profile)


def _cohort(_: Path) -> tuple[Make, Read]:
    profile = load_profile()

    def read(data: bytes, folder: Path) -> object:
        table = folder / "cohort.csv"
        table.write_bytes(data)
        return read_cohort(table, profile)

    return lambda rng: odd_table(_COHORT, rng), read


def _slides_table(_: Path) -> tuple[Make, Read]:
    def read(data: bytes, folder: Path) -> object:
        for name in ("one.svs", "two.svs", "folder/three.tif"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(b"II*\0")
        table = folder / "slides.csv"
        table.write_bytes(data)
        slides, refused = parted(select([], table))
        if not slides:
            raise refused[0].error
        return slides

    return lambda rng: odd_table(_SLIDES, rng), read


def _profile(_: Path) -> tuple[Make, Read]:
    good = (PROFILES / "medulloblastoma.yaml").read_bytes()

    def read(data: bytes, folder: Path) -> object:
        path = folder / "profile.yaml"
        path.write_bytes(data)
        return load_profile(path)

    return lambda rng: damaged(good, rng), read


def _s3_event(_: Path) -> tuple[Make, Read]:
    good = json.loads(s3_events.to_bytes("medulla", ["slides/MB-1/a.svs", "clinical/MB 2.json"]))

    def read(data: bytes, _: Path) -> object:
        parts = s3_events.split(Record(topics.S3_EVENTS, "key", data))
        return [s3_events.context(s3_events.decode(message)) for message in parts]

    return _json_of(good), read


def _event(_: Path) -> tuple[Make, Read]:
    slide = SlideTiled(event_id="1")
    slide.slide.case_id, slide.slide.slide_id, slide.slide.object.key = "MB-1", "a.svs", "slides/MB-1/a.svs"
    good = to_record(slide, "fuzz"), to_record(CaseScored(event_id="2", case_id="MB-1", revision="00"), "fuzz")

    def make(rng: Random) -> bytes:
        return damaged(rng.choice(good).value, rng)

    def read(data: bytes, _: Path) -> object:
        envelopes = [{headers.CE_TYPE: kind.DESCRIPTOR.full_name, headers.CE_SPECVERSION: "1.0"} for kind in _KINDS]
        records = [Record("topic", "key", data, about) for about in envelopes]
        return [context(decoder(kind)(record)) for kind, record in zip(_KINDS, records, strict=True)]

    return make, read


def _score(_: Path) -> tuple[Make, Read]:
    good = json_format.MessageToDict(scores.score("MB-1"), preserving_proto_field_name=True)
    return _json_of(good), lambda data, _: read_score(data.decode(errors="replace"), "scores/MB-1/x.json")


TARGETS = (
    Target("clinical", _clinical),
    Target("cohort", _cohort),
    Target("slides-csv", _slides_table),
    Target("profile", _profile),
    Target("s3-event", _s3_event),
    Target("event", _event),
    Target("score", _score),
)
