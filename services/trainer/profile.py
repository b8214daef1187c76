"""Profile files: the ones that are shipped, and the ones that people write."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from services.trainer.errors import BadProfileError
from services.trainer.yaml_problems import yaml_problems
from services.trainer.yaml_text import parse_yaml
from shared.bounded_file import read_bounded
from shared.model.profile import Profile
from shared.model.rule import BadRuleError
from shared.words import sentence

_MOST_BYTES = 2_000_000
PROFILES = Path(__file__).parent / "profiles"


def load_profile(source: Path | str | None = None) -> Profile:
    """Read a profile from a file or, by plain name, from the ones that are shipped; the default is medulloblastoma.

    Raises:
        BadProfileError: it is not there, no YAML, or not a profile; the text names every place at fault.
    """
    path = _path(source or "medulloblastoma")
    content = None
    try:
        content = parse_yaml(read_bounded(path, _MOST_BYTES, f"profile {path}", BadProfileError))
        profile = Profile.model_validate(content)
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
        raise BadProfileError(f"profile {path} is refused: {sentence(yaml_problems(error, content))}") from error
    return profile


def _path(source: Path | str) -> Path:
    path = Path(source)
    shipped = PROFILES / f"{path}.yaml"
    return shipped if path.suffix == "" and shipped.exists() else path
