"""Options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Slides = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="DIR|SLIDE",
        help="Slides, folders of slides, folders with {case}/ or slides/{case}/.",
        show_default=False,
    ),
]
SlideTable = Annotated[
    Path | None,
    typer.Option("--slides", metavar="TABLE", help="CSV or .xlsx: case_id, path; may have slide_id, mpp (um/px)."),
]
CaseName = Annotated[str | None, typer.Option(help="Pseudonym of the case.")]
DefaultMpp = Annotated[float | None, typer.Option(help="Microns per pixel of slides that do not say it.", min=0)]
Encoder = Annotated[Path, typer.Option(help="Folder of the encoder.", show_default="the one that ships")]
Bundle = Annotated[Path, typer.Option(help="Folder of the model bundle.", show_default="the SIMULATED demo's")]
DespiteReservations = Annotated[
    bool, typer.Option("--despite-reservations", help="Promote it although its card says what speaks against it.")
]
Workers = Annotated[int | None, typer.Option(help="Processes; else one a processor.", min=1)]
Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Scheduler of a Dask cluster to work on, as tcp://host:8786; its workers read the bags themselves.",
    ),
]
CohortTable = Annotated[Path, typer.Option("--cohort", help="cohort.csv, one row a patient; also s3://BUCKET/KEY.")]
EmbeddingFolder = Annotated[
    Path | None,
    typer.Option(
        "--embeddings",
        help="Folder with index.csv, as `medulla embed` or `simulate` writes it; or s3://BUCKET of services.",
    ),
]
CaseTable = Annotated[
    Path | None,
    typer.Option("--cases", metavar="TABLE", help="Score every case of a table, one row a case: scores.csv."),
]
ProfileFile = Annotated[
    str | None, typer.Option("--profile", help="Profile, a YAML file or the name of one that is shipped.")
]
MapFile = Annotated[
    Path | None, typer.Option("--map", help="YAML that maps other column names, words and units to the profile's.")
]
VectorTables = Annotated[
    list[str] | None,
    typer.Option(
        "--vectors",
        metavar="BLOCK=TABLE",
        help="Table of a block of vectors of the profile: case_id and numeric columns; repeatable.",
    ),
]
SlideFolder = Annotated[
    Path | None,
    typer.Option(
        "--slides", help="Folder with slides/{case_id}/, as for `medulla embed`.", exists=True, file_okay=False
    ),
]


def check_engine(workers: int | None, cluster: str | None) -> None:
    """Refuse processes of this machine where a cluster does the work."""
    if cluster and workers:
        raise typer.BadParameter("--cluster has workers of its own: leave --workers out")
