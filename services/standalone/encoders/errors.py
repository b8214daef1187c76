"""Errors in making an encoder from a network of others."""

from shared.errors import PermanentError


class BadNetworkError(PermanentError):
    """A network cannot be built, or its weights do not belong to it."""

    reason = "unknown_encoder"
    advice = "`medulla encoder list` names the recipes and the weights that they take."


class LicenceRefusedError(PermanentError):
    """The terms of an encoder's weights forbid the stated use, or were not acknowledged."""

    reason = "bad_request"
    advice = "Read the terms; where you are allowed this use, give --acknowledge-licence, which the manifest records."


class DifferentFeaturesError(PermanentError):
    """The exported encoder gives other features than the network that it was made from."""

    reason = "unknown_encoder"
    advice = "Nothing was written. Report the network and the versions of torch and onnxscript; --float16 loses digits."


def first_line(error: Exception) -> str:
    """The first line of what a library says, or the name of an error that says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)
