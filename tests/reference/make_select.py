"""Makes select.json: scikit-learn's scores of the columns of data sets in this folder. Run it in this folder."""

import json

import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_selection import f_classif, f_regression
from sklearn.metrics import mutual_info_score


def table(name):
    rows = np.genfromtxt(f"{name}.csv", delimiter=",", skip_header=1)
    return rows[:, :-1], rows[:, -1]


def bins(values):
    """A bin for each of up to 16 values, else 16 of about as many rows each."""
    if len(np.unique(values)) <= 16:
        return values
    ordered = np.sort(values)
    edges = [ordered[nth * len(values) // 16] for nth in range(1, 16)]
    return np.searchsorted(np.unique(edges), values, side="right")


def main():
    found = {}
    cases = [
        ("iris", f_classif, RandomForestClassifier),
        ("wine", f_classif, RandomForestClassifier),
        ("diabetes", f_regression, RandomForestRegressor),
    ]
    for name, scores, forest in cases:
        x, y = table(name)
        shares = np.array([forest(random_state=seed).fit(x, y).feature_importances_ for seed in range(20)])
        found[name] = {
            "f_test": list(scores(x, y)[0]),
            "mutual_information": [mutual_info_score(bins(column), bins(y)) for column in x.T],
            "variance": list(x.var(axis=0)),
            "importance": list(shares.mean(axis=0)),
            "importance_std": list(shares.std(axis=0)),
            "correlation": [abs(np.corrcoef(column, y)[0, 1]) for column in x.T],
        }
    with open("select.json", "w") as file:
        json.dump(found, file, indent=1)
        file.write("\n")


main()
