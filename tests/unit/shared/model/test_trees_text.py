"""LightGBM's text form is checked before its parser sees it: what used to end the process is a sentence."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest

from services.standalone.demo_case import DEMO_BUNDLE
from shared.model.errors import BadBundleError
from shared.model.trees import read_trees
from shared.model.trees_text import check_trees
from tests.support.trees_text import with_sizes

DEMO = (DEMO_BUNDLE / "lightgbm.txt").read_text()


def _replaced(line: str, value: str) -> Callable[[str], str]:
    """The first line of that name with another value."""
    return lambda text: with_sizes(re.sub(rf"(?m)^{line}=.*$", f"{line}={value}", text, count=1))


ALTERED: dict[str, tuple[Callable[[str], str], str]] = {
    "a truncated array": (_replaced("threshold", "1.0"), "has 1 numbers where 3 are expected"),
    "a wrong number of leaves": (_replaced("num_leaves", "9"), "has 3 numbers where 8 are expected"),
    "a negative child beyond the leaves": (_replaced("left_child", "1 -1 -99"), "not from -4 to 2"),
    "a cycle": (_replaced("left_child", "1 0 -2"), "the children of tree 0 are not those of a tree"),
    "a split that is its own child": (_replaced("right_child", "0 -3 -4"), "the children of tree 0"),
    "huge sizes of trees": (
        lambda text: re.sub(r"tree_sizes=\d+", "tree_sizes=999999999", text),
        "not from 1 to",
    ),
    "sizes of other trees": (
        lambda text: re.sub(r"tree_sizes=\d+", "tree_sizes=1", text),
        "tree_sizes are not the sizes of its trees",
    ),
    "a huge feature": (_replaced("split_feature", "999999999 0 0"), "not from 0 to 20"),
    "more features than names": (_replaced("max_feature_idx", "2000000000"), "not whole or not from 0 to 19999"),
    "more leaves than memory": (_replaced("num_leaves", "2000000000"), "not whole or not from 1 to 256"),
    "a threshold that is infinite": (_replaced("threshold", "inf 0 0"), "a number that is not finite"),
    "a leaf that is no number": (_replaced("leaf_value", "nan 0 0 0"), "a number that is not finite"),
    "a categorical split": (_replaced("decision_type", "1 2 2"), "a decision_type that is not numeric"),
    "categories": (_replaced("num_cat", "1"), "categorical splits or linear leaves"),
    "linear leaves": (_replaced("is_linear", "1"), "categorical splits or linear leaves"),
    "a repeated array": (
        lambda text: with_sizes(text.replace("num_cat=0", "num_cat=0\nnum_cat=0", 1)),
        "stands where it is not understood",
    ),
    "several classes": (_replaced("num_class", "2000000000"), "only 1 is read"),
    "an unknown line": (lambda text: text.replace("version=v4", "version=v4\naverage_output"), "average_output"),
    "no end": (lambda text: text[: len(text) // 2], "no header, no end"),
    "a tail of its own": (lambda text: text + "\n!", 'ends in "!"'),
    "no ASCII": (lambda text: text.replace("Column_1 ", "Spalte_ä "), "not ASCII"),
}


@pytest.mark.parametrize("case", ALTERED)
def test_an_altered_model_is_refused_with_what_is_wrong(case: str) -> None:
    alter, sentence = ALTERED[case]
    altered = alter(DEMO)
    assert altered != DEMO
    with pytest.raises(BadBundleError, match=re.escape(sentence)):
        check_trees("lightgbm.txt", altered)
    with pytest.raises(BadBundleError, match=r"lightgbm\.txt is no LightGBM model in text form"):
        read_trees("lightgbm.txt", altered.encode())


@pytest.mark.parametrize(
    "settings",
    [{"min_data_in_leaf": 1, "num_leaves": 200}, {"min_data_in_leaf": 400}, {"zero_as_missing": True}, {"max_bin": 9}],
    ids=json.dumps,
)
def test_models_that_lightgbm_writes_of_numeric_columns_pass(settings: dict[str, int | bool]) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 8))
    x[rng.random(x.shape) < 0.1] = np.nan
    booster = lgb.train({"verbose": -1, "num_threads": 1, **settings}, lgb.Dataset(x, np.exp(rng.normal(size=500))), 5)
    explain = read_trees("vectors-blood.txt", booster.model_to_string().encode())
    assert np.allclose(explain(x).sum(axis=1), np.asarray(booster.predict(x, raw_score=True)))


def test_the_text_of_the_demo_is_read_as_it_stands() -> None:
    demo = Path(DEMO_BUNDLE / "lightgbm.txt").read_bytes()
    assert read_trees("lightgbm.txt", demo)(np.zeros((2, 21))).shape == (2, 22)
