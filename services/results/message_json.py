"""Protobuf messages as JSON bodies."""

from fastapi.responses import Response
from google.protobuf import json_format
from google.protobuf.message import Message


def json_response(message: Message, status_code: int = 200) -> Response:
    """JSON mapping with the field names of the .proto files; fields that are zero or empty are there too."""
    text = json_format.MessageToJson(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True, indent=None
    )
    return Response(text, status_code, media_type="application/json")
