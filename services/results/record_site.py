"""The site that the clinical record behind a score names."""

from shared import json_objects, keys, pseudonyms
from shared.blob.port import BlobStore, ObjectChangedError
from shared.canonical import sha256
from shared.units import CaseId


def record_site(blobs: BlobStore, case: CaseId, digest: str) -> str:
    """The site in the stored record with this SHA-256; empty without one, or if the record was replaced since.

    Raises:
        TransientError: the store is down.
    """
    info = blobs.head(keys.clinical(case)) if digest else None
    if info is None or info.size > json_objects.MAX_BYTES:
        return ""
    try:
        data = blobs.get(info.key)
        site = json_objects.read_object(data).get("site_id") if sha256(data) == digest else None
    except (ObjectChangedError, json_objects.JsonObjectError):
        return ""
    return site if isinstance(site, str) and pseudonyms.is_pseudonym(site) else ""
