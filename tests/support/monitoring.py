"""Scored cases of known hazards, and what happened to them."""

from datetime import date, timedelta

import numpy as np

from services.trainer.cohort.cohort import DAYS_A_YEAR
from services.trainer.monitoring.followed import GivenRisk, LaterOutcome

YEARS = np.linspace(0, 5, 61)


def given(case: str, hazard: float = 0.2, given_on: date | None = None, site: str = "") -> GivenRisk:
    """A case of a constant hazard a year, without competing events."""
    return GivenRisk(
        case_id=case,
        bundle="b" * 64,
        bundle_name="made",
        simulated=True,
        log_risk=float(np.log(hazard / 0.2)),
        percentile=float(np.clip(hazard / 0.4, 0, 1) * 100),
        years=YEARS,
        risk=1 - np.exp(-hazard * YEARS),
        hazard=hazard * YEARS,
        horizon_years=3.0,
        given_on=given_on,
        site=site,
    )


def stream(
    cases: int, ratio: float, seed: int, changed_from: int = 0
) -> tuple[list[GivenRisk], dict[str, LaterOutcome]]:
    """SIMULATED cases, one in five days, all followed until a year after the last; from `changed_from` on the hazard
    is `ratio` times the predicted one.
    """
    rng, first = np.random.default_rng(seed), date(2020, 1, 1)
    hazards = rng.uniform(0.05, 0.35, cases)
    days = [first + timedelta(days=5 * place) for place in range(cases)]
    risks = [given(f"MB-{i}", hazards[i], days[i], f"S{i % 3}") for i in range(cases)]
    true = hazards * np.where(np.arange(cases) < changed_from, 1.0, ratio)
    times, until = rng.exponential(1 / true), days[-1] + timedelta(days=365)
    followed = [(until - day).days / DAYS_A_YEAR for day in days]
    outcomes = {
        risk.case_id: LaterOutcome(int(time <= end), float(min(time, end)))
        for risk, time, end in zip(risks, times, followed, strict=True)
    }
    return risks, outcomes
