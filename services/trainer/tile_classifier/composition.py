"""What share of each case's tiles is expected to be of each class: a table, and a vector a case for the bucket."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.trainer.cohort.embeddings import Embeddings
from services.trainer.cohort.vector_table import CASE, SIMULATED
from services.trainer.errors import BadEmbeddingsError
from services.trainer.tile_classifier.classifier import TileClassifier
from shared.arrays import Floats
from shared.csv_file import write_csv
from shared.files import put
from shared.model.case_vector import vector_bytes
from shared.model.tile_classifier import rounded_share
from shared.progress import Advance
from shared.pseudonyms import PSEUDONYM, is_pseudonym
from shared.words import shown


@dataclass(frozen=True, eq=False)
class Composition:
    """Expected share of each class among the tiles of each case."""

    classes: tuple[str, ...]
    cases: tuple[str, ...]
    shares: Floats
    """[cases, classes]."""
    simulated: bool

    def write_table(self, path: Path) -> None:
        """A table for `--vectors BLOCK=TABLE`."""
        marks = {SIMULATED: "true"} if self.simulated else {}
        rows = ([case, *map(rounded_share, shares), *marks.values()] for case, shares in self._by_case())
        write_csv(path, [CASE, *self.classes, *marks], rows)

    def write_vectors(self, folder: Path, block: str) -> None:
        """`{case_id}/{block}.json` of each case, as the bucket holds them below `vectors/`."""
        for case, shares in self._by_case():
            (folder / case).mkdir(parents=True, exist_ok=True)
            values = dict(zip(self.classes, map(rounded_share, shares), strict=True))
            put(folder / case / f"{block}.json", vector_bytes(case, block, values, simulated=self.simulated))

    def _by_case(self) -> Iterator[tuple[str, Floats]]:
        """Each case with its shares [classes]."""
        return zip(self.cases, self.shares, strict=True)


def compose(classifier: TileClassifier, embeddings: Embeddings, advance: Advance) -> Composition:
    """The mean probability of each class over the tiles of every case.

    A patient of the labels is classified by the model that has not seen them.

    Raises:
        OtherEncoderError: the embeddings are of another encoder.
        BadEmbeddingsError: no slide has a tile, a case id is no pseudonym, or a bag cannot be read.
    """
    classifier.check_encoder(embeddings)
    cases = _cases(embeddings)
    shares = []
    for done, case in enumerate(cases, 1):
        shares.append(classifier.probabilities(case, embeddings.bag(case)).mean(axis=0))
        advance(done, len(cases))
    classes = classifier.manifest.classes
    table = np.array(shares, np.float64).reshape(len(cases), len(classes))
    return Composition(classes, cases, table, classifier.manifest.simulated)


def _cases(embeddings: Embeddings) -> tuple[str, ...]:
    """The cases that have tiles; their ids become names of folders."""
    cases = tuple(case for case in sorted(embeddings.by_case) if embeddings.tiles(case))
    if not cases:
        raise BadEmbeddingsError(f"no slide of {embeddings.folder} has a tile")
    if wrong := [case for case in cases if not is_pseudonym(case)]:
        raise BadEmbeddingsError(f"{embeddings.folder} has the case id {shown(wrong[0])}, allowed are {PSEUDONYM}")
    return cases
