"""An encoder that the bundle does not read is refused before any slide is planned or embedded."""

from pathlib import Path

from services.embedder.manifest import MANIFEST_FILE, read_manifest
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from shared.exit_codes import AT_FAULT
from tests.support import slides
from tests.support.command_line import medulla


def test_a_slide_is_not_embedded_by_an_encoder_that_the_bundle_does_not_read(tmp_path: Path) -> None:
    other = read_manifest(DEFAULT_ENCODER).model_copy(update={"name": "other", "digest": "0" * 64})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / MANIFEST_FILE).write_text(other.model_dump_json())
    slide = tmp_path / "A.svs"
    slide.write_bytes(slides.cc0_bytes())
    done = medulla("score", slide, "--encoder", tmp_path / "other", "--out", tmp_path / "out")
    assert done.exit_code == AT_FAULT
    assert "--encoder names other 000000000000, and bundle " in done.stderr
    assert "encoder_mismatch" in done.stderr
    assert not list((tmp_path / "out").rglob("plan.json"))
