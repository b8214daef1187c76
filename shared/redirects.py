"""HTTP clients that follow no redirect."""

from typing import Any
from urllib.request import HTTPRedirectHandler


class NoRedirects(HTTPRedirectHandler):
    """Redirects are refused: they would take a token or a login to another server."""

    def redirect_request(self, *_: Any) -> None:
        """None raises the answer as an HTTPError."""
