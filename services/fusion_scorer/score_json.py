"""A score as bytes: protobuf's JSON mapping with the proto's field names, the same bytes for the same score."""

from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from medulla.v1.scorer_pb2 import Score

from shared.canonical import canonical_json

SIGNIFICANT_DIGITS = 6
_LEFT_OUT_IF_EMPTY = frozenset(
    {
        "block_title",
        "columns",
        "composition_classes",
        "composition_shares",
        "event_free_risks",
        "from_slides",
        "missing_variables",
        "modalities_left_aside",
        "prototype_shares",
        "prototypes",
        "vectors",
    }
)
"""Fields that came later: a score without them has the bytes that it had before they came."""


def rounded(score: Score) -> Score:
    """The score with its numbers at six significant digits: as it is stored, and as every answer shows it."""
    return ParseDict(_rounded(as_dict(score)), Score())


def to_bytes(score: Score) -> bytes:
    """Canonical JSON of a score, with the fields of `as_dict`."""
    return canonical_json(_rounded(as_dict(score)))


def as_dict(score: Score) -> dict[str, Any]:
    """A score as JSON shows it, fields of zero or empty value included, but for those that came later."""
    entries = MessageToDict(score, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    return dict(_without_empty(entries))


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        kept = ((name, item) for name, item in value.items() if item or name not in _LEFT_OUT_IF_EMPTY)
        return {name: _without_empty(item) for name, item in kept}
    return [_without_empty(item) for item in value] if isinstance(value, list) else value


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value
