"""Writes autoregression.json, beside this file: what statsmodels finds in two series.

    pip install numpy==2.4.6 statsmodels==0.15.0
    python crates/models/tests/all/autoregression/autoregression.py
"""

import json
import pathlib
import warnings

import numpy
import statsmodels
from statsmodels.tsa.ar_model import AutoReg, ar_select_order

HORIZON = 15


def draw(intercept, coefficients, deviation, steps, seed):
    """A series of this autoregression (lag: coefficient), after 500 steps that are thrown away."""
    random = numpy.random.default_rng(seed)
    largest = max(coefficients)
    x = numpy.zeros(steps + 500)
    for t in range(largest, len(x)):
        past = sum(phi * x[t - lag] for lag, phi in coefficients.items())
        x[t] = intercept + past + deviation * random.standard_normal()
    return x[500:]


def fitted(series, lags, hold_back=None):
    fit = AutoReg(series, lags, hold_back=hold_back).fit()
    ahead = fit.get_prediction(len(series), len(series) + HORIZON - 1)
    interval = numpy.asarray(ahead.conf_int(alpha=0.1))
    return {
        "lags": fit.model.ar_lags or [],
        "hold_back": hold_back,
        "params": fit.params.tolist(),
        "sigma2": fit.sigma2,
        "rows": int(fit.nobs),
        "llf": fit.llf,
        "aic": fit.aic,
        "bic": fit.bic,
        "mean": ahead.predicted_mean.tolist(),
        "variance": ahead.var_pred_mean.tolist(),
        "lower": interval[:, 0].tolist(),
        "upper": interval[:, 1].tolist(),
        "radius": float(numpy.max(1 / numpy.abs(fit.roots))) if fit.model.ar_lags else 0.0,
        "residuals": fit.resid[-5:].tolist(),
    }


def chosen(series, largest, criterion):
    selection = ar_select_order(series, largest, ic=criterion)
    values = getattr(selection, criterion)
    criteria = [values[tuple(range(1, order + 1)) or 0] for order in range(largest + 1)]
    refitted = selection.model.fit()
    return {
        "criterion": criterion,
        "order": len(selection.ar_lags or []),
        "criteria": criteria,
        "params": refitted.params.tolist(),
        "llf": refitted.llf,
    }


def case(series, lags, largest):
    return {
        "series": series.tolist(),
        "fits": [fitted(series, *each) for each in lags],
        "chosen": [chosen(series, largest, criterion) for criterion in ("aic", "bic")],
    }


warnings.simplefilter("error")
quick = draw(2.0, {1: 0.6, 2: -0.3, 3: 0.2}, 1.5, 240, seed=1)
# Far from 0, as temperatures in kelvin are.
seasonal = draw(20.0, {1: 0.5, 12: 0.43}, 0.7, 200, seed=2)
found = {
    "made by": f"numpy {numpy.__version__}, statsmodels {statsmodels.__version__}",
    "cases": [
        case(quick, [(2,), (0,), (7,), ([1, 3],), ([1, 2, 4], 10)], 10),
        case(seasonal, [(1,), ([1, 12],), ([1, 2, 12, 13],)], 14),
    ],
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(found, indent=1) + "\n")
