"""`medulla score`: the score of a case, its report, and what it leaves out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.standalone.commands.options import (
    AsJson,
    Bundle,
    CaseName,
    CaseTable,
    DefaultMpp,
    EmbeddingFolder,
    Encoder,
    MapFile,
    Slides,
    SlideTable,
)
from services.standalone.commands.score_cases import score_cases
from services.standalone.console import exit_codes, loading, note, print_json, progress, say
from services.standalone.demo_case import DEMO_BUNDLE
from shared.exit_codes import AT_FAULT

if TYPE_CHECKING:
    from services.standalone.case import Case
    from services.standalone.pipeline_options import Options
    from services.standalone.score_files import ScoredCase

_OF_A_TABLE = "--cases TABLE goes with --embeddings, --vectors, --map, --bundle and --out alone"
_OF_BAGS = (
    "--embeddings goes with --cases, or with --case-id, --clinical or --vectors of one case; no slide is read then"
)

VectorFiles = Annotated[
    list[str] | None,
    typer.Option(metavar="BLOCK=FILE", help="Vector of a block, JSON; with --cases its table; may be repeated."),
]


def score(
    paths: Slides = None,
    slides: SlideTable = None,
    case_id: CaseName = None,
    clinical: Annotated[Path | None, typer.Option(help="Clinical record, JSON.")] = None,
    columns: MapFile = None,
    vectors: VectorFiles = None,
    cases: CaseTable = None,
    embeddings: EmbeddingFolder = None,
    bundle: Bundle = DEMO_BUNDLE,
    encoder: Encoder = DEFAULT_ENCODER,
    default_mpp: DefaultMpp = None,
    out: Annotated[Path, typer.Option(help="Folder for score, report and everything derived.")] = Path("out/score"),
    as_json: AsJson = False,
) -> None:
    """Score one case from its slides or --embeddings, record and vectors, or every case of a table (--cases)."""
    reads_slides = paths or slides or default_mpp or encoder != DEFAULT_ENCODER
    if cases:
        if reads_slides or case_id or clinical:
            raise typer.BadParameter(_OF_A_TABLE)
        score_cases(cases, embeddings, columns, vectors or (), bundle, out, as_json=as_json)
        return
    if embeddings and (reads_slides or not (case_id or clinical or vectors)):
        raise typer.BadParameter(_OF_BAGS)
    with loading():
        from services.standalone.case import case_from
        from services.standalone.named_slides import named_slides, options_for
        from services.standalone.vector_files import vector_files
    with exit_codes():
        without_slides = embeddings or ((clinical or vectors) and not (paths or slides))
        items = [] if without_slides else named_slides(paths, slides, case_id)
        case = case_from(items, clinical, case_id, columns, vector_files(vectors or ()))
        options = options_for(items, encoder, default_mpp)
    if case.readings:
        note("\n  ".join([f"{clinical}:", *case.readings]))
    if embeddings:
        print_scored(_from_bags(case, embeddings, bundle, out), as_json=as_json)
    else:
        score_and_print(case, bundle, options, out, as_json=as_json)


def _from_bags(case: "Case", embeddings: Path, bundle: Path, out: Path) -> "ScoredCase":
    """Score a case from bags of a folder or a bucket."""
    with loading():
        from services.standalone.scored_bags import score_bags
        from services.trainer.bucket.copies import copies
    with exit_codes(), copies() as copied, progress("bags") as advance:
        folder = copied.bags(embeddings, [case.case_id], advance)
        return score_bags(case, folder, copied.bundle(bundle), out)


def score_and_print(case: "Case", bundle: Path, options: "Options", out: Path, *, as_json: bool) -> None:
    """Score a case and print the score, its files and what it leaves out."""
    with loading():
        from services.standalone.scored_case import score_case
    with exit_codes(goes_on=True), progress("tiles") as advance:
        scored = score_case(case, bundle, options, out, advance)
    print_scored(scored, as_json=as_json)


def print_scored(scored: "ScoredCase", *, as_json: bool) -> None:
    """Print a score, its files and what it leaves out; ends with 1 if it leaves out an input."""
    with loading():
        from services.fusion_scorer.score_json import as_dict
        from services.standalone.named_slides import print_refused
        from services.standalone.score_lines import score_lines
    if as_json:
        print_json(as_dict(scored.score))
    else:
        say("\n".join(score_lines(scored.score)))
        say(f"\nScore:  {scored.score_json}\nReport: {scored.html}, {scored.pdf}")
    for item in scored.refused:
        print_refused(item)
    if scored.refused:
        raise typer.Exit(AT_FAULT)
