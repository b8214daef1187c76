"""Fits a bundle on a whole cohort: thresholds from out-of-fold predictions, everything in files with digests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.arms.registry import gbm
from services.trainer.arms.ridge_cox import patterns_of
from services.trainer.arms.rule import RULE, ClinicalRule
from services.trainer.arms.scored import Scored
from services.trainer.block_models import BlockModels
from services.trainer.bundle.card_claims import card_claims
from services.trainer.bundle.card_figures import CardFacts, card_of
from services.trainer.bundle.group_rules import group_rules
from services.trainer.bundle.model_card import UNCALIBRATED, model_card
from services.trainer.bundle.nested import nested
from services.trainer.bundle.onnx_mil import to_onnx
from services.trainer.bundle.reference import reference
from services.trainer.bundle.reserved import BundleReservations, reserved
from services.trainer.bundle.served_arms import TREES_FILE, ServedArm, ServedTrees, arm_file, served_arms, served_trees
from services.trainer.bundle.training_facts import TRAINING, RuleArm, TrainingFacts
from services.trainer.bundle.training_pieces import TrainingPieces, TrainingWork, compute_pieces
from services.trainer.bundle.vector_files import vector_files, vector_references
from services.trainer.cohort.checked import checked
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.cohort_summary import cohort_summary
from services.trainer.engine import HERE, Engine
from services.trainer.errors import UnusableCohortError
from services.trainer.folds import stratified_folds
from services.trainer.metrics.bootstrap import FEWER, Bootstrap
from services.trainer.metrics.decision import threshold_for
from services.trainer.metrics.incidence import cumulative_hazard, cumulative_incidence
from services.trainer.report_model.development import Development
from services.trainer.slides.prototypes import CohortPrototypes
from services.trainer.tile_classifier.cohort_block import CohortClassifier
from services.trainer.variable_table import case_mix
from services.trainer.vectors.unlearned import unlearned_notes
from shared.model.bundle_writer import check_target, write_bundle
from shared.model.calibration import Calibration
from shared.model.manifest import CALIBRATION, REFERENCE, THRESHOLDS
from shared.model.mil import MIL
from shared.model.prototypes import PROTOTYPES
from shared.model.thresholds import Thresholds
from shared.model.tile_classifier import TILE_CLASSIFIER
from shared.progress import Advance

REFITS = 100
FOLDS = 5
_OTHER_STEPS = 3
"""After the pieces: arms, the card, files."""


@dataclass(frozen=True)
class TrainPlan:
    """How to train."""

    name: str
    created: str
    """A date; the only thing in a bundle that is not made from the cohort."""
    seed: int = 1
    refits: int = REFITS
    key: bytes | None = None
    """ed25519 private key, PEM, to sign with."""
    remarks: tuple[str, ...] = ()
    """What the card says beside what was computed: where the cohort came from, what was tried before."""
    classifier: CohortClassifier | None = None
    """Of tiles, to go into the bundle; the cohort has the block that it computes."""
    folds: int = FOLDS
    """Of the cross-validation that the thresholds and the card's figures come from."""
    engine: Engine = HERE


def train_bundle(cohort: Cohort, embeddings: Embeddings | None, plan: TrainPlan, out: Path, advance: Advance) -> str:
    """Fit and write a bundle; gives its digest.

    Raises:
        BadTargetError, UnusableCohortError, LeakError, BadEmbeddingsError: before anything is fitted.
    """
    check_target(out, plan.key)
    cohort, notes = checked(cohort, embeddings)
    work = _work(cohort, embeddings, plan)
    steps = len(work.pieces) + _OTHER_STEPS
    advance(0, steps)
    pieces = compute_pieces(work, plan.engine, lambda done, _: advance(done, steps))
    models, groups = pieces.whole.models, pieces.whole.prototypes
    files = _files_of_blocks(models, groups, plan.classifier)
    patients = Patients(cohort, plan.seed, pieces.whole.views)
    arms = _arms(work, pieces, patients, plan.refits)
    advance(steps - 2, steps)
    trees = served_trees(patients)
    files |= _files_of_arms(arms, trees, cohort)
    rules = group_rules(arms, cohort, plan.seed)
    files[THRESHOLDS] = Thresholds(arms=dict(rules)).model_dump()
    vectors = vector_references(models.vectors, cohort)
    files[REFERENCE] = reference(arms, cohort, pieces.means, pieces.slides, vectors).as_json()
    files[TRAINING] = _training(patients, embeddings, arms, trees, pieces.seen).as_json()
    notes += [*unlearned_notes(cohort), *(plan.classifier.notes(cohort) if plan.classifier else ()), *plan.remarks]
    doubts, rows = reserved(arms, patients), groups.rows if groups else ()
    claim = card_claims(arms, patients)
    facts = CardFacts(cohort, embeddings, arms, rules, notes, plan.seed, plan.refits, doubts.sentences, rows, claim)
    files["model_card.md"] = model_card(card_of(facts)).encode()
    advance(steps - 1, steps)
    digest = write_bundle(out, files, _facts(plan, cohort, embeddings, arms, trees, doubts), plan.key)
    advance(steps, steps)
    return digest


def _work(cohort: Cohort, embeddings: Embeddings | None, plan: TrainPlan) -> TrainingWork:
    fold_of = stratified_folds(cohort.outcome.event, plan.folds, np.random.default_rng([plan.seed, 31]))
    labelled = plan.classifier.labelled if plan.classifier else ()
    return TrainingWork(cohort, embeddings, plan.seed, fold_of, labelled)


def _arms(work: TrainingWork, pieces: TrainingPieces, patients: Patients, refits: int) -> list[ServedArm]:
    profile = work.cohort.profile
    out_of_fold = nested(patients, pieces.left_out(work), patterns_of(patients, profile.block_names))
    arms = served_arms(patients, out_of_fold, refits, pieces.whole.models.agreements(profile))
    if not arms:
        raise UnusableCohortError("no pattern of known variables has enough events for a model")
    return arms


def _files_of_blocks(
    models: BlockModels, groups: CohortPrototypes | None, classifier: CohortClassifier | None
) -> dict[str, bytes | Any]:
    """The bundle's files that read slides and vectors."""
    files = vector_files(models.vectors) | ({TILE_CLASSIFIER: classifier.served.as_json()} if classifier else {})
    if models.slides is None or groups is None:
        return files
    return files | {
        MIL: to_onnx(models.slides.projection, models.slides.hazards),
        PROTOTYPES: groups.served().as_bytes(),
    }


def _files_of_arms(arms: Sequence[ServedArm], trees: ServedTrees | None, cohort: Cohort) -> dict[str, bytes | Any]:
    """Every arm with its trees and calibration."""
    files: dict[str, bytes | Any] = {arm_file(arm.name, i): arm.arm.as_json() for i, arm in enumerate(arms)}
    files[CALIBRATION] = Calibration(basis=UNCALIBRATED).model_dump()
    if trees:
        files[arm_file(gbm(cohort.profile), len(arms))] = trees.arm.as_json()
        files[TREES_FILE] = trees.trees.booster.model_to_string().encode()
    return files


def _training(
    patients: Patients,
    embeddings: Embeddings | None,
    arms: Sequence[ServedArm],
    trees: ServedTrees | None,
    seen: Mapping[str, Sequence[str]],
) -> TrainingFacts:
    cohort, grid, place = patients.cohort, patients.grid, patients.horizon
    years = cohort.profile.horizons_years[0]
    level = float(cumulative_hazard(cohort.outcome, grid[place : place + 1])[0])
    risks = {arm.name: (arm.members, arm.out_of_fold.risk[:, place]) for arm in arms}
    risks |= {gbm(cohort.profile): (trees.members, trees.scored.out_of_fold.risk[:, place])} if trees else {}
    average = cumulative_incidence(cohort.outcome, grid)
    thresholds = {name: threshold_for(cohort.outcome[index], risk, years) for name, (index, risk) in risks.items()}
    thresholds["null"] = float(average[place])
    rule, fitted_rule = ClinicalRule(), None
    if rule.unavailable_reason(patients) is None and isinstance(fitted := rule.fit(patients), Scored):
        fitted_rule = RuleArm.of(fitted.model)
        thresholds[RULE] = threshold_for(cohort.outcome, fitted.out_of_fold.risk[:, place], years)
    return TrainingFacts(
        profile=cohort.profile,
        trained_on={kind: tuple(digests) for kind, digests in seen.items()},
        thresholds=thresholds,
        average=average,
        reference=float(np.log(max(level, 1e-12))),
        horizon=place,
        rule=fitted_rule,
        development=_development(cohort, embeddings),
    )


def _development(cohort: Cohort, embeddings: Embeddings | None) -> Development:
    has_slides = embeddings.has(cohort.case_ids) if embeddings else None
    summary = cohort_summary(cohort, has_slides, Bootstrap.of(len(cohort), 1, FEWER))
    return Development(cohort=summary, table_one=case_mix(cohort))


def _facts(
    plan: TrainPlan,
    cohort: Cohort,
    embeddings: Embeddings | None,
    arms: Sequence[ServedArm],
    trees: ServedTrees | None,
    doubts: BundleReservations,
) -> Mapping[str, Any]:
    listed: list[dict[str, Any]] = [
        {
            "name": arm.name,
            "file": arm_file(arm.name, i),
            "blocks": sorted(arm.pattern),
            "reservations": doubts.by_arm.get(arm.name, ()),
        }
        for i, arm in enumerate(arms)
    ]
    if trees:
        name = gbm(cohort.profile)
        listed.append({"name": name, "file": arm_file(name, len(arms)), "blocks": list(cohort.profile.record_blocks)})
    encoder = {"name": embeddings.encoder_name, "digest": embeddings.encoder_digest} if embeddings else None
    return {
        "name": plan.name,
        "created": plan.created,
        "profile": cohort.profile.served(),
        "encoder": encoder,
        "arms": listed,
        "reservations": doubts.of_all,
        "simulated": cohort.simulated,
    }
