"""The commands of `medulla`."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from medulla.v1.events_pb2 import STAGE_EMBEDDING, Progress

from services.embedder.manifest import DEFAULT_ENCODER
from services.fusion_scorer.score_json import as_dict
from services.standalone import (
    cohort_commands,
    dead_letter_commands,
    embedding,
    erasing,
    inspecting,
    models,
    operator_commands,
    scoring,
    summary,
)
from services.standalone import (
    up as laptop,
)
from services.standalone.advice import explain_here
from services.standalone.cohorts import MapFile
from services.standalone.console import Advance, AsJson, complain, exit_codes, note, print_json, progress, say
from services.standalone.errors import located
from services.standalone.pipeline import Options, Tell
from services.standalone.selection import Item, Refused, parted, select
from shared import logs, runtime
from shared.notice import NOTICE
from shared.slides.embedded import IN_TWO_CASES

app = typer.Typer(
    help=f"Recurrence risk of medulloblastoma from whole-slide images and clinical data. {NOTICE}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(models.bundle, name="bundle")
app.add_typer(models.encoder, name="encoder")
app.add_typer(dead_letter_commands.app, name="dead-letters")
cohort_commands.add_to(app)
app.command()(erasing.erase)

Given = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="DIR|SLIDE",
        help="Slides, folders of slides, folders with {case}/ or slides/{case}/.",
        show_default=False,
    ),
]
SlideTable = Annotated[
    Path | None,
    typer.Option("--slides", metavar="CSV", help="Table: case_id, path; may have slide_id, mpp (um/px)."),
]
CaseName = Annotated[str | None, typer.Option(help="Pseudonym of the case.")]
DefaultMpp = Annotated[float | None, typer.Option(help="Microns per pixel of slides that do not say it.", min=0)]
Encoder = Annotated[Path, typer.Option(help="Folder of the encoder.", show_default="the one that ships")]
Bundle = Annotated[Path, typer.Option(help="Folder of the model bundle.", show_default="the SIMULATED demo's")]


@app.callback()
def _quiet() -> None:
    """Say only what matters; in sentences, as a service's lines are for machines."""
    logs.configure("medulla", "WARNING", sentences=True)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # its troubles come back as errors, told in our words


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("out/demo"), as_json: AsJson = False
) -> None:
    """Score the bundled real slide with the bundled SIMULATED clinical record and model."""
    clinical = next((scoring.DEMO / "clinical").glob("*.json"))
    slides = select(sorted(scoring.DEMO.glob("*.svs")))
    with exit_codes():
        case = scoring.case_from(slides, clinical, None)
    _score(case, scoring.DEMO_BUNDLE, Options(), out, as_json=as_json)


@app.command()
def inspect(
    paths: Given = None,
    slides: SlideTable = None,
    case_id: CaseName = None,
    default_mpp: DefaultMpp = None,
    as_json: AsJson = False,
) -> None:
    """Say what the reader sees of each slide, or what is wrong with it."""
    with exit_codes():
        findings = inspecting.inspect(_selected(paths, slides, case_id), default_mpp)
    if as_json:
        print_json([finding.as_dict() for finding in findings])
    else:
        say("\n".join(finding.line() for finding in findings))
    if any(finding.reason for finding in findings):
        raise typer.Exit(runtime.AT_FAULT)


@app.command()
def score(
    paths: Given = None,
    slides: SlideTable = None,
    case_id: CaseName = None,
    clinical: Annotated[Path | None, typer.Option(help="Clinical record, JSON.")] = None,
    columns: MapFile = None,
    bundle: Bundle = scoring.DEMO_BUNDLE,
    encoder: Encoder = DEFAULT_ENCODER,
    default_mpp: DefaultMpp = None,
    out: Annotated[Path, typer.Option(help="Folder for score, report and everything derived.")] = Path("out/score"),
    as_json: AsJson = False,
) -> None:
    """Score one case from its slides and clinical record, or from either."""
    with exit_codes():
        items = _selected(paths, slides, case_id) if paths or slides or not clinical else []
        case = scoring.case_from(items, clinical, case_id, columns)
    if case.readings:
        note("\n  ".join([f"{clinical}:", *case.readings]))
    _score(case, bundle, _options(items, encoder, default_mpp), out, as_json=as_json)


@app.command()
def embed(
    out: Annotated[Path, typer.Option(help="Folder for embeddings, index.csv and failures.csv.")],
    paths: Given = None,
    slides: SlideTable = None,
    case_id: CaseName = None,
    encoder: Encoder = DEFAULT_ENCODER,
    workers: Annotated[int, typer.Option(help="Slides worked on at once.", min=1)] = Options().workers,
    default_mpp: DefaultMpp = None,
    as_json: AsJson = False,
) -> None:
    """Plan and embed slides; goes on past bad ones, and a second run resumes."""
    with exit_codes(goes_on=True), progress("slides") as advance:
        items = _selected(paths, slides, case_id)
        done = embedding.embed(items, out, replace(_options(items, encoder, default_mpp), workers=workers), advance)
    if as_json:
        print_json({"embedded": done.embedded, "failed": done.failed, "index": str(done.index)})
    else:
        say(f"{done.embedded} slides embedded, listed in {done.index}; {done.failed} refused, see {done.failures}")
    for sentence in done.swaps:
        complain(f"{sentence} [{IN_TWO_CASES}]. {embedding.SWAP_ADVICE}")
    if done.failed:
        raise typer.Exit(runtime.AT_FAULT)


@app.command()
def up(
    paths: Given = None,
    slides: SlideTable = None,
    watch: Annotated[Path, typer.Option(help="Folder that serves as bucket.")] = Path("out/laptop"),
    port: Annotated[int, typer.Option(help="Port of the page on 127.0.0.1.", min=1, max=65535)] = 8080,
    bundle: Bundle = scoring.DEMO_BUNDLE,
    encoder: Encoder = DEFAULT_ENCODER,
    default_mpp: DefaultMpp = None,
    as_json: AsJson = False,
) -> None:
    """Run all services in one process: a folder as bucket, SQLite, the web page; Ctrl-C ends it."""
    place = laptop.Place(watch, port, bundle)
    with exit_codes():
        items = _selected(paths, slides) if paths or slides else []
        for item in laptop.link(watch, items):
            _complain(item)
    if as_json:
        print_json({"url": place.url, "folder": str(watch), "notice": NOTICE})
    else:
        say(f"Medulla on {place.url}. {NOTICE}\nPut slides in {watch}/slides/CASE/, records in {watch}/clinical/.")
    with exit_codes(goes_on=True):
        raise typer.Exit(laptop.serve(place, _options(items, encoder, default_mpp)))


@app.command()
def sweep(as_json: AsJson = False) -> None:
    """Announce every slide, clinical record and deletion in the running system's bucket that no event announced."""
    with exit_codes():
        found = operator_commands.sweep()
    if as_json:
        print_json(found)
    else:
        say("\n".join(f"{prefix:10} {count} announced" for prefix, count in found.items()))


@app.command()
def rescore(
    cases: Annotated[
        list[str] | None, typer.Argument(metavar="CASE", help="Case ids; all where none is named.")
    ] = None,
    bundle: Annotated[Path | None, typer.Option(help="Promote this bundle first; every case is then scored.")] = None,
    as_json: AsJson = False,
) -> None:
    """Have cases of the running system scored again from their stored bags."""
    if bundle and cases:
        raise typer.BadParameter("--bundle promotes a bundle for every case; name cases, or a bundle")
    with exit_codes():
        digest = operator_commands.promote_bundle(bundle) if bundle else ""
        asked = 0 if bundle else operator_commands.rescore(cases or [])
    if as_json:
        print_json({"promoted": digest, "asked": asked})
    else:
        say(f"promoted {digest}; every case is scored again" if digest else f"{asked} cases are scored again")


def _selected(paths: Sequence[Path] | None, table: Path | None, case_id: str | None = None) -> list[Item]:
    if not (paths or table):
        raise typer.BadParameter("name slides or folders, or a table with --slides")
    return select(paths or (), table, case_id)


def _options(items: Sequence[Item], encoder: Path, default_mpp: float | None) -> Options:
    stated = {f"{one.case_id}/{one.slide_id}": one.mpp for one in parted(items)[0] if one.mpp is not None}
    return Options(encoder, default_mpp, slide_mpp=stated)


def _complain(item: Refused) -> None:
    complain(f"left out: {explain_here(located(item.error, item.path))}")


def _score(case: scoring.Case, bundle: Path, options: Options, out: Path, *, as_json: bool) -> None:
    with exit_codes(goes_on=True), progress("tiles") as advance:
        report = scoring.score(case, bundle, options, out, _teller(advance))
    if as_json:
        print_json(as_dict(report.score))
    else:
        say("\n".join(summary.lines(report.score)))
        say(f"\nScore:  {report.score_json}\nReport: {report.html}")
    for item in report.refused:
        _complain(item)
    if report.refused:
        raise typer.Exit(runtime.AT_FAULT)


def _teller(advance: Advance) -> Tell:
    def tell(event: Progress) -> None:
        if event.stage == STAGE_EMBEDDING:
            advance(event.done, event.total)

    return tell
