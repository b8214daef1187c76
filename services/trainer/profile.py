"""Profile files: the ones that are shipped, and the ones that people write."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from services.trainer.errors import BadProfileError
from services.trainer.yaml_text import parse_yaml
from shared.bounded_file import read_start
from shared.model.profile import Profile
from shared.model.rule import BadRuleError
from shared.words import sentence

_MOST_BYTES = 2_000_000
PROFILES = Path(__file__).parent / "profiles"
_PLAIN_MESSAGES = {"extra_forbidden": "nothing of this name belongs here", "missing": "is missing"}


def load_profile(source: Path | str | None = None) -> Profile:
    """Read a profile from a file or, by plain name, from the ones that are shipped; the default is medulloblastoma.

    Raises:
        BadProfileError: it is not there, no YAML, or not a profile; the text names every place at fault.
    """
    path = _path(source or "medulloblastoma")
    try:
        profile = Profile.model_validate(parse_yaml(_content(path)))
        for text in [profile.rule, *profile.subgroups.values()]:
            profile.expression(text)
    except OSError as error:
        shipped = ", ".join(sorted(file.stem for file in PROFILES.glob("*.yaml")))
        raise BadProfileError(f"profile {path} cannot be read: {error.strerror}; shipped are {shipped}") from error
    except yaml.YAMLError as error:
        raise BadProfileError(f"profile {path} is no YAML: {str(error).splitlines()[0]}") from error
    except BadRuleError as error:
        raise BadProfileError(f"profile {path}: {error}") from error
    except ValidationError as error:
        raise BadProfileError(f"profile {path} is refused: {_problems(error)}") from error
    return profile


def _content(path: Path) -> bytes:
    data = read_start(path, _MOST_BYTES)
    if len(data) > _MOST_BYTES:
        raise BadProfileError(f"profile {path} has more than {_MOST_BYTES} bytes, which are allowed")
    return data


def _problems(error: ValidationError) -> str:
    """Every problem with its place; an error that follows from one within a list is left out."""
    problems = [
        (".".join(map(str, item["loc"])), _PLAIN_MESSAGES.get(item["type"], item["msg"])) for item in error.errors()
    ]
    places = [place for place, _ in problems]
    causes = [item for item in problems if not any(place.startswith(f"{item[0]}.") for place in places)]
    return sentence([f"{place}: {text}".removeprefix(": ").replace("Value error, ", "") for place, text in causes])


def _path(source: Path | str) -> Path:
    path = Path(source)
    shipped = PROFILES / f"{path}.yaml"
    return shipped if path.suffix == "" and shipped.exists() else path
