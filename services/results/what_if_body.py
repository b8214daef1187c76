"""The body of a what-if question: JSON within limits, as the scorer's request."""

import json
from typing import Annotated, Any

from medulla.v1.scorer_pb2 import ScoreCaseRequest
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from services.results.errors import BadRequestError
from shared.json_objects import MAX_BYTES, JsonObjectError, read_object
from shared.words import shown

LARGEST_BODY = MAX_BYTES
"""Bytes."""
_MOST_BLOCKS = 12
_MOST_COLUMNS = 100_000
"""Of a vector; the size of the body limits it before."""

BlockName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,15}$")]


class WhatIfBody(BaseModel):
    """What to change for the answer; what is left out stays as it is stored."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    clinical_record: dict[str, Any] | None = None
    """A clinical record to use instead of the stored one; `case_id` may be left out."""
    vectors: dict[BlockName, dict[str, float | None]] = Field(default_factory=dict, max_length=_MOST_BLOCKS)
    """Vectors to use instead of the stored ones: numbers by column, by block."""
    without_vectors: list[BlockName] = Field(default_factory=list, max_length=_MOST_BLOCKS)
    """Blocks of vectors to leave out, each read by the bundle or stored of the case."""
    without_slides: bool = False
    """Leave the slides out."""
    event_free_years: float | None = None
    """Years without an event, above 0 and below the last horizon: event_free_risks are given for these."""
    bundle: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")] = ""
    """Digest of another stored bundle; empty for the promoted one."""

    def request(self, case_id: str) -> ScoreCaseRequest:
        """The question to the scorer."""
        record = self.clinical_record
        return ScoreCaseRequest(
            case_id=case_id,
            clinical_json=None if record is None else json.dumps({"case_id": case_id} | record),
            vectors_json={block: json.dumps({"values": values}) for block, values in self.vectors.items()},
            without_vectors=self.without_vectors,
            without_slides=self.without_slides,
            event_free_years=self.event_free_years,
            bundle_digest=self.bundle,
        )


def parse_body(data: bytes) -> WhatIfBody:
    """Read the body of a question; an empty one changes nothing.

    Raises:
        BadRequestError: it is no JSON object of these names, or larger than a record may be.
    """
    try:
        return WhatIfBody.model_validate(read_object(data, max_names=_MOST_COLUMNS) if data else {})
    except JsonObjectError as error:
        raise BadRequestError(f"the body of the request {error}") from None
    except ValidationError as error:
        item = error.errors()[0]
        place = ".".join(str(step) for step in item["loc"])
        raise BadRequestError(f"{shown(place)} of the request is refused: {item['msg']}") from None
