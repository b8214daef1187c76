"""Signed provenance of files and images: an in-toto statement (SLSA v1) in a DSSE envelope, signed with ed25519.

Formats: https://in-toto.io/Statement/v1, https://slsa.dev/spec/v1.0/provenance, https://github.com/secure-systems-lab/dsse.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.canonical import canonical_json

PROVENANCE, SUMS = "provenance.intoto.json", "SHA256SUMS"
IMAGE = "oci://"
"""Begins the names of images among what is released: they are in a registry, and not in the folder."""
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://slsa.dev/provenance/v1"
_PAYLOAD = "application/vnd.in-toto+json"
_BUILD = "urn:medulla:make-release:1"


class BadReleaseError(Exception):
    """Files are not those that the key's owner released; the text says which."""


@dataclass(frozen=True, slots=True)
class Source:
    """What was built from."""

    repository: str
    commit: str
    materials: Mapping[str, str]
    """SHA-256 by file name, such as of uv.lock."""


def digests(files: Sequence[Path]) -> dict[str, str]:
    """SHA-256 of files by name."""
    return {file.name: sha256(file.read_bytes()).hexdigest() for file in sorted(files)}


def signed(subjects: Mapping[str, str], source: Source, key: Ed25519PrivateKey) -> bytes:
    """The envelope of a statement about files and images, given their SHA-256 by name."""
    payload = canonical_json(_statement(subjects, source))
    envelope = {
        "payloadType": _PAYLOAD,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"sig": base64.b64encode(key.sign(_encoded(payload))).decode()}],
    }
    return canonical_json(envelope) + b"\n"


def verify(folder: Path, key: Ed25519PublicKey) -> dict[str, str]:
    """SHA-256 by name of the released files of a folder, which holds no other, and of the images released with them.

    Raises:
        BadReleaseError: the statement or a file was altered, or a file is missing or not named.
    """
    stated = _subjects(_payload((folder / PROVENANCE).read_bytes(), key))
    files = {name: digest for name, digest in stated.items() if not name.startswith(IMAGE)}
    present = digests([file for file in folder.iterdir() if file.name != PROVENANCE])
    wrong = sorted(name for name in files | present if files.get(name) != present.get(name))
    if wrong:
        raise BadReleaseError(f"altered, missing or not of the release: {', '.join(wrong)}")
    return stated


def _statement(subjects: Mapping[str, str], source: Source) -> dict[str, object]:
    materials = [{"uri": name, "digest": {"sha256": digest}} for name, digest in sorted(source.materials.items())]
    commit = {"uri": source.repository, "digest": {"gitCommit": source.commit}}
    return {
        "_type": _STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(subjects.items())],
        "predicateType": _PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": _BUILD,
                "externalParameters": {"command": "make release"},
                "resolvedDependencies": [commit, *materials],
            },
            "runDetails": {"builder": {"id": _BUILD}},
        },
    }


def _payload(envelope: bytes, key: Ed25519PublicKey) -> bytes:
    try:
        read = json.loads(envelope)
        payload = base64.b64decode(read["payload"], validate=True)
        key.verify(base64.b64decode(read["signatures"][0]["sig"], validate=True), _encoded(payload))
    except (InvalidSignature, binascii.Error, ValueError, KeyError, TypeError, IndexError) as error:
        raise BadReleaseError(f"{PROVENANCE} is not signed with this key") from error
    return payload


def _subjects(payload: bytes) -> dict[str, str]:
    return {subject["name"]: subject["digest"]["sha256"] for subject in json.loads(payload)["subject"]}


def _encoded(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(_PAYLOAD), _PAYLOAD.encode(), len(payload), payload)
