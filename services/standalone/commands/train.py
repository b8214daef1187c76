"""`medulla train`: a model bundle from a whole cohort."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from services.standalone.commands.options import (
    AsJson,
    Cluster,
    CohortTable,
    EmbeddingFolder,
    MapFile,
    ProfileFile,
    VectorTables,
    Workers,
    check_engine,
)
from services.standalone.console import exit_codes, loading, print_json, progress, say
from shared.bounded_file import read_key

TileClassifierFolder = Annotated[
    Path | None,
    typer.Option(
        help="Folder of `medulla classifier fit`: it goes into the bundle, whose scores read the shares of its classes."
    ),
]
SigningKey = Annotated[
    Path | None,
    typer.Option(
        help="ed25519 private key, PEM, to sign with: `openssl genpkey -algorithm ed25519 -out key.pem` makes one.",
        exists=True,
        dir_okay=False,
    ),
]

Remarks = Annotated[
    list[str] | None,
    typer.Option(help="A line for the model card, such as what was tried before; repeatable."),
]


def train(
    cohort: CohortTable,
    out: Annotated[Path, typer.Option(help="Folder of the bundle; a bundle that is there is replaced.")],
    embeddings: EmbeddingFolder = None,
    profile: ProfileFile = None,
    columns: MapFile = None,
    vectors: VectorTables = None,
    tile_classifier: TileClassifierFolder = None,
    name: Annotated[str | None, typer.Option(help="Name of the bundle; else made of the profile's.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed and cohort give the same bundle.", min=0)] = 1,
    refits: Annotated[int, typer.Option(help="Bootstrap refits for the interval of a score, 40 or more.", min=0)] = 100,
    created: Annotated[str | None, typer.Option(help="Date in the bundle; else today.")] = None,
    key: SigningKey = None,
    remark: Remarks = None,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
) -> None:
    """Fit a model bundle on a whole cohort; thresholds come from out-of-fold predictions."""
    check_engine(workers, cluster)
    with loading():
        from services.standalone.cohort_files import CohortFiles, read
        from services.trainer.bucket.copies import copies
        from services.trainer.bucket.s3_uri import as_typed
        from services.trainer.bundle.train import TrainPlan, train_bundle
        from services.trainer.cluster_engine import engine_of
        from services.trainer.profile import load_profile
        from services.trainer.tile_classifier.cohort_block import CohortClassifier
        from services.trainer.vectors.unlearned import unlearned_notes
    with exit_codes(), copies() as copied, copied.bundle_output(out) as folder:
        files = CohortFiles.of(cohort, embeddings, columns, vectors, copied)
        classifier = CohortClassifier.read(tile_classifier, copied) if tile_classifier else None
        table, bags = read(files, load_profile(profile))
        table = classifier.add_to(table, bags) if classifier else table
        named = name or f"{table.profile.name}{'-simulated' if table.simulated else ''}"
        signer = read_key(key) if key else None
        engine = engine_of(cluster, embeddings, workers)
        today, remarks = created or _today(), tuple(remark or ())
        plan = TrainPlan(named, today, seed, refits, signer, remarks, classifier, engine=engine)
        with progress("steps") as advance:
            digest = train_bundle(table, bags, plan, folder, advance)
    facts: dict[str, str | bool] = {"bundle": as_typed(out), "digest": digest, "name": named}
    _print_bundle(facts | {"simulated": table.simulated}, unlearned_notes(table), len(table), as_json=as_json)


def _print_bundle(facts: Mapping[str, str | bool], notes: Sequence[str], patients: int, *, as_json: bool) -> None:
    if as_json:
        print_json({**facts, "notes": notes})
    else:
        named = f"{facts['name']}{' (SIMULATED)' if facts['simulated'] else ''}"
        line = f"{facts['bundle']}: bundle {named} of {patients} patients, digest {facts['digest']}"
        say("\n".join([*notes, f"{line}; read model_card.md first"]))


def _today() -> str:
    """The date, UTC."""
    return datetime.now(UTC).date().isoformat()
