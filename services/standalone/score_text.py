"""Codes of scores and plans in words, for the terminal and the report."""

from collections.abc import Iterable, Iterator

from medulla.v1.scorer_pb2 import OutOfDistribution, Reading, Score, SlideEvidence

_WORDS = {
    "anisotropic_pixels": "pixels are not square",
    "blurred": "blurred in places",
    "clinical_molecular": "clinical and molecular",
    "clinical_molecular_gbm": "clinical and molecular, by trees",
    "clinical_pathomics": "clinical and slides",
    "corrupt_tiles": "some tiles are damaged",
    "duplicate_slide": "same file twice",
    "few_tiles": "few tiles",
    "fused": "clinical, molecular and slides",
    "low_resolution": "scanned at low resolution",
    "molecular_pathomics": "molecular and slides",
    "out_of_distribution": "unlike the training slides",
    "pathomics": "slides",
    "pen_ink": "pen ink",
    "replaced": "being replaced",
    "damaged_entry": "damaged, being embedded again",
    "resolution_conflict": "two stated resolutions disagree",
    "resolution_override": "resolution was set by hand",
    "unreadable_regions": "parts cannot be read",
}
"""Other codes are shown with spaces for underscores."""


def plain(code: str) -> str:
    """One code in words."""
    return _WORDS.get(code, code.replace("_", " "))


def listed(codes: Iterable[str], nothing: str) -> str:
    """Several codes in words; `nothing` if there are none."""
    return ", ".join(map(plain, codes)) or nothing


def distance(far: OutOfDistribution) -> str:
    """Distance from the training cohort, in words."""
    where = "outside the training distribution" if far.flagged else "within the training distribution"
    return f"{where} (distance {far.distance:.2f}, limit {far.limit:.2f})"


def amount(value: float) -> str:
    """A number of three digits, as people write it: 0.0123, 4.56, 10,000."""
    return f"{float(f'{value:.3g}'):,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def duration(seconds: float) -> str:
    """A time in the unit that people would take: 40 s, 49 min, 2.5 h."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def attention_needed(score: Score) -> Iterator[str]:
    """Sentences to read before relying on the score: left-out slides and remarks."""
    for slide in score.left_out:
        yield f"Slide {slide.slide_id} was left out of the score ({plain(slide.reason)}). {sentence(slide.sentence)}"
    yield from (remark.sentence for remark in score.remarks)


def sentence(text: str) -> str:
    """A text as a sentence of its own, where it may be part of one."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def reading(item: Reading) -> str:
    """How a value of the record was read."""
    return f"{item.label or plain(item.variable)}: “{item.written}”, read as {item.value}"


def slide_title(slide: SlideEvidence, score: Score) -> str:
    """A slide's name, and whether the score was made without it."""
    left_out = any(item.slide_id == slide.slide_id for item in score.left_out)
    return f"Slide {slide.slide_id}{', left out of the score' if left_out else ''}"
