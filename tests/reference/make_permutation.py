"""Makes permutation.json: what scores lose when columns are shuffled, under orders that are given and under scikit-learn's
own. Run it in this folder."""

import json

import numpy as np
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression
from sklearn.metrics import log_loss, mean_absolute_error
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

REPEATS, MANY = 3, 60


def table(name):
    rows = np.genfromtxt(f"{name}.csv", delimiter=",", skip_header=1)
    return rows[:, :-1], rows[:, -1]


def ratio(x):
    """The first column is read only through its ratio to the second one."""
    return np.column_stack([x[:, 0] / x[:, 1], x[:, 1:]])


def shuffled(x, column, order):
    other = x.copy()
    other[:, column] = x[order, column]
    return other


def case(x, y, test, model, loss, scoring):
    """Rows whose number is a multiple of `test` are judged."""
    held = np.arange(len(y)) % test == 0
    model = make_pipeline(FunctionTransformer(ratio), model).fit(x[~held], y[~held])
    x, y = x[held], y[held]
    random = np.random.RandomState(0)
    orders = [[random.permutation(len(y)) for _ in range(REPEATS)] for _ in x.T]
    base = loss(model, x, y)
    losses = [
        [loss(model, shuffled(x, column, order), y) - base for order in of] for column, of in enumerate(orders)
    ]
    own = permutation_importance(model, x, y, n_repeats=MANY, random_state=0, scoring=scoring)
    return {
        "test": test,
        "orders": [[order.tolist() for order in of] for of in orders],
        "losses": losses,
        "mean": own.importances_mean.tolist(),
        "std": own.importances_std.tolist(),
        "repeats": MANY,
    }


def main():
    found = {
        "diabetes": case(
            *table("diabetes"),
            3,
            LinearRegression(),
            lambda model, x, y: mean_absolute_error(y, model.predict(x)),
            "neg_mean_absolute_error",
        ),
        "wine": case(
            *table("wine"),
            3,
            GaussianNB(),
            lambda model, x, y: log_loss(y, model.predict_proba(x)),
            "neg_log_loss",
        ),
    }
    with open("permutation.json", "w") as file:
        json.dump(found, file)
        file.write("\n")


main()
