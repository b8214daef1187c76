"""Labelled tiles of many slides past refused ones, and the tables that list them; a second run resumes."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from services.standalone.annotations.annotation_files import Match, match_files
from services.standalone.annotations.errors import NotAnnotatedError, UnmatchedError
from services.standalone.annotations.slide_record import SlideRecord, record_path, records
from services.standalone.annotations.tile_maker import TileMaker, folder_name
from services.standalone.embedding_tables import FAILURES, failure_row
from services.standalone.errors import refusal
from services.standalone.local_slides import SlideFile
from services.standalone.selection import Item, Refused, parted
from services.tiler.grid import GridSpec
from services.tiler.isolation import isolated_readers
from services.tiler.planner import PlanSpec
from services.trainer.tile_classifier.labels import ABOUT, COLUMNS, TILES
from shared.canonical import canonical_json
from shared.csv_file import write_csv
from shared.errors import PermanentError
from shared.files import put
from shared.progress import Advance
from shared.words import normalised


@dataclass(frozen=True)
class TilesPlan:
    """How tiles are cut and labelled."""

    grid: GridSpec
    least: float = 0.5
    default_mpp: float | None = None
    workers: int = 1


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class in numbers."""

    class_name: str
    patients: int
    slides: int
    tiles: int


@dataclass(frozen=True)
class Labelled:
    """Outcome of a run."""

    classes: tuple[ClassRow, ...]
    slides: int
    left_out: dict[str, int]
    not_annotated: int
    """Slides without a file of annotations."""
    failed: int
    """Slides and files that were refused."""
    failures: Path
    similar: tuple[tuple[str, str], ...]
    """Names of classes that differ only in their writing, or share a folder of tiles."""


def label_slides(items: Sequence[Item], annotations: Path, out: Path, plan: TilesPlan, advance: Advance) -> Labelled:
    """Cut the labelled tiles of every slide into `out`/{class}/; `tiles.csv` lists them, `failures.csv` refusals.

    Raises:
        NothingFoundError: there is no folder of annotations.
    """
    slides, refused = parted(items)
    matches = match_files(slides, annotations)
    out.mkdir(parents=True, exist_ok=True)
    outcomes = _outcomes(slides, matches.files, out, plan, advance)
    done = [outcome for outcome in outcomes if isinstance(outcome, SlideRecord)]
    failures = [*refused, *(outcome for outcome in outcomes if isinstance(outcome, Refused))]
    failures += [Refused(path, UnmatchedError(f"{path} is of none of the slides")) for path in matches.of_no_slide]
    _remove_others(out, done)
    return _write(out, done, failures, plan)


def _outcomes(
    slides: Sequence[SlideFile], files: Sequence[Match], out: Path, plan: TilesPlan, advance: Advance
) -> list[SlideRecord | Refused]:
    outcomes: list[SlideRecord | Refused] = []
    with isolated_readers() as open_slide, ThreadPoolExecutor(plan.workers, thread_name_prefix="slide") as pool:
        maker = TileMaker(out, PlanSpec(grid=plan.grid), plan.least, plan.default_mpp, open_slide.for_plans)
        for done, outcome in enumerate(pool.map(partial(_outcome, maker), slides, files), 1):
            outcomes.append(outcome)
            advance(done, len(slides))
    return outcomes


def _outcome(make: Callable[[SlideFile, Path], SlideRecord], slide: SlideFile, match: Match) -> SlideRecord | Refused:
    try:
        if isinstance(match, PermanentError):
            raise match
        return make(slide, match)
    except Exception as error:  # noqa: BLE001 - any error of a slide becomes its row
        return Refused(slide.path, refusal(error), slide.case_id, slide.slide_id)


def _remove_others(out: Path, done: Sequence[SlideRecord]) -> None:
    """Remove tiles that an earlier run made of slides that have none now."""
    kept = {record_path(out, record.case_id, record.slide_id) for record in done}
    for path, record in records(out).items():
        if path not in kept:
            record.remove(out)


def _write(out: Path, done: Sequence[SlideRecord], failures: Sequence[Refused], plan: TilesPlan) -> Labelled:
    rows = [
        (record.case_id, record.slide_id, record.slide_digest, tile.class_name, tile.x, tile.y, tile.share, tile.path)
        for record in done
        for tile in record.tiles
    ]
    write_csv(out / TILES, COLUMNS, rows)
    write_csv(out / "failures.csv", FAILURES, [failure_row(item, item.error) for item in failures])
    left_out = Counter[str]()
    for record in done:
        left_out.update(record.left_out)
    classes = _class_rows(done)
    about = {"version": 1, "grid": plan.grid.model_dump(mode="json"), "least_share": plan.least}
    counts = {"classes": [asdict(row) for row in classes], "left_out": dict(left_out), "slides": len(done)}
    put(out / ABOUT, canonical_json(about | counts))
    similar = similar_classes([row.class_name for row in classes])
    bare = sum(isinstance(item.error, NotAnnotatedError) for item in failures)
    return Labelled(classes, len(done), dict(left_out), bare, len(failures) - bare, out / "failures.csv", similar)


def similar_classes(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of names that differ only in their writing, or whose tiles lie in one folder."""
    return tuple(
        (later, earlier)
        for number, later in enumerate(names)
        for earlier in names[:number]
        if normalised(later) == normalised(earlier) or folder_name(later) == folder_name(earlier)
    )


def _class_rows(done: Sequence[SlideRecord]) -> tuple[ClassRow, ...]:
    names = sorted({tile.class_name for record in done for tile in record.tiles})
    return tuple(_class_row(name, done) for name in names)


def _class_row(name: str, done: Sequence[SlideRecord]) -> ClassRow:
    holders = [record.case_id for record in done if any(tile.class_name == name for tile in record.tiles)]
    count = sum(tile.class_name == name for record in done for tile in record.tiles)
    return ClassRow(name, len(set(holders)), len(holders), count)
