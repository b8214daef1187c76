"""Assembles the files of a DICOM series into levels and reports what is missing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.blob.port import BlobInfo
from shared.slides.dicom import Instance, Role
from shared.words import listed

File = tuple[BlobInfo, Instance]
Levels = dict[tuple[int, int], list[File]]
"""Files by width and height of their level."""
_COARSE_UM_PER_PX = 0.75
"""No scanner's base level is coarser than this."""
_ROUNDING_PX = 2
"""Largest difference of a level's sides from the downsampled base level's."""
_OTHER_SHAPE = 1.05
"""Ratio of two images' proportions beyond which neither is a copy of the other."""


@dataclass(frozen=True, slots=True)
class Series:
    """The files to read, the base level's first, and what is missing."""

    files: tuple[BlobInfo, ...]
    missing: str
    """A sentence; empty if the series is complete."""
    is_complete: bool
    """Whether the base level is complete, so that the files can be processed."""


def assemble(members: Sequence[File]) -> Series:
    """Assemble one series in key order, without labels and overviews."""
    levels = _levels(members)
    if not levels:
        return Series(tuple(info for info, _ in members), "the DICOM series has no image of the slide itself", False)
    size = max(levels, key=lambda each: each[0] * each[1])
    base = levels.pop(size)
    missing = (
        _mixture(base, levels)
        or _other_regions(base[0][1], levels)
        or _base_gap(base)
        or _smaller_than_missing(base[0][1], levels, members)
    )
    if missing:
        return Series(tuple(info for info, _ in base), missing, False)
    gaps = {other: _gap(files) or _disagrees(base[0][1], files[0][1]) for other, files in levels.items()}
    whole = [file for other, files in levels.items() if not gaps[other] for file in files]
    others = sorted([*base[1:], *whole], key=lambda file: file[0].key)
    named = "; ".join(f"its level of {w} x {h} px {gap}" for (w, h), gap in gaps.items() if gap)
    return Series((base[0][0], *(info for info, _ in others)), f"in the DICOM series {named}" if named else "", True)


def _levels(members: Sequence[File]) -> Levels:
    """Files by the size of their level; duplicate instances count once."""
    instances: Mapping[str, File] = {file[1].uid: file for file in reversed(members)}
    levels = defaultdict[tuple[int, int], list[File]](list)
    for info, instance in sorted(instances.values(), key=lambda file: file[0].key):
        if instance.role is Role.LEVEL:
            levels[instance.width_px, instance.height_px].append((info, instance))
    return levels


def _mixture(base: Sequence[File], smaller: Levels) -> str:
    """Whether the series holds images of another slide: in another frame of reference, and no copy of the base level.

    A smaller copy in another frame of reference is left out: some converters give each level a frame of its own.
    """
    first, *others = (instance for _, instance in base)
    strange = [*others, *(level for files in smaller.values() for _, level in files if _is_skewed(first, level))]
    spaces = {instance.space for instance in (first, *strange) if instance.space}
    if len(spaces) < 2:
        return ""
    count = f"the DICOM series mixes {len(spaces)} slides: its images lie in as many frames of reference"
    return f"{count}; each slide needs a SeriesInstanceUID of its own"


def _other_regions(base: Instance, smaller: Levels) -> str:
    """Whether the series holds an image of its own beside the base level: another shape, and no smaller copy."""
    regions = [size for size, files in smaller.items() if any(_is_region(base, level) for _, level in files)]
    if not regions:
        return ""
    sizes = listed([f"{width} x {height} px" for width, height in [(base.width_px, base.height_px), *regions]])
    return (
        f"the DICOM series holds images of {sizes}, none a copy of another; each needs a SeriesInstanceUID of its own"
    )


def _is_region(base: Instance, image: Instance) -> bool:
    ratio = base.width_px * image.height_px / (base.height_px * image.width_px)
    return not image.resampled and not 1 / _OTHER_SHAPE < ratio < _OTHER_SHAPE


def _base_gap(base: Sequence[File]) -> str:
    if all(instance.resampled for _, instance in base):
        return "the DICOM series lacks its base level: every level in it is a smaller copy"
    gap = _gap(base)
    return f"the base level of the DICOM series {gap}" if gap else ""


def _smaller_than_missing(base: Instance, smaller: Levels, members: Sequence[File]) -> str:
    """For levels not marked as resampled: whether a missing instance precedes the largest level.

    Instance numbers alone are not enough: labels often come first and are removed before a series is shared.
    """
    numbers = [base.number, *(smaller[size][0][1].number for size in sorted(smaller, reverse=True))]
    before = base.number - 1
    there = any(instance.number == before for _, instance in members)
    if base.um_per_px < _COARSE_UM_PER_PX or before < 1 or there or numbers != sorted(set(numbers)):
        return ""
    size = f"{base.width_px} x {base.height_px} px at {base.um_per_px:.3g} um/px"
    return f"the DICOM series lacks its base level: its largest level, {size}, follows a missing instance {before}"


def _gap(files: Sequence[File]) -> str:
    """Missing parts or frames of a level, in words; empty if none."""
    instances = [instance for _, instance in files]
    for whole in {instance.whole for instance in instances if instance.whole}:
        parts = [instance for instance in instances if instance.whole == whole]
        total = max(instance.parts for instance in parts)
        missing = sorted(set(range(1, min(total, 10_000) + 1)) - {instance.part for instance in parts})
        if missing:
            return f"lacks part {', '.join(map(str, missing[:10]))} of {total}"
    frames, tiles = sum(instance.frames for instance in instances), instances[0].tiles
    if not any(instance.sparse for instance in instances) and (not frames or frames % tiles):
        return f"has {frames} frames for {tiles} tiles"
    return ""


def _disagrees(base: Instance, level: Instance) -> str:
    """Why a level does not match the base level, in words; empty if it does."""
    if _is_skewed(base, level):
        return "has another shape than the base level"
    return "" if base.space == level.space else "lies in another frame of reference than the base level"


def _is_skewed(base: Instance, level: Instance) -> bool:
    skew = abs(base.width_px * level.height_px - base.height_px * level.width_px)
    return skew > _ROUNDING_PX * (base.width_px + base.height_px)
