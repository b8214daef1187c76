"""Routes of dead letters, for operators: what was given up, with sentence and advice, and sending it again."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.results import openapi
from services.results.errors import BadRequestError
from services.results.request_body import bounded_body
from shared.bus.dead_letter_topic import DeadLetterTopic

MOST = 200
_LARGEST_BODY = 65_536
_LETTERS = openapi.record(total=openapi.INTEGER, **openapi.columns("dead_letters", items={"type": "object"}))
_REPLAYED = openapi.record(**openapi.columns("replayed", items=openapi.TEXT))


class ReplayBody(BaseModel):
    """Which dead letters to send again."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    ids: list[str] = Field(min_length=1, max_length=MOST)
    """Their `id` in the list."""


def dead_letter_routes(letters: DeadLetterTopic) -> APIRouter:
    """Everything below /dead-letters."""
    routes = APIRouter(prefix="/dead-letters", tags=["operations"])

    summary = f"Dead letters, the latest first, {MOST} at most; `total` counts all of them"

    @routes.get("", summary=summary, response_model=None, responses=openapi.answers(_LETTERS))
    def list_letters(reason: Annotated[str, Query(max_length=100, description="Reason code")] = "") -> dict[str, Any]:
        matching = sorted(letters.letters_with(reason or None), key=lambda letter: letter.written, reverse=True)
        return {"total": len(matching), "dead_letters": [letter.described() for letter in matching[:MOST]]}

    @routes.post(
        "",
        summary="Send dead letters again to the topics that they came from",
        openapi_extra=openapi.json_body(ReplayBody.model_json_schema()),
        response_model=None,
        responses=openapi.answers(_REPLAYED),
    )
    def replay(body: Annotated[bytes, Depends(bounded_body(_LARGEST_BODY))]) -> dict[str, list[str]]:
        ids = _parse(body).ids
        letters.send_again(letters.letters_named(ids))
        return {"replayed": ids}

    return routes


def _parse(body: bytes) -> ReplayBody:
    try:
        return ReplayBody.model_validate_json(body)
    except ValidationError:
        raise BadRequestError(f"the body is no JSON object with 1 to {MOST} texts in ids") from None
