"""Whether the terms of an encoder's weights allow the stated use."""

import re

from services.embedder.conversion import Terms, Use
from services.standalone.encoders.errors import LicenceRefusedError

_WORDS = re.compile(r"[^a-z0-9]+")
_NON_COMMERCIAL = {"nc", "noncommercial", "academic"}
_NO_DERIVATIVES = {"nd", "noderivatives"}


def terms_named(licence: str) -> Terms:
    """Terms of a licence given by name; the parts NC and ND, and words such as non-commercial, count."""
    words = set(_WORDS.split(licence.lower().replace("non-commercial", "noncommercial")))
    return Terms(name=licence, commercial=not words & _NON_COMMERCIAL, derivatives=not words & _NO_DERIVATIVES)


def check_terms(terms: Terms, use: Use, *, acknowledged: bool) -> None:
    """Refuse a use that the terms forbid or restrict, unless it was acknowledged.

    Raises:
        LicenceRefusedError: with every restriction.
    """
    restrictions = restrictions_of(terms, use)
    if restrictions and not acknowledged:
        where = f" ({terms.url})" if terms.url else ""
        raise LicenceRefusedError(f"the licence {terms.name}{where} {', and '.join(restrictions)}")


def restrictions_of(terms: Terms, use: Use) -> list[str]:
    """What the terms forbid or restrict for this use."""
    stated = {
        "forbids commercial use": use == "commercial" and not terms.commercial,
        "forbids sharing changed copies, which a converted encoder is": not terms.derivatives,
        "gives access to the weights person by person, who may not pass them on": terms.gated,
    }
    return [restriction for restriction, holds in stated.items() if holds]
