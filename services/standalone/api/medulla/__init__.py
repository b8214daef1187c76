"""Medulla in Python: the functions that the commands of `medulla` call."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)  # in the checkout the generated messages lie in shared/gen
