"""Markdown of the guide as HTML: headings with anchors, links to other pages, tables that scroll."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN = MarkdownIt("commonmark").disable("html_block").disable("html_inline").enable("table")
_SUFFIX = ".md"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a page; `anchor` is the fragment that GitHub gives it, too."""

    level: int
    title: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the plain text below it, as the search finds it."""

    heading: Heading
    text: str


@dataclass(frozen=True, slots=True)
class GuideText:
    """A page of the guide: its body as HTML, and what it refers to."""

    html: str
    sections: tuple[Section, ...]
    links: tuple[str, ...]
    """As they are written: paths relative to the page, fragments, and addresses."""

    @property
    def title(self) -> str:
        """The first heading."""
        return self.sections[0].heading.title if self.sections else ""


def render(markdown: str) -> GuideText:
    """Render a page; HTML in it is shown as text."""
    tokens = _MARKDOWN.parse(markdown)
    sections = tuple(_sections(tokens))
    links = tuple(_links(tokens))
    body = _MARKDOWN.renderer.render(list(_scrolling(tokens)), _MARKDOWN.options, {})
    return GuideText(body, sections, links)


def _sections(tokens: Sequence[Token]) -> Iterator[Section]:
    """Every heading, which gets its anchor, with the text up to the next."""
    heading, words, anchors = None, [""], set[str]()
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            if heading:
                yield Section(heading, " ".join(words))
            title = plain(tokens[index + 1])
            heading, words = Heading(int(token.tag[1:]), title, _unique(slug(title), anchors)), []
            token.attrSet("id", heading.anchor)
        elif token.type in {"inline", "fence"} and tokens[index - 1].type != "heading_open":
            words.append(plain(token))
    if heading:
        yield Section(heading, " ".join(words))


def plain(token: Token) -> str:
    """The text of a token, without its marks."""
    if token.children is None:
        return token.content.strip()
    return "".join(" " if child.type == "softbreak" else child.content for child in token.children)


def slug(title: str) -> str:
    """The anchor of a heading, by GitHub's rule."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _unique(anchor: str, taken: set[str]) -> str:
    numbered = (f"{anchor}-{number}" for number in range(1, 1000))
    free = anchor if anchor not in taken else next(each for each in numbered if each not in taken)
    taken.add(free)
    return free


def _links(tokens: Sequence[Token]) -> Iterator[str]:
    """Every link and picture; those to other pages lead to their HTML from now on."""
    for token in (child for each in tokens for child in each.children or ()):
        name = {"link_open": "href", "image": "src"}.get(token.type)
        if name:
            link = str(token.attrGet(name))
            yield link
            token.attrSet(name, page_link(link))


def page_link(link: str) -> str:
    """The address of a page for its file: `score.md#files` becomes `score.html#files`."""
    url = urlsplit(link)
    if url.scheme or not url.path.endswith(_SUFFIX):
        return link
    return url._replace(path=url.path.removesuffix(_SUFFIX) + ".html").geturl()


def _scrolling(tokens: Sequence[Token]) -> Iterator[Token]:
    """Tables in a box that scrolls and that the keyboard reaches; code blocks too."""
    for token in tokens:
        if token.type == "table_open":
            yield _box()
        if token.type == "fence":
            token.attrSet("tabindex", "0")
        yield token
        if token.type == "table_close":
            yield Token("html_block", "", 0, content="</div>\n")


def _box() -> Token:
    return Token("html_block", "", 0, content='<div class="scroll" role="group" aria-label="Table" tabindex="0">\n')
