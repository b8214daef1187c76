"""Keys of the bucket that are of bundles and encoders, and not of cases."""

from shared.units import Sha256

BUNDLES = "models/bundles/"
ENCODERS = "models/encoders/"
"""The encoder that each group of embedders serves."""
CURRENT_BUNDLE = "models/bundles/current.json"
BUNDLE_IN_USE = "models/bundles/in_use.json"
RESCORED = "models/bundles/rescored.json"
"""The promotion after which every case was last scored again."""
RESCORING_STOPPED = "models/bundles/rescoring_stopped.json"
"""Stands while an operator has cases not scored again in the background."""
RESCORING = "models/bundles/rescoring.json"
"""When scoring of every case again was asked for last, and by the promotion of which bundle."""
MONITORING = "monitoring/"
"""What `medulla monitor` found, a file a bundle."""
WRITTEN_ANEW = (ENCODERS, BUNDLE_IN_USE, RESCORED, RESCORING, RESCORING_STOPPED, MONITORING)
"""Beginnings of keys that running services and commands write also into an empty bucket."""


def served_encoder(group: str) -> str:
    """Names the encoder that a consumer group of embedders serves."""
    return f"{ENCODERS}{group}.json"


def bundle_prefix(digest: Sha256) -> str:
    """Folder of a stored model bundle."""
    return f"{BUNDLES}{digest}/"


def monitoring(bundle: Sha256) -> str:
    """What monitoring found of a bundle."""
    return f"{MONITORING}{bundle}.json"
