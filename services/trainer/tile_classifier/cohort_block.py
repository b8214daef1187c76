"""Gives a cohort the block of vectors that a classifier computes from its slides, as a bundle with it will."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from services.trainer.bucket.copies import Copies
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.errors import BadEmbeddingsError, BadVectorTableError
from services.trainer.tile_classifier.classifier import MANIFEST, WEIGHTS, TileClassifier, case_digest
from services.trainer.tile_classifier.cohort_shares import cohort_shares
from shared.model.block import Block
from shared.model.profile import Profile
from shared.model.tile_classifier import BundleClassifier
from shared.words import counted, listed

COMPOSITION = Block(name="composition", source="vectors", title="histology composition")
"""The block, where the profile does not describe it otherwise."""


@dataclass(frozen=True, eq=False)
class CohortClassifier:
    """A classifier that goes into the bundle of a cohort."""

    classifier: TileClassifier
    served: BundleClassifier
    """As the bundle holds it."""

    @classmethod
    def read(cls, folder: Path, copies: Copies) -> "CohortClassifier":
        """Read a folder of `medulla classifier fit`, also of a bucket.

        Raises:
            BadClassifierError: it is missing, damaged or altered, or has more classes than a bundle can have.
            BadS3UriError: the bucket lacks it.
        """
        manifest, _ = (copies.file(folder / name) for name in (MANIFEST, WEIGHTS))
        classifier = TileClassifier.read(manifest.parent)
        return cls(classifier, classifier.served(COMPOSITION.name))

    @property
    def labelled(self) -> list[str]:
        """Digests of the case ids of all patients with labelled tiles, by which a validation recognises them."""
        return sorted(self.classifier.manifest.fold_of)

    def add_to(self, cohort: Cohort, embeddings: Embeddings | None) -> Cohort:
        """The cohort with each patient's shares of tiles; of a patient of the labels, by the model without them.

        Raises:
            BadEmbeddingsError: there are no slides.
            BadVectorTableError: the block was read from a table, or the profile has it of another source.
            OtherEncoderError: the classifier reads another encoder.
        """
        profile = _with_block(cohort.profile)
        if embeddings is None or profile.slides is None:
            raise BadEmbeddingsError("a classifier of tiles needs --embeddings, and a profile with a block of slides")
        if COMPOSITION.name in cohort.vectors:
            raise BadVectorTableError(
                f"the classifier of tiles computes {COMPOSITION.name}; leave out the table of --vectors"
            )
        self.classifier.check_encoder(embeddings)
        shares = cohort_shares(cohort, embeddings, self.served.classes, self.classifier.probabilities)
        vectors = {**cohort.vectors, COMPOSITION.name: shares}
        simulated = cohort.simulated or self.classifier.manifest.simulated
        return replace(cohort, profile=profile, vectors=vectors, simulated=simulated)

    def notes(self, cohort: Cohort) -> Iterator[str]:
        """What a model card says of the classifier, and of patients of the cohort whose tiles it learned from."""
        manifest, title = self.classifier.manifest, cohort.profile.title_of(COMPOSITION.name)
        accuracy = manifest.figures.balanced_accuracy.est
        figure = "" if accuracy is None else f" (balanced accuracy {accuracy:.2f} on patients left out)"
        yield (
            f"{title}: expected shares of {listed(manifest.classes)} among a case's tiles, by the bundle's classifier "
            f"{self.classifier.digest[:12]}, which learned from {counted(manifest.tiles, 'labelled tile')} of "
            f"{counted(manifest.patients, 'patient')}{figure}"
        )
        learned = sum(case_digest(case) in manifest.fold_of for case in cohort.case_ids)
        if learned:
            yield (
                f"{counted(learned, 'patient')} of the cohort had labelled tiles; models learned from their shares by "
                "classifiers fitted without them"
            )


def _with_block(profile: Profile) -> Profile:
    """The profile with the block; one that has it as vectors stays as it is."""
    known = profile.block(COMPOSITION.name)
    if known is None:
        blocks = [block.model_dump(exclude_defaults=True) for block in (*profile.blocks, COMPOSITION)]
        return Profile.model_validate(profile.model_dump() | {"blocks": blocks})
    if known.source != "vectors":
        raise BadVectorTableError(f"block {known.name} of profile {profile.name} is of {known.source}, not of vectors")
    return profile
