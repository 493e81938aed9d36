"""Makes digits.csv.gz and digits.json: scikit-learn's handwritten digits, and mean scores of its models on them.

    pip install scikit-learn==1.9.1 lightgbm==4.7.0
    python tests/reference/make_digits.py

There are six splits that need no list: a third of the rows, every third from one of the first three on, trains, and
another third tests. Each entry: the mean accuracy over the splits; for models of chance the mean over twenty seeds, and
`deviation`, by how much such a mean over the splits differs from seed to seed. Pixels are divided by 16.
"""

import gzip
import json
import warnings
from pathlib import Path

import lightgbm
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

HERE = Path(__file__).parent
SEEDS = range(20)
SPLITS = [(train, test) for train in range(3) for test in range(3) if train != test]


class Lightgbm:
    """LightGBM's trees, with the settings of make_boost.py."""

    def __init__(self, rounds, leaves):
        self.rounds = rounds
        self.params = dict(objective="multiclass", num_class=10, num_leaves=leaves, min_data_in_leaf=20)
        self.params |= dict(learning_rate=0.1, verbosity=-1, num_threads=1, deterministic=True)

    def fit(self, x, y):
        self.booster = lightgbm.train(self.params, lightgbm.Dataset(x, y), self.rounds)
        return self

    def score(self, x, y):
        return np.mean(self.booster.predict(x).argmax(1) == y)


# Each with the name and hyper-parameters that it has here.
SURE = [
    ("logistic_regression", {}, lambda: LogisticRegression(max_iter=10_000)),
    ("logistic_regression", {"c": 0.01}, lambda: LogisticRegression(C=0.01, max_iter=10_000)),
    ("svm", {}, lambda: SVC()),
    ("svm", {"kernel": "linear"}, lambda: SVC(kernel="linear")),
    ("svm", {"kernel": "poly", "c": 0.5}, lambda: SVC(kernel="poly", C=0.5)),
    ("knn", {}, lambda: KNeighborsClassifier()),
    (
        "knn",
        {"weights": "distance", "metric": "manhattan"},
        lambda: KNeighborsClassifier(weights="distance", metric="manhattan"),
    ),
    ("naive_bayes", {"var_smoothing": 0.1}, lambda: GaussianNB(var_smoothing=0.1)),
]
CHANCE = [
    ("decision_tree", {}, DecisionTreeClassifier),
    ("decision_tree", {"criterion": "entropy", "max_depth": 7}, DecisionTreeClassifier),
    ("random_forest", {"n_estimators": 20}, RandomForestClassifier),
    ("extra_trees", {"n_estimators": 20}, ExtraTreesClassifier),
    ("neural_network", {"hidden_layer_sizes": [32], "max_iter": 60}, MLPClassifier),
]
BOOSTED = {"n_estimators": 12, "max_leaf_nodes": 15}


def main():
    warnings.simplefilter("ignore")
    x, y = load_digits(return_X_y=True)
    header = ",".join([*(f"pixel_{at}" for at in range(64)), "target"])
    rows = [",".join(map(str, map(int, [*row, target]))) for row, target in zip(x, y)]
    text = "\n".join([header, *rows, ""])
    (HERE / "digits.csv.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    x = x / 16

    def mean(make):
        return np.mean([make().fit(x[a::3], y[a::3]).score(x[b::3], y[b::3]) for a, b in SPLITS])

    found = []
    for model, given, make in SURE:
        found.append({"model": model, "with": given, "score": mean(make)})
    for model, given, kind in CHANCE:
        means = [mean(lambda seed=seed: kind(random_state=seed, **given)) for seed in SEEDS]
        found.append(
            {"model": model, "with": given, "score": np.mean(means), "deviation": np.std(means, ddof=1)}
        )
    ours = mean(
        lambda: HistGradientBoostingClassifier(
            max_iter=BOOSTED["n_estimators"], max_leaf_nodes=BOOSTED["max_leaf_nodes"], early_stopping=False
        )
    )
    theirs = mean(lambda: Lightgbm(BOOSTED["n_estimators"], BOOSTED["max_leaf_nodes"]))
    found.append({"model": "gradient_boosting", "with": BOOSTED, "score": ours, "lightgbm": theirs})
    lines = ",\n".join(json.dumps(entry) for entry in found)
    (HERE / "digits.json").write_text(f"[\n{lines}\n]\n")


main()
