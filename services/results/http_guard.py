"""Adds security headers to HTTP responses, forbids caching where no route allows it, and counts requests."""

from time import perf_counter

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.results import problems
from shared import metrics
from shared.incidents import incident

_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def content_security_policy(login_origins: tuple[str, ...] = ()) -> str:
    """Own scripts, styles and pictures only; `login_origins` are the token issuer's, which the page connects to."""
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' blob:",
        "connect-src": " ".join(("'self'", *login_origins)),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in rules.items())


class Guard:
    """ASGI middleware; `login_origins` as in content_security_policy."""

    def __init__(self, app: ASGIApp, login_origins: tuple[str, ...] = ()) -> None:
        self._app = app
        self._headers = _FIXED | {"Content-Security-Policy": content_security_policy(login_origins)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, add headers and count it; a bug becomes a problem without details."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status, started = perf_counter(), 500, False

        async def dressed(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                self._dress(MutableHeaders(scope=message), scope["path"])
            await send(message)

        try:
            await self._app(scope, receive, dressed)
        except Exception as error:  # noqa: BLE001 - a bug ends only this request
            bug = incident(error, "http")
            if started:
                raise bug from None
            await problems.bug(bug)(scope, receive, dressed)
        finally:
            _count(scope, status, perf_counter() - start)

    def _dress(self, headers: MutableHeaders, path: str) -> None:
        headers.update(self._headers)
        headers.setdefault("Cache-Control", "no-store" if path.startswith("/api/") else "no-cache")


def _count(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "other")
    metrics.HTTP_REQUESTS.labels(scope["method"], route, str(status)).inc()
    metrics.HTTP_SECONDS.labels(scope["method"], route).observe(seconds)
