"""The demo bundle's model card: what it is, what it was made from, what its figures are, what it cannot be used for."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from services.trainer.demo.figures import Figure, OperatingPoint
from services.trainer.demo.pathomics import AXES
from services.trainer.demo.simulated_bags import SHOWING
from shared.notice import NOTICE


@dataclass(frozen=True)
class Facts:
    """What the card reports."""

    table: pd.DataFrame
    effect: float
    refits: int
    seed: int
    preference: float
    """Mean attention of the tiles that show the latent over that of the others."""
    concordance: Mapping[str, Figure]
    observed_to_expected: float
    threshold: float
    """Of the fused model's 3-year risk."""
    operating: OperatingPoint


def model_card(facts: Facts) -> str:
    """The card in Markdown."""
    return "\n".join([_head(facts), _cohort(facts), _figures(facts), _groups(facts), _LIMITS])


def _head(facts: Facts) -> str:
    return f"""# Demo bundle (SIMULATED)

**{NOTICE} No patient and no medulloblastoma slide went into it.**

Risk of relapse of medulloblastoma by 3 and 5 years, as seen after surgery and pathology, before radiotherapy.
It exists so that the pipeline can be tried from end to end. Its numbers say nothing about any child.

- Built by `python -m services.trainer.demo.demo_bundle`, seed {facts.seed}, not chosen by what it gives.
- Slides: gated attention over EfficientNet-Lite0 embeddings ({AXES} principal axes), Cox loss; one log-risk a case.
- Models: cause-specific ridge-Cox for relapse, second malignancy and death without relapse, combined into a cumulative
  incidence; one model for each pattern of what is known. Missing values: training mean and an indicator.
- Interval: 5th to 95th percentile of {facts.refits} refits on resampled patients. Its coverage was not measured.
- No recalibration was fitted (`calibration.json` is empty).
"""


def _cohort(facts: Facts) -> str:
    table = facts.table
    codes = table.event_code.value_counts()
    counts = ", ".join(f"{name} {codes.get(code, 0)}" for code, name in enumerate(_CODES))
    groups = ", ".join(f"{name} {count}" for name, count in table.molecular_group.value_counts().items())
    missing = int(table.molecular_group.isna().sum())
    return f"""## Training cohort: SIMULATED

{len(table)} invented patients: {counts}. Median time to event or end of follow-up
{table.time_days.median() / 365.25:.1f} years. Molecular groups: {groups}, missing {missing}.
Frequencies, hazard ratios, times to relapse, competing events and gaps follow published tables; there is a cured share.
Bags: real tiles of one CC0 skin slide (CMU-1), all moved along one direction of feature space by an invented scanner.
Only {SHOWING:.0%} of them, those of one kind (the highest along the first principal axis), are moved along another
direction by an invented latent with hazard ratio {facts.effect:g} per standard deviation given all else.
The other tiles say nothing about outcome.

On the bags that it was fitted on, the model gives a tile that shows the latent {facts.preference:.1f} times
the attention of one that does not; a model of another cohort may do so less. The kind was chosen by arithmetic and
means nothing in pathology, so where the model looks means nothing either.
"""


def _figures(facts: Facts) -> str:
    rows = "\n".join(f"| {name} | {figure} |" for name, figure in facts.concordance.items())
    return f"""## Figures on SIMULATED data

Five-fold cross-validation on the same cohort, Harrell's C for relapse, 95 % bootstrap interval. The slides' log-risk
was itself out of fold and stacked on the same folds, which is mildly optimistic.

| SIMULATED | C (95 % interval) |
|---|---|
{rows}

One cohort of one seed: another of this size may show a larger gain of the slides, or none. The effect was put in, so
that it is found is no finding.
Observed over expected relapses by 3 years, fused, out of fold: {facts.observed_to_expected:.2f}.
"""


def _groups(facts: Facts) -> str:
    point = facts.operating
    return f"""## Groups

Two, on either side of one threshold for each model: the largest 3-year risk that keeps at least 80 % of the 3-year
relapses at or above it, out of fold on the training cohort. It was set to miss few, so it lies low, and a case of
middling percentile may well be above it. Of the fused model, at {facts.threshold:.3f}:

| SIMULATED, out of fold | above the threshold |
|---|---|
| all patients | {point.everyone:.0%} |
| those who relapsed by 3 years (sensitivity) | {point.sensitivity:.0%} |
| those followed for 3 years without a relapse (1 - specificity) | {point.false_positive:.0%} |

The groups are not called low, standard or high risk: in treatment protocols these words mean stage, residual tumour,
histology and molecular group, and no such meaning was put to the test here.
"""


_CODES = ("censored", "relapse", "second malignancy", "death without relapse")
_LIMITS = """## Limits

- Not fitted on, not validated on, and not to be used for any real patient.
- The tissue is skin. Any real brain tumour slide may be far from it; beyond the limit in `reference.json` the scorer
  abstains, and abstaining is the right answer.
- Patients older than about 25 years are outside of the invented cohort; the scorer flags them and then abstains.
- Treatment is no input. Second malignancies and deaths without relapse are too few for effects of their own.
"""
