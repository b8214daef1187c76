"""`python -m tests.guide_docs`: writes the reference of the guide, checks its links, and builds it in out/guide."""

import sys

from services.results.rest import PAGE
from services.standalone.guide_site import GUIDE, Guide
from tests.guide_docs.reference import pages
from tests.support.checkout import CHECKOUT

_OUT = CHECKOUT / "out" / "guide"


def main() -> int:
    """Write and build everything; 1 where links lead nowhere or pages have no place, each named on standard error."""
    for name, text in pages().items():
        (GUIDE / "reference" / f"{name}.md").write_text(text, encoding="utf-8")
    guide = Guide()
    if faults := guide.faults():
        sys.stderr.write("".join(f"{fault}\n" for fault in faults))
        return 1
    count = guide.build(_OUT, PAGE / "style.css")
    sys.stdout.write(f"{_OUT}/index.html: {count} pages, every link leads somewhere\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
