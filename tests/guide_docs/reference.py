"""The generated pages of the guide's reference, by name."""

from tests.guide_docs import calls, commands, files, python_api, reasons, settings


def pages() -> dict[str, str]:
    """Markdown of each page; the same each time."""
    return {
        "commands": commands.page(),
        "files": files.page(),
        "reasons": reasons.page(),
        "settings": settings.page(),
        "rest": calls.rest_page(),
        "grpc": calls.grpc_page(),
        "python": python_api.page(),
    }
