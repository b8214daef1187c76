"""Reads files of GeoJSON features within stated limits.

QuPath writes a FeatureCollection, or an array of features without one, as .geojson, .json, or .zip of these; it reads
single features too (`PathIO.readObjects` of qupath-core).
"""

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from services.standalone.annotations.errors import BadAnnotationsError
from shared.bounded_file import read_bounded

SUFFIXES = (".geojson", ".json", ".zip")
MAX_BYTES = 64 * 2**20
"""Of a file, and of all files in a .zip together, unpacked."""
MAX_FEATURES = 100_000
_MAX_ENTRIES = 1_000

Feature = Mapping[str, Any]


def read_features(path: Path) -> tuple[bytes, list[Feature]]:
    """The bytes that were read, and all features in them.

    Raises:
        BadAnnotationsError: it cannot be read, is no GeoJSON, or is beyond the limits.
    """
    try:
        documents = _documents(path)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise BadAnnotationsError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    features = [feature for document in documents for feature in _features(_parsed(document, path), path)]
    if len(features) > MAX_FEATURES:
        raise BadAnnotationsError(f"{path} holds {len(features):,} features; {MAX_FEATURES:,} at most")
    return b"".join(documents), features


def _documents(path: Path) -> list[bytes]:
    if path.suffix.lower() != ".zip":
        return [read_bounded(path, MAX_BYTES, str(path), BadAnnotationsError)]
    documents, room = [], MAX_BYTES
    with zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename.lower().endswith(SUFFIXES[:2])]
        if len(entries) > _MAX_ENTRIES:
            raise BadAnnotationsError(f"{path} holds {len(entries):,} files; {_MAX_ENTRIES:,} at most")
        for entry in entries:
            with archive.open(entry) as file:
                documents.append(file.read(room + 1))
            room -= len(documents[-1])
            if room < 0:
                raise BadAnnotationsError(f"{path} has more than {MAX_BYTES} bytes unpacked, the most that is allowed")
    return documents


def _parsed(data: bytes, path: Path) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise BadAnnotationsError(f"{path} is no JSON: line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):
        raise BadAnnotationsError(f"{path} is no GeoJSON in UTF-8") from None


def _features(document: Any, path: Path) -> Iterator[Feature]:
    entries = document if isinstance(document, list) else [document]
    for entry in entries:
        kind = entry.get("type") if isinstance(entry, dict) else None
        inside = entry.get("features") if kind == "FeatureCollection" else [entry]
        if kind not in ("Feature", "FeatureCollection") or not isinstance(inside, list):
            raise BadAnnotationsError(f"{path} is no GeoJSON of features, as QuPath exports them")
        for feature in inside:
            if not (isinstance(feature, dict) and feature.get("type") == "Feature"):
                raise BadAnnotationsError(f"{path} is no GeoJSON of features: an entry of a collection is no feature")
            yield feature
