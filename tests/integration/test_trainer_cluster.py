"""Work on a real Dask cluster, whose workers read the bags from a real bucket."""

import platform
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.trainer import cluster
from services.trainer.bucket.copies import Copies, bucket_store
from services.trainer.bundle.served import read_bundle
from services.trainer.bundle.train import TrainPlan, train_bundle
from services.trainer.cluster_engine import ClusterEngine
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.engine import HERE, Engine, R, Work
from services.trainer.errors import ClusterDownError, ClusterUnfitError
from services.trainer.evaluation.evaluate import Plan, evaluate
from services.trainer.evaluation.run import Job
from services.trainer.evaluation.splits import draw_splits
from services.trainer.report_model.report import REPORT
from services.trainer.simulation.simulate import SimulationPlan
from services.trainer.validation.validate import validate
from tests.support.cohorts import quiet, simulated
from tests.support.dask_cluster import DaskCluster
from tests.support.parts import MinioPart

FOLDS = 2
PIECES = ("control-0", "control-1", "fold-0-0", "control-2")
"""Of which the fold reads bags."""


@pytest.fixture
def inside(tmp_path: Path) -> tuple[Cohort, Embeddings]:
    return simulated(tmp_path / "cohort", SimulationPlan(60, tiles=2, width=8))


def test_a_cluster_gives_the_pieces_of_one_machine_though_a_worker_ends(
    inside: tuple[Cohort, Embeddings], minio: MinioPart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort, bags = inside
    uri = in_bucket(bags, minio, tmp_path, monkeypatch)
    job = Job(cohort, bags, draw_splits(cohort, 1, FOLDS, 1), 1, tmp_path)
    here = dict(HERE(job, PIECES))
    with DaskCluster(tmp_path, workers=2) as started:
        coming = ClusterEngine(started.address, uri)(job, PIECES)
        first = next(coming)
        started.workers[0].kill()
        assert dict([first, *coming]) == here
        assert started.workers[0].wait() != 0


@dataclass(frozen=True)
class Ending:
    """An engine one of whose processes ends as soon as the first piece is there."""

    engine: Engine
    ended: subprocess.Popen[bytes]

    def __call__(self, work: Work[R], pieces: Sequence[str]) -> Iterator[tuple[str, R]]:
        """See Engine."""
        for result in self.engine(work, pieces):
            self.ended.kill()
            yield result


def test_a_bundle_and_its_validation_are_those_of_one_machine_though_a_worker_ends(
    inside: tuple[Cohort, Embeddings], minio: MinioPart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort, bags = inside
    uri = in_bucket(bags, minio, tmp_path, monkeypatch)
    other, _ = simulated(tmp_path / "other", SimulationPlan(60, seed=2, tiles=2, width=8))
    digests = [train_bundle(cohort, bags, plan(HERE), tmp_path / "here", quiet)]
    served = read_bundle(tmp_path / "here")
    validate(served, other, None, tmp_path / "report-here", quiet)
    with DaskCluster(tmp_path, workers=2) as started:
        engine = ClusterEngine(started.address, uri)
        digests.append(train_bundle(cohort, bags, plan(Ending(engine, started.workers[0])), tmp_path / "there", quiet))
        validate(served, other, None, tmp_path / "report-there", quiet, engine)
        assert started.workers[0].wait() != 0
    assert digests[0] == digests[1]
    here, there = ((tmp_path / folder / REPORT).read_bytes() for folder in ("report-here", "report-there"))
    assert here == there


@pytest.mark.parametrize("ended", ["scheduler", "worker"])
def test_a_cluster_that_ends_at_work_is_named_in_a_sentence_and_leaves_no_bundle(
    inside: tuple[Cohort, Embeddings], tmp_path: Path, ended: str, capfd: pytest.CaptureFixture[str]
) -> None:
    cohort, _ = inside
    with DaskCluster(tmp_path, workers=1) as started:
        process = started.scheduler if ended == "scheduler" else started.workers[0]
        engine = Ending(ClusterEngine(started.address, None), process)
        with pytest.raises(ClusterDownError, match=f"the cluster at {started.address} lost its scheduler, or its last"):
            train_bundle(cohort, None, plan(engine), tmp_path / "bundle", quiet)
    assert not (tmp_path / "bundle").exists()
    assert "Traceback" not in capfd.readouterr().err


def plan(engine: Engine) -> TrainPlan:
    """A small training."""
    return TrainPlan("m", "2026-01-01", refits=2, folds=3, engine=engine)


def test_a_cluster_that_is_no_use_is_refused_in_a_sentence(
    inside: tuple[Cohort, Embeddings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort, _ = inside
    monkeypatch.setattr(cluster, "_PATIENCE_S", 8)

    def on(address: str) -> None:
        evaluate(cohort, None, Plan(1, FOLDS, engine=ClusterEngine(address, None)), tmp_path / "out", quiet)

    with DaskCluster(tmp_path, workers=0) as started, pytest.raises(ClusterDownError, match="has no worker"):
        on(started.address)
    with pytest.raises(ClusterDownError, match="no Dask scheduler answers"):
        on(started.address)
    monkeypatch.setattr(cluster, "_PATIENCE_S", 30)
    monkeypatch.setattr(platform, "python_version", lambda: "3.0.0")
    (tmp_path / "scheduler.json").unlink()
    with DaskCluster(tmp_path, workers=1) as other, pytest.raises(ClusterUnfitError, match=r"this machine 3\.0\.0"):
        on(other.address)


def in_bucket(bags: Embeddings, minio: MinioPart, folder: Path, environment: pytest.MonkeyPatch) -> Path:
    """Put the bags into a bucket that the settings of this process and of its children name."""
    bucket = minio.bucket("bags")
    for name, value in (
        ("BUCKET", bucket),
        ("ENDPOINT_URL", minio.endpoint),
        ("ACCESS_KEY_ID", minio.access_key),
        ("SECRET_ACCESS_KEY", minio.secret_key),
    ):
        environment.setenv(f"MEDULLA_S3__{name}", value)
    uri = Path(f"s3://{bucket}/bags")
    store = bucket_store(bucket)
    for file in (item for item in bags.folder.rglob("*") if item.is_file()):
        store.put(f"bags/{file.relative_to(bags.folder).as_posix()}", file.read_bytes())
    assert Copies(folder, bucket_store).bags(uri, [], quiet).is_dir()
    return uri
