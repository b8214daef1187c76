"""Vectors of one case that a command line names, `BLOCK=FILE.json`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from shared import pseudonyms
from shared.json_objects import MAX_BYTES, JsonObjectError, read_object
from shared.model.errors import BadVectorsError
from shared.model.vector_model import MOST_COLUMNS


@dataclass(frozen=True, slots=True)
class VectorFile:
    """A vector as JSON, and the file that it comes from."""

    path: Path
    data: bytes


def vector_files(arguments: Sequence[str]) -> dict[str, VectorFile]:
    """The file of each block, by block.

    Raises:
        typer.BadParameter: an argument has another form, or a block is named twice.
        BadVectorsError: a file cannot be read.
    """
    vectors: dict[str, VectorFile] = {}
    for argument in arguments:
        block, equals, path = argument.partition("=")
        if not (equals and path and pseudonyms.is_pseudonym(block)):
            raise typer.BadParameter(f"--vectors is {argument!r}, allowed is BLOCK=FILE.json")
        if block in vectors:
            raise typer.BadParameter(f"--vectors names block {block} twice")
        vectors[block] = VectorFile(Path(path), _read(block, Path(path)))
    return vectors


def stated_case(vectors: Mapping[str, VectorFile]) -> str | None:
    """The case id that the first vector with one states; None without one.

    Raises:
        BadVectorsError: none states a case, and one is no JSON object.
    """
    malformed = None
    for block, vector in vectors.items():
        try:
            case_id = read_object(vector.data, max_names=MOST_COLUMNS).get("case_id")
        except JsonObjectError as error:
            malformed = malformed or BadVectorsError(f"the vector {block} {error}")
            continue
        if isinstance(case_id, str):
            return case_id
    if malformed:
        raise malformed
    return None


def _read(block: str, path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadVectorsError(f"the vector {block} in {path} cannot be read: {error.strerror}") from error
