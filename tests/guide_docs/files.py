"""The page of files: what a record, profile, score and report hold, and the keys of the bucket, from the code."""

import re
from collections.abc import Callable, Iterator

from pydantic import BaseModel

from services.trainer.profile import load_profile
from services.trainer.report_model.report import Report
from shared import keys, model_keys
from shared.model.block import Block
from shared.model.profile import Outcome, Profile
from shared.model.variable import Variable
from tests.guide_docs.attributes import attribute_docs
from tests.guide_docs.markdown import GENERATED, code, comment_text, table
from tests.support.checkout import CHECKOUT

_HEAD = f"""# Files

{GENERATED}

"""
_RECORD = """## Clinical record and cohort table

A record is `clinical/{case_id}.json`, a JSON object; a table (`cohort.csv`, or .xlsx) has a row for each patient
with the same names as
columns. Any value may be missing. `case_id` and `site_id` are pseudonyms: letters, digits, `.`, `_` and `-`, 64 at
most. These are the variables
of the default profile, medulloblastoma; `medulla bundle show` lists those of a bundle.

"""
_OUTCOME = """
A table for training or validation also has the outcome:

"""
_BUCKET = """
## Keys of the bucket

The same in S3 and in the folder of `medulla up`. Names of derived objects are made of digests (SHA-256) of what
they were made from.

"""
_KEYS: tuple[Callable[..., str], ...] = (
    *(keys.slides, keys.clinical, keys.vector),
    *(keys.plan_prefix, keys.bag_prefix, keys.score, keys.attention, model_keys.bundle_prefix),
)
_SCORE = """
## Score

`score.json`, `scores/{case_id}/{score}.json` in the bucket, the message of gRPC and the body of REST are the same:
the JSON mapping of `Score` in
`protos/medulla/v1/scorer.proto`, which describes the nested messages too.

"""
_REPORT = """
## Report

`medulla evaluate` and `medulla validate` write `report.json`; every figure is `{"est", "lo", "hi"}`. Beside it
stand `report.html`,
`predictions.csv` (risks of each patient by each arm) and `figures/`.

"""
_PROFILE = """
## Profile

YAML, for `--profile`. Anything that is not listed is refused. The [page on profiles](../own-profile.md) works
through one.

"""
_FIELD = re.compile(r"((?:^  //.*\n)*)^  (.+?) (\w+) = \d+;$", re.MULTILINE)


def page() -> str:
    """Markdown of all files."""
    return _HEAD + "".join(
        (_RECORD, _record(), _BUCKET, _bucket(), _SCORE, _score(), _PROFILE, _profile(), _REPORT, _report())
    )


def _record() -> str:
    profile = load_profile()
    titles = {block.name: block.title for block in profile.blocks}
    variables = [(code(each.name), each.allowed(), titles[each.block]) for each in profile.variables]
    codes = "; ".join(f"{value}: {meaning}" for value, meaning in profile.outcome.codes.items())
    outcome = [(code(profile.outcome.time), "days, above 0"), (code(profile.outcome.event), codes)]
    return table(("name", "values", "block"), variables) + _OUTCOME + table(("name", "values"), outcome)


def _bucket() -> str:
    return table(("key", "what"), ((code(_key(each)), str(each.__doc__).split("\n")[0]) for each in _KEYS))


def _key(build: Callable[..., str]) -> str:
    """A key with the names of its parts in place of them."""
    names = [name for name in build.__annotations__ if name != "return"]
    return build(*(f"{{{name}}}" for name in names))


def _score() -> str:
    proto = (CHECKOUT / "protos/medulla/v1/scorer.proto").read_text(encoding="utf-8")
    _, _, rest = proto.partition("message Score {\n")
    fields = _FIELD.findall(rest.partition("\n}")[0] + "\n")
    rows = ((code(name), kind.replace("optional ", ""), comment_text(comment)) for comment, kind, name in fields)
    return table(("field", "type", "what"), rows)


def _profile() -> str:
    chapters: dict[str, type[BaseModel]] = {"": Profile, "blocks": Block, "variables": Variable, "outcome": Outcome}
    rows = (row for prefix, model in chapters.items() for row in _fields(model, f"{prefix}." if prefix else ""))
    return table(("entry", "what"), rows)


def _report() -> str:
    return table(("entry", "what"), _fields(Report, ""))


def _fields(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str]]:
    docs = attribute_docs(model)
    for name, field in model.model_fields.items():
        required = "Required. " if field.is_required() and model is not Report else ""
        yield code(prefix + name), f"{required}{docs.get(name, '')}".strip()
