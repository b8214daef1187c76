"""Reads YAML; every problem is one kind of error."""

from typing import Any

import yaml


def parse_yaml(text: str | bytes) -> Any:
    """The one document of a YAML text.

    Raises:
        yaml.YAMLError: it is no YAML, or holds a value such as the date 2024-13-45 that PyYAML cannot convert.
    """
    try:
        return yaml.safe_load(text)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise yaml.YAMLError(f"a value in it cannot be converted ({error})") from error
