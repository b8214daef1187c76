"""The encoders whose bags the bucket gets: each group of embedders names its own when it starts."""

import json
from collections.abc import Iterable

from shared import logs, model_keys
from shared.blob.port import BlobStore, ObjectChangedError
from shared.canonical import canonical_json

_log = logs.get(__name__)


def serve(store: BlobStore, group: str, name: str, digest: str) -> None:
    """Note that a consumer group embeds with this encoder, in place of the one that it had before."""
    store.put(model_keys.served_encoder(group), canonical_json({"name": name, "digest": digest}))


def served_encoders(store: BlobStore) -> set[str]:
    """Digests of the encoders that are served."""
    return set(_digests(store, [info.key for info in store.list(model_keys.ENCODERS) if info.key.endswith(".json")]))


def _digests(store: BlobStore, object_keys: Iterable[str]) -> Iterable[str]:
    for key in object_keys:
        try:
            yield str(json.loads(store.get(key))["digest"])
        except ObjectChangedError:
            continue
        except (ValueError, KeyError, TypeError):
            _log.warning("a served encoder is not understood", key=key)
