"""Cohorts of a bare yes or no: contrasts by DeLong, rates, intervals and calibration, held to independent figures."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from services.trainer.arms.arm import Patients
from services.trainer.arms.hazards import Prediction
from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.evaluation.claims import claims
from services.trainer.evaluation.contrasts import contrasts
from services.trainer.evaluation.figures import arm_figures
from services.trainer.evaluation.matched import matched_rates
from services.trainer.evaluation.moved import moved
from services.trainer.evaluation.pooled import ArmResult, Pooled
from services.trainer.metrics.bootstrap import Bootstrap, Contrast
from services.trainer.profile import load_profile
from shared.arrays import Floats

PATIENTS = 120
DRAWS = Bootstrap.of(PATIENTS, 1, 200)
RNG = np.random.default_rng(21)
HAPPENED = (RNG.random(PATIENTS) < 0.4).astype(np.int64)
STRONG = np.round(0.4 * RNG.normal(size=PATIENTS) + 0.6 * HAPPENED - 0.5, 2)
WEAK = np.round(STRONG + 0.6 * RNG.normal(size=PATIENTS), 2)


def cohort() -> Cohort:
    profile = load_profile()
    bare = profile.model_copy(
        update={"outcome": profile.outcome.model_copy(update={"time": ""}), "horizons_years": (3.0,)}
    )
    names, nothing = tuple(f"P-{i}" for i in range(PATIENTS)), np.full((PATIENTS, len(profile.variables)), np.nan)
    outcome = Outcome(np.where(HAPPENED == 1, 1.5, 9.0), HAPPENED)
    return Cohort(bare, "bare", names, ("",) * PATIENTS, nothing, outcome, "0" * 64)


def arm(name: str, log_risk: Floats, times: int) -> ArmResult:
    risk = np.tile((1 - np.exp(-np.exp(log_risk)))[:, None], times)
    flags = (risk[:, 0] >= 0.45)[None]
    return ArmResult(name, name, (Prediction(log_risk, risk, 1 - risk),), flags, np.array([0.45]))


@pytest.fixture(scope="module")
def pooled() -> Pooled:
    patients = cohort()
    grid = Patients(patients, 0).grid
    numbers = {"clinical": WEAK, "clinical_molecular": WEAK, "fused": STRONG, "rule": np.sign(WEAK)}
    arms = {name: arm(name, np.asarray(log_risk, np.float64), len(grid)) for name, log_risk in numbers.items()}
    folds = np.zeros((1, PATIENTS), np.int64)
    return Pooled(patients, grid, arms, {}, folds, ("clinical", "molecular", "pathomic"))


def by_hand(first: Floats, second: Floats) -> tuple[float, float]:
    """Difference and standard error from pairs counted one by one: DeLong et al. 1988."""
    cases, controls = np.flatnonzero(HAPPENED == 1), np.flatnonzero(HAPPENED == 0)
    placed = [
        np.array([[float(x[i] > x[j]) + 0.5 * float(x[i] == x[j]) for j in controls] for i in cases])
        for x in (first, second)
    ]
    difference = placed[0] - placed[1]
    variance = difference.mean(axis=1).var(ddof=1) / len(cases) + difference.mean(axis=0).var(ddof=1) / len(controls)
    return float(difference.mean()), float(np.sqrt(variance))


def test_differences_of_the_auc_are_those_of_delong_with_its_interval_and_p(pooled: Pooled) -> None:
    primary = contrasts(pooled, DRAWS)[0]
    estimate, error = by_hand(STRONG, WEAK)
    expected = Contrast(
        estimate, estimate - 1.959964 * error, estimate + 1.959964 * error, float(2 * norm.sf(abs(estimate) / error))
    )
    assert (primary.a, primary.b, primary.metric, primary.primary) == ("fused", "clinical_molecular", "uno_c", True)
    assert [primary.gain.est, primary.gain.lo, primary.gain.hi] == pytest.approx(
        [expected.est, expected.lo, expected.hi], abs=1e-5
    )
    assert primary.gain.p == pytest.approx(expected.p, rel=1e-4)
    assert estimate == pytest.approx(roc_auc_score(HAPPENED, STRONG) - roc_auc_score(HAPPENED, WEAK))


def test_rates_at_matched_levels_and_counts_of_100_are_told_with_holm(pooled: Pooled) -> None:
    compared = contrasts(pooled, DRAWS)
    rates, counts = matched_rates(pooled, DRAWS), moved(pooled, DRAWS)
    held = next(each for each in rates if each.metric == "specificity_at_sensitivity_0.8_3y" and each.b == "clinical")
    limit = np.sort(STRONG[HAPPENED == 1])[::-1][int(np.ceil(0.8 * HAPPENED.sum())) - 1]
    assert held.of_a.est == pytest.approx(float((STRONG[HAPPENED == 0] < limit).mean()), abs=0.02)
    assert all(each.p_holm is not None for each in compared if each.metric.startswith(("sens", "spec")))
    sentences = claims(pooled, rates, compared, counts)
    assert sentences[0].startswith("All blocks together at 3 years: against clinical alone a ")
    assert "; against the rule a " in sentences[0]
    assert any("Of 100 patients" in sentence for sentence in sentences)


def test_threshold_figures_have_intervals_and_the_slope_is_the_likeliest(pooled: Pooled) -> None:
    figures = arm_figures(pooled, "fused", DRAWS)
    flagged = pooled.arms["fused"].flagged[0]
    assert figures.operating_point.sensitivity.est == pytest.approx(float(flagged[HAPPENED == 1].mean()))
    assert figures.operating_point.specificity.est == pytest.approx(float((~flagged)[HAPPENED == 0].mean()))

    def loss(line: Floats) -> float:
        hazard = np.exp(line[0] + line[1] * STRONG)
        return -float(np.where(HAPPENED == 1, np.log(-np.expm1(-hazard)), -hazard).sum())

    assert figures.calibration.slope.est == pytest.approx(minimize(loss, [0.0, 1.0]).x[1], abs=1e-3)
    for figure in (figures.uno_c, figures.calibration.o_e, figures.calibration.slope, figures.operating_point.ppv):
        assert figure.lo is not None
        assert figure.lo < (figure.est or 0) < (figure.hi or 0)
