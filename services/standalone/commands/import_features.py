"""`medulla import`: how many feature files became bags, what they were read as, and which were refused."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.standalone.commands.feature_options import (
    CaseFrom,
    Coords,
    Dim,
    EncoderName,
    FeatureFiles,
    FeatureTable,
    Mpp,
    Patches,
    TilePx,
    TileUm,
    WrittenBy,
)
from services.standalone.commands.options import AsJson
from services.standalone.console import complain, exit_codes, loading, note, print_json, progress, say
from shared.exit_codes import AT_FAULT
from shared.words import counted

if TYPE_CHECKING:
    from services.standalone.features.imports import ImportTables


def import_features(
    encoder: EncoderName,
    out: Annotated[Path, typer.Option(help="Folder for bags, index.csv, imports.csv and failures.csv.")],
    paths: FeatureFiles = None,
    slides: FeatureTable = None,
    case_from: CaseFrom = None,
    tool: WrittenBy = None,
    tile_px: TilePx = None,
    tile_um: TileUm = None,
    mpp: Mpp = None,
    coords: Coords = None,
    patches: Patches = None,
    dim: Dim = None,
    as_json: AsJson = False,
) -> None:
    """Make bags of the feature files of TRIDENT, CLAM or STAMP; goes on past bad ones, and a second run resumes."""
    with loading():
        from services.standalone.embedding_tables import SWAP_ADVICE
        from services.standalone.features.feature_paths import feature_paths
        from services.standalone.features.imports import import_features as run
        from services.standalone.features.named_encoder import stated_encoder
        from services.standalone.features.patch_files import PatchFiles
        from services.standalone.features.reading_process import ReadingProcess
        from services.standalone.features.stated import Stated
        from services.standalone.grouped_refusals import print_grouped
        from shared.slides.embedded import IN_TWO_CASES
    if not (paths or slides):
        raise typer.BadParameter("name feature files or folders, or a table with --slides")
    with exit_codes(goes_on=True), progress("files") as advance, ReadingProcess() as read:
        stated = Stated(stated_encoder(encoder, dim), tool, tile_px, tile_um, mpp, coords, patches)
        patch_files = PatchFiles(read)
        items = feature_paths(paths or (), slides, _pattern(case_from), patch_files)
        done = run(items, out, stated, read, advance)
    _print(done, as_json=as_json)
    print_grouped(done.refused)
    _remark(len(patch_files.passed_over), by_name=bool(done.tables.embedded) and stated.encoder.digest is None)
    for sentence in done.tables.swaps:
        complain(f"{sentence} [{IN_TWO_CASES}]. {SWAP_ADVICE}")
    if done.tables.failed:
        raise typer.Exit(AT_FAULT)


def _remark(passed_over: int, *, by_name: bool) -> None:
    """Say how many files of patches were passed over, and what bags of an encoder known by name lack."""
    if passed_over:
        note(f"{counted(passed_over, 'file')} of coordinates alone passed over")
    if by_name:
        note("To score slides with a bundle trained on these, give --encoder the encoder's folder.")


def _pattern(case_from: str | None) -> re.Pattern[str] | None:
    try:
        return re.compile(case_from) if case_from else None
    except re.error as error:
        raise typer.BadParameter(f"--case-from is no regular expression: {error}") from None


def _print(done: "ImportTables", *, as_json: bool) -> None:
    tables = done.tables
    if as_json:
        files = {"index": str(tables.index), "report": str(done.report), "failures": str(tables.failures)}
        print_json({"imported": tables.embedded, "failed": tables.failed} | files)
        return
    kinds = dict.fromkeys(
        f"{row.tool}: {row.features} features ({row.dtype}) a tile of {row.tile_px} px and {row.tile_um:.4g} um, "
        f"coordinates in {row.coords}; the file says {row.in_file or 'nothing of this'}"
        for row in done.readings
    )
    note("\n".join(kinds))
    say(f"{counted(tables.embedded, 'file')} imported, listed in {tables.index}; read as {done.report} says")
    say(f"{tables.failed} refused, see {tables.failures}")
