"""Copies of buckets that an encoder is fine-tuned on, so that training reads files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from services.standalone.console import progress
from services.standalone.finetuned_encoder import Job
from services.standalone.training_data import Labels, Outcomes
from services.trainer.bucket.copies import KEPT, Copies, copies
from services.trainer.bucket.s3_uri import is_s3_uri
from services.trainer.cohort.column_map import load_map
from services.trainer.cohort.table import read_cohort
from services.trainer.errors import BadS3UriError
from services.trainer.profile import load_profile

_TORCHRUN = "TORCHELASTIC_RUN_ID"
"""Environment variable of the processes of torchrun."""


@contextmanager
def local_job(job: Job) -> Iterator[Job]:
    """The job on files of this machine; an encoder for a bucket is put there at the end.

    Raises:
        PermanentError: an object is missing, the cohort is refused, or the bucket holds objects where `out` is.
    """
    source = job.source
    tiles = (job.unlabelled,) if job.unlabelled else ()
    data = (source.tiles,) if isinstance(source, Labels) else (source.cohort, source.slides, source.embeddings)
    named = (*data, *tiles)
    if _TORCHRUN in os.environ and not os.environ.get(KEPT) and any(map(is_s3_uri, (*named, job.encoder, job.out))):
        raise BadS3UriError(f"several processes train on a bucket: set {KEPT} to a folder that all of them share")
    with copies() as copied, copied.encoder_output(job.out) as out:
        unlabelled = copied.folder(job.unlabelled) if job.unlabelled else None
        local = _local(source, copied)
        yield replace(job, encoder=copied.folder(job.encoder), source=local, unlabelled=unlabelled, out=out)


def _local(source: Labels | Outcomes, copied: Copies) -> Labels | Outcomes:
    """The training data as files of this machine; of a bucket's slides and bags only those of the cohort."""
    if isinstance(source, Labels):
        return Labels(copied.folder(source.tiles))
    columns = copied.file(source.reading.columns) if source.reading.columns else None
    reading = replace(source.reading, columns=columns)
    local = replace(source, cohort=copied.file(source.cohort), reading=reading)
    if not (is_s3_uri(local.slides) or is_s3_uri(local.embeddings)):
        return local
    table = read_cohort(local.cohort, load_profile(reading.profile), load_map(columns) if columns else None)
    with progress("bags") as advance:
        bags = copied.bags(local.embeddings, table.case_ids, advance)
    with progress("slides of cases") as advance:
        return replace(local, embeddings=bags, slides=copied.slides(local.slides, table.case_ids, advance))
