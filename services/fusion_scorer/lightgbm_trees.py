"""LightGBM models in text form, loaded only where a bundle names one."""

import lightgbm as lgb
import numpy as np

from services.fusion_scorer.errors import BadBundleError
from services.fusion_scorer.hazard import Trees
from shared.arrays import Floats


def load(name: str, text: bytes) -> Trees:
    """Read a model's text; the function it gives explains one row.

    Raises:
        BadBundleError: the text is no LightGBM model.
    """
    try:
        booster = lgb.Booster(model_str=text.decode())
    except (lgb.basic.LightGBMError, ValueError, IndexError, KeyError) as error:
        raise BadBundleError(f"{name} is no LightGBM model in text form") from error

    def explain(row: Floats) -> Floats:
        shares = booster.predict(row[np.newaxis], pred_contrib=True, num_threads=1)
        return np.asarray(shares, np.float64).reshape(-1)

    return explain
