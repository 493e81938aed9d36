"""Makes transform.json: scikit-learn's scales of targets, and regressions that learn on them. Run it in this folder."""

import json

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, QuantileTransformer

Z = [-6, -3, -1.2, -0.1, 0, 0.7, 1.9, 2.4, 6]


class Places(QuantileTransformer):
    """Without the rounding errors of percentiles, which tell equal numbers apart."""

    def fit(self, x, y=None):
        super().fit(x, y)
        self.quantiles_ = self.quantiles_.round(9)
        return self


def quantile(rows):
    return Places(n_quantiles=min(1000, rows), output_distribution="normal", subsample=None)


def scales(y):
    y = np.asarray(y, dtype=float)
    column = y.reshape(-1, 1)
    power, places = PowerTransformer().fit(column), quantile(len(y)).fit(column)
    # Farther out the power makes no number of some targets.
    z = [z for z in Z if np.isfinite(power.inverse_transform([[z]])[0, 0])]
    back = lambda of: of.inverse_transform(np.reshape(z, (-1, 1))).ravel().tolist()
    return {
        "y": y.tolist(),
        "z": z,
        "lambda": power.lambdas_[0],
        "yeo_johnson": power.transform(column).ravel().tolist(),
        "yeo_johnson_back": back(power),
        "quantile": places.transform(column).ravel().tolist(),
        "quantile_back": back(places),
    }


def main():
    rows = np.genfromtxt("diabetes.csv", delimiter=",", skip_header=1)
    x, y = rows[:, :-1], rows[:, -1]
    wine = np.genfromtxt("wine.csv", delimiter=",", skip_header=1)
    random = np.random.RandomState(0)
    found = {
        "scales": {
            "diabetes": scales(y),
            "proline": scales(wine[:, -2]),
            "both signs": scales(np.round(random.standard_t(3, 200), 6)),
            "a long tail": scales(np.round(np.exp(random.normal(0, 1.5, 200)), 6)),
            "a tail below": scales(np.round(5 - np.exp(random.normal(0, 1, 200)), 6)),
            "many": scales(np.round(random.gamma(2, 3, 1500), 4)),
        }
    }
    transformers = {
        "log1p": FunctionTransformer(np.log1p, np.expm1),
        "log": FunctionTransformer(np.log, np.exp),
        "sqrt": FunctionTransformer(np.sqrt, lambda z: np.maximum(z, 0) ** 2, check_inverse=False),
        "yeo_johnson": PowerTransformer(),
        "quantile": quantile(len(y)),
    }
    found["predictions"] = {
        name: TransformedTargetRegressor(LinearRegression(), transformer=transformer).fit(x, y).predict(x).tolist()
        for name, transformer in transformers.items()
    }
    with open("transform.json", "w") as file:
        json.dump(found, file)
        file.write("\n")


main()
