"""The script of `helm test`, with a bucket in memory."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from shared import keys
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo
from shared.units import CaseId
from tests.support.chart.paths import CHART
from tests.support.erasures import erase, keys_of


class _ScoringStore(MemoryStore):
    """Stores a score of every slide that lands."""

    def put(self, key: str, data: bytes) -> BlobInfo:
        if key.startswith(keys.SLIDES):
            super().put(f"{keys.SCORES}{key.split('/')[1]}/score.json", b"{}")
        return super().put(key, data)


@pytest.fixture
def script() -> ModuleType:
    spec = spec_from_file_location("helm_test", CHART / "files" / "helm_test.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_case_of_a_helm_test_is_erased_once_it_has_a_score(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = _ScoringStore()

    def erase_case(case: CaseId, folder: Path | None) -> str:
        assert folder is None, "in the running system"
        erase(store, case)
        return "erased"

    monkeypatch.setattr(script, "S3Store", lambda _: store)
    monkeypatch.setattr(script, "erase_case", erase_case)
    assert script.main(5) == 0
    assert "scored after" in capsys.readouterr().out
    assert [key for key in keys_of(store) if not key.startswith(keys.ERASED)] == []
