"""Makes trees.json beside this script: what scikit-learn's trees say of the data sets here.

    pip install scikit-learn==1.9.1
    python tests/reference/make_trees.py

`exact` holds trees that don't depend on chance: their leaves, depth, and what they say of each row. `scores` holds mean
scores over the first splits of splits.json.
"""

import csv
import json
from pathlib import Path

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

HERE = Path(__file__).parent
SPLITS = 10
SETS = ["iris", "wine", "breast_cancer", "diabetes", "penguins"]
MODELS = {
    "decision_tree": (DecisionTreeClassifier, DecisionTreeRegressor),
    "random_forest": (RandomForestClassifier, RandomForestRegressor),
    "extra_trees": (ExtraTreesClassifier, ExtraTreesRegressor),
}
# Each with hyper-parameters that both sides name alike, `missing` aside.
EXACT = [
    ("diabetes", {"max_depth": 5}),
    ("diabetes", {"max_leaf_nodes": 20}),
    ("diabetes", {"min_samples_leaf": 10, "max_depth": 4, "missing": True}),
    ("diabetes", {"min_samples_leaf": 0.03, "min_samples_split": 0.1}),
    ("diabetes", {"ccp_alpha": 20.0}),
    ("diabetes", {"min_impurity_decrease": 30.0}),
    ("diabetes", {"min_weight_fraction_leaf": 0.05, "max_depth": 6}),
    ("iris", {"max_depth": 2}),
    ("diabetes", {"max_leaf_nodes": 12, "missing": True}),
    ("iris", {"min_samples_leaf": 10}),
    ("breast_cancer", {"max_depth": 2, "criterion": "entropy"}),
    ("breast_cancer", {"max_leaf_nodes": 4}),
    ("breast_cancer", {"max_depth": 3, "missing": True}),
    ("wine", {"max_depth": 2}),
    ("wine", {"max_depth": 2, "missing": True}),
    ("penguins", {"max_depth": 3, "missing": True}),
]
SCORES = [
    ("decision_tree", {}),
    ("decision_tree", {"criterion": "entropy"}),
    ("decision_tree", {"splitter": "random"}),
    ("decision_tree", {"ccp_alpha": 0.01}),
    ("decision_tree", {"missing": True}),
    ("random_forest", {"missing": True}),
    ("random_forest", {"max_leaf_nodes": 8}),
    ("extra_trees", {}),
    ("extra_trees", {"missing": True}),
    ("extra_trees", {"bootstrap": True, "min_samples_leaf": 3}),
]


def table(name):
    with open(HERE / f"{name}.csv", newline="") as file:
        rows = list(csv.reader(file))[1:]
    cells = np.array([[float(cell) for cell in row] for row in rows])
    y = cells[:, -1]
    return cells[:, :-1], y if name == "diabetes" else y.astype(int)


def holes(x):
    """Takes every tenth value away, in a pattern."""
    rows, columns = np.indices(x.shape)
    return np.where((7 * rows + 13 * columns) % 10 == 0, np.nan, x)


def split(name, given):
    x, y = table(name)
    given = dict(given)
    if given.pop("missing", False):
        x = holes(x)
    return x, y, given


def exact():
    found = []
    for name, given in EXACT:
        x, y, rest = split(name, given)
        kind = MODELS["decision_tree"][name == "diabetes"]
        trees = [kind(random_state=seed, **rest).fit(x, y) for seed in range(5)]
        says = [tree.predict(x) if name == "diabetes" else tree.predict_proba(x)[:, 0] for tree in trees]
        if not all(np.allclose(says[0], other) for other in says):
            raise SystemExit(f"{name} {given} depends on chance")
        found.append(
            {
                "set": name,
                "with": given,
                "leaves": int(trees[0].get_n_leaves()),
                "depth": int(trees[0].get_depth()),
                "says": [float(f"{value:.9g}") for value in says[0]],
            }
        )
    return found


def scores():
    splits = json.loads((HERE / "splits.json").read_text())
    found = []
    for model, given in SCORES:
        for name in SETS if model == "decision_tree" or not given else SETS[1:4]:
            x, y, rest = split(name, given)
            kind = MODELS[model][name == "diabetes"]
            if name == "diabetes":
                rest = {key: value for key, value in rest.items() if key != "criterion"}
            if model != "decision_tree":
                rest["n_estimators"] = 20
            values = []
            for seed, test in enumerate(splits[name][:SPLITS]):
                train = np.setdiff1d(np.arange(len(y)), test)
                values.append(kind(random_state=seed, **rest).fit(x[train], y[train]).score(x[test], y[test]))
            found.append({"model": model, "with": given, "set": name, "score": float(np.mean(values))})
    return found


lines = {key: ",\n".join(map(json.dumps, value)) for key, value in {"exact": exact(), "scores": scores()}.items()}
text = ",\n".join(f'"{key}": [\n{value}\n]' for key, value in lines.items())
(HERE / "trees.json").write_text(f"{{\n{text}\n}}\n")
