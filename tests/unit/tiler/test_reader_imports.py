"""The process of a slide finds loaded what it needs: an import takes longer than opening a slide."""

import subprocess
import sys
from pathlib import Path

from tests.support import slides
from tests.support.checkout import CHECKOUT


def test_the_process_of_a_slide_imports_nothing(tmp_path: Path) -> None:
    aperio, tiff = tmp_path / "slide.svs", tmp_path / "slide.tiff"
    aperio.write_bytes(slides.cc0_bytes())
    slides.write_tiff(tiff, slides.cc0_pixels())
    command = [sys.executable, "-m", "tests.support.reader_imports", *map(str, (aperio, tiff))]
    command.append(str(slides.write_dicom(tmp_path / "slide.dcm")))
    assert subprocess.check_output(command, cwd=CHECKOUT, text=True) == ""
