"""Makes linear.json beside this script: what scikit-learn's linear models, naive Bayes and neighbours say.

    pip install scikit-learn==1.9.1
    python tests/reference/make_linear.py

It reads the data sets that make.py wrote.
"""

import csv
import json
import warnings
from pathlib import Path

import numpy as np
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, Ridge
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).parent
TIGHT = dict(tol=1e-12, max_iter=1_000_000)


def table(name):
    with open(HERE / f"{name}.csv", newline="") as file:
        rows = list(csv.reader(file))[1:]
    values = np.array(rows, dtype=float)
    return values[:, :-1], values[:, -1]


def line(model):
    return {"coefficients": [model.coef_.tolist()], "intercepts": [float(model.intercept_)]}


def lines():
    raw, y = table("diabetes")
    x = StandardScaler().fit_transform(raw)
    weights = np.arange(len(y)) % 3
    wide = slice(0, 8)
    found = {
        "ridge: alpha 1": Ridge(alpha=1.0, solver="cholesky").fit(x, y),
        "ridge: alpha 100": Ridge(alpha=100.0, solver="cholesky").fit(x, y),
        "ridge: raw": Ridge(alpha=1.0, solver="cholesky").fit(raw, y),
        "ridge: no intercept": Ridge(alpha=1.0, fit_intercept=False, solver="cholesky").fit(x, y),
        "ridge: weighted": Ridge(alpha=1.0, solver="cholesky").fit(x, y, sample_weight=weights),
        "ridge: wide": Ridge(alpha=0.5, solver="svd").fit(x[wide], y[wide]),
        "linear_regression: wide": LinearRegression().fit(x[wide], y[wide]),
        "lasso: alpha 1": Lasso(alpha=1.0, **TIGHT).fit(x, y),
        "lasso: alpha 20": Lasso(alpha=20.0, **TIGHT).fit(x, y),
        "lasso: raw": Lasso(alpha=0.1, **TIGHT).fit(raw, y),
        "lasso: no intercept": Lasso(alpha=1.0, fit_intercept=False, **TIGHT).fit(x, y),
        "lasso: weighted": Lasso(alpha=1.0, **TIGHT).fit(x, y, sample_weight=weights),
        "lasso: positive": Lasso(alpha=1.0, positive=True, **TIGHT).fit(x, y),
        "lasso: wide": Lasso(alpha=0.5, **TIGHT).fit(x[wide], y[wide]),
        "elastic_net: alpha 1": ElasticNet(alpha=1.0, **TIGHT).fit(x, y),
        "elastic_net: mostly l1": ElasticNet(alpha=0.5, l1_ratio=0.9, **TIGHT).fit(x, y),
        "elastic_net: raw": ElasticNet(alpha=0.01, **TIGHT).fit(raw, y),
        "elastic_net: weighted": ElasticNet(alpha=1.0, **TIGHT).fit(x, y, sample_weight=weights),
        "elastic_net: positive": ElasticNet(alpha=1.0, positive=True, **TIGHT).fit(x, y),
    }
    return {key: line(model) for key, model in found.items()}


def some(values):
    """Every eleventh row, which is enough to tell models apart."""
    return values[::11].tolist()


def bayes():
    found = {}
    for name in ["iris", "wine", "breast_cancer", "penguins"]:
        x, y = table(name)
        found[f"{name}: gaussian"] = some(GaussianNB().fit(x, y).predict_proba(x))
        found[f"{name}: smooth"] = some(GaussianNB(var_smoothing=1e-3).fit(x, y).predict_proba(x))
        found[f"{name}: multinomial"] = some(MultinomialNB().fit(x, y).predict_proba(x))
        z = StandardScaler().fit_transform(x)
        found[f"{name}: bernoulli"] = some(BernoulliNB(alpha=0.5, binarize=0.1).fit(z, y).predict_proba(z))
        found[f"{name}: uniform"] = some(BernoulliNB(fit_prior=False).fit(z, y).predict_proba(z))
        weights = 1.0 + np.arange(len(y)) % 3
        found[f"{name}: weighted"] = some(GaussianNB().fit(z, y, sample_weight=weights).predict_proba(z))
    return found


def neighbors():
    found = {}
    variants = {
        "5": {},
        "1": dict(n_neighbors=1),
        "distance": dict(n_neighbors=9, weights="distance"),
        "manhattan": dict(n_neighbors=7, metric="manhattan", weights="distance"),
    }
    for name in ["wine", "breast_cancer", "penguins", "diabetes"]:
        x, y = table(name)
        z = StandardScaler().fit_transform(x)
        train = np.arange(len(y)) % 3 != 0
        for key, with_ in variants.items():
            if name == "diabetes":
                said = KNeighborsRegressor(**with_).fit(z[train], y[train]).predict(z[~train])
            else:
                said = KNeighborsClassifier(**with_).fit(z[train], y[train]).predict_proba(z[~train])
            found[f"{name}: {key}"] = said[::3].tolist()
    return found


def main():
    warnings.simplefilter("ignore")
    found = {"lines": lines(), "bayes": bayes(), "neighbors": neighbors()}
    with open(HERE / "linear.json", "w") as file:
        file.write("{\n")
        parts = []
        for part, values in found.items():
            rows = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in values.items())
            parts.append(f"{json.dumps(part)}: {{\n{rows}\n}}")
        file.write(",\n".join(parts) + "\n}\n")


main()
