"""The model card in Markdown: what it says of models, gains, subgroups and slides."""

import pytest

from services.trainer.bundle.model_card import model_card
from services.trainer.metrics.bootstrap import NO_FIGURE, Figure
from services.trainer.report_model.arms import Subgroup
from services.trainer.report_model.card import CardArm, CardGain, ModelCard
from services.trainer.report_model.patients import PrototypeRow
from tests.support.reports import PROFILE, C, small_report


def card(**changes: object) -> ModelCard:
    fused = CardArm(
        name="fused",
        needs=("clinical", "slides"),
        n=40,
        harrell_c=C,
        o_e=NO_FIGURE,
        threshold=0.25,
        sensitivity=Figure(0.8, 0.7, 0.9),
        specificity=NO_FIGURE,
    )
    content = ModelCard(
        profile=PROFILE,
        simulated=False,
        horizons_years=(2.0, 4.0),
        cohort=small_report().cohort,
        notes=("2 patients have no slides",),
        arms=(fused,),
        gain=CardGain(a="fused", b="clinical", n=40, gain=Figure(0.04, 0.01, 0.07)),
        subgroups=(Subgroup(name="female", n=20, events=9, harrell_c={"fused": C}),),
        seed=1,
        refits=100,
        widest=0.45,
        widest_basis="as wide as made up",
        encoder=None,
    )
    return content.model_copy(update=changes)


def test_a_card_names_outcome_counts_and_notes_of_the_cohort() -> None:
    text = model_card(card())
    assert "Probability of death of the tumour within 2 and 4 years." in text
    assert "- 50 patients; alive 20, death of the tumour 26, other death 4." in text
    assert "- 2 patients have no slides" in text


def test_each_model_has_a_row_with_the_titles_of_its_blocks() -> None:
    assert "| fused | clinical + slides | 40 | 0.700 (0.600 to 0.800) | not estimable | 0.250 |" in model_card(card())


def test_it_says_what_the_threshold_is_worth_and_from_which_width_on_no_group_is_given() -> None:
    text = model_card(card())
    assert "| fused | 0.250 | 0.800 (0.700 to 0.900) | not estimable |" in text
    assert "From the threshold on a case has a higher risk of death of the tumour by 2 years" in text
    assert "wider than 45 percentage points (`too_uncertain`): as wide as made up." in text


@pytest.mark.parametrize(
    ("gain", "sentence"),
    [
        (Figure(0.04, 0.01, 0.07), "0.040 (0.010 to 0.070); a gain."),
        (Figure(0.04, -0.01, 0.07), "no gain shown."),
        (Figure(0.04, None, None), "not estimable; nothing to say."),
    ],
)
def test_a_gain_is_told_with_its_conclusion(gain: Figure, sentence: str) -> None:
    text = model_card(card(gain=CardGain(a="fused", b="clinical", n=40, gain=gain)))
    line = next(line for line in text.splitlines() if line.startswith("Gain of fused over clinical"))
    assert "on the 40 patients who have both" in line
    assert line.endswith(sentence)


def test_of_a_yes_or_no_the_order_is_called_auc_everywhere() -> None:
    bare = PROFILE.model_copy(update={"has_times": False})
    text = model_card(card(profile=bare))
    assert "| AUC | O/E at horizon |" in text
    assert "AUC of the first model" in text
    assert "| patients | events | AUC |" in text
    assert "Gain of fused over clinical in AUC (DeLong) on" in text
    assert "Harrell" not in text


def test_a_card_says_first_what_was_shown_of_sensitivity_and_specificity() -> None:
    text = model_card(card(claim="All blocks together at 2 years: a claim.", reservations=("A doubt.",)))
    assert text.index("a claim. Differences with 95 %") < text.index("Read this first") < text.index("## Asked")
    assert "Holm" not in model_card(card())


def test_without_fusion_there_is_no_gain() -> None:
    assert "Gain of" not in model_card(card(gain=None))


def test_a_subgroup_of_too_few_events_has_no_figure() -> None:
    few = Subgroup(name="WNT", n=8, events=0, harrell_c={})
    assert "| WNT | 8 | 0 | too few events |" in model_card(card(subgroups=(few,)))
    assert "| female | 20 | 9 | 0.700 (0.600 to 0.800) |" in model_card(card())


def test_only_a_bundle_with_an_encoder_speaks_of_slides_that_lie_far() -> None:
    assert "mean embedding lies" not in model_card(card())
    text = model_card(card(encoder="resnet"))
    assert "mean embedding lies 1.5 times farther" in text
    assert "Encoder resnet, frozen" in text


def test_a_card_of_simulated_patients_says_so_in_its_title() -> None:
    text = model_card(card(simulated=True))
    assert text.startswith("# p (SIMULATED)\n\n**SIMULATED")


def test_prototypes_stand_in_a_table_with_what_goes_with_them() -> None:
    row = PrototypeRow(
        prototype=2,
        mean_share=0.25,
        spread=0.1,
        share_with_event=None,
        share_without=None,
        most_in=(),
        hazard_ratio_per_sd=Figure(1.4, 1.1, 1.8),
        examples=(),
    )
    assert "| 2 | 0.250 | 1.400 (1.100 to 1.800) | goes with higher risk |" in model_card(card(prototypes=(row,)))
    assert "## Prototypes" not in model_card(card())
