"""Small slides of SIMULATED patients: who gets one, what is said of it, and that a site has a stain of its own."""

from pathlib import Path

import numpy as np
import openslide
import pytest
import tifffile

from services.standalone.simulated_slides import write_slides
from services.trainer.simulation.simulate import Simulated, SimulationPlan, simulate
from tests.support.cohorts import quiet

PLAN = SimulationPlan(patients=8, seed=3, sites=2, tiles=1, width=8)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Simulated, Path]:
    folder = tmp_path_factory.mktemp("simulated")
    cohort = simulate(PLAN, folder, quiet)
    write_slides(cohort, PLAN, folder / "slides", quiet)
    return cohort, folder / "slides"


def test_everyone_with_slides_has_one_and_nobody_else(drawn: tuple[Simulated, Path]) -> None:
    cohort, folder = drawn
    expected = {name for name, has_slides in zip(cohort.names, cohort.has_slides, strict=True) if has_slides}
    assert {path.parent.name for path in folder.glob("*/*.tiff")} == expected
    assert not list(folder.rglob(".*"))


def test_a_slide_opens_as_any_slide_and_says_that_it_is_simulated(drawn: tuple[Simulated, Path]) -> None:
    path = next(drawn[1].glob("*/*.tiff"))
    with openslide.OpenSlide(path) as slide:
        assert float(slide.properties[openslide.PROPERTY_NAME_MPP_X]) == pytest.approx(0.5)
    with tifffile.TiffFile(path) as file:
        assert "SIMULATED" in file.pages.first.description
    assert "SIMULATED" in path.name


def test_slides_differ_in_size(drawn: tuple[Simulated, Path]) -> None:
    assert len({tifffile.imread(path).shape for path in drawn[1].glob("*/*.tiff")}) > 2


def test_the_same_plan_gives_the_same_bytes(drawn: tuple[Simulated, Path], tmp_path: Path) -> None:
    cohort, folder = drawn
    write_slides(cohort, PLAN, tmp_path, quiet)
    assert {path.name: path.read_bytes() for path in folder.glob("*/*.tiff")} == {
        path.name: path.read_bytes() for path in tmp_path.glob("*/*.tiff")
    }


def test_without_a_shift_the_sites_stain_alike(drawn: tuple[Simulated, Path], tmp_path: Path) -> None:
    cohort, _ = drawn

    def between(shift: float) -> float:
        plan = SimulationPlan(patients=8, seed=3, sites=2, tiles=1, width=8, shift=shift)
        write_slides(cohort, plan, tmp_path / str(shift), quiet)
        glass: dict[int, list[float]] = {0: [], 1: []}
        for name, site, has_slides in zip(cohort.names, cohort.sites, cohort.has_slides, strict=True):
            if has_slides:
                picture = tifffile.imread(tmp_path / str(shift) / name / f"{name}-a.tiff")
                glass[site].append(float(np.log(255 / picture[8, 8, 0])))
        return abs(float(np.log(np.mean(glass[0]) / np.mean(glass[1]))))

    assert between(0.0) < 0.1 < between(6.0)
