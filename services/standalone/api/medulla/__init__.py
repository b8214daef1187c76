"""Medulla in Python: the functions that the commands of `medulla` call. Research use only.

What a name needs is imported when the name is first used; where an extra of the distribution is missing,
`medulla.errors.MissingExtraError` names it. Every other error that is raised on purpose is a `MedullaError`.
"""

from importlib import import_module
from pkgutil import extend_path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medulla import demo, errors
    from medulla._bags import Bag
    from medulla._bundles import Bundle
    from medulla._cohorts import Cohort
    from medulla._embedding import embed
    from medulla._reports import Report
    from medulla._slides import Cut, Region, open_slide
    from medulla.errors import MedullaError

    __version__: str

__all__ = [
    "Bag",
    "Bundle",
    "Cohort",
    "Cut",
    "MedullaError",
    "Region",
    "Report",
    "demo",
    "embed",
    "errors",
    "open_slide",
]
__path__ = extend_path(__path__, __name__)  # in the checkout the generated messages lie in shared/gen

_MODULES = {"demo": "medulla.demo", "errors": "medulla.errors"}
_HOMES = {
    "Bag": "medulla._bags",
    "Bundle": "medulla._bundles",
    "Cohort": "medulla._cohorts",
    "Cut": "medulla._slides",
    "MedullaError": "medulla.errors",
    "Region": "medulla._slides",
    "Report": "medulla._reports",
    "embed": "medulla._embedding",
    "open_slide": "medulla._slides",
}
"""Where a name is defined."""


if not TYPE_CHECKING:  # else every name would pass type checks

    def __getattr__(name: str) -> object:
        if name in _MODULES:
            return import_module(_MODULES[name])
        if name == "__version__":
            from shared.program import program_version  # noqa: PLC0415 - `import medulla` loads nothing

            return program_version()
        if name not in _HOMES:
            raise AttributeError(f"module 'medulla' has no attribute {name!r}")
        from medulla._extras import needs  # noqa: PLC0415

        with needs(name):
            return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return ["__version__", *__all__]
