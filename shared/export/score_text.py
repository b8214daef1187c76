"""Codes of scores and plans in words, for the terminal and the report."""

from collections.abc import Iterable, Iterator, Sequence

from medulla.v1.scorer_pb2 import Contribution, OutOfDistribution, Reading, Score, SlideEvidence, VectorEvidence

from shared import words

_WORDS = {
    "anisotropic_pixels": "pixels are not square",
    "blurred": "blurred in places",
    "corrupt_tiles": "some tiles are damaged",
    "duplicate_slide": "same file twice",
    "few_tiles": "few tiles",
    "low_resolution": "scanned at low resolution",
    "out_of_distribution": "unlike the training slides",
    "pen_ink": "pen ink",
    "quality_not_checked": "quality was not checked",
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


def titles(blocks: Sequence[str], nothing: str) -> str:
    """Titles of blocks as a list; `nothing` if there are none."""
    return ", ".join(blocks) or nothing


def model(score: Score) -> str:
    """The model that answered, by the blocks that it reads."""
    return words.listed(score.modalities_used or [plain(score.model) or "none"])


def block(item: Contribution) -> str:
    """What people call the block of a contribution."""
    return item.block_title or item.block


def vector(item: VectorEvidence) -> str:
    """How much of a vector is known, and how far it lies from training."""
    source = "from the slides by the bundle's classifier of tiles, " if item.from_slides else ""
    known = f"{item.title}: {source}{item.known_columns} of {item.model_columns} columns known"
    return f"{known}; {distance(item.out_of_distribution)}" if item.HasField("out_of_distribution") else known


def columns(item: Contribution) -> str:
    """The columns that moved a block of vectors most; empty for other contributions."""
    return ", ".join(f"{each.column} {each.value} ({each.log_hazard:+.2f})" for each in item.columns)


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
