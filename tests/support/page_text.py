"""Text on the page of results: what it must look like, and what must stay text."""

from typing import Any

HOSTILE = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"
"""Text that must never be read as HTML."""
FAINT = """() => {
  const light = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    const colour = getComputedStyle(e).backgroundColor;
    return colour !== "rgba(0, 0, 0, 0)" || !e.parentElement ? colour : ground(e.parentElement);
  };
  const texts = [...document.querySelectorAll("body *")].filter((e) => e.checkVisibility()
    && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()));
  return texts.filter((e) => {
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05) < 4.5;
  }).map((e) => `${e.tagName}.${e.className}: ${e.textContent.slice(0, 40)}`);
}"""
"""Script that lists the texts whose contrast with their ground is below 4.5."""


def percent(risk: dict[str, Any]) -> str:
    """A risk as the page writes it."""
    return f"{100 * risk['risk']:.0f}\u202f%"
