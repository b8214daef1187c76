"""Answers that a browser saves as a file."""


def saved_as(name: str) -> dict[str, str]:
    """The header that names the file; ids of cases and slides need no escapes."""
    return {"Content-Disposition": f'attachment; filename="{name}"'}
