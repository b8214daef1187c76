"""Says what installs a library that is missing: a target of the checkout, or an extra of the installed wheel."""

from shared.program import DISTRIBUTION

_IN_WHEEL = __name__.startswith("medulla.")
_EXTRAS = {
    "distributed": "trainer",
    "onnxscript": "torch",
    "sklearn": "trainer",
    "scipy": "trainer",
    "tensorboardX": "torch",
    "threadpoolctl": "trainer",
    "timm": "torch",
    "torch": "torch",
    "transformers": "torch",
}
"""The extra that brings a library where it is not `standalone`, by the library's top-level package."""


def installer(package: str) -> str:
    """The command that installs the library of a package such as `torch`, in Markdown."""
    if not _IN_WHEEL:
        return "`make dev` in the project"
    extra = _EXTRAS.get(package.partition(".")[0], "standalone")
    return f'`pip install "{DISTRIBUTION}[{extra}]"`'
