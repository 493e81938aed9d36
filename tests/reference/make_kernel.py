"""Makes kernel.json: what scikit-learn's support vector machines and neural networks say of the data sets beside.

    pip install scikit-learn==1.9.1
    python tests/reference/make_kernel.py

Run make.py first: the data sets and splits are its.
"""

import json
import warnings
from pathlib import Path

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

HERE = Path(__file__).parent
ROWS = 12
TIGHT = 1e-8
SEEDS = range(10)

MACHINES = {
    "rbf": dict(),
    "rbf c 20": dict(C=20.0, gamma=0.03),
    "rbf auto": dict(gamma="auto"),
    "poly": dict(kernel="poly", degree=2, coef0=1.0),
    "sigmoid": dict(kernel="sigmoid", gamma=0.01, coef0=-0.5),
    "weighted": dict(gamma=0.05),
    "linear": dict(kernel="linear"),
    "linear c 0.02": dict(kernel="linear", C=0.02),
    "linear weighted": dict(kernel="linear"),
    "linear, few rows": dict(kernel="linear"),
}
NETWORKS = {
    "relu": dict(hidden_layer_sizes=[30]),
    "tanh, two layers": dict(hidden_layer_sizes=[20, 10], activation="tanh", max_iter=100),
    "logistic, sgd": dict(
        hidden_layer_sizes=[20], activation="logistic", solver="sgd", learning_rate_init=0.1, batch_size=50
    ),
    "adaptive sgd": dict(
        hidden_layer_sizes=[20], solver="sgd", learning_rate="adaptive", learning_rate_init=0.05, max_iter=60
    ),
    "early": dict(hidden_layer_sizes=[30], early_stopping=True, validation_fraction=0.2, learning_rate_init=0.01),
}


def load(name):
    table = np.loadtxt(HERE / f"{name}.csv", delimiter=",", skiprows=1)
    return table[:, :-1], table[:, -1]


def machines(name, kinds):
    x, y = load(name)
    x = StandardScaler().fit_transform(x)
    weights = 1.0 + np.arange(len(y)) % 3
    found = {}
    for kind, parameters in kinds.items():
        rows = slice(None, None, 5) if "few" in kind else slice(None)
        if name == "diabetes":
            model = SVR(tol=TIGHT, **{"C": 50.0, "epsilon": 5.0, **parameters})
        else:
            model = SVC(tol=TIGHT, decision_function_shape="ovo", **parameters)
        model.fit(x[rows], y[rows], sample_weight=weights[rows] if "weighted" in kind else None)
        told = model.predict(x) if name == "diabetes" else model.decision_function(x)
        entry = {"vectors": len(model.support_), "told": told[:: len(y) // ROWS].tolist()}
        if "linear" in kind:
            entry["coefficients"] = model.coef_.tolist()
            entry["intercepts"] = np.atleast_1d(model.intercept_).tolist()
        found[f"{name}: {kind}"] = entry
    return found


def scores(name, splits, make):
    """The mean score on the test rows of ten splits, and that mean's standard error."""
    x, y = load(name)
    found = []
    for seed in SEEDS:
        test = np.zeros(len(y), dtype=bool)
        test[splits[name][seed]] = True
        scaler = StandardScaler().fit(x[~test])
        model = make(seed).fit(scaler.transform(x[~test]), y[~test])
        found.append(model.score(scaler.transform(x[test]), y[test]))
    return {"mean": float(np.mean(found)), "error": float(np.std(found, ddof=1) / np.sqrt(len(found)))}


def main():
    warnings.simplefilter("ignore")
    splits = json.loads((HERE / "splits.json").read_text())
    found = {}
    for name in ["iris", "breast_cancer", "diabetes"]:
        found.update(machines(name, MACHINES))
    linear = {kind: MACHINES[kind] for kind in MACHINES if "linear" in kind}
    for name in ["wine", "penguins"]:
        found.update(machines(name, linear))
    for name in ["penguins", "iris", "wine", "breast_cancer", "diabetes"]:
        machine = (lambda _: SVR()) if name == "diabetes" else (lambda _: SVC())
        found[f"{name}: svm"] = scores(name, splits, machine)
    for name in ["wine", "breast_cancer", "diabetes", "iris", "penguins"]:
        kinds = NETWORKS if name in ["wine", "breast_cancer", "diabetes"] else {"relu": NETWORKS["relu"]}
        for kind, parameters in kinds.items():

            def network(seed, parameters=parameters):
                if name != "diabetes":
                    return MLPClassifier(random_state=seed, **parameters)
                return TransformedTargetRegressor(
                    MLPRegressor(random_state=seed, **parameters), transformer=StandardScaler()
                )

            found[f"{name}: network {kind}"] = scores(name, splits, network)
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(item)}" for key, item in found.items())
    (HERE / "kernel.json").write_text(f"{{\n{lines}\n}}\n")


main()
