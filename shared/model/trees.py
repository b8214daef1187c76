"""LightGBM models in text form; imported only where a bundle names one."""

import lightgbm as lgb
import numpy as np

from shared.arrays import Floats
from shared.model.errors import BadBundleError
from shared.model.hazards import Trees
from shared.model.trees_text import check_trees


def read_trees(name: str, text: bytes) -> Trees:
    """Read a model's text; the function that it gives explains a design.

    Raises:
        BadBundleError: the text is no LightGBM model.
    """
    try:
        model = text.decode("ascii")
        check_trees(name, model)
        booster = lgb.Booster(model_str=model)
    except (lgb.basic.LightGBMError, ValueError, IndexError, KeyError) as error:
        raise BadBundleError(f"{name} is no LightGBM model in text form") from error

    def explain(design: Floats) -> Floats:
        shares = booster.predict(design, pred_contrib=True, num_threads=1)
        return np.asarray(shares, np.float64).reshape(len(design), -1)

    return explain
