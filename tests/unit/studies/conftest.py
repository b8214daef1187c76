"""The studies need torch."""

from tests.support.missing import optional_library

optional_library("torch", "train")
