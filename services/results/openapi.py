"""JSON schemas of protobuf messages, so that the REST bodies have one definition: the .proto files."""

from http import HTTPStatus
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from medulla.v1.results_pb2 import (
    CountCasesResponse,
    GetCaseResponse,
    GetTimelineResponse,
    ListCasesResponse,
    ListNotesResponse,
    ListScoresResponse,
)
from medulla.v1.scorer_pb2 import DescribeFormResponse

ANSWERS = (
    ListCasesResponse,
    CountCasesResponse,
    GetCaseResponse,
    ListScoresResponse,
    GetTimelineResponse,
    ListNotesResponse,
    DescribeFormResponse,
)
Schema = dict[str, Any]
"""A JSON schema, or another object of an OpenAPI description."""
Responses = dict[int | str, Schema]
"""Answers by status, as FastAPI takes them."""
PROBLEM: Schema = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "reason"],
    "properties": {name: {"type": "string"} for name in ("type", "title", "detail", "reason", "advice", "incident")}
    | {"status": {"type": "integer"}},
}
_WELL_KNOWN: dict[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Struct": {"type": "object"},
}
_NUMBERS = {FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT}
_INTEGERS = {FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_UINT32}
CSV = "text/csv; charset=utf-8"
BYTES: Schema = {"type": "string", "format": "binary"}
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
INTEGER: Schema = {"type": "integer"}


def record(**properties: Schema) -> Schema:
    """A JSON object that has exactly these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def columns(*names: str, items: Schema) -> dict[str, Schema]:
    """Properties that are lists of `items`."""
    return {name: {"type": "array", "items": items} for name in names}


def squares(**properties: Schema) -> Schema:
    """A JSON object of `SquareColumns` with these properties besides."""
    return record(
        **columns("x", "y", items=INTEGER),
        **properties,
        square_width_px=NUMBER,
        square_height_px=NUMBER,
        merged=INTEGER | {"description": "Tiles per side of a square"},
    )


def answers(schema: Schema, *media_types: str, status: int = 200) -> Responses:
    """The answer with a body of this schema; JSON if no media type is named."""
    content = {media_type: {"schema": schema} for media_type in media_types or ("application/json",)}
    return {status: {"description": HTTPStatus(status).phrase, "content": content}}


def message(name: str, status: int = 200) -> Responses:
    """The answer with the JSON of a message, by the name of its type."""
    return answers(reference(name), status=status)


def components() -> Schema:
    """Schemas by name: every message that responses use, and Problem."""
    schemas: Schema = {"Problem": PROBLEM}
    for answer in ANSWERS:
        _add(answer.DESCRIPTOR, schemas)
    return schemas


def json_body(schema: Schema) -> Schema:
    """The description of a route whose body is JSON of this schema."""
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


def reference(name: str) -> Schema:
    """A reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def _add(message: Descriptor, schemas: Schema) -> None:
    if message.name in schemas or message.full_name in _WELL_KNOWN:
        return
    schemas[message.name] = {"type": "object", "properties": {f.name: _field(f) for f in message.fields}}
    for field in message.fields:
        if field.message_type is not None:
            _add(field.message_type, schemas)


def _field(field: FieldDescriptor) -> Schema:
    return {"type": "array", "items": _single(field)} if field.is_repeated else _single(field)


def _single(field: FieldDescriptor) -> Schema:
    if field.message_type is not None:
        return _WELL_KNOWN.get(field.message_type.full_name) or reference(field.message_type.name)
    if field.enum_type is not None:
        return {"type": "string", "enum": [value.name for value in field.enum_type.values]}
    return {"type": _plain(field.cpp_type)}


def _plain(kind: int) -> str:
    """JSON type of a scalar; 64-bit integers travel as strings."""
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return "boolean"
    if kind in _NUMBERS:
        return "number"
    return "integer" if kind in _INTEGERS else "string"
