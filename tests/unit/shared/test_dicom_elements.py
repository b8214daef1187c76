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
    dataset = Dataset()
    dataset.Modality, dataset.Rows, dataset.NumberOfFrames, dataset.TotalPixelMatrixRows = "SM", 7, 12, 70_000
    dataset.DimensionIndexSequence = _nested(depth, undefined)
    dataset.OpticalPathIdentifier = "beyond"
    stored = io.BytesIO()
    if meta:
        dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.77.1.6", "1.2.3"
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.save_as(stored, enforce_file_format=True)
        return stored.getvalue()[132:]
    dataset.save_as(stored, implicit_vr=syntax.is_implicit_VR, little_endian=True)
    return stored.getvalue()


def _nested(depth: int, undefined: bool) -> Sequence:
    inner = Dataset()
    inner.DimensionDescriptionLabel = "label"
    if depth:
        inner.DimensionOrganizationSequence = _nested(depth - 1, undefined)
    sequence = Sequence([inner, Dataset()])
    sequence.is_undefined_length = undefined
    for item in sequence:
        item.is_undefined_length_sequence_item = undefined
    return sequence


@given(syntax=syntaxes, depth=st.integers(0, 5), undefined=st.booleans(), meta=st.booleans())
def test_elements_are_those_that_were_written(syntax: UID, depth: int, undefined: bool, meta: bool) -> None:
    parsed = elements(written(syntax, depth, undefined=undefined, meta=meta), 0, BEYOND)
    assert parsed[0x0008_0060] == b"SM"
    assert int.from_bytes(parsed[0x0028_0010], "little") == 7
    assert parsed[0x0028_0008].strip() == b"12"
    assert int.from_bytes(parsed[0x0048_0007], "little") == 70_000
    assert not any(tag >= BEYOND for tag in parsed)


@given(syntax=syntaxes, undefined=st.booleans(), share=st.floats(0, 0.9))
def test_a_header_that_is_cut_asks_for_more(syntax: UID, undefined: bool, share: float) -> None:
    data = written(syntax, 2, undefined=undefined, meta=True)
    with pytest.raises(CutShortError):
        elements(data[: int(len(data) * share)], 0, BEYOND)


@given(data=st.binary(max_size=400))
def test_any_bytes_are_elements_or_refused(data: bytes) -> None:
    try:
        parsed = elements(data, 0, BEYOND)
    except (CutShortError, BadElementsError):
        return
    assert all(tag < BEYOND for tag in parsed)
