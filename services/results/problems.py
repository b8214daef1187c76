"""Errors as application/problem+json (RFC 9457): type, title, status, detail, reason, advice. Never a traceback."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from services.results.errors import (
    BrokenEvidenceError,
    BrokenSlideError,
    TooManyQuestionsError,
    TooManyViewersError,
    TooManyWatchersError,
    UnknownCaseError,
    UnknownSlideError,
)
from shared.blob.port import ObjectChangedError
from shared.bus.dead_letter_topic import UnknownDeadLetterError
from shared.errors import GivenUpError, InternalError, MedullaError, PermanentError, TransientError
from shared.export.errors import BrokenMapError, NotStoredError
from shared.rpc.auth import ForbiddenError, UnauthenticatedError
from shared.text import capped

_STATUS: tuple[tuple[type[MedullaError], HTTPStatus], ...] = (
    (UnauthenticatedError, HTTPStatus.UNAUTHORIZED),
    (ForbiddenError, HTTPStatus.FORBIDDEN),
    (UnknownCaseError, HTTPStatus.NOT_FOUND),
    (UnknownSlideError, HTTPStatus.NOT_FOUND),
    (ObjectChangedError, HTTPStatus.NOT_FOUND),
    (UnknownDeadLetterError, HTTPStatus.NOT_FOUND),
    (BrokenEvidenceError, HTTPStatus.BAD_GATEWAY),
    (BrokenSlideError, HTTPStatus.BAD_GATEWAY),
    (BrokenMapError, HTTPStatus.BAD_GATEWAY),
    (NotStoredError, HTTPStatus.NOT_FOUND),
    (TooManyWatchersError, HTTPStatus.TOO_MANY_REQUESTS),
    (TooManyViewersError, HTTPStatus.TOO_MANY_REQUESTS),
    (TooManyQuestionsError, HTTPStatus.TOO_MANY_REQUESTS),
    (TransientError, HTTPStatus.SERVICE_UNAVAILABLE),
    (GivenUpError, HTTPStatus.INTERNAL_SERVER_ERROR),
    (PermanentError, HTTPStatus.BAD_REQUEST),
)
_RETRY_SECONDS = "5"
_BUG = "an unexpected error; incident {}; the log of the service has the place"


def install(app: FastAPI) -> None:
    """Return every error that `app` raises on purpose as a problem; the guard around it handles bugs."""
    app.add_exception_handler(MedullaError, _on_medulla)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)


def problem(status: HTTPStatus, detail: str, reason: str, advice: str = "", incident: str = "") -> JSONResponse:
    """One problem document; `incident` names the log line of a bug."""
    body = {
        "type": f"urn:medulla:problem:{reason}",
        "title": status.phrase,
        "status": int(status),
        "detail": capped(detail),
        "reason": reason,
    }
    return JSONResponse(
        body | ({"advice": capped(advice)} if advice else {}) | ({"incident": incident} if incident else {}),
        status_code=status,
        headers=_headers(status),
        media_type="application/problem+json",
    )


def _on_medulla(_: Request, error: Exception) -> JSONResponse:
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
    reason = getattr(error, "reason", status.name.lower())
    return problem(status, str(error), reason, getattr(error, "advice", ""), getattr(error, "incident", ""))


def _on_http(_: Request, error: Exception) -> JSONResponse:
    status = HTTPStatus(getattr(error, "status_code", 500))
    return problem(status, status.description or status.phrase, status.name.lower())


def _on_invalid(_: Request, error: Exception) -> JSONResponse:
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    detail = "; ".join(f"{item['loc'][-1]}: {item['msg']}" for item in problems)
    return problem(HTTPStatus.BAD_REQUEST, detail, "bad_request", "Correct the named parameter.")


def bug(error: InternalError) -> JSONResponse:
    """The response to a bug: only the incident id, by which the log line is found."""
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, _BUG.format(error.incident), error.reason, error.advice, error.incident
    )


def _headers(status: HTTPStatus) -> dict[str, str]:
    if status is HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": "Bearer"}
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        return {"Retry-After": _RETRY_SECONDS}
    return {}
