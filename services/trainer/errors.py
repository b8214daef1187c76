"""What can be wrong for good with a profile, a cohort, its embeddings or a comparison made on it."""

from collections.abc import Sequence
from itertools import accumulate

from shared.errors import PermanentError, TransientError
from shared.missing_library import installer
from shared.text import capped
from shared.words import counted

_NO_TORCH = (
    "slides are in the cohort, and the gated network of slides and table needs torch, which is not installed: "
    f"{installer('torch')} brings it; without --embeddings the other arms run as they are."
)


_LISTED = 200
_LONGEST_PROBLEM, _LONGEST_LIST, _SHOWN = 600, 1_600, 300
"""Characters of one problem, of all that are listed, and of the name of a table."""


class BadProfileError(PermanentError):
    """A profile is incomplete, or has entries that are not allowed."""

    reason = "bad_profile"
    advice = "Correct the profile; services/trainer/profiles/medulloblastoma.yaml is a complete example."


class BadCohortError(PermanentError):
    """A cohort table breaks its profile; the text names every wrong value and what is allowed."""

    reason = "bad_clinical_record"
    advice = "Correct the rows that are named; nothing was computed."

    @classmethod
    def listing(cls, where: str, problems: Sequence[str]) -> "BadCohortError":
        """All problems of one table in one error, one a line; of what does not fit only how many more there are."""
        count = counted(len(problems), "problem")
        listed = [capped(problem, _LONGEST_PROBLEM) for problem in problems[:_LISTED]]
        ends = accumulate(len(problem) + len("\n  ") for problem in listed)
        fit = sum(end <= _LONGEST_LIST for end in ends)
        more = [f"and {len(problems) - fit} more"] if len(problems) > fit else []
        return cls("\n  ".join([f"{capped(where, _SHOWN)} is refused for {count}:", *listed[:fit], *more]))


class BadS3UriError(PermanentError):
    """An `s3://` name on the command line names nothing that can be read or written."""

    reason = "bad_request"
    advice = "Write s3://BUCKET/KEY for a file, and s3://BUCKET for the bags of a running deployment."


class UnknownColumnsError(BadCohortError):
    """A table has columns that the profile does not know; a map to start from is printed below the sentence."""

    advice = "Check every line of this map, save it as columns.yaml, and give it with --map columns.yaml:"

    def __init__(self, sentence: str, proposed_map: str) -> None:
        super().__init__(sentence)
        self.supplement = proposed_map


class BadVectorTableError(BadCohortError):
    """A table of vectors breaks its form, or belongs to no block or case; the text names what is wrong."""

    reason = "bad_vectors"
    advice = "Give --vectors BLOCK=TABLE with a block of the profile, and a table of case_id and numeric columns."


class UnreadableTableError(BadCohortError):
    """A file is no .xlsx workbook, and no text in columns."""

    advice = "Save it as .xlsx, or as comma-separated text in UTF-8 (in a spreadsheet: CSV UTF-8)."


class MissingTableError(UnreadableTableError):
    """There is no file at the place that was named, or it may not be read."""

    advice = "Name a file that is there and may be read: one table with a header, and one row a patient."


class BadEmbeddingsError(PermanentError):
    """The embeddings of a cohort cannot be read or do not belong to it."""

    reason = "bad_embeddings"
    advice = "Embed the slides again with `medulla embed`, all with one encoder."


class UnusableCohortError(PermanentError):
    """The table is well formed, but nothing honest can be computed from it."""

    reason = "unusable_cohort"
    advice = "Use a cohort with more events or longer follow-up, or a profile with an earlier horizon."


class BadSplitsError(PermanentError):
    """A file of frozen splits was altered, or is not of this cohort."""

    reason = "bad_splits"
    advice = "Use the splits.json that `medulla evaluate` wrote for this cohort, as it was, or leave --splits out."


class BadReportError(PermanentError):
    """A report.json cannot be read, or holds something else than a report."""

    reason = "bad_report"
    advice = "Name the report.json, or its folder, that `medulla evaluate` or `medulla validate` wrote."


class BadFoldsError(UnusableCohortError):
    """The folds that were asked for cannot be had of this cohort."""

    advice = "Ask for fewer folds, or for other splits."


class OneOutcomeError(UnusableCohortError):
    """Everybody had the event, or so nearly that nothing can be learned."""

    advice = "Use a cohort with more patients without the event, and check the codes of the outcome."


class LeakError(PermanentError):
    """The same patient, slide or tissue is on both sides of a split."""

    reason = "leak"
    advice = "Keep one of each pair that is named, or give both one case_id, and run again."


class DuplicateRowsError(LeakError):
    """A patient has two rows in the table, under two names."""

    advice = "Keep one row of each patient, with all slides under its case_id, and run again."


class SeenCasesError(LeakError):
    """A cohort holds patients on whom the bundle to be validated was trained."""

    advice = "Leave these cases out of the cohort, and run again."


class BadModelError(PermanentError):
    """A model bundle cannot be used on this cohort."""

    reason = "bad_bundle"
    advice = "Use a bundle made by `medulla train` with this cohort's profile and encoder."


class OtherEncoderError(PermanentError):
    """Embeddings were not made by the encoder that fine-tuning starts from, or that a classifier of tiles reads."""

    reason = "encoder_mismatch"
    advice = "Embed the slides with that encoder (`medulla embed --encoder`), or start from the one that embedded them."


class BadTilesError(PermanentError):
    """Labelled tiles cannot be read, or nothing can be learned from them."""

    reason = "bad_tiles"
    advice = "Lay them out as DIR/{class}/{patient}__NAME.png, all of one size, two classes and six patients or more."


class BadClassifierError(PermanentError):
    """A classifier of tiles cannot be read, or was altered."""

    reason = "bad_classifier"
    advice = "Name a folder that `medulla classifier fit` wrote, as it was."


class UntrainableEncoderError(PermanentError):
    """An encoder's graph cannot be trained, or does not give in torch what it gives where it is served."""

    reason = "unknown_encoder"
    advice = "Start from the encoder that ships, from another convolutional one, or from a vision transformer."


class BadSimulationError(PermanentError):
    """A SIMULATED cohort was asked for in a form that cannot be drawn."""

    reason = "bad_request"
    advice = "For example: medulla simulate --patients 300 --vectors blood=17,1.6 --out out/sim"


class OtherRunError(PermanentError):
    """The output folder holds what another run has made or left unfinished."""

    reason = "other_run"
    advice = "Choose another folder, or remove that one."


class MissingTorchError(TransientError):
    """A neural arm was asked for where torch is not installed."""

    def __init__(self, sentence: str = _NO_TORCH) -> None:
        super().__init__(sentence)


class ClusterDownError(TransientError):
    """A Dask cluster does not answer, or loses its workers."""

    reason = "cluster_down"
    advice = "Start a scheduler and workers (services/trainer/README.md); the same command goes on where it was."


class ClusterUnfitError(PermanentError):
    """The workers of a Dask cluster have other versions or other data."""

    reason = "cluster_unfit"
    advice = "Start the workers from the same installation, and let them read the same bucket or shared folder."
