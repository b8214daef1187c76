"""DICOM elements, read as pydicom writes them, and any bytes at all."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from shared.slides.dicom_elements import BadElementsError, CutShortError, elements

BEYOND = 0x0048_0008
syntaxes = st.sampled_from([ExplicitVRLittleEndian, ImplicitVRLittleEndian])


def written(syntax: UID, depth: int, *, undefined: bool, meta: bool) -> bytes:
    """A small dataset with sequences within sequences."""
    made = Dataset()
    made.Modality, made.Rows, made.NumberOfFrames, made.TotalPixelMatrixRows = "SM", 7, 12, 70_000
    made.DimensionIndexSequence = _nested(depth, undefined)
    made.OpticalPathIdentifier = "beyond"
    stored = io.BytesIO()
    if meta:
        made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.77.1.6", "1.2.3"
        made.file_meta = FileMetaDataset()
        made.file_meta.TransferSyntaxUID = syntax
        made.save_as(stored, enforce_file_format=True)
        return stored.getvalue()[132:]
    made.save_as(stored, implicit_vr=syntax.is_implicit_VR, little_endian=True)
    return stored.getvalue()


def _nested(depth: int, undefined: bool) -> Sequence:
    inner = Dataset()
    inner.DimensionDescriptionLabel = "label"
    if depth:
        inner.DimensionOrganizationSequence = _nested(depth - 1, undefined)
    made = Sequence([inner, Dataset()])
    made.is_undefined_length = undefined
    for item in made:
        item.is_undefined_length_sequence_item = undefined
    return made


@given(syntax=syntaxes, depth=st.integers(0, 5), undefined=st.booleans(), meta=st.booleans())
def test_elements_are_those_that_were_written(syntax: UID, depth: int, undefined: bool, meta: bool) -> None:
    found = elements(written(syntax, depth, undefined=undefined, meta=meta), 0, BEYOND)
    assert found[0x0008_0060] == b"SM"
    assert int.from_bytes(found[0x0028_0010], "little") == 7
    assert found[0x0028_0008].strip() == b"12"
    assert int.from_bytes(found[0x0048_0007], "little") == 70_000
    assert not any(tag >= BEYOND for tag in found)


@given(syntax=syntaxes, undefined=st.booleans(), share=st.floats(0, 0.9))
def test_a_header_that_is_cut_asks_for_more(syntax: UID, undefined: bool, share: float) -> None:
    data = written(syntax, 2, undefined=undefined, meta=True)
    with pytest.raises(CutShortError):
        elements(data[: int(len(data) * share)], 0, BEYOND)


@given(data=st.binary(max_size=400))
def test_any_bytes_are_elements_or_refused(data: bytes) -> None:
    try:
        found = elements(data, 0, BEYOND)
    except (CutShortError, BadElementsError):
        return
    assert all(tag < BEYOND for tag in found)
