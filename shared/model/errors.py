"""What can be wrong for good with a bundle, its keys or a clinical record."""

from shared.errors import PermanentError


class BadBundleError(PermanentError):
    """A model bundle is incomplete, altered, unsigned or not understood."""

    reason = "bad_bundle"
    advice = (
        "Copy the bundle again from where it was made, or promote another one with `medulla rescore --bundle PATH`."
    )


class BadSignatureError(BadBundleError):
    """A bundle is not signed, or not by the other half of the key that was given."""

    advice = (
        "Give the public half of the key that the bundle was signed with, or sign it with `medulla bundle sign`; "
        "if the key is the right one, copy the bundle again from where it was made."
    )


class BadKeyError(PermanentError):
    """A key to sign bundles with or to check them by is not an ed25519 key."""

    reason = "bad_bundle"
    advice = (
        "Give an ed25519 key in PEM, without password. `openssl genpkey -algorithm ed25519 -out key.pem` makes a "
        "private key to sign with, `openssl pkey -in key.pem -pubout -out key.pub.pem` its public half to verify with."
    )


class BadTargetError(PermanentError):
    """A bundle cannot be written to a folder."""

    reason = "bad_bundle"
    advice = "Name a new folder or that of a bundle."


class BadClinicalRecordError(PermanentError):
    """A clinical record breaks the bundle's profile; the text names every variable at fault and what is allowed."""

    reason = "bad_clinical_record"
    advice = "Correct what is named and store the record again; `medulla bundle show` lists variables and values."


class BadVectorsError(PermanentError):
    """A case's vector cannot be read, or does not fit the bundle's model of its block; the text names what is wrong."""

    reason = "bad_vectors"
    advice = "Correct what is named and store the vector again; `medulla bundle show --json` lists columns by block."
