"""Writes a score as a file for people or another system."""

from collections.abc import Callable, Mapping
from pathlib import Path

from services.standalone.export_format import Format
from shared.export.dicom.attention_map import attention_map, mapped_dicom_slides
from shared.export.dicom.structured_report import structured_report
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


def _write_dicom(case: ExportedCase, _: str, out: Path) -> list[Path]:
    """The report, and beside it, named after their slides, the maps of those slides that are DICOM and stand."""
    maps = {out.with_name(f"{out.stem}.{slide.slide_id}{out.suffix}"): slide for slide in mapped_dicom_slides(case)}
    for path, slide in maps.items():
        put(path, attention_map(case, slide))
    put(out, structured_report(case))
    return [out, *maps]


_WRITERS: Mapping[Format, Callable[[ExportedCase, str, Path], list[Path]]] = {
    Format.PDF: _write_pdf,
    Format.FHIR: _write_fhir,
    Format.GEOJSON: _write_geojson,
    Format.DICOM: _write_dicom,
}
