"""The pages of REST and gRPC: routes from the description of the API, services from protos/."""

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from services.results.case_scorer import CaseScorer
from services.results.rest import create_app
from services.results.slide_pixels import SlidePixels
from tests.guide_docs.markdown import GENERATED, code, comment_text, table
from tests.support.checkout import CHECKOUT
from tests.support.results import Results

_REST = f"""# REST API

{GENERATED}

The page, `medulla up` and the results service have the same API below `/api/v1`. It describes itself in
`/api/v1/openapi.json`, which
`/api/docs` shows in a browser. Where a token issuer is set, requests need `Authorization: Bearer …` with the role
viewer or operator.
Errors are `application/problem+json` with a [reason code](reasons.md).

"""
_GRPC = f"""# gRPC services

{GENERATED}

The messages are in `protos/medulla/v1` of the source, with a comment on each field. Reflection for clients such as
grpcurl is turned on by
`MEDULLA_GRPC_REFLECTION`.
"""
_SERVICE = re.compile(r"((?:^//[^\n]*\n)*)^service (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_CALL = re.compile(r"((?:^  //.*\n)+)  rpc (\w+)\((.*?)\) returns \((.*?)\)", re.MULTILINE)


def rest_page() -> str:
    """Markdown of every route."""
    with TemporaryDirectory() as folder:
        results = Results(Path(folder))
        app = create_app(results.backends(pixels=cast("SlidePixels", object()), scorer=cast("CaseScorer", object())))
        paths: dict[str, dict[str, Any]] = app.openapi()["paths"]
        results.close()
    rows = (
        (code(f"{method.upper()} {path}"), described["summary"], _query(described))
        for path, methods in sorted(paths.items())
        for method, described in methods.items()
    )
    return _REST + table(("route", "answer", "query"), rows)


def _query(described: dict[str, Any]) -> str:
    names = (each["name"] for each in described.get("parameters", ()) if each["in"] == "query")
    return ", ".join(map(code, names))


def grpc_page() -> str:
    """Markdown of every service and its calls."""
    protos = sorted((CHECKOUT / "protos" / "medulla" / "v1").glob("*.proto"))
    return _GRPC + "".join(service for path in protos for service in _services(path.read_text(encoding="utf-8")))


def _services(proto: str) -> Iterator[str]:
    for comment, name, body in _SERVICE.findall(proto):
        calls = (
            (code(call), comment_text(about), code(request), code(response))
            for about, call, request, response in _CALL.findall(body)
        )
        yield f"\n## {name}\n\n{comment_text(comment)}\n\n{table(('call', 'what', 'request', 'answer'), calls)}"
