"""Makes fuse.json: what scikit-learn's calibrations make of given probabilities, and scipy's best weights of a mean."""

import json
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV

HERE = Path(__file__).parent


class Given(ClassifierMixin, BaseEstimator):
    """A model whose probabilities are its features."""

    def fit(self, x, y, sample_weight=None):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, x):
        return np.asarray(x)

    def predict(self, x):
        return self.classes_[np.argmax(x, axis=1)]


class LogOdds(Given):
    """The same, known by their log-odds."""

    def decision_function(self, x):
        return np.log(x[:, 1]) - np.log(x[:, 0])


def rows(rng, count, classes):
    codes = rng.integers(0, classes, count)
    odds = rng.normal(0, 1.5, (count, classes))
    odds[np.arange(count), codes] += 1.0
    values = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
    return codes, np.round(values, 2) if classes > 2 else values


def case(name, method, classes, log_odds=False, weighted=False, seed=0):
    rng = np.random.default_rng(seed)
    codes, values = rows(rng, 60, classes)
    values = np.clip(values, 0.01, None)
    values /= values.sum(axis=1, keepdims=True)
    _, asked = rows(rng, 12, classes)
    asked = np.clip(asked, 0.001, None)
    asked /= asked.sum(axis=1, keepdims=True)
    weights = rng.integers(0, 4, len(codes)).astype(float) if weighted else None
    model = LogOdds() if log_odds else Given()
    # One fold after another gives every row its own probabilities back: they don't depend on the fit.
    calibrated = CalibratedClassifierCV(model, method=method, cv=3, ensemble=False)
    calibrated.fit(values, codes, sample_weight=weights)
    return {
        "name": name,
        "method": method,
        "classes": classes,
        "log_odds": log_odds,
        "codes": codes.tolist(),
        "values": values.ravel().tolist(),
        "weights": None if weights is None else weights.tolist(),
        "asked": asked.ravel().tolist(),
        "answers": calibrated.predict_proba(asked).ravel().tolist(),
    }


calibration = [
    case("isotonic of two", "isotonic", 2, seed=1),
    case("sigmoid of two", "sigmoid", 2, seed=2),
    case("isotonic of log-odds", "isotonic", 2, log_odds=True, seed=3),
    case("sigmoid of log-odds", "sigmoid", 2, log_odds=True, seed=4),
    case("isotonic of three", "isotonic", 3, seed=5),
    case("sigmoid of three", "sigmoid", 3, seed=6),
    case("isotonic with weights", "isotonic", 2, weighted=True, seed=7),
    case("sigmoid with weights", "sigmoid", 2, weighted=True, seed=8),
]

def best(loss, members):
    """The weights of a mean with the smallest loss: none below 0, together 1."""
    found = minimize(
        loss,
        np.full(members, 1 / members),
        method="SLSQP",
        bounds=[(0, 1)] * members,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1},
        options={"ftol": 1e-15, "maxiter": 1000},
    )
    assert found.success, found
    return found.x.tolist()


def of_classes(name, classes, noises, seed):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, 80)
    answers, columns = [], []
    for noise in noises:
        odds = rng.normal(0, noise, (len(truth), classes))
        odds[np.arange(len(truth)), truth] += 1.0
        values = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
        answers.append(values[np.arange(len(truth)), truth])
        columns.extend(values.T[1:] if classes == 2 else values.T)
    chances = np.array(answers)
    weights = best(lambda weights: -np.log(weights @ chances).mean(), len(noises))
    columns = [column.tolist() for column in columns]
    return {"name": name, "classes": classes, "truth": truth.tolist(), "answers": columns, "weights": weights}


def of_numbers(name, noises, seed):
    rng = np.random.default_rng(seed)
    truth = rng.normal(10, 3, 80)
    answers = np.array([truth + rng.normal(0.1, noise, len(truth)) for noise in noises])
    weights = best(lambda weights: ((weights @ answers - truth) ** 2).mean(), len(noises))
    return {"name": name, "classes": None, "truth": truth.tolist(), "answers": answers.tolist(), "weights": weights}


weights = [
    of_classes("two classes", 2, [1.0, 1.5, 0.8], seed=11),
    of_classes("three classes", 3, [1.0, 1.2], seed=12),
    of_classes("one that is no help", 2, [0.5, 4.0, 0.5], seed=13),
    of_numbers("numbers", [1.0, 2.0, 1.5], seed=14),
    of_numbers("one number that is no help", [1.0, 9.0], seed=15),
]
(HERE / "fuse.json").write_text(json.dumps({"calibration": calibration, "weights": weights}) + "\n")
