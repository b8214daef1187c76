"""Bodies of HTTP requests, of which no more is read than is allowed."""

from collections.abc import Awaitable, Callable

from fastapi import Request

from services.results.errors import BadRequestError


def bounded_body(largest: int) -> Callable[[Request], Awaitable[bytes]]:
    """A dependency that reads a body of at most `largest` bytes, and refuses a longer one."""

    async def read(request: Request) -> bytes:
        data = bytearray()
        async for chunk in request.stream():
            data += chunk
            if len(data) > largest:
                raise BadRequestError(f"the request body has more than {largest} bytes, the most that is allowed")
        return bytes(data)

    return read
