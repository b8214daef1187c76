"""HTTP clients that follow no redirect, and trust the authorities that are mounted when they ask."""

import ssl
from pathlib import Path
from typing import Any
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, build_opener


class _NoRedirects(HTTPRedirectHandler):
    """Redirects are refused: they would take a token or a login to another server."""

    def redirect_request(self, *_: Any) -> None:
        """None raises the answer as an HTTPError."""


def opener(ca: Path | None = None, context: ssl.SSLContext | None = None) -> OpenerDirector:
    """A client for one request, which trusts what `context` does, else a PEM file, else the operating system.

    Raises:
        OSError: the file cannot be read, or holds none.
    """
    return build_opener(HTTPSHandler(context=context or ssl.create_default_context(cafile=ca)), _NoRedirects)
