"""Where the objects of an installation are: a bucket, or the part of it below a prefix."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Home:
    """A bucket, and how the keys of an installation begin in it."""

    bucket: str
    prefix: str = ""
    """With its slash, `north/`; empty where every key is the installation's."""

    def whole(self, key: str) -> str:
        """The key by which the bucket has an object, or how those below a name begin."""
        return f"{self.prefix}{key}"
