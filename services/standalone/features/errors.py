"""Errors of feature files and of what is stated about them."""

from shared.errors import PermanentError
from shared.missing_library import installer


class BadFeatureFileError(PermanentError):
    """A feature file is damaged, contradicts itself, or holds features that no bag can hold."""

    reason = "bad_embeddings"
    advice = "Extract the features of this slide again with the tool that wrote the file."


class UnknownFeatureFileError(PermanentError):
    """A file is in no form that TRIDENT, CLAM or STAMP writes for the features of tiles."""

    reason = "unsupported_format"
    advice = "Name .h5 files with features and coordinates of tiles, as TRIDENT, CLAM or STAMP writes them."


class MissingStatementError(PermanentError):
    """A file does not say what a bag needs, and no option states it."""

    reason = "bad_request"
    advice = "State it with the option that is named; nothing is guessed."


class ContradictedStatementError(PermanentError):
    """A file says otherwise than an option, or two things that cannot both be true."""

    reason = "bad_request"
    advice = "Correct the option, or leave out the file if it is of another run."


class OtherFeaturesError(PermanentError):
    """A file's features are of another encoder than the one that is stated."""

    reason = "encoder_mismatch"
    advice = "Import files of one encoder at a time, each encoder into a folder of its own."


class NamelessFileError(PermanentError):
    """Nothing says which case a feature file is of."""

    reason = "bad_case_id"
    advice = "Name the case of each file with --slides slides.csv, in folders {case}/FILE.h5, or with --case-from."


class MissingTorchError(PermanentError):
    """A file of torch.save where torch is not installed."""

    reason = "unsupported_format"
    advice = f"Import the .h5 file of the same slide, or install torch: {installer('torch')} brings it."
