"""Protobuf messages as JSON bodies, and their place in the OpenAPI description."""

from fastapi.responses import Response
from google.protobuf import json_format
from google.protobuf.message import Message

from services.results import openapi


def json_response(message: Message, status_code: int = 200) -> Response:
    """JSON mapping with the field names of the .proto files; fields that are zero or empty are there too."""
    text = json_format.MessageToJson(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True, indent=None
    )
    return Response(text, status_code, media_type="application/json")


def described(schema: str, status_code: int = 200) -> openapi.Responses:
    """The body of a response in the description, by the name of its message."""
    return openapi.answers(openapi.reference(schema), status=status_code)
