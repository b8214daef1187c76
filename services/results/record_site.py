"""The site that the clinical record behind a score names."""

import json

from services.results.ports import KeptScore
from shared import json_objects, keys, pseudonyms
from shared.blob.port import BlobStore, ObjectChangedError
from shared.canonical import sha256
from shared.units import CaseId


def record_site(blobs: BlobStore, case: CaseId, digest: str, before: KeptScore | None = None) -> str:
    """The site in the stored record with this SHA-256; empty without one, or if the record was replaced since.

    It is that of the score `before` where that was made from the same record.

    Raises:
        TransientError: the store is down.
    """
    if digest and before and before.site and _record_of(before) == digest:
        return before.site
    info = blobs.head(keys.clinical(case)) if digest else None
    if info is None or info.size > json_objects.MAX_BYTES:
        return ""
    try:
        data = blobs.get(info.key)
        site = json_objects.read_object(data).get("site_id") if sha256(data) == digest else None
    except (ObjectChangedError, json_objects.JsonObjectError):
        return ""
    return site if isinstance(site, str) and pseudonyms.is_pseudonym(site) else ""


def _record_of(score: KeptScore) -> str:
    """Digest of the record that a score was made from; empty without one."""
    return str(json.loads(score.body).get("provenance", {}).get("clinical_digest", ""))
