"""What `import medulla` says where a library is missing: the function, the library and what installs it."""

import pytest
from medulla._extras import needs
from medulla.errors import MissingExtraError

from shared import missing_library


def test_a_function_names_the_extra_of_the_library_that_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missing_library, "_IN_WHEEL", True)
    with pytest.raises(MissingExtraError) as caught, needs("Cohort"):
        raise ModuleNotFoundError(name="sklearn.linear_model")
    sentence = 'medulla.Cohort needs sklearn, which is not installed: `pip install "medulla-risk[trainer]"` brings it.'
    assert str(caught.value) == sentence


def test_a_module_of_the_program_itself_is_no_missing_library() -> None:
    with pytest.raises(ModuleNotFoundError, match="no such module"), needs("Cohort"):
        raise ModuleNotFoundError("no such module", name="services.trainer.nowhere")
