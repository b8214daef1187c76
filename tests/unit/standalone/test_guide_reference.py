"""The generated pages of the guide are what the code says now."""

import pytest

from services.standalone.guide_site import GUIDE
from tests.guide_docs.reference import pages


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    return pages()


def test_the_reference_is_what_the_code_says(generated: dict[str, str]) -> None:
    committed = {path.stem: path.read_text(encoding="utf-8") for path in (GUIDE / "reference").glob("*.md")}
    assert committed == generated, "run `make docs`"


def test_the_reference_names_commands_settings_reasons_and_routes(generated: dict[str, str]) -> None:
    assert "## medulla score\n" in generated["commands"]
    assert "| `MEDULLA_S3__BUCKET` | text | `medulla` |" in generated["settings"]
    assert '| `MEDULLA_AUTH__ROLES__VIEWER` | JSON | `["viewer"]` |' in generated["settings"]
    assert "| `not_a_slide` |" in generated["reasons"]
    assert "`POST /api/v1/cases/{case_id}/what-if`" in generated["rest"]
    assert "| `StreamTiles` |" in generated["grpc"]
    assert "| `slides/{case}/` |" in generated["files"]
