"""The guide as a site: every page as HTML with its place in the contents, the search index, and link checks."""

import json
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.standalone.guide_text import GuideText, page_link, render
from shared.notice import NOTICE

GUIDE: Final = Path(__file__).parent / "guide"
_TEMPLATES: Final = Path(__file__).parent / "templates"
_CONTENTS = "contents.yaml"
_FOLDERS: Final = ("pictures", "notebooks")
ASSETS: Final = ("guide.css", "guide.js", *_FOLDERS)
"""What the pages refer to, in the guide's folder."""
INDEX: Final = "search.json"
_START = "index"


@dataclass(frozen=True)
class Guide:
    """The Markdown files of `folder`, in the order of its contents.yaml."""

    folder: Path = GUIDE

    @cached_property
    def contents(self) -> dict[str, list[str]]:
        """Names of pages, such as `reference/commands`, by the title of their chapter."""
        chapters: dict[str, list[str]] = yaml.safe_load((self.folder / _CONTENTS).read_text(encoding="utf-8"))
        return chapters

    @cached_property
    def texts(self) -> dict[str, GuideText]:
        """Each page as it is rendered, by name."""
        names = [_START, *(name for pages in self.contents.values() for name in pages)]
        return {name: render((self.folder / f"{name}.md").read_text(encoding="utf-8")) for name in names}

    def page(self, name: str) -> str:
        """The HTML document of a page.

        Raises:
            KeyError: the contents name no such page.
        """
        text = self.texts[name]
        environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
        chapters = {
            title: [(self.texts[each].title, self._address(each, name), each == name) for each in pages]
            for title, pages in self.contents.items()
        }
        root = self._address("", name)
        return environment.get_template("guide.html.j2").render(text=text, chapters=chapters, root=root, notice=NOTICE)

    @staticmethod
    def _address(name: str, seen_from: str) -> str:
        """The address of a page (of the guide itself for an empty name), relative to another page."""
        up = "../" * seen_from.count("/")
        return f"{up}{name}.html" if name else up or "./"

    def search_index(self) -> str:
        """JSON of every section: address, title of page and section, text."""
        sections = [
            {
                "address": f"{name}.html#{each.heading.anchor}",
                "page": text.title,
                "title": each.heading.title,
                "text": each.text,
            }
            for name, text in self.texts.items()
            for each in text.sections
        ]
        return json.dumps(sections, ensure_ascii=False)

    def faults(self) -> list[str]:
        """Each page without a title or place, and each link that leads nowhere within the guide; sentences."""
        return [*self._unlisted(), *self._untitled(), *self._dead_links()]

    def _unlisted(self) -> Iterator[str]:
        files = (path.relative_to(self.folder).with_suffix("") for path in self.folder.rglob("*.md"))
        names = {path.as_posix() for path in files}
        yield from (f"{name}.md: no chapter of {_CONTENTS} names it" for name in sorted(names - set(self.texts)))

    def _untitled(self) -> Iterator[str]:
        yield from (f"{name}.md: no heading" for name, text in self.texts.items() if not text.title)

    def _dead_links(self) -> Iterator[str]:
        for name, text in self.texts.items():
            yield from (f"{name}.md: {link} leads nowhere" for link in text.links if not self._leads(name, link))

    def _leads(self, name: str, link: str) -> bool:
        """Whether a link is an https address, a page and section of the guide, or a file of it."""
        url = urlsplit(link)
        if url.scheme:
            return url.scheme == "https"
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), url.path)) if url.path else f"{name}.md"
        if not path.endswith(".md"):
            return path.split("/")[0] in ASSETS and (self.folder / path).is_file()
        text = self.texts.get(path.removesuffix(".md"))
        return text is not None and (not url.fragment or url.fragment in _anchors(text))

    def build(self, out: Path, stylesheet: Path) -> int:
        """Write the site below `out` with the page's stylesheet; returns the number of pages."""
        for name in self.texts:
            path = out / page_link(f"{name}.md")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.page(name), encoding="utf-8")
        (out / INDEX).write_text(self.search_index(), encoding="utf-8")
        (out / stylesheet.name).write_bytes(stylesheet.read_bytes())
        for asset in self.assets():
            path = out / asset.relative_to(self.folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(asset.read_bytes())
        return len(self.texts)

    def assets(self) -> list[Path]:
        """Stylesheet, script, pictures and notebooks."""
        named = [self.folder / name for name in ASSETS]
        listed = (path for name in _FOLDERS for path in sorted((self.folder / name).glob("*.*")))
        return [*(path for path in named if path.is_file()), *listed]


def _anchors(text: GuideText) -> set[str]:
    return {section.heading.anchor for section in text.sections}
