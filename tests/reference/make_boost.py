"""Makes boost.json: mean scores of LightGBM and scikit-learn's HistGradientBoosting over the splits of splits.json.

    pip install scikit-learn==1.9.1 lightgbm==4.7.0
    python tests/reference/make_boost.py

Each entry: the data set and a variant, and for each library the mean score over the splits and the deviation of a
split's score. Variants: "plain" is all rows as they are; "missing" hides every 7th value of the first two columns;
"categories" makes codes of the first column's eighths, put in an order that means nothing.
"""

import json
import warnings
from pathlib import Path

import lightgbm
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import accuracy_score, log_loss, r2_score

HERE = Path(__file__).parent
SETS = ["breast_cancer", "diabetes", "wine", "penguins", "iris"]
VARIANTS = ["plain", "missing", "categories"]
ROUNDS = 60
ORDER = np.array([5, 2, 7, 0, 3, 6, 1, 4])


def load(name):
    table = np.genfromtxt(HERE / f"{name}.csv", delimiter=",", skip_header=1)
    return table[:, :-1].copy(), table[:, -1]


def vary(x, variant):
    if variant == "missing":
        for column in (0, 1):
            x[column::7, column] = np.nan
    if variant == "categories":
        rank = np.argsort(np.argsort(x[:, 0], kind="stable"), kind="stable")
        x[:, 0] = ORDER[rank * 8 // len(x)]
    return x


def score(y, prediction):
    if prediction.ndim == 1:
        return r2_score(y, prediction)
    return accuracy_score(y, prediction.argmax(1)), log_loss(y, prediction, labels=range(prediction.shape[1]))


def fits(x, y, variant, seed):
    categories = [0] if variant == "categories" else None
    common = dict(max_iter=ROUNDS, early_stopping=False, random_state=seed, categorical_features=categories)
    regression = len(np.unique(y)) > 20
    kind = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    classes = len(np.unique(y))
    params = dict(num_leaves=31, learning_rate=0.1, min_data_in_leaf=20, verbosity=-1, seed=seed, num_threads=1)
    params |= dict(cat_l2=0, max_cat_to_onehot=1, min_data_per_group=10, deterministic=True)
    params["objective"] = "regression" if regression else "binary" if classes == 2 else "multiclass"
    if classes > 2 and not regression:
        params["num_class"] = classes

    def ours(test):
        booster = lightgbm.train(params, lightgbm.Dataset(x, y, categorical_feature=categories or []), ROUNDS)
        found = booster.predict(test)
        return np.c_[1 - found, found] if params["objective"] == "binary" else found

    def sklearn(test):
        model = kind(**common).fit(x, y)
        return model.predict(test) if regression else model.predict_proba(test)

    return {"lightgbm": ours, "sklearn": sklearn}


def main():
    warnings.filterwarnings("ignore")
    splits = json.loads((HERE / "splits.json").read_text())
    lines = []
    for name in SETS:
        for variant in VARIANTS[:1] if name == "iris" else VARIANTS:
            x, y = load(name)
            x = vary(x, variant)
            found = {"lightgbm": [], "sklearn": []}
            for seed, test in enumerate(splits[name]):
                train = np.setdiff1d(np.arange(len(y)), test)
                for library, fit in fits(x[train], y[train], variant, seed).items():
                    found[library].append(np.atleast_1d(score(y[test], fit(x[test]))))
            entry = {
                library: {"mean": np.mean(scores, 0).round(5).tolist(), "deviation": np.std(scores, 0).round(5).tolist()}
                for library, scores in found.items()
            }
            lines.append(f"{json.dumps(f'{name}: {variant}')}: {json.dumps(entry)}")
    (HERE / "boost.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


main()
