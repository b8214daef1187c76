"""Writes a score as a file for people or another system."""

from collections.abc import Callable, Mapping
from pathlib import Path

from services.standalone.export_format import Format
from shared.export.exported_case import ExportedCase
from shared.export.fhir.document import fhir_document
from shared.export.geojson import attention_geojson
from shared.export.pdf.report import pdf_report
from shared.files import put, put_chunks


def write_export(case: ExportedCase, kind: Format, slide_id: str, out: Path) -> list[Path]:
    """Write `out` and what belongs beside it; returns the files.

    Raises:
        NotStoredError, ChooseSlideError, BrokenMapError: see ExportedCase.
        OSError: a file cannot be written.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    return _WRITERS[kind](case, slide_id, out)


def _write_pdf(case: ExportedCase, _: str, out: Path) -> list[Path]:
    put(out, pdf_report(case))
    return [out]


def _write_fhir(case: ExportedCase, _: str, out: Path) -> list[Path]:
    put(out, fhir_document(case))
    return [out]


def _write_geojson(case: ExportedCase, slide_id: str, out: Path) -> list[Path]:
    put_chunks(out, attention_geojson(case, slide_id).chunks())
    return [out]


_WRITERS: Mapping[Format, Callable[[ExportedCase, str, Path], list[Path]]] = {
    Format.PDF: _write_pdf,
    Format.FHIR: _write_fhir,
    Format.GEOJSON: _write_geojson,
}
