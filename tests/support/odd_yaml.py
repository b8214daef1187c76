"""YAML whose values PyYAML cannot convert, each with another of Python's errors."""

UNCONVERTIBLE = (
    "a: 2024-13-45",
    "a: !!timestamp x",
    "a: !!int ''",
    "a: !!bool x",
    "a: 0x_",
    "a: 1" + "0" * 5_000,
    "[" * 5_000,
)
