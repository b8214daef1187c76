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


def score(
    paths: Slides = None,
    slides: SlideTable = None,
    case_id: CaseName = None,
    clinical: Annotated[Path | None, typer.Option(help="Clinical record, JSON.")] = None,
    columns: MapFile = None,
    vectors: Annotated[
        list[str] | None,
        typer.Option(metavar="BLOCK=FILE", help="Vector of a block, JSON; with --cases its table; may be repeated."),
    ] = None,
    cases: CaseTable = None,
    embeddings: EmbeddingFolder = None,
    bundle: Bundle = DEMO_BUNDLE,
    encoder: Encoder = DEFAULT_ENCODER,
    default_mpp: DefaultMpp = None,
    out: Annotated[Path, typer.Option(help="Folder for score, report and everything derived.")] = Path("out/score"),
    as_json: AsJson = False,
) -> None:
    """Score one case from its slides, record and vectors, or every case of a table (--cases) with --embeddings."""
    if cases or embeddings:
        if not cases or paths or slides or case_id or clinical or default_mpp or encoder != DEFAULT_ENCODER:
            raise typer.BadParameter("--cases TABLE goes with --embeddings, --vectors, --map, --bundle and --out alone")
        score_cases(cases, embeddings, columns, vectors or (), bundle, out, as_json=as_json)
        return
    with loading():
        from services.standalone.case import case_from
        from services.standalone.named_slides import named_slides, options_for
        from services.standalone.vector_files import vector_files
    with exit_codes():
        items = named_slides(paths, slides, case_id) if paths or slides or not (clinical or vectors) else []
        case = case_from(items, clinical, case_id, columns, vector_files(vectors or ()))
        options = options_for(items, encoder, default_mpp)
    if case.readings:
        note("\n  ".join([f"{clinical}:", *case.readings]))
    score_and_print(case, bundle, options, out, as_json=as_json)


def score_and_print(case: "Case", bundle: Path, options: "Options", out: Path, *, as_json: bool) -> None:
    """Score a case and print the score, its files and what it leaves out."""
    with loading():
        from services.fusion_scorer.score_json import as_dict
        from services.standalone.named_slides import print_refused
        from services.standalone.score_lines import score_lines
        from services.standalone.scored_case import score_case
    with exit_codes(goes_on=True), progress("tiles") as advance:
        scored = score_case(case, bundle, options, out, advance)
    if as_json:
        print_json(as_dict(scored.score))
    else:
        say("\n".join(score_lines(scored.score)))
        say(f"\nScore:  {scored.score_json}\nReport: {scored.html}, {scored.pdf}")
    for item in scored.refused:
        print_refused(item)
    if scored.refused:
        raise typer.Exit(AT_FAULT)
