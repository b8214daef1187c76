"""Cross-validation, training and validation from end to end on small SIMULATED cohorts."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

from services.trainer.cohort.cohort import Cohort
from services.trainer.engine import Processes
from services.trainer.errors import BadEmbeddingsError, UnusableCohortError
from services.trainer.evaluation.evaluate import Plan, evaluate
from services.trainer.evaluation.run import forget
from services.trainer.metrics.bootstrap import Figure
from services.trainer.report.page import write_page
from services.trainer.report.plate import Picture, Plate
from services.trainer.report_model.patients import PrototypeRow, TileExample
from services.trainer.report_model.report import Report
from services.trainer.simulation.simulate import SimulationPlan
from tests.support.cohorts import quiet, simulated, write_bags

PLAN = Plan(repeats=1, folds=3, samples=50)
FIGURE = {"est", "lo", "hi"}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return simulated(tmp_path_factory.mktemp("cohort"), SimulationPlan(90, tiles=2, width=8))[0]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, cohort: Cohort) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_page(evaluate(cohort, None, PLAN, folder, quiet), folder)
    forget(folder)
    return folder


def report(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return content


def test_every_arm_has_every_figure_of_the_contract_with_its_interval(out: Path) -> None:
    result = report(out)
    assert result["kind"] == "evaluate"
    assert result["simulated"] is True
    assert set(result["arms"]) == {"null", "rule", "clinical", "clinical_molecular", "clinical_molecular_gbm"}
    for arm in result["arms"].values():
        for figure in ("harrell_c", "uno_c", "auc_3y", "auc_5y", "ibs"):
            assert set(arm[figure]) == FIGURE
        assert set(arm["calibration"]) >= {"o_e", "slope", "intercept"}
        assert set(arm["operating_point"]) >= {"threshold", "sensitivity", "specificity", "ppv", "npv"}
    assert set(result["absent"]) == {"pathomics", "fused", "early_concat", "gated"}


def test_sensitivity_and_specificity_are_compared_with_record_and_rule_at_matched_rates(out: Path) -> None:
    result = report(out)
    compared = {(row["a"], row["b"], row["metric"]) for row in result["matched"]}
    assert {("clinical_molecular", "clinical"), ("clinical_molecular", "rule")} == {(a, b) for a, b, _ in compared}
    own = {metric for _, b, metric in compared if b == "rule" and metric.endswith("_3y")}
    assert own == {
        *("sensitivity_at_specificity_0.8_3y", "specificity_at_sensitivity_0.8_3y"),
        *("sensitivity_at_specificity_of_rule_3y", "specificity_at_sensitivity_of_rule_3y"),
    }
    contrasts = {(row["a"], row["b"], row["metric"]): row for row in result["contrasts"]}
    for row in result["matched"]:
        gain = contrasts[row["a"], row["b"], row["metric"]]
        assert gain["est"] == pytest.approx(row["of_a"]["est"] - row["of_b"]["est"], abs=1e-5)
        assert gain["p_holm"] is not None
    rule = result["arms"]["rule"]["operating_point"]
    read = {row["metric"]: row for row in result["matched"] if row["b"] == "rule"}
    assert read["sensitivity_at_specificity_of_rule_3y"]["of_b"]["est"] == rule["sensitivity"]["est"]
    assert read["sensitivity_at_specificity_of_rule_3y"]["held"]["est"] == rule["specificity"]["est"]


def test_the_report_says_what_is_shown_of_sensitivity_and_how_many_of_100_are_moved(out: Path) -> None:
    result = report(out)
    assert result["claims"][0].startswith(
        "SIMULATED: Clinical and molecular variables at 3 years: against clinical variables alone a "
    )
    page = (out / "report.html").read_text()
    assert "At the rule&#39;s own specificity of" in page or "At the rule's own specificity of" in page
    assert "Of 100 patients, clinical and molecular variables call" in page
    for row in result["moved"]:
        counts = [row[name]["est"] for name in ("up_with_event", "up_without", "down_with_event", "down_without")]
        assert 0 <= sum(counts) <= 100


def test_events_are_told_by_code_and_missing_slides_as_not_given(out: Path, cohort: Cohort) -> None:
    result = report(out)
    assert list(result["cohort"]["events"]) == ["0", "1", "2", "3"]
    assert result["cohort"]["meanings"]["1"] == "relapse or progression"
    assert result["cohort"]["events"]["1"] == int(cohort.outcome.is_event.sum())
    assert result["absent"]["pathomics"] == "no slides were given, and the table has no ready-made pathomic column"
    assert result["bootstrap"] == {"samples": 50, "fewer": 50, "level": 0.95}


def test_predictions_hold_every_patient_of_every_repeat(out: Path, cohort: Cohort) -> None:
    with (out / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["case_id"] for row in rows] == list(cohort.case_ids)
    assert {row["fold"] for row in rows} == {"0", "1", "2"}
    assert {"clinical.log_risk", "clinical.risk_3y", "clinical.risk_5y", "time_days", "event_code"} <= set(rows[0])


def test_the_page_says_simulated_and_needs_nothing_from_elsewhere(out: Path) -> None:
    page = (out / "report.html").read_text()
    assert "SIMULATED" in page
    assert "http://www.w3.org" in page
    assert page.count("http") == page.count("http://www.w3.org/2000/svg")
    assert all(path.name.startswith("SIMULATED_") for path in (out / "figures").iterdir())
    assert "TRIPOD+AI" in page


def test_the_table_of_hazard_ratios_names_its_stratum(out: Path) -> None:
    assert {row["strata"] for row in report(out)["hazard_ratios"]} == {"", "molecular_group"}
    page = (out / "report.html").read_text()
    assert "Stratified by molecular group" in page
    assert "<td>Chang M stage &gt;= M1</td>" in page
    assert "<th>stratified by</th>" in page


def test_every_table_and_figure_says_simulated(out: Path) -> None:
    page = (out / "report.html").read_text()
    assert page.count("<caption>") == page.count("<caption>SIMULATED. ") == page.count("<table>")
    assert page.count("<svg") == page.count('aria-label="SIMULATED: ') > 5
    assert all("SIMULATED: " in path.read_text() for path in (out / "figures").iterdir())


def test_the_page_reads_from_the_question_to_the_checklist(out: Path) -> None:
    page = (out / "report.html").read_text()
    parts = ["What was asked", "Cohort", "Arms", "Contrasts", "Calibration", "Decision curve", "Risk groups"]
    parts += ["Subgroups", "Secondary", "Controls", "How it was done", "Limits", "TRIPOD+AI"]
    places = [page.index(f">{section}", page.index("</nav>")) for section in parts]
    assert places == sorted(places)
    checklist = page[places[-1] :]
    assert checklist.count("<tr>") == 1 + 27
    assert checklist.count(">filled<") + checklist.count(">missing<") + checklist.count(">in part<") == 27
    assert page.count("Research use only") >= 2


def test_every_curve_has_its_interval(out: Path) -> None:
    result = report(out)
    for name, ends in result["decision_curve"]["intervals"].items():
        estimates = result["decision_curve"]["net_benefit"][name]
        assert all(lo <= est <= hi for est, (lo, hi) in zip(estimates, ends, strict=True))
    for item in result["risk_groups"]:
        for group in item["groups"]:
            assert len(group["lo"]) == len(group["hi"]) == len(group["incidence"])
            assert set(group["at"]["3y"]) == FIGURE
            assert group["at_risk"][-1] >= 5
    assert all(len(section) == 5 for section in result["arms"]["clinical"]["calibration"]["bins"])


def test_the_rule_flags_by_itself_and_not_by_a_threshold(out: Path, cohort: Cohort) -> None:
    result = report(out)["arms"]["rule"]["operating_point"]
    flagged = cohort.holds(cohort.profile.expression(cohort.profile.rule))
    assert result["threshold"]["est"] is None
    groups = next(item for item in report(out)["risk_groups"] if item["arm"] == "rule")["groups"]
    assert {group["name"]: group["n"] for group in groups} == {
        "low risk": int((~flagged).sum()),
        "high risk": int(flagged.sum()),
    }


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_narrow_and_wide_windows(out: Path, browser: Browser, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.goto((out / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("figure svg").count() >= 6
    page.close()
    assert wrong == []


def with_prototypes(result: Report) -> Report:
    """A report with two prototypes, the rarer of them the riskier, each with an example of the same two patients."""
    examples = tuple(TileExample(case_id=case, slide_id=f"{case}-s", x=0, y=256) for case in ("<A>", "B"))
    rows = tuple(
        PrototypeRow(
            prototype=number,
            mean_share=share,
            spread=0.1,
            share_with_event=share,
            share_without=share,
            most_in=("B",),
            hazard_ratio_per_sd=Figure(est, est - 0.1, est + 0.1),
            examples=examples,
        )
        for number, share, est in ((0, 0.9, 0.7), (1, 0.1, 1.4))
    )
    return result.model_copy(update={"prototypes": rows})


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_shows_example_tiles_and_says_which_it_cannot_show(
    out: Path, tmp_path: Path, browser: Browser, width: int
) -> None:
    tile, unavailable = (
        Picture("data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAAC", 128.0),
        Picture(why="it is <gone>"),
    )
    write_page(with_prototypes(Report.read(out)), tmp_path, Plate({0: (tile, unavailable), 1: (tile, tile)}))
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto((tmp_path / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".plate h3").all_inner_texts() == ["Prototype 1", "Prototype 0"]
    assert page.locator(".plate figcaption").all_inner_texts() == ["<A>", "B"] * 2
    assert page.locator(".plate img").first.get_attribute("alt") == "SIMULATED: tile of case <A>, prototype 1"
    assert page.locator(".plate .absent").all_inner_texts() == ["No picture: it is <gone>."]
    assert page.locator(".plate").inner_text().count("goes with higher risk") == 1
    assert "Each is 128 µm wide" in page.locator("p.caption").inner_text()
    page.close()


def test_without_pictures_the_page_says_how_to_get_them_or_why_there_are_none(out: Path, tmp_path: Path) -> None:
    result = with_prototypes(Report.read(out))
    write_page(result, tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert page.count("<code>--slides DIR</code>") == 1
    assert "<img" not in page
    write_page(result, tmp_path, Plate({number: [Picture(why="no slide is there")] * 2 for number in (0, 1)}))
    page = (tmp_path / "report.html").read_text()
    assert "None of the 4 example tiles could be shown. The first that could not: no slide is there." in page
    assert "--slides DIR" not in page


def test_a_run_that_is_stopped_after_its_folds_goes_on_from_them(cohort: Cohort, tmp_path: Path) -> None:
    first = evaluate(cohort, None, PLAN, tmp_path, quiet)
    steps: list[tuple[int, int]] = []
    assert evaluate(cohort, None, PLAN, tmp_path, lambda *done: steps.append(done)) == first
    assert [done for done, total in steps] == [steps[0][1]]


def test_a_report_of_other_splits_goes_before_they_do(cohort: Cohort, tmp_path: Path) -> None:
    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    write_page(evaluate(cohort, None, PLAN, tmp_path, quiet), tmp_path)
    with pytest.raises(KeyboardInterrupt):
        evaluate(cohort, None, PLAN, tmp_path, stop)
    assert (tmp_path / "report.html").exists()
    with pytest.raises(KeyboardInterrupt):
        evaluate(cohort, None, replace(PLAN, seed=2), tmp_path, stop)
    assert not {"report.html", "report.json", "predictions.csv"} & {path.name for path in tmp_path.iterdir()}


def test_nothing_is_left_of_a_finished_run(out: Path) -> None:
    assert not (out / "unfinished").exists()
    assert not list(out.glob(".*"))


def test_the_same_seed_gives_the_same_report_also_in_two_processes_and_after_a_stop(
    out: Path, cohort: Cohort, tmp_path: Path
) -> None:
    def stop(done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(cohort, None, PLAN, tmp_path, stop)
    assert len(list((tmp_path / "unfinished").rglob("fold-*"))) == 2
    steps: list[int] = []
    two = Plan(repeats=1, folds=3, samples=50, engine=Processes(2))
    evaluate(cohort, None, two, tmp_path, lambda done, _: steps.append(done))
    assert steps[0] == 2
    assert report(tmp_path) == report(out)


def test_controls_find_nothing_where_there_is_nothing(out: Path) -> None:
    controls = report(out)["negative_controls"]
    assert controls["permuted_outcome_c"]["est"] == pytest.approx(0.5, abs=0.06)
    assert controls["random_feature_gain"]["est"] == pytest.approx(0, abs=0.03)
    by_arm = controls["permuted_outcome_by_arm"]
    assert set(by_arm) == set(report(out)["arms"]) - {"null"}
    assert all(c["lo"] < 0.6 and c["hi"] > 0.4 for c in by_arm.values()), "no arm foretells the outcomes of others"


def test_embeddings_of_nobody_in_the_cohort_are_refused(cohort: Cohort, tmp_path: Path) -> None:
    from services.trainer.cohort.embeddings import read_embeddings  # noqa: PLC0415

    bags = read_embeddings(write_bags(tmp_path / "bags", {"stranger": np.ones((3, 4))}))
    with pytest.raises(BadEmbeddingsError, match="no case of the cohort has a tile"):
        evaluate(cohort, bags, PLAN, tmp_path, quiet)


def test_more_folds_than_events_are_refused(cohort: Cohort, tmp_path: Path) -> None:
    with pytest.raises(UnusableCohortError, match="for 60 folds"):
        evaluate(cohort, None, Plan(repeats=1, folds=60), tmp_path, quiet)
