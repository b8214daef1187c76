"""The REST API as its OpenAPI description has it: made-up requests find no server error, and no other answer."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.core.result import Err, Ok
from schemathesis.specs.openapi import checks as conformance

from tests.support.rest_api import CASE, DIGEST, SLIDE, rest_api

Operation = schemathesis.APIOperation[Any, Any, Any, Any]
_EXAMPLES = 25
_SEED = 13
_EXISTING = {"case_id": CASE, "slide_id": SLIDE, "digest": DIGEST, "level": 9, "column": 0, "row": 0}
_CHECKS = [
    checks.not_a_server_error,
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_headers_conformance,
    conformance.response_schema_conformance,
]


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    url = request.getfixturevalue("postgres").database() if request.param == "postgresql" else ""
    with rest_api(tmp_path, url) as served:
        yield served


def test_every_route_answers_as_it_is_described(address: str) -> None:
    operations = operations_of(address)
    assert len(operations) >= 12
    for operation in operations:
        conforms(operation)()


def operations_of(address: str) -> list[Operation]:
    """Every operation that the description has."""
    schema = schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json")
    results = list(schema.get_all_operations())
    assert [result for result in results if isinstance(result, Err)] == []
    return [result.ok() for result in results if isinstance(result, Ok)]


def conforms(operation: Operation) -> Callable[[], None]:
    """A property of an operation: half of its requests name what exists."""

    @seed(_SEED)
    @settings(max_examples=_EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(), is_known=st.booleans())
    def check(case: schemathesis.Case[Any], is_known: bool) -> None:
        if is_known and case.path_parameters:
            case.path_parameters.update({name: _EXISTING[name] for name in case.path_parameters})
        case.call_and_validate(checks=_CHECKS)

    return check


def test_every_answer_has_a_media_type_and_a_schema(tmp_path: Path) -> None:
    with rest_api(tmp_path) as address:
        operations = operations_of(address)
    vague = [
        (operation.label, status)
        for operation in operations
        for status, answer in operation.definition.raw["responses"].items()
        if status.startswith("2") and not all(each.get("schema") for each in answer.get("content", {"": {}}).values())
    ]
    assert vague == []
