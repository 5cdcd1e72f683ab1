"""What hmmlearn computes of three small models, as JSON, for against_hmmlearn.rs.

    pip install hmmlearn==0.3.3
    python against_hmmlearn.py > against_hmmlearn.json

Priors are set to have no effect, so that a step of Baum-Welch is the likeliest one.
"""

import json
import logging

import numpy as np
from hmmlearn import __version__
from hmmlearn.hmm import CategoricalHMM, GaussianHMM

logging.getLogger("hmmlearn").setLevel(logging.ERROR)
LENGTHS = [7, 1, 12, 40]
STATES, SYMBOLS, FEATURES = 3, 4, 2
STEPS = 15

random = np.random.default_rng(20)
start = random.dirichlet(np.ones(STATES))
transitions = random.dirichlet(np.ones(STATES), STATES)
chances = random.dirichlet(np.ones(SYMBOLS), STATES)
means = random.normal(0, 2, (STATES, FEATURES))
variances = random.uniform(0.3, 2, (STATES, FEATURES))
factors = random.normal(0, 1, (STATES, FEATURES, FEATURES))
matrices = factors @ factors.transpose(0, 2, 1) + 0.3 * np.eye(FEATURES)


def model(kind, iterations):
    options = dict(n_iter=iterations, tol=-np.inf, init_params="")
    if kind == "categorical":
        hmm = CategoricalHMM(STATES, n_features=SYMBOLS, **options)
        hmm.emissionprob_ = chances.copy()
    else:
        hmm = GaussianHMM(STATES, kind, covars_prior=0, covars_weight=1, **options)
        hmm.means_ = means.copy()
        # Its own property of diagonal covariances gives matrices back.
        hmm._covars_ = (variances if kind == "diag" else matrices).copy()
    hmm.startprob_, hmm.transmat_ = start.copy(), transitions.copy()
    hmm.n_features = SYMBOLS if kind == "categorical" else FEATURES
    return hmm


def stored(kind, hmm):
    if kind == "categorical":
        emission = hmm.emissionprob_.tolist()
    else:
        name = {"diag": "diagonal", "full": "full"}[kind]
        covariances = {name: hmm._covars_.tolist()}
        emission = {"means": hmm.means_.tolist(), "covariances": covariances}
    return {
        "start": hmm.startprob_.tolist(),
        "transitions": hmm.transmat_.tolist(),
        "emission": emission,
    }


def of(kind):
    hmm = model(kind, 0)
    data = [hmm.sample(length, random_state=seed)[0] for seed, length in enumerate(LENGTHS)]
    together = np.concatenate(data)
    paths = [hmm.decode(sequence) for sequence in data]
    learned, history = [], None
    for iterations in [1, STEPS]:
        trained = model(kind, iterations).fit(together, LENGTHS)
        learned.append(stored(kind, trained))
        history = list(trained.monitor_.history)
    as_list = (lambda x: x[:, 0].tolist()) if kind == "categorical" else np.ndarray.tolist
    return {
        "model": stored(kind, hmm),
        "sequences": [as_list(sequence) for sequence in data],
        "log_likelihoods": [hmm.score(sequence) for sequence in data],
        "posteriors": [hmm.predict_proba(sequence).tolist() for sequence in data],
        "viterbi_log_p": [log_p for log_p, _ in paths],
        "viterbi": [path.tolist() for _, path in paths],
        "after_one_step": learned[0],
        "after_all_steps": learned[1],
        "history": history,
    }


kinds = {"categorical": "categorical", "diagonal": "diag", "full": "full"}
print(json.dumps({"hmmlearn": __version__, **{name: of(kind) for name, kind in kinds.items()}}))
