"""Makes the reference files beside this script: data sets, splits and scikit-learn's figures on them.

    pip install scikit-learn==1.9.1
    python tests/reference/make.py PENGUINS.csv

PENGUINS.csv is palmerpenguins' table (CC0); the other data sets ship with scikit-learn.
"""

import csv
import json
import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn import datasets, metrics
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler, label_binarize

HERE = Path(__file__).parent
SEEDS = range(20)
TREES = 50
TIGHT = dict(tol=1e-11, max_iter=200_000)


def penguins(path):
    columns = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    with open(path, newline="") as file:
        rows = [row for row in csv.DictReader(file) if "NA" not in row.values() and "" not in row.values()]
    species = sorted({row["species"] for row in rows})
    x = np.array([[float(row[name]) for name in columns] for row in rows])
    return columns, x, np.array([species.index(row["species"]) for row in rows])


def load(path):
    sets = {"penguins": penguins(path)}
    for name in ["iris", "wine", "breast_cancer", "diabetes"]:
        bunch = getattr(datasets, f"load_{name}")()
        names = [n.replace(" (cm)", "").replace(" ", "_").replace("/", "_") for n in bunch.feature_names]
        sets[name] = (names, bunch.data, bunch.target)
    return sets


def write_csv(name, columns, x, y):
    with open(HERE / f"{name}.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow([*columns, "target"])
        out.writerows([*map(repr, map(float, row)), repr(target.item())] for row, target in zip(x, y))


def write_json(name, value):
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(item)}" for key, item in value.items())
    (HERE / f"{name}.json").write_text(f"{{\n{lines}\n}}\n")


def splits_and_scores(sets):
    splits, scores = {}, {}
    for name, (_, x, y) in sets.items():
        regression = name == "diabetes"
        splits[name] = []
        found = {}
        for seed in SEEDS:
            index = np.arange(len(y))
            stratify = None if regression else y
            train, test = train_test_split(index, test_size=0.25, random_state=seed, stratify=stratify)
            train, test = np.sort(train), np.sort(test)
            splits[name].append(test.tolist())
            scaler = StandardScaler().fit(x[train])
            a, b = scaler.transform(x[train]), scaler.transform(x[test])
            if regression:
                models = {
                    "linear_regression": LinearRegression(),
                    "random_forest": RandomForestRegressor(TREES, random_state=seed, n_jobs=2),
                }
            else:
                models = {
                    "logistic_regression": LogisticRegression(max_iter=10_000),
                    "random_forest": RandomForestClassifier(TREES, random_state=seed, n_jobs=2),
                }
            for label, model in models.items():
                found.setdefault(label, []).append(model.fit(a, y[train]).score(b, y[test]))
        scores[name] = {label: float(np.mean(values)) for label, values in found.items()}
    write_json("splits", splits)
    write_json("scores", scores)


def linear(model):
    return {
        "coefficients": np.atleast_2d(model.coef_).tolist(),
        "intercepts": np.atleast_1d(model.intercept_).tolist(),
    }


def balanced(y):
    counts = np.bincount(y)
    return (len(y) / (len(counts) * counts))[y]


def one_hot(x, y):
    """The table with its first column cut in four and fully one-hot encoded: collinear with the intercept."""
    part = np.digitize(x[:, 0], np.quantile(x[:, 0], [0.25, 0.5, 0.75]))
    return np.hstack([x[:, 1:], np.eye(4)[part]]), y


def coefficients(sets):
    z = {name: (StandardScaler().fit_transform(x), y) for name, (_, x, y) in sets.items()}
    found = {}
    for name in ["breast_cancer", "iris", "penguins"]:
        x, y = z[name]
        found[f"{name}: c 1"] = linear(LogisticRegression(**TIGHT).fit(x, y))
        found[f"{name}: c 0.05"] = linear(LogisticRegression(C=0.05, **TIGHT).fit(x, y))
        found[f"{name}: balanced"] = linear(LogisticRegression(**TIGHT).fit(x, y, sample_weight=balanced(y)))
        found[f"{name}: no intercept"] = linear(LogisticRegression(fit_intercept=False, **TIGHT).fit(x, y))
        saga = dict(solver="saga", random_state=0, C=0.1, **TIGHT)
        found[f"{name}: l1"] = linear(LogisticRegression(l1_ratio=1.0, **saga).fit(x, y))
        found[f"{name}: elastic"] = linear(LogisticRegression(l1_ratio=0.5, **saga).fit(x, y))
    raw = sets["penguins"]
    found["penguins: raw"] = linear(LogisticRegression(solver="newton-cg", **TIGHT).fit(raw[1], raw[2]))
    x, y = z["diabetes"]
    found["diabetes: linear"] = linear(LinearRegression().fit(x, y))
    found["diabetes: no intercept"] = linear(LinearRegression(fit_intercept=False).fit(x, y))
    weights = 1.0 + np.arange(len(y)) % 3
    found["diabetes: weighted"] = linear(LinearRegression().fit(x, y, sample_weight=weights))
    found["diabetes: one hot"] = linear(LinearRegression().fit(*one_hot(x, y)))
    write_json("coefficients", found)


def averages(truth, labels, plain):
    found = {}
    for name in ["precision", "recall", "f1"]:
        score = getattr(metrics, f"{name}_score")
        for average in ["macro", "micro", "weighted"]:
            found[f"{name}_{average}"] = score(truth, labels, average=average, zero_division=0)
        found[name] = score(truth, labels, zero_division=0, **plain)
    return found


def classes_case(random, count, rows, positive, never=None):
    truth = np.arange(rows) % count
    random.shuffle(truth)
    raw = random.integers(1, 6, size=(rows, count)).astype(float)
    raw[np.arange(rows), truth] += random.integers(0, 4, size=rows)
    if never is not None:
        raw[:, never] = 0.0
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    labels = probabilities.argmax(axis=1)
    plain = {"pos_label": positive} if count == 2 else {"average": "macro"}
    expected = {
        "accuracy": metrics.accuracy_score(truth, labels),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, labels),
        "log_loss": metrics.log_loss(truth, probabilities, labels=range(count)),
        **averages(truth, labels, plain),
    }
    if count == 2:
        expected["roc_auc"] = metrics.roc_auc_score(truth == positive, probabilities[:, positive])
    else:
        # Column by column, as `multi_class="ovr"` does, without its demand that rows sum to exactly 1.
        columns = label_binarize(truth, classes=range(count))
        expected["roc_auc"] = metrics.roc_auc_score(columns, probabilities, average="macro")
    return {
        "truth": truth.tolist(),
        "probabilities": probabilities.tolist(),
        "count": count,
        "positive": positive,
        "expected": {key: float(value) for key, value in expected.items()},
        "confusion": metrics.confusion_matrix(truth, labels, labels=range(count)).tolist(),
        "report": metrics.classification_report(truth, labels, output_dict=True, zero_division=0),
    }


def numbers_case(random, rows):
    truth = random.normal(10, 4, rows)
    predicted = truth + random.normal(0.5, 2, rows)
    expected = {
        "mse": metrics.mean_squared_error(truth, predicted),
        "rmse": metrics.root_mean_squared_error(truth, predicted),
        "mae": metrics.mean_absolute_error(truth, predicted),
        "r2": metrics.r2_score(truth, predicted),
    }
    return {"truth": truth.tolist(), "predicted": predicted.tolist(), "expected": expected}


def metric_values():
    random = np.random.default_rng(7)
    write_json(
        "metrics",
        {
            "binary": classes_case(random, 2, 61, 1),
            "binary, first positive": classes_case(random, 2, 40, 0),
            "binary, certain and wrong": classes_case(random, 2, 24, 1, never=1),
            "four classes": classes_case(random, 4, 90, None),
            "a class never predicted": classes_case(random, 3, 45, None, never=2),
            "numbers": numbers_case(random, 50),
        },
    )


def main():
    warnings.simplefilter("ignore")
    sets = load(sys.argv[1])
    for name, (columns, x, y) in sets.items():
        write_csv(name, columns, x, y)
    splits_and_scores(sets)
    coefficients(sets)
    metric_values()


main()
