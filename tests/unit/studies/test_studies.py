"""The note reports the committed results, criteria are judged by rule, finished pieces are kept."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.trainer.simulation.simulate import SimulationPlan, simulate
from shared.model.reference import Reference
from tests.studies import __main__ as science
from tests.studies import pixels
from tests.studies.bags import BagPlan
from tests.studies.criteria import criteria
from tests.studies.document import document
from tests.studies.monitoring_summary import monitoring_criteria
from tests.studies.ood_check import shares
from tests.studies.pieces import Bench, quiet
from tests.studies.pixels import PixelPlan
from tests.studies.stain_study import H_AND_E
from tests.studies.studies import STUDIES
from tests.studies.summaries import covered, gains, mean_of, on_slides, stains


def test_the_note_says_what_the_committed_results_say() -> None:
    results = science.read_results(science.RESULTS)
    assert science.NOTE.read_text(encoding="utf-8") == document(results, science.read_finetuning(science.RESULTS))
    assert not any(result["quick"] for result in results.values())


def test_every_figure_beside_the_note_is_made_from_the_results(tmp_path: Path) -> None:
    science.write(science.RESULTS, tmp_path / "note.md", tmp_path / "figures")
    drawn = {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    assert drawn == {path.name: path.read_bytes() for path in science.FIGURES.iterdir()}


def test_everything_simulated_says_so_in_its_name_and_picture() -> None:
    stems = {study.stem: study.simulated for study in STUDIES}
    assert all(stem.startswith("SIMULATED") == simulated for stem, simulated in stems.items())
    for path in science.FIGURES.glob("SIMULATED*.svg"):
        assert "SIMULATED: " in path.read_text(encoding="utf-8")


def study(fused: float, oracle: float) -> dict[str, Any]:
    """What a study says, with draws around its gains."""
    figures: dict[str, Any] = {"patients": 9, "events": 3, "external": 9, "latent_r": 0.5, "uno_c.table": 0.6}
    for metric in ("uno_c", "harrell_c"):
        figures |= {f"{metric}.fused": fused, f"{metric}.oracle": oracle}
        figures |= {f"{metric}.fused.draws": [fused] * 5, f"{metric}.oracle.draws": [oracle] * 5}
    return figures


def test_the_share_of_the_oracles_gain_is_of_the_means() -> None:
    summary = gains([(1, 1.6, [study(0.03, 0.04)]), (2, 1.6, [study(0.01, 0.04)]), (1, 1.0, [study(0.0, 0.001)])])
    assert summary["1.6"]["share"]["est"] == pytest.approx(0.5)
    assert summary["1.6"]["share"]["lo"] == pytest.approx(0.25)
    assert summary["1.6"]["share"]["hi"] == pytest.approx(0.75)
    assert [row["seed"] for row in summary["1"]["rows"]] == [1]


def test_draws_of_outcomes_count_within_their_set_of_slides() -> None:
    sets = [(1, 1.6, [study(0.01, 0.04), study(0.05, 0.04)]), (2, 1.6, [study(0.01, 0.04), study(0.01, 0.04)])]
    summary = gains(sets)["1.6"]
    assert [row["fused"]["est"] for row in summary["rows"]] == pytest.approx([0.03, 0.01])
    assert [row["draws"] for row in summary["rows"]] == [2, 2]
    assert summary["fused"]["seeds"] == 2
    assert summary["fused"]["est"] == pytest.approx(0.02)
    assert summary["share"]["lo"] == pytest.approx(0.25)
    assert summary["share"]["hi"] == pytest.approx(1.0)  # both sets are the first, with its better draw


def test_slides_are_covered_set_by_set() -> None:
    def piece(*covers: float) -> dict[str, Any]:
        parts = [{"covered": share, "below": 0.0, "above": 1 - share, "width": 0.5} for share in covers]
        values = [study(0.0, 0.01) | {"coverage": {"fused": {"3y": covered_share}}} for covered_share in parts]
        return {"plan": {"seed": 1}, "value": {"by_effect": {"1.6": values}, "abstentions": {}}}

    covered_in = on_slides([piece(0.7, 0.9), piece(1.0, 1.0)])["coverage"]["fused"]["3y"]["covered"]
    assert covered_in["seeds"] == 2
    assert covered_in["est"] == pytest.approx(0.9)


@pytest.mark.parametrize(("gain", "met"), [(0.009, True), (-0.009, True), (0.011, False)])
def test_no_effect_is_judged_by_the_mean_over_seeds(gain: float, met: bool) -> None:
    value = gains([(1, 1.0, [study(gain, 0.0)]), (2, 1.0, [study(gain, 0.0)])])
    rows = [criterion for criterion in criteria({"bags": {"value": value}}) if "no effect, bags" in criterion.text]
    assert [criterion.met for criterion in rows] == [met]


def test_a_part_that_was_not_run_reaches_nothing() -> None:
    assert all(criterion.met is None for criterion in criteria({}))


def test_a_mean_over_four_seeds_has_students_interval() -> None:
    summary = mean_of([1.0, 2.0, 3.0, 4.0])
    half = 3.182446 * np.std([1, 2, 3, 4], ddof=1) / 2
    assert [summary["est"], summary["lo"], summary["hi"]] == pytest.approx([2.5, 2.5 - half, 2.5 + half])
    assert mean_of([1.0])["lo"] is None


def test_coverage_is_averaged_arm_by_arm_over_the_seeds_that_have_it() -> None:
    first = {"covered": 0.8, "below": 0.1, "above": 0.1, "width": 0.4}
    second = {"covered": 1.0, "below": 0.0, "above": 0.0, "width": 0.6}
    summary = covered([{"a": {"3y": first}}, {"a": {"3y": second}, "b": {"3y": second}}])
    assert summary["a"]["3y"]["covered"]["est"] == pytest.approx(0.9)
    assert summary["a"]["3y"]["width"] == pytest.approx(0.5)
    assert summary["b"]["3y"]["covered"]["seeds"] == 1


@pytest.mark.parametrize(("covered_of_400", "met"), [(380, True), (367, True), (366, False)])
def test_known_ratios_are_missed_where_one_interval_holds_too_seldom_for_chance(covered_of_400: int, met: bool) -> None:
    ratios = {str(i): {"covered": 0.95, "tables": 400} for i in range(8)}
    low = ratios | {"3": {"covered": covered_of_400 / 400, "tables": 400}}
    value = {"complete": {"ratios": ratios}, "with gaps": {"ratios": low}}
    (criterion,) = (
        criterion for criterion in criteria({"recovery": {"value": value}}) if "known hazard ratios" in criterion.text
    )
    assert criterion.met is met
    assert ("too seldom for 3 (with gaps)" in criterion.why) is not met


def test_half_an_hour_is_asked_of_the_clock_of_a_whole_run() -> None:
    whole = {"patients": 300, "tiles": 5000, "cpu_s": 480.0, "wall_s": 1803.0}
    *_, criterion = criteria({"growth": {"value": {"whole": whole}}})
    assert criterion.text.startswith("300 patients x 5,000 tiles")
    assert criterion.measured == "all of `medulla evaluate` in 30.1 min by the clock, 4.0 min of each of 2 processors"
    assert criterion.met is False


@dataclass(frozen=True)
class Counted:
    """A piece that writes a line each time it is run."""

    number: int

    @property
    def kind(self) -> str:
        return "counted"

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        assert data is not None
        assert not list(work.iterdir())
        with (data / "runs").open("a") as file:
            file.write(f"{self.number}\n")
        return {"number": self.number}


def test_a_finished_piece_is_not_made_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "out", tmp_path)
    first = bench.all([Counted(1)])
    second = bench.all([Counted(1), Counted(2)])
    assert (tmp_path / "runs").read_text().split() == ["1", "2"]
    assert second[0] == first[0]
    assert [piece["value"]["number"] for piece in second] == [1, 2]
    assert not list((tmp_path / "out" / "pieces").glob(".*"))


def test_without_the_users_folder_one_sentence_is_printed_and_the_other_parts_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert science.main(["--quick", "--only", "cavalli,recovery", "--out", str(tmp_path), "--workers", "1"]) == 1
    assert "cavalli: left out, it reads a public cohort: name its folder with DATA=/folder" in capsys.readouterr().err
    result = json.loads((tmp_path / "quick" / "SIMULATED-recovery.json").read_text())
    assert result["value"]["complete"]["ratios"]["metastatic"]["tables"] == 10
    note = (tmp_path / "quick" / "EVIDENCE.md").read_text()
    assert "QUICK" in note
    assert "Research use only" in note


def test_a_study_asks_every_arm_and_the_oracle_about_an_external_site(tmp_path: Path) -> None:
    figures = BagPlan(3, 4.0, patients=80, external=60, tiles=8).run(None, tmp_path)
    assert {"fused", "clinical_molecular", "clinical", "pathomics"} <= set(figures["coverage"])
    assert all(
        0 < figure["3y"]["covered"] <= 1 and figure["3y"]["width"] > 0 for figure in figures["coverage"].values()
    )
    assert len(figures["uno_c.oracle.draws"]) == len(figures["uno_c.fused.draws"])
    assert figures["uno_c.oracle"] != figures["uno_c.fused"]
    assert (
        figures["abstentions"]["strongly shifted stain"]["flagged"] > figures["abstentions"]["external site"]["flagged"]
    )


def test_a_set_of_slides_serves_every_draw_of_outcomes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bags(plan: SimulationPlan, folder: Path) -> None:
        simulate(replace(plan, tiles=8, width=16), folder, quiet)
        (folder / "embeddings").rename(folder / "EMB")
        (folder / "slides").mkdir()

    monkeypatch.setattr(pixels, "embed_simulated", bags)
    plan = PixelPlan(3, effects=(4.0,), draws=2, patients=80, external=60, ood_patients=5)
    (tmp_path / "work").mkdir()
    value = plan.run(None, tmp_path / "work")
    assert not list(tmp_path.glob("*/slides"))
    first, second = value["by_effect"]["4"]
    assert first["external"] == second["external"] == 60
    assert first["uno_c.fused"] != second["uno_c.fused"]
    assert set(value["abstentions"]) == {"external site", "strongly shifted stain"}
    summary = on_slides([{"plan": asdict(plan), "value": json.loads(json.dumps(value, allow_nan=False))}])
    assert summary["gains"]["4"]["fused"]["est"] == pytest.approx((first["uno_c.fused"] + second["uno_c.fused"]) / 2)


def test_a_part_that_nobody_knows_is_wrong_usage(tmp_path: Path) -> None:
    assert science.main(["--only", "cavali", "--out", str(tmp_path)]) == 2


def test_a_mean_embedding_far_from_the_training_cohort_is_refused() -> None:
    embedding = {"mean": [0.0, 0.0], "axes": [[1.0, 0.0]], "spread": [1.0], "residual": 1.0}
    embedding |= {"limits": {"flag": 2.0, "abstain": 4.0}}

    reference = Reference.model_validate({"embedding": embedding})
    summary = shares(reference, np.array([[0.0, 0.0], [4.0, 0.0], [9.0, 0.0]]))
    assert summary == {"n": 3, "flagged": pytest.approx(2 / 3), "refused": pytest.approx(1 / 3)}


def test_criteria_of_stains_count_slides_left_out_and_flagged() -> None:
    shares = {"n": 50, "flagged": 1.0, "refused": 0.9, "by_embedding": 0.5}
    normal = {"n": 50, "flagged": 0.02, "refused": 0.0, "by_embedding": 0.0}
    pieces = [{"plan": {}, "value": {"DAB": shares, H_AND_E: normal, "grey": shares | {"n": 0}}}] * 2
    value = stains(pieces)
    assert "grey" not in value
    left_out, flagged = (
        criterion
        for criterion in criteria({"stains": {"value": value}})
        if "DAB" in criterion.text or "other sites" in criterion.text
    )
    assert (left_out.met, flagged.met) == (False, True)
    assert left_out.measured.startswith("90.0 (")
    assert left_out.measured.endswith("% of 100")


@pytest.mark.parametrize(("share", "by_case", "met"), [(0.031, 183, [True, True]), (0.06, None, [False, False])])
def test_monitoring_meets_what_was_stated_before_its_seeds(share: float, by_case: int | None, met: list[bool]) -> None:
    flagged = {"est": share, "lo": None, "hi": None}
    cases = {"median_cases": 90, "most_cases": by_case, "most_interval": [170, None]}
    plan = {"changed_from": 0, "cases": 500, "streams": 9, "flagged": flagged, **cases}
    value = {"scenarios": [plan | {"ratio": ratio, "sites": sites} for ratio in (1.0, 2.0) for sites in (1, 4)]}
    assert [row.met for row in monitoring_criteria(value)] == [*met, met[0], None]
