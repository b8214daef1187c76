"""Advice on refusals for the command line, where a service's advice may be meant for operators of a cluster."""

import re
import shlex
from pathlib import Path

from shared.errors import MedullaError, PermanentError, explain


def bundle_advice(bundle: Path | None = None) -> str:
    """Advice on a refused record: the command that shows what the bundle takes, by default of the bundle that ships."""
    return f"Correct what is named in the record; `{show_command(bundle)}` lists variables and values."


def vector_advice(bundle: Path | None = None) -> str:
    """The same on a refused vector."""
    return f"Correct what is named in the vector; `{show_command(bundle)} --json` lists columns by block."


def show_command(bundle: Path | None) -> str:
    """The command that shows a bundle; None for the one that ships."""
    return "medulla bundle show" + (f" {shlex.quote(str(bundle))}" if bundle else "")


_CLUSTER = re.compile(
    r"(?-i:\b[A-Z]+_[A-Z_]+\b)|dead.letter|replay|medulla (?:sweep|rescore)|operator|\bthe tiler|bucket"
    r"|\bupload|thumbnail|store the (?:record|vector)",
    re.IGNORECASE,
)
_AGAIN = "Correct what the sentence names and run the command again."
_HERE = {
    "bad_bundle": "Copy the bundle again from where it was made, or name another one with --bundle.",
    "crashed_worker": "Keep the file apart and report it, or export it again from its source.",
    "digest_mismatch": "Remove the output folder, or name another one, and run the command again.",
    "empty_object": "Copy or export the slide again; the last copy wrote no bytes.",
    "implausible_resolution": "State its true microns per pixel in the column mpp of --slides slides.csv.",
    "incomplete_series": "Export the whole series from the scanner again, every level of it and nothing else.",
    "internal_error": "Report the sentence as it stands; the other inputs are not affected.",
    "no_tissue": "Look at the slide in its viewer: rescan it, clean it of pen, or leave it out of the case.",
    "no_resolution": "State its microns per pixel with --default-mpp, or in the column mpp of --slides slides.csv.",
    "not_a_slide": "Name a whole-slide image that OpenSlide reads, or DICOM.",
    "out_of_disk": "Free space on the disk and run the command again.",
    "retries_exhausted": "Wait until nothing writes to the file any more and run the command again.",
    "slide_too_large": "Export a smaller area of the slide, or crop it; this size is not read, or takes too long.",
    "too_many_corrupt_tiles": "Scan or export the slide again: too many of its tiles are damaged.",
    "unreadable_slide": "The file is damaged or cut short: export it from the scanner again.",
}


def here(reason: str, advice: str, bundle: Path | None = None) -> str:
    """Advice for the command line: unchanged, unless it is about a cluster; `bundle` refused a record or vector."""
    if not _CLUSTER.search(advice):
        return advice
    of_bundle = {"bad_clinical_record": bundle_advice, "bad_vectors": vector_advice}
    return of_bundle[reason](bundle) if reason in of_bundle else _HERE.get(reason, _AGAIN)


def explain_here(error: MedullaError | OSError) -> str:
    """An error as people at this machine read it: what is wrong, the reason code, what to do."""
    return explain(error, here(error.reason, error.advice) if isinstance(error, PermanentError) else "")
