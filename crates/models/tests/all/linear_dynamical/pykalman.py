"""Records what pykalman computes of linear dynamical systems, for pykalman.rs.

    pip install pykalman==0.11.2 numpy scipy
    python pykalman.py pykalman.json

Systems and observations are drawn from a seed. Of each case: the system (as `LinearDynamics` reads it),
`values` (null: the whole step is missing), `controls`, and

    filtered, smoothed     means and covariances of each step
    log_likelihood
    learned                the system after one step of EM over A, C, Q, R, m_1 and P_1

Controls are pykalman's offsets: B u_t from step 2 on, D u_t at each. Offsets are not learned: pykalman
finds them beside the old matrices, one after the other, where the M step is a regression on both at once.
"""
import json
import sys

import numpy as np
from pykalman import KalmanFilter

random = np.random.default_rng(7)


def covariance(size, scale=1.0):
    root = random.normal(size=(size, size))
    return scale * (root @ root.T / size + 0.3 * np.eye(size))


def case(latent, features, controls, steps, missing):
    a = random.normal(size=(latent, latent))
    a *= 0.9 / max(abs(np.linalg.eigvals(a)))
    b = random.normal(size=(latent, controls))
    c = random.normal(size=(features, latent))
    d = random.normal(size=(features, controls))
    q, r, p = covariance(latent, 0.5), covariance(features, 0.4), covariance(latent, 2.0)
    m = random.normal(size=latent)
    u = random.normal(size=(steps, controls))
    x = random.normal(size=(steps, features)) * 2.0
    masked = np.ma.array(x, mask=np.zeros_like(x, dtype=bool))
    masked[missing] = np.ma.masked
    offsets = {}
    if controls:
        offsets = {
            # Of one step there is no transition; pykalman wants a number all the same.
            "transition_offsets": u[1:] @ b.T if steps > 1 else np.zeros(latent),
            "observation_offsets": u @ d.T,
        }
    def build():
        return KalmanFilter(
            transition_matrices=a, observation_matrices=c, transition_covariance=q, observation_covariance=r,
            initial_state_mean=m, initial_state_covariance=p, n_dim_state=latent, n_dim_obs=features, **offsets,
        )
    known = build()
    filtered, smoothed = known.filter(masked), known.smooth(masked)
    found = {
        "system": system(a, b, c, d, q, r, m, p),
        "values": [None if t in missing else x[t].tolist() for t in range(steps)],
        "controls": u.tolist() if controls else [],
        "filtered": {"means": filtered[0].tolist(), "covariances": filtered[1].tolist()},
        "smoothed": {"means": smoothed[0].tolist(), "covariances": smoothed[1].tolist()},
        "log_likelihood": float(known.loglikelihood(masked)),
        "learned": None,
    }
    if steps > 1:
        names = [
            "transition_matrices", "observation_matrices", "transition_covariance", "observation_covariance",
            "initial_state_mean", "initial_state_covariance",
        ]
        learned = build().em(masked, n_iter=1, em_vars=names)
        found["learned"] = system(
            learned.transition_matrices, b, learned.observation_matrices, d, learned.transition_covariance,
            learned.observation_covariance, learned.initial_state_mean, learned.initial_state_covariance,
        )
    return found


def system(a, b, c, d, q, r, m, p):
    return {
        "transition": a.tolist(), "control": b.tolist(), "emission": c.tolist(), "feedthrough": d.tolist(),
        "transition_noise": q.tolist(), "emission_noise": r.tolist(), "initial_mean": m.tolist(),
        "initial_covariance": p.tolist(),
    }


cases = [
    case(2, 3, 0, 12, []),
    case(2, 3, 2, 15, [0, 4, 5, 14]),
    case(3, 1, 1, 40, [7]),
    case(5, 7, 0, 9, [3]),
    case(1, 1, 0, 1, []),
]
with open(sys.argv[1], "w") as file:
    json.dump(cases, file)
