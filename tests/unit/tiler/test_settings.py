"""Settings of the tiler."""

import pytest

from services.tiler.planner import PlanSpec
from services.tiler.resolution import Override
from services.tiler.settings import TilerSettings
from shared.settings import BadSettingsError, SqsSettings, load
from shared.units import CaseId, SlideId


def test_the_defaults_are_those_of_a_plan() -> None:
    assert load(TilerSettings).plans[0] == PlanSpec()


def test_variables_reach_the_plan_and_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILER_GRID__TILE_PX", "512")
    monkeypatch.setenv("TILER_MIN_TISSUE", "0.25")
    monkeypatch.setenv("TILER_TISSUE__MIN_CHROMA", "0.1")
    monkeypatch.setenv("TILER_DEFAULT_MPP", "0.5")
    monkeypatch.setenv("TILER_MPP_OVERRIDES", '{"case-7/*": 0.25}')
    settings = load(TilerSettings)
    assert settings.plans[0].grid.tile_px == 512
    assert settings.plans[0].quality.min_tissue == 0.25
    assert settings.plans[0].quality.tissue.min_chroma == 0.1
    assert settings.mpp.of(CaseId("case-7"), SlideId("a")) == Override(0.25, 0.5)


def test_a_queue_of_events_needs_its_address_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILER_SQS__URL", "https://queue/slides")
    assert load(TilerSettings).sqs == SqsSettings(url="https://queue/slides")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TILER_MIN_TISSUE", "1.5"),
        ("TILER_DEFAULT_MPP", "0"),
        ("TILER_TILES_PER_CHUNK", "1024"),
        ("TILER_SCRATCH__X", "1"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettingsError, match=name):
        load(TilerSettings)
