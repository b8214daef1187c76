"""The Deep Zoom pyramid of a slide: levels that halve the slide down to one pixel, each cut into squares.

Level `k` of `n` is the slide shrunk by 2^(n - k), its sides rounded up (Microsoft's Deep Zoom Image format, 2009).
"""

from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

FORMAT = "jpeg"
_NAMESPACE = "http://schemas.microsoft.com/deepzoom/2008"


@dataclass(frozen=True, slots=True)
class Square:
    """A square of a level: its rectangle in level-0 pixels, and the size of its picture."""

    x_px: int
    y_px: int
    width_px: int
    height_px: int
    out_width_px: int
    out_height_px: int


@dataclass(frozen=True, slots=True)
class DeepZoom:
    """Size of a slide in level-0 pixels, and the side of a square."""

    width_px: int
    height_px: int
    tile_px: int

    @property
    def deepest(self) -> int:
        """The level that is the slide itself."""
        return (max(self.width_px, self.height_px) - 1).bit_length()

    def square(self, level: int, column: int, row: int) -> Square | None:
        """A square of a level; None if there is none."""
        if not 0 <= level <= self.deepest or min(column, row) < 0:
            return None
        shrink = 1 << (self.deepest - level)
        across, down = self._range(column, shrink, self.width_px), self._range(row, shrink, self.height_px)
        if across is None or down is None:
            return None
        return Square(across[0], down[0], across[1], down[1], -(-across[1] // shrink), -(-down[1] // shrink))

    def _range(self, number: int, shrink: int, whole_px: int) -> tuple[int, int] | None:
        """Start and length of a column or row, level-0 pixels."""
        start = number * self.tile_px * shrink
        length = min(self.tile_px * shrink, whole_px - start)
        return (start, length) if length > 0 else None

    def xml(self) -> bytes:
        """The description that viewers read."""
        image = Element("Image", xmlns=_NAMESPACE, Format=FORMAT, Overlap="0", TileSize=str(self.tile_px))
        SubElement(image, "Size", Width=str(self.width_px), Height=str(self.height_px))
        return bytes(tostring(image, encoding="utf-8", xml_declaration=True))
