"""Attention on a DICOM slide as a parametric map: a pixel for a tile, in the slide's frame of reference."""

from collections.abc import Sequence

import numpy as np
from highdicom import (
    CoordinateSystemNames,
    PlaneOrientationSequence,
    PlanePositionSequence,
    VOILUTTransformation,
)
from highdicom.pm import ParametricMap, RealWorldValueMapping
from highdicom.spatial import PixelToReferenceTransformer
from medulla.v1.scorer_pb2 import SlideEvidence
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.sr.codedict import codes

from shared.export.dicom.identity import MANUFACTURER, MODEL, concept, uid, version, written
from shared.export.dicom.source_images import pixel_measures, source_images
from shared.export.errors import NotStoredError
from shared.export.exported_case import ExportedCase
from shared.export.slide_attention import SlideAttention

_NARROWEST = 1e-6
"""Width of the window over a map of zeros."""


def attention_map(case: ExportedCase, slide: SlideEvidence) -> bytes:
    """The map as a file; it names the slide's instances as its source.

    Raises:
        NotStoredError: the slide is no DICOM slide that stands, or it has no stored attention.
        BrokenMapError: the stored map is damaged.
    """
    sources = source_images(case, slide)
    if not sources:
        raise NotStoredError(f"slide {slide.slide_id} is no DICOM slide that stands with its geometry")
    first, attention = sources[0], case.attention(slide)
    values, corner = _grid(attention, slide)
    parametric_map = _parametric_map(case, slide, sources, values, corner)
    _reference_other_study(parametric_map, first.StudyInstanceUID)
    return written(parametric_map, case, f"Attention, {slide.slide_id[:20]}")


def mapped_dicom_slides(case: ExportedCase) -> list[SlideEvidence]:
    """The slides of a score that can have a map."""
    return [slide for slide in case.score.slides if slide.attention_key and source_images(case, slide)]


def _grid(attention: SlideAttention, slide: SlideEvidence) -> tuple[NDArray[np.float32], tuple[float, float]]:
    """Attention by row and column of tiles, 0 where there is none, and x and y of the first tile's corner."""
    corner = attention.coords.min(axis=0) if len(attention.coords) else np.zeros(2)
    side = np.array([slide.tile_width_px, slide.tile_height_px])
    places = np.rint((attention.coords - corner) / side).astype(np.int64).reshape(-1, 2)
    columns, rows = places.max(axis=0, initial=0) + 1
    values = np.zeros((rows, columns), np.float32)
    np.maximum.at(values, (places[:, 1], places[:, 0]), attention.attention)
    return values, (float(corner[0]), float(corner[1]))


def _parametric_map(
    case: ExportedCase,
    slide: SlideEvidence,
    sources: Sequence[Dataset],
    values: NDArray[np.float32],
    corner: tuple[float, float],
) -> ParametricMap:
    score, orientation = case.score, list(sources[0].ImageOrientationSlide)
    highest = float(values.max())
    return ParametricMap(
        source_images=sources[:1],
        further_source_images=list(sources[1:]) or None,
        pixel_array=values,
        series_instance_uid=uid(score, f"map-series {slide.slide_id}"),
        series_number=2,
        sop_instance_uid=uid(score, f"map {slide.slide_id}"),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MODEL,
        software_versions=version(score),
        device_serial_number=score.provenance.bundle_digest or "none",
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[_meaning(highest)],
        voi_lut_transformations=[
            VOILUTTransformation(highest / 2, max(highest, _NARROWEST), voi_lut_function="LINEAR_EXACT")
        ],
        content_label="ATTENTION",
        content_description="Attention of tiles; research use only",
        pixel_measures=pixel_measures(slide.tile_width_px * slide.mpp_x, slide.tile_height_px * slide.mpp_y),
        plane_orientation=PlaneOrientationSequence(CoordinateSystemNames.SLIDE, orientation),
        plane_positions=[_position(sources[0], slide, corner)],
        tile_pixel_array=True,
        tile_size=values.shape,
    )


def _meaning(highest: float) -> RealWorldValueMapping:
    return RealWorldValueMapping(
        lut_label="attention",
        lut_explanation="Share of the attention of all tiles of the case",
        unit=codes.UCUM.NoUnits,
        value_range=(0.0, highest),
        slope=1.0,
        intercept=0.0,
        quantity_definition=concept("attention", "Share of the attention of the case"),
    )


def _position(source: Dataset, slide: SlideEvidence, corner: tuple[float, float]) -> PlanePositionSequence:
    """Where the middle of the first tile lies on the slide."""
    origin = source.TotalPixelMatrixOriginSequence[0]
    start = (float(origin.XOffsetInSlideCoordinateSystem), float(origin.YOffsetInSlideCoordinateSystem), 0.0)
    transform = PixelToReferenceTransformer(
        image_position=start,
        image_orientation=list(source.ImageOrientationSlide),
        pixel_spacing=pixel_measures(slide.mpp_x, slide.mpp_y)[0].PixelSpacing,
    )
    middle = np.array([[corner[0] + (slide.tile_width_px - 1) / 2, corner[1] + (slide.tile_height_px - 1) / 2]])
    (place,) = transform(np.rint(middle).astype(np.int64))
    return PlanePositionSequence(CoordinateSystemNames.SLIDE, tuple(map(float, place)), (1, 1))


def _reference_other_study(parametric_map: Dataset, study: str) -> None:
    """State the source as an image of another study: the map lies in the score's own."""
    other = Dataset()
    other.StudyInstanceUID = study
    other.ReferencedSeriesSequence = parametric_map.ReferencedSeriesSequence
    parametric_map.StudiesContainingOtherReferencedInstancesSequence = [other]
    del parametric_map.ReferencedSeriesSequence
