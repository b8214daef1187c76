"""The training job: fits a bundle on a cohort of its volume or a bucket; `medulla train` does the same on a laptop."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from services.trainer.bucket.copies import Copies, copies
from services.trainer.bucket.s3_uri import as_typed
from services.trainer.bundle.train import TrainPlan, train_bundle
from services.trainer.cluster_engine import engine_of
from services.trainer.cohort.add_vectors import add_vectors, vector_tables
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.column_map import load_map
from services.trainer.cohort.embeddings import Embeddings, read_embeddings
from services.trainer.cohort.table import read_cohort
from services.trainer.profile import load_profile
from services.trainer.tile_classifier.cohort_block import CohortClassifier
from services.trainer.vectors.unlearned import unlearned_notes
from shared import exit_codes
from shared.bounded_file import read_key
from shared.errors import MedullaError, explain


def main() -> int:
    """Read, fit, write and print the digest; an error is one sentence, advice and an exit code."""
    arguments = _arguments().parse_args()
    try:
        with copies() as copied, copied.bundle_output(arguments.out) as folder:
            lines = _train(arguments, copied, folder)
    except (MedullaError, OSError) as error:
        sys.stderr.write(f"trainer: {explain(error)}\n")
        return exit_codes.exit_code(error)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _train(arguments: argparse.Namespace, copied: Copies, folder: Path) -> list[str]:
    """Fit the bundle in `folder`; returns the lines to print."""
    cohort, embeddings = _read(arguments, copied)
    classifier = CohortClassifier.read(arguments.tile_classifier, copied) if arguments.tile_classifier else None
    cohort = classifier.add_to(cohort, embeddings) if classifier else cohort
    name = arguments.name or f"{cohort.profile.name}{'-simulated' if cohort.simulated else ''}"
    key = read_key(arguments.key) if arguments.key else None
    today = datetime.now(UTC).date().isoformat()
    engine = engine_of(arguments.cluster, arguments.embeddings, arguments.workers)
    plan = TrainPlan(name, today, arguments.seed, arguments.refits, key, classifier=classifier, engine=engine)
    digest = train_bundle(cohort, embeddings, plan, folder, _advance)
    return [*unlearned_notes(cohort), f"{as_typed(arguments.out)}: bundle {plan.name}, digest {digest}"]


def _read(arguments: argparse.Namespace, copied: Copies) -> tuple[Cohort, Embeddings | None]:
    columns = load_map(copied.file(arguments.map)) if arguments.map else None
    tables = {block: copied.file(table) for block, table in vector_tables(arguments.vectors).items()}
    table = read_cohort(copied.file(arguments.cohort), load_profile(arguments.profile), columns)
    cohort = add_vectors(table, tables)
    if not arguments.embeddings:
        return cohort, None
    return cohort, read_embeddings(copied.bags(arguments.embeddings, cohort.case_ids, _advance))


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.trainer", description=__doc__)
    parser.add_argument(
        "--cohort",
        type=Path,
        required=True,
        help="cohort.csv, one row a patient; or s3://BUCKET/KEY",
    )
    parser.add_argument(
        "--embeddings",
        type=Path,
        help="folder with index.csv, or s3://BUCKET of services",
    )
    parser.add_argument("--profile", help="a YAML file or the name of one that is shipped")
    parser.add_argument("--map", type=Path, help="YAML that maps other column names, words and units to the profile's")
    parser.add_argument(
        "--vectors", action="append", default=[], metavar="BLOCK=TABLE", help="table of a block of vectors; repeatable"
    )
    parser.add_argument(
        "--tile-classifier", type=Path, help="folder of `medulla classifier fit`, or s3://BUCKET/KEY, for the bundle"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the bundle, or s3://BUCKET/KEY")
    parser.add_argument("--name", help="name of the bundle; else the profile's")
    parser.add_argument("--key", type=Path, help="ed25519 private key, PEM, to sign with")
    parser.add_argument("--seed", type=int, default=TrainPlan.seed)
    parser.add_argument("--refits", type=int, default=TrainPlan.refits, help="for the interval of a score")
    parser.add_argument("--workers", type=int, default=1, help="processes; a pod sees all processors of its node")
    parser.add_argument("--cluster", metavar="ADDRESS", help="scheduler of a Dask cluster to work on, tcp://host:8786")
    return parser


def _advance(done: int, total: int) -> None:
    sys.stderr.write(f"step {done} of {total}\n")


if __name__ == "__main__":
    sys.exit(main())
