"""Makes fuse.json: what scikit-learn's calibrations make of given probabilities."""

import json
from pathlib import Path

import numpy as np
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
(HERE / "fuse.json").write_text(json.dumps({"calibration": calibration}) + "\n")
