"""A bundle as it was trained, read back to be asked about a whole cohort; nothing is refitted."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
from pydantic import ValidationError

from services.trainer.arms.arm import Patients, SlideView
from services.trainer.arms.hazards import Prediction, incidence
from services.trainer.arms.null import constant
from services.trainer.arms.registry import ARMS
from services.trainer.arms.ridge_cox import ByPattern
from services.trainer.arms.rule import flagged
from services.trainer.arms.scored import calibrated
from services.trainer.arms.trees import raw
from services.trainer.bundle.arm_json import TREES_FILE, read_tabular
from services.trainer.bundle.served_arms import GBM
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.errors import BadModelError
from shared.arrays import Floats
from shared.bundles import MANIFEST, fault, folder_files
from shared.canonical import sha256
from shared.model.column import Column, design_matrix
from shared.model.profile import Profile

TABLE_BLOCKS = {"clinical": ("clinical",), "clinical_molecular": ("clinical", "molecular")}
ALL = ("clinical", "molecular", "pathomic")
_WITH_SLIDES = {"pathomics": ("pathomic",), "fused": ALL}
_FUSED = ("fused", "clinical_pathomics", "molecular_pathomics")


@dataclass(frozen=True, eq=False)
class ServedBundle:
    """Files of a bundle whose digests hold."""

    digest: str
    manifest: Mapping[str, Any]
    training: Mapping[str, Any]
    files: Mapping[str, bytes]

    @property
    def profile(self) -> Profile:
        """The profile that the bundle was trained with."""
        return Profile.model_validate(self.training["profile"])

    def part(self, name: str) -> Mapping[str, Any]:
        """One of the JSON files."""
        content: Mapping[str, Any] = json.loads(self.files[name])
        return content

    def check_embeddings(self, embeddings: Embeddings | None) -> None:
        """Refuse bags of another encoder.

        Raises:
            BadModelError: naming both encoders.
        """
        wanted = self.manifest["encoder"]
        if embeddings and wanted and embeddings.encoder_digest != wanted["digest"]:
            raise BadModelError(
                f"the bundle reads {wanted['name']} {wanted['digest'][:12]}, the embeddings are of "
                f"{embeddings.encoder_name} {embeddings.encoder_digest[:12]}"
            )


def read_bundle(folder: Path) -> ServedBundle:
    """Read a bundle made by `medulla train` and check every digest.

    Raises:
        BadModelError: a file is missing, altered or not listed, or the bundle was not made by `medulla train`.
    """
    try:
        files = folder_files(folder)
        if MANIFEST not in files:
            raise BadModelError(f"{folder} holds no {MANIFEST}, so it is no bundle")
        manifest = json.loads(files[MANIFEST])
        if wrong := fault(manifest["files"], files, str(folder)):
            raise BadModelError(wrong)
        training = json.loads(files["training.json"])
        bundle = ServedBundle(sha256(files[MANIFEST]), manifest, training, files)
        Profile.model_validate(training["profile"])
    except BadModelError:
        raise
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise BadModelError(f"{folder} is no bundle of `medulla train`: {error}") from error
    return bundle


def slide_view(bundle: ServedBundle, cohort: Cohort, embeddings: Embeddings | None) -> SlideView | None:
    """The bundle's pathomic log-risk of each patient; None where bundle or cohort has no slides."""
    if embeddings is None or "mil.onnx" not in bundle.files:
        return None
    from services.trainer.bundle.mil import MilModel  # noqa: PLC0415 - only where there are slides

    model = MilModel(bundle.files["mil.onnx"])
    has = embeddings.has(cohort.case_ids)
    said = [model(embeddings.bag(case))[0] if some else np.nan for case, some in zip(cohort.case_ids, has, strict=True)]
    log_risk = np.array(said, np.float64)
    return SlideView(log_risk, log_risk[:, None], np.full(len(cohort), np.nan))


def predict_all(bundle: ServedBundle, patients: Patients) -> tuple[dict[str, Prediction], dict[str, str]]:
    """What every arm of the bundle says of a cohort, and why an arm says nothing."""
    average = np.asarray(bundle.training["average"], np.float64)
    found = {"null": constant(average, len(patients))}
    absent = {arm.name: "the bundle does not hold this arm" for arm in ARMS if arm.name != "null"}
    absent["rule"] = "the bundle has no rule"
    if bundle.training["rule"]:
        model = read_tabular(bundle.training["rule"], bundle.training["reference"], bundle.training["horizon"])
        found["rule"] = calibrated(model, flagged(patients))
    for name, blocks in TABLE_BLOCKS.items():
        if f"{name}.json" in bundle.files:
            found[name] = _patterns(bundle, blocks, average).predict(patients)
    if GBM in [arm["name"] for arm in bundle.manifest["arms"]]:
        found[GBM] = _trees(bundle, patients)
    held = {name: _held(bundle, name) for name in _WITH_SLIDES}
    for name, blocks in _WITH_SLIDES.items():
        if not any(held.values()):
            absent[name] = "the bundle was trained without slides and ready-made pathomic columns"
        elif not patients.has_block("pathomic").any():
            absent[name] = "nobody of the cohort has slides or ready-made pathomic columns"
        elif held[name]:
            found[name] = _patterns(bundle, blocks, average).predict(patients)
    if "pathomics" in found:
        found["pathomics"] = found["pathomics"].only(patients.has_block("pathomic"))
    return found, {name: why for name, why in absent.items() if name not in found}


def _held(bundle: ServedBundle, name: str) -> str | None:
    """The model of a bundle that an arm with slides asks first; without molecular data fusion is with the clinical."""
    names = ("pathomics",) if name == "pathomics" else _FUSED
    return next((one for one in names if f"{one}.json" in bundle.files), None)


def threshold_of(bundle: ServedBundle, name: str) -> float:
    """The training threshold of an arm; infinite where the bundle has none."""
    held = _held(bundle, name) if name in _WITH_SLIDES else name
    return float(bundle.training["thresholds"].get(held, np.inf))


def _patterns(bundle: ServedBundle, blocks: tuple[str, ...], average: Floats) -> ByPattern:
    """The models of a bundle that need nothing but `blocks`."""
    reference, horizon = bundle.training["reference"], bundle.training["horizon"]
    arms = [arm for arm in bundle.manifest["arms"] if set(arm["blocks"]) <= set(blocks) and arm["name"] != GBM]
    models = {frozenset(arm["blocks"]): read_tabular(bundle.part(arm["file"]), reference, horizon) for arm in arms}
    return ByPattern(models, average, blocks, constant(average, 0))


def _trees(bundle: ServedBundle, patients: Patients) -> Prediction:
    """Raw score less centre, times scale, on the baseline of the arm."""
    said = bundle.part(f"{GBM}.json")
    columns = tuple(Column(**column) for column in said["columns"])
    hazard = said["fit"]["event"]["log_hazard"]
    booster = lgb.Booster(model_str=bundle.files[TREES_FILE].decode())
    score = raw(booster, design_matrix(columns, patients.case_values))
    log_hazard = hazard["scale"] * (score - hazard["centre"])
    baselines = [np.asarray(said["fit"]["event"]["baseline"], np.float64)]
    baselines += [np.asarray(cause["baseline"], np.float64) for cause in said["fit"]["competing"]]
    logs = [log_hazard, *(np.zeros(len(patients)) for _ in baselines[1:])]
    level = np.log(max(float(baselines[0][bundle.training["horizon"]]), 1e-12)) - bundle.training["reference"]
    return Prediction(log_hazard + level, incidence(logs, baselines))
