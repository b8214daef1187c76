"""Reads a model bundle and scores cases with it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medulla._extras import needs
from medulla.v1.scorer_pb2 import Score
from services.fusion_scorer.score import score
from services.standalone.case import Case, case_from
from services.standalone.case_score import read_case
from services.standalone.cohort_snapshot import cohort_bags
from services.standalone.errors import NamelessCaseError
from services.standalone.vector_files import VectorFile
from shared import keys
from shared.bounded_file import read_key
from shared.model import bundle
from shared.model.record import stated_case_id
from shared.program import program_version


@dataclass(frozen=True, repr=False)
class Bundle(bundle.Bundle):
    """A fitted model with all that a score needs; `manifest` says what it is and what it was trained on."""

    folder: Path

    @classmethod
    def load(cls, folder: str | Path, *, public_key: str | Path | None = None) -> "Bundle":
        """Read a bundle's folder and check all of it; with the file of a public key, its signature too.

        >>> bundle = medulla.Bundle.load(medulla.demo.BUNDLE)
        >>> bundle.manifest.name, bundle.manifest.simulated, bundle.manifest.profile.horizons_years
        ('demo-simulated', True, (3.0, 5.0))

        Raises:
            medulla.errors.BadBundleError: a file is missing, altered or not understood.
            medulla.errors.BadSignatureError: the signature is missing or wrong.
        """
        with needs("Bundle.load"):
            fitted = bundle.load(Path(folder), read_key(Path(public_key)) if public_key else None)
        return cls(**vars(fitted), folder=Path(folder))

    def score(
        self,
        record: str | Path | Mapping[str, object] | None = None,
        *,
        embeddings: str | Path | None = None,
        vectors: Mapping[str, Mapping[str, float]] | None = None,
        case_id: str | None = None,
    ) -> Score:
        """Score one case, as `medulla score --cases` scores each of its rows; nothing is written.

        `record` is a clinical record, or its JSON file; `embeddings` a folder of `medulla.embed`, of which the bags of
        this case count; `vectors` the values by column of each block of vectors. The case is `case_id`, or the one that
        the record states. Risks are shares from 0 to 1 with their interval; contributions are log hazard ratios, which
        add up to `log_risk`. See protos/medulla/v1/scorer.proto for every field.

        >>> bundle = medulla.Bundle.load(medulla.demo.BUNDLE)
        >>> score = bundle.score(medulla.demo.RECORD, embeddings="embeddings")
        >>> score.case_id, score.model, [slide.slide_id for slide in score.slides]
        ('DEMO-001', 'fused', ['cmu-1-small-region.svs'])
        >>> abs(sum(item.log_hazard for item in score.contributions) - score.log_risk) < 1e-4
        True

        Raises:
            medulla.errors.BadClinicalRecordError: the record is refused.
            medulla.errors.BadVectorsError: a vector is refused, and nothing else is known of the case.
            medulla.errors.BadEmbeddingsError: the folder, a bag or its plan cannot be read.
            medulla.errors.EncoderMismatchError: a bag was made by another encoder than the bundle's.
            medulla.errors.NamelessCaseError: nothing names the case.
        """
        case = _case(record, case_id, {block: _vector(block, values) for block, values in (vectors or {}).items()})
        bags = cohort_bags(Path(embeddings)) if embeddings else None
        with needs("Bundle.score"):
            return score(self, read_case(case, bags, self, self.folder), program_version()).score


def _case(
    record: str | Path | Mapping[str, object] | None, case_id: str | None, vectors: Mapping[str, VectorFile]
) -> Case:
    if isinstance(record, str | Path):
        return case_from((), Path(record), case_id, vectors=vectors)
    data = _json(record) if record is not None else None
    named = case_id or (stated_case_id(data) if data else None)
    if not named:
        raise NamelessCaseError("nothing names the case: give case_id, or a record that states it")
    return Case(keys.named_case(named, "case_id"), (), data, vectors=vectors)


def _vector(block: str, values: Mapping[str, float]) -> VectorFile:
    return VectorFile(Path(block), _json({"block": block, "values": dict(values)}))


def _json(values: Mapping[str, object]) -> bytes:
    """An object as JSON; numbers of NumPy, as rows of tables have them, are numbers."""
    return json.dumps(dict(values), default=_number).encode()


def _number(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} is no value of a record")
