"""What a clinical record adds to a score, as messages."""

from collections.abc import Iterator

from medulla.v1.scorer_pb2 import Reading, Remark

from shared.model.record import ClinicalRecord


def readings(record: ClinicalRecord) -> Iterator[Reading]:
    """Values that were read as another word or unit than they were written in."""
    for reading in record.readings:
        variable = reading.variable
        yield Reading(variable=variable.name, label=variable.shown, written=reading.written, value=reading.value)


def remarks(record: ClinicalRecord) -> Iterator[Remark]:
    """Unclear values, and checks of the profile that the case meets."""
    return (Remark(code=remark.code, sentence=remark.sentence) for remark in record.remarks)
