"""The size of a pixel: stated by the slide, else by an operator, never guessed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from services.tiler.errors import ImplausibleResolutionError, NoResolutionError
from services.tiler.ports import Resolution, SlideFacts
from shared.units import CaseId, MicronsPerPx, SlideId

FINEST = MicronsPerPx(0.05)
COARSEST = MicronsPerPx(5.0)
"""Scanners work at 0.1 to 2 um/px; a value far outside is a mistake of units."""
LARGEST_MM = 250.0
"""Longer than any glass: whole-mount slides go up to 8 inches, 203 mm."""
SMALLEST_MM = 1.0
"""No slide is shorter on both sides."""
_AGREE = 0.02
_TIFF_UNITS = {2: 25_400.0, 3: 10_000.0}
"""Microns of an inch and a centimetre, by TIFF's ResolutionUnit."""
_NO_STATEMENTS_DPI = (72.0, 96.0)
"""Resolutions of screens, which programs write into any image."""


@dataclass(frozen=True)
class MppTable:
    """The operator's table: microns per pixel of slides that state none, or a wrong one."""

    slides: Mapping[str, float] = field(default_factory=dict)
    """Pattern of `case_id/slide_id` (`*` and `?` allowed) to microns per pixel; the first match counts."""
    default: float | None = None
    """For slides that state nothing and match no pattern."""

    def of(self, case: CaseId, slide: SlideId) -> "Override":
        """The table's values for one slide."""
        fits = (mpp for pattern, mpp in self.slides.items() if fnmatchcase(f"{case}/{slide}", pattern))
        return Override(next(fits, None), self.default)


@dataclass(frozen=True, slots=True)
class Override:
    """The operator's microns per pixel of one slide: for this slide, or for any that states nothing."""

    named: float | None = None
    default: float | None = None


def resolve(stated: Sequence[Resolution], override: Override) -> Resolution:
    """Resolve a slide's resolution; `stated` are the slide's own values, the most trusted first.

    The first plausible value is used, with those that contradict it. Without one, the table is used; its default
    never replaces a stated value, not even an implausible one.

    Raises:
        NoResolutionError: neither slide nor table has a value.
        ImplausibleResolutionError: the value is outside 0.05 to 5 um/px.
    """
    accepted = next(filter(_plausible, stated), None)
    if accepted:
        return replace(accepted, contradicted_by=tuple(other for other in stated if _differ(accepted, other)))
    if override.named is not None:
        return _checked(_same(override.named, "override by slide"))
    if stated:
        return _checked(stated[0])
    if override.default is not None:
        return _checked(_same(override.default, "override by default"))
    raise NoResolutionError("the slide does not say how many microns a pixel measures")


def of_tiff_tags(dots_x: float, dots_y: float, unit: int) -> Resolution | None:
    """The resolution of TIFF's tags; None if they hold a writer's default or that of a screen."""
    microns = _TIFF_UNITS.get(unit)
    if microns is None or min(dots_x, dots_y) <= 0 or (dots_x, dots_y) == (1, 1):
        return None
    if any(abs(dots_x * 25_400 / microns - dpi) < 0.1 for dpi in _NO_STATEMENTS_DPI):
        return None
    return Resolution(MicronsPerPx(microns / dots_x), MicronsPerPx(microns / dots_y), "tiff.XResolution")


def check_extent(slide: SlideFacts) -> None:
    """Check the resolution against the size of the scan.

    Raises:
        ImplausibleResolutionError: the slide would be larger than any glass, or shorter than a millimetre.
    """
    resolution = slide.resolution
    width_mm, height_mm = slide.width_px * resolution.mpp_x / 1000, slide.height_px * resolution.mpp_y / 1000
    if not SMALLEST_MM <= max(width_mm, height_mm) <= LARGEST_MM:
        extent = f"{width_mm:.3g} x {height_mm:.3g} mm"
        raise ImplausibleResolutionError(
            f"at {resolution.mpp_x:g} um/px ({resolution.source}) the slide would measure {extent}{_others(resolution)}"
        )


def _others(resolution: Resolution) -> str:
    """The other plausible resolutions that the slide states."""
    plausible = filter(_plausible, resolution.contradicted_by)
    return "".join(f"; it states {other.mpp_x:g} um/px ({other.source}) too" for other in plausible)


def _differ(resolution: Resolution, other: Resolution) -> bool:
    pairs = ((resolution.mpp_x, other.mpp_x), (resolution.mpp_y, other.mpp_y))
    return not all(abs(second / first - 1) <= _AGREE for first, second in pairs)


def _same(mpp: float, source: str) -> Resolution:
    return Resolution(MicronsPerPx(mpp), MicronsPerPx(mpp), source)


def _plausible(resolution: Resolution) -> bool:
    return all(FINEST <= mpp <= COARSEST for mpp in (resolution.mpp_x, resolution.mpp_y))


def _checked(resolution: Resolution) -> Resolution:
    if not _plausible(resolution):
        stated = f"{resolution.mpp_x:g} x {resolution.mpp_y:g} um/px ({resolution.source})"
        raise ImplausibleResolutionError(f"a resolution of {stated} is outside {FINEST:g} to {COARSEST:g} um/px")
    return resolution
