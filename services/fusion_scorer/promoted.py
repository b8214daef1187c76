"""The promoted bundle: a pointer in the store, looked at for each score, so that no score mixes two bundles."""

import json
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock, Thread
from typing import NamedTuple

from services.fusion_scorer.errors import MovedMeanwhileError, NoBundleError
from services.fusion_scorer.last_good import LastGood
from services.fusion_scorer.stored_files import StoredFiles
from shared import model_keys
from shared.blob.port import BlobInfo, BlobStore, ObjectChangedError
from shared.canonical import canonical_json
from shared.errors import PermanentError, TransientError
from shared.incidents import contained
from shared.logs import get
from shared.model.bundle import Bundle, assemble
from shared.model.bundle_files import VerifiedFiles, verify
from shared.model.errors import BadBundleError, BadSignatureError
from shared.model.manifest import MANIFEST
from shared.model.signature import SIGNATURE
from shared.units import Sha256

_KEPT = 3
"""Bundles held in memory."""
_LOAD_AGAIN_S = 5.0
"""From a failed load in a thread of its own to the next."""
_KEY_GONE = (
    "the bundle in use is not signed by the mounted key: mount a file that also holds the old key, or promote a bundle "
    "signed with the new one"
)
_log = get(__name__)


@dataclass(frozen=True, slots=True)
class Promoted:
    """The bundle to score by, and the pointer to the promoted one."""

    bundle: Bundle
    pointer: BlobInfo
    since: datetime
    """When the bundle was promoted, before the pointer's own time where another is used in place of that one."""
    awaits: Sha256 | None = None
    """Digest of the promoted bundle while it is loaded, and the one before is used."""


Trial = Callable[[VerifiedFiles], None]
"""Tries out a bundle where a crash does no harm; raises BadBundleError."""


def untried(_: VerifiedFiles) -> None:
    """For programs that end with the bundle that they read."""


class _Verified(NamedTuple):
    """A bundle, and what its signature was verified by."""

    digest: Sha256
    public_key: bytes | None


class Bundles:
    """Reads bundles from the store, checks them once, keeps the last few; safe from several threads."""

    def __init__(
        self,
        store: BlobStore,
        public_key: Callable[[], bytes | None] = lambda: None,
        trial: Trial = untried,
        last_good: LastGood | None = None,
    ) -> None:
        """With `last_good`, the last good bundle is used while the promoted one cannot be.

        `public_key` gives the keys that bundles must be signed with; bundles in memory are verified again when the
        keys change.
        """
        self._store = store
        self._last_good = last_good
        self._public_key = public_key
        self._trial = trial
        self._kept: OrderedDict[_Verified, Bundle] = OrderedDict()
        self._last_pointer: tuple[BlobInfo, Sha256] | None = None
        self._lock, self._loading = Lock(), Lock()
        """The second is held while a bundle is loaded, which keeps nobody from one that is in memory."""
        self._load_again_at = 0.0

    def promoted(self, *, waits: bool = False) -> Promoted:
        """The bundle that the pointer names now, or the last good one while that cannot be used.

        It is also the last good one while the promoted one is loaded, in a thread of its own, unless the caller `waits`
        for it: no live case is kept waiting by a promotion.

        Raises:
            NoBundleError: there is no pointer.
            BadBundleError: the pointer or the bundle cannot be used, and no other was good before.
            TransientError: as for `by_digest`.
        """
        info = self._pointer()
        try:
            return (None if waits else self._meanwhile(info)) or self._strictly(info)
        except BadBundleError as error:
            instead = self._last_good.instead_of(info, error) if self._last_good else None
            if instead is None:
                raise
            return Promoted(self._kept_or(instead.digest, error), info, instead.since)

    def promotion(self) -> Promoted:
        """The bundle that the pointer names now, and no other.

        Raises:
            NoBundleError, BadBundleError, TransientError: as above.
        """
        return self._strictly(self._pointer())

    def _pointer(self) -> BlobInfo:
        info = self._store.head(model_keys.CURRENT_BUNDLE)
        if info is None:
            raise NoBundleError("no model bundle is promoted, so nothing can be scored")
        return info

    def _strictly(self, info: BlobInfo) -> Promoted:
        if self._last_good:
            self._last_good.check(info)
        bundle = self.by_digest(self._pointed_at(info))
        if self._last_good:
            self._last_good.remember(bundle, info)
        return Promoted(bundle, info, info.last_modified)

    def _meanwhile(self, info: BlobInfo) -> Promoted | None:
        """The last good bundle while a thread of its own loads the promoted one; None where there is nothing to wait
        for, and where that one was found bad."""
        last_good = self._last_good
        if last_good is None or last_good.in_use is None or last_good.refuses(info):
            return None
        awaited, last, key = self._pointed_at(info), last_good.in_use, self._public_key()
        with self._lock:
            before = None if _Verified(awaited, key) in self._kept else self._kept.get(_Verified(last.digest, key))
        if before is None:
            return None
        if not self._loading.locked() and time.monotonic() >= self._load_again_at:
            Thread(target=self._load, name="bundle", daemon=True).start()
        return Promoted(before, info, last.since, awaited)

    def _load(self) -> None:
        """Load the promoted bundle; errors are raised to the next caller that waits for it."""
        self._load_again_at = time.monotonic() + _LOAD_AGAIN_S
        try:
            with contained("bundle", TransientError, PermanentError):
                self.promoted(waits=True)
                self._load_again_at = 0.0
        except (TransientError, PermanentError) as error:
            _log.warning("the promoted bundle cannot be loaded", sentence=str(error))

    def _kept_or(self, digest: Sha256, error: BadBundleError) -> Bundle:
        """The last good bundle; where it is bad by now, the error of the promoted one."""
        try:
            return self.by_digest(digest)
        except BadBundleError:
            raise error from None

    def by_digest(self, digest: Sha256) -> Bundle:
        """A stored bundle.

        Raises:
            BadBundleError: there is none of that digest, or it was altered.
            TransientError: it is in memory, and the keys that are mounted now did not sign it.
        """
        verified = _Verified(digest, self._public_key())
        with self._lock:
            if verified in self._kept:
                self._kept.move_to_end(verified)
                return self._kept[verified]
        with self._loading:
            return self._kept.get(verified) or self._keep(verified, self._loaded(verified))

    def _keep(self, verified: _Verified, bundle: Bundle) -> Bundle:
        with self._lock:
            self._kept[verified] = bundle
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return bundle

    def _pointed_at(self, info: BlobInfo) -> Sha256:
        """The digest in a version of the pointer, which is read once."""
        last = self._last_pointer
        if last is None or last[0] != info:
            self._last_pointer = last = info, self._read_pointer(info)
        return last[1]

    def _read_pointer(self, info: BlobInfo) -> Sha256:
        try:
            pointer = json.loads(self._store.get_range(info, 0, info.size))
            return Sha256(str(pointer["digest"]))
        except ObjectChangedError as error:
            raise MovedMeanwhileError("another bundle was promoted at this moment") from error
        except (ValueError, KeyError, TypeError) as error:
            raise BadBundleError(f"{model_keys.CURRENT_BUNDLE} does not name a bundle by its digest") from error

    def _loaded(self, verified: _Verified) -> Bundle:
        digest = verified.digest
        checked = self._checked(verified)
        if checked.digest != digest:
            raise BadBundleError(
                f"{MANIFEST} of {model_keys.bundle_prefix(digest)} was altered: its SHA-256 is another"
            )
        self._trial(checked)
        return assemble(checked)

    def _checked(self, verified: _Verified) -> VerifiedFiles:
        digest, public_key = verified
        try:
            return verify(StoredFiles(self._store, digest), public_key)
        except BadSignatureError as error:
            with self._lock:
                is_in_memory = any(kept.digest == digest for kept in self._kept)
            if is_in_memory:
                raise TransientError(_KEY_GONE) from error
            raise


def promote(store: BlobStore, folder: Path, public_key: bytes | None = None, trial: Trial = untried) -> Bundle:
    """Verify and try out a bundle, store it, check what was stored, then point to it: every case is then scored again.

    Raises:
        BadBundleError: the bundle is not intact, or the store holds something else under its digest.
    """
    checked = verify(folder, public_key)
    trial(checked)
    assemble(checked)
    prefix = model_keys.bundle_prefix(checked.digest)
    for name in sorted(checked.files, key=lambda name: name == MANIFEST):
        if name == SIGNATURE:  # no part of the digest: another key may have signed since
            store.put(prefix + name, checked.files[name])
        else:
            store.put_new(prefix + name, checked.files[name])
    bundle = assemble(verify(StoredFiles(store, checked.digest), public_key))
    store.put(model_keys.CURRENT_BUNDLE, canonical_json({"digest": bundle.digest, "name": bundle.manifest.name}))
    return bundle
