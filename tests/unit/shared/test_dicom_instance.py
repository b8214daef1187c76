"""What is read of one DICOM file of a series."""

import pytest

from shared.slides.dicom import parse
from tests.support.dicom_series import series

_WIDTH = b"\x48\x00\x06\x00UL\x04\x00"


@pytest.mark.parametrize("size", [5, 4096])
def test_a_number_longer_than_32_bits_is_no_size_of_a_slide(size: int) -> None:
    whole = next(data for data in series().values() if _WIDTH in data)
    assert parse(whole) is not None
    before, after = whole.split(_WIDTH, 1)
    long = _WIDTH[:-2] + size.to_bytes(2, "little") + b"\xff" * size
    assert parse(before + long + after[4:]) is None
