"""Accessibility of a page that a browser shows, checked by axe-core."""

from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

_RUN = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  const reason = (node) => [...node.any, ...node.all, ...node.none].map((check) => check.message).join("; ");
  return violations.flatMap(({ id, impact, nodes }) =>
    nodes.map((node) => `${id} (${impact}): ${node.target}: ${reason(node)}`));
}"""


@dataclass(frozen=True)
class Axe:
    """The checker; `script` is the file axe.min.js."""

    script: Path

    def findings(self, page: Page) -> list[str]:
        """Every violation on the page as it is shown now: rule, impact, element and reason."""
        if not page.evaluate("'axe' in globalThis"):
            page.evaluate(self.script.read_text(encoding="utf-8"))
        return list(page.evaluate(_RUN))
