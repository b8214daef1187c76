"""Opens a feature file of any known form, with the file of patches that completes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from services.standalone.features.contents import Contents
from services.standalone.features.errors import ContradictedStatementError, MissingStatementError
from services.standalone.features.h5_file import open_h5
from services.standalone.features.pt_file import SUFFIX, read_pt
from services.standalone.features.tool import Tool
from services.standalone.features.tool_files import coords_of, read_contents, tool_of, with_cut


@contextmanager
def opened(path: Path, tool: Tool | None, patches: Path | None) -> Iterator[Contents]:
    """The contents of a file; its features can be read until the end.

    `patches` is the folder of CLAM's or TRIDENT's files of patches, which say how large the tiles are.

    Raises:
        PermanentError: the file or its file of patches is refused.
        OSError: one of them cannot be read.
    """
    if path.suffix.lower() == SUFFIX:
        yield _completed(read_pt(path, tool), path, patches)
        return
    with open_h5(path) as file:
        yield _completed(read_contents(file, tool or tool_of(file)), path, patches)


def _completed(contents: Contents, path: Path, folder: Path | None) -> Contents:
    if folder is None:
        return contents
    files = [folder / f"{path.stem}{end}.h5" for end in ("", "_patches")]
    match = next((file for file in files if file.is_file()), None)
    if match is None:
        raise MissingStatementError(f"has no file of patches in {folder}, such as {files[0].name}")
    with open_h5(match) as patches:
        coords = coords_of(patches, contents.tiles)
        if contents.coords is not None and (coords != contents.coords).any():
            raise ContradictedStatementError(f"has other coordinates than its patches in {match}")
        return with_cut(replace(contents, coords=coords), patches)
