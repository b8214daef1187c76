"""Which of our columns a proposed map gives for names that share no word with them."""

import yaml

from services.trainer.cohort.proposal import propose
from services.trainer.profile import load_profile
from shared.model.vocabulary import Vocabulary


def test_usual_names_of_the_outcome_and_german_ones_are_proposed() -> None:
    profile = load_profile()
    words = Vocabulary(profile.variables, profile.missing)
    rows = [{"STATUS": str(code), "Geschlecht": sex, "Zimmer": "7b"} for code, sex in enumerate("mFmF")]
    ours = [*words.columns, profile.outcome.time, profile.outcome.event]
    proposed = yaml.safe_load(propose(["STATUS", "Geschlecht", "Zimmer"], rows, ours, words))
    assert proposed == {"columns": {"STATUS": "event_code", "Geschlecht": "sex"}, "ignore": ["Zimmer"]}


def test_months_of_follow_up_are_never_taken_for_an_age_and_units_are_kept() -> None:
    profile = load_profile()
    words = Vocabulary(profile.variables, profile.missing)
    ours = [*words.columns, profile.outcome.time, profile.outcome.event]
    rows = [{"OS_MONTHS": "31.5", "Age (months)": "61"}, {"OS_MONTHS": "12", "Age (months)": "100"}]
    proposed = yaml.safe_load(propose(["OS_MONTHS", "Age (months)"], rows, ours, words))
    assert proposed == {"columns": {"Age (months)": "age_at_diagnosis_months"}, "ignore": ["OS_MONTHS"]}
