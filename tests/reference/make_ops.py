"""Makes ops.json: rows, and what scikit-learn, pandas and numpy make of them. Run it in this folder."""

import json
import math

import numpy as np
import pandas as pd
from scipy import optimize, stats
from sklearn import preprocessing
from sklearn.datasets import load_diabetes, load_wine

ROWS, TRAIN = 60, 45


def rows():
    """A table with missing values, negative numbers, blanks, ints that no float holds, and odd days."""
    wine = load_wine(as_frame=True).data.iloc[:: 178 // ROWS][:ROWS].reset_index(drop=True)
    bmi = load_diabetes(as_frame=True).data["bmi"][:ROWS]
    gone = lambda values, pace: [None if row % pace == 3 else value for row, value in enumerate(values)]
    cities = ["N.Y.", "Zürich", " Zürich ", "?", "", "  ", "İstanbul", "straße", "東京", "New York\t"]
    days = ["2024-02-29", "2024-12-30", "2021-01-03", "1969-12-31", "1900-02-28", "2000-01-01", "2023-03-31", "1582-10-15"]
    times = ["00:00:00", "23:59:59.999999", "12:30:45.5", "06:07:08"]
    return {
        "bmi": ("float", gone(bmi, 7)),
        "flavanoids": ("float", gone(wine["flavanoids"], 11)),
        "proline": ("float", list(wine["proline"])),
        "const": ("float", gone([3.5] * ROWS, 5)),
        "count": ("int", gone([(row * 37) % 11 - 3 for row in range(ROWS)], 9)),
        "big": ("int", gone([(-1) ** row * (2**53 + 1 + 12345677 * row**3) for row in range(ROWS)], 8)),
        "city": ("category", gone([cities[row * 7 % 10] for row in range(ROWS)], 13)),
        "note": ("text", gone([f" Note {cities[row % 10]}" for row in range(ROWS)], 6)),
        "size": ("category", gone([["S", "M", "L"][row % 3] if row < 50 else "XL" for row in range(ROWS)], 10)),
        "flag": ("bool", gone([row % 3 == 0 for row in range(ROWS)], 12)),
        "day": ("date", gone([days[row % 8] for row in range(ROWS)], 14)),
        "moment": ("datetime", gone([f"{days[row * 3 % 8]}T{times[row % 4]}Z" for row in range(ROWS)], 15)),
    }


def plain(values):
    """As JSON has it: no value is null, and numpy's types are Python's."""
    def one(value):
        if value is None or value is pd.NaT or value is pd.NA or isinstance(value, float) and not math.isfinite(value):
            return None
        return value.item() if isinstance(value, np.generic) else value
    return [one(one(value)) for value in values]


def exact_quantiles(values, count):
    """Quantiles at even distances. Scikit-learn's are rounded, so that one may lie beside the value that it falls on."""
    values = np.sort(values)
    places = [divmod(nth * (len(values) - 1), count - 1) for nth in range(count)]
    return np.array([
        values[low] if rest == 0 else values[low] + rest / (count - 1) * (values[low + 1] - values[low])
        for low, rest in places
    ])


def likeliest(values):
    """The power at the root of the likelihood's derivative, which is sharper than the search for its top."""
    logs = np.log1p(np.abs(values))
    def slope(power):
        exponent = np.where(values < 0, 2 - power, power)
        z = exponent * logs
        bent = np.copysign(np.expm1(z) / exponent, values)
        growth = (z * np.exp(z) - np.expm1(z)) / exponent**2
        return np.sum(np.copysign(logs, values)) - np.cov(bent, growth, bias=True)[0, 1] / np.var(bent) * len(values)
    rough = stats.yeojohnson(values)[1]
    power = optimize.brentq(slope, rough - 0.01, rough + 0.0101, xtol=1e-14)
    assert abs(power - rough) < 1e-5, (power, rough)
    return power


def main():
    table = rows()
    numeric = [name for name, (kind, _) in table.items() if kind in ("int", "float")]
    x = pd.DataFrame({name: np.array([np.nan if v is None else float(v) for v in table[name][1]]) for name in numeric})
    made = {}

    def scaled(key, scaler):
        made[key] = {}
        for column in numeric:
            values = x[[column]].to_numpy()
            known = values[:TRAIN][~np.isnan(values[:TRAIN])].reshape(-1, 1)
            scaler.fit(known)
            if hasattr(scaler, "quantiles_"):
                exact = exact_quantiles(known[:, 0], len(scaler.quantiles_))
                assert np.allclose(exact, scaler.quantiles_[:, 0], rtol=1e-12)
                scaler.quantiles_ = exact.reshape(-1, 1)
            made[key][column] = plain(scaler.transform(values)[:, 0])

    scaled("standard_scaler", preprocessing.StandardScaler())
    scaled("min_max_scaler", preprocessing.MinMaxScaler())
    scaled("min_max_scaler_clipped", preprocessing.MinMaxScaler(feature_range=(-1, 3), clip=True))
    scaled("robust_scaler", preprocessing.RobustScaler())
    scaled("robust_scaler_deciles", preprocessing.RobustScaler(quantile_range=(10, 90)))
    scaled("max_abs_scaler", preprocessing.MaxAbsScaler())
    scaled("power_transformer", preprocessing.PowerTransformer())
    scaled("power_transformer_plain", preprocessing.PowerTransformer(standardize=False))
    scaled("quantile_uniform", preprocessing.QuantileTransformer(subsample=None))
    scaled("quantile_uniform_10", preprocessing.QuantileTransformer(n_quantiles=10, subsample=None))
    scaled("quantile_normal", preprocessing.QuantileTransformer(output_distribution="normal", subsample=None))

    made["yeo_johnson"] = {}
    for column in ["bmi", "flavanoids", "proline", "count"]:
        power = likeliest(x[column][:TRAIN].dropna().to_numpy())
        made["yeo_johnson"][column] = plain(stats.yeojohnson(x[column].to_numpy(), power))

    with np.errstate(all="ignore"):
        made["log"] = {column: plain(np.log(x[column])) for column in numeric}
        made["log1p"] = {column: plain(np.log1p(x[column])) for column in numeric}
        made["log_offset"] = {column: plain(np.log(x[column] + 2.5)) for column in numeric}
        made["sqrt"] = {column: plain(np.sqrt(x[column])) for column in numeric}

    def polynomial(key, columns, **settings):
        features = preprocessing.PolynomialFeatures(include_bias=False, **settings)
        values = features.fit_transform(x[columns].fillna(0))
        made[key] = {}
        for powers, column in zip(features.powers_, values.T):
            named = [name if power == 1 else f"{name}_pow_{power}" for name, power in zip(columns, powers) if power]
            lacks = x[columns].isna().to_numpy()[:, powers > 0].any(axis=1)
            if powers.sum() > 1:
                made[key]["_x_".join(named)] = plain(np.where(lacks, np.nan, column))

    polynomial("polynomial_2", ["bmi", "count"], degree=2)
    polynomial("polynomial_3", ["bmi", "count", "proline"], degree=3)
    polynomial("interactions_3", ["bmi", "count", "proline"], degree=3, interaction_only=True)

    made["cyclical"] = {}
    for column, period in [("count", 24), ("big", 7), ("bmi", 0.25)]:
        angle = 2 * np.pi * np.fmod(x[column], period) / period
        made["cyclical"] |= {f"{column}_sin": plain(np.sin(angle)), f"{column}_cos": plain(np.cos(angle))}

    def parts(key, column, unit, extra=()):
        kept = [value and value.rstrip("Z") for value in table[column][1]]
        values = pd.Series(np.array([value or "NaT" for value in kept], dtype=f"datetime64[{unit}]"))
        of = values.dt
        found = {
            "year": of.year, "quarter": of.quarter, "month": of.month, "week": of.isocalendar().week.astype("Float64"),
            "day": of.day, "weekday": of.day_of_week + 1, "day_of_year": of.day_of_year, "days_in_month": of.days_in_month,
            "is_weekend": of.day_of_week >= 5, "is_month_start": of.is_month_start, "is_month_end": of.is_month_end,
            "epoch": values.astype("datetime64[us]").astype("int64") / 1e6,
        } | {name: getattr(of, name) for name in extra}
        whole = lambda name, value: value if name == "epoch" or isinstance(value, (bool, np.bool_)) else int(value)
        made[key] = {
            f"{column}_{name}": plain([
                None if is_gone else whole(name, value) for value, is_gone in zip(column_values, values.isna())
            ])
            for name, column_values in found.items()
        }

    parts("date_parts", "day", "s")
    parts("moment_parts", "moment", "us", ("hour", "minute", "second"))

    train = x[:TRAIN]
    quartiles = train["proline"].quantile([0.25, 0.75])
    reach = 0.5 * (quartiles[0.75] - quartiles[0.25])
    ints = lambda column: pd.Series(table[column][1], dtype="Int64")
    made["clip"] = {
        "bmi": plain(x["bmi"].clip(-0.01, 0.02)),
        "big": plain(ints("big").clip(0, 9000000)),
        "count": plain(ints("count").clip(lower=2)),
        "flavanoids": plain(x["flavanoids"].clip(*train["flavanoids"].quantile([0.1, 0.8]))),
        "proline": plain(x["proline"].clip(quartiles[0.25] - reach, quartiles[0.75] + reach)),
    }

    swapped = lambda column, news: plain([news.get(value, value) for value in table[column][1]])
    made["replace"] = {
        "city": swapped("city", {"N.Y.": "New York", "?": None, "": "empty", "Zürich": "N.Y."}),
        "count": swapped("count", {3: -7, -1: None, 0: 2**53 + 1}),
        "const": swapped("const", {3.5: 4.0}),
        "day": swapped("day", {"2024-02-29": "2024-03-01"}),
        "flag": swapped("flag", {True: False, False: True}),
    }
    made["replace_fraction"] = {"count": plain(x["count"].replace(3, 2.5))}

    for op, method in [("trim", "strip"), ("lower", "lower"), ("upper", "upper")]:
        made[op] = {
            column: plain(getattr(pd.Series(table[column][1], dtype=object).str, method)()) for column in ["city", "note"]
        }

    made["ordinal"] = {}
    for column in ["city", "size", "count", "flag"]:
        values = np.array(table[column][1], dtype=object).reshape(-1, 1)
        known = np.array([value for value in values[:TRAIN, 0] if value is not None], dtype=object).reshape(-1, 1)
        encoder = preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan).fit(known)
        made["ordinal"][column] = [
            None if value is None or np.isnan(code := encoder.transform(np.array([[value]], dtype=object))[0, 0]) else int(code)
            for value in values[:, 0]
        ]
    place = lambda column, order: [order.index(value) if value in order else None for value in table[column][1]]
    made["ordinal_said"] = {"size": place("size", ["S", "M", "L", "XL"]), "count": place("count", [3, 0, -1])}
    kept = [row for row, value in enumerate(table["size"][1]) if value in ("S", "M", None)]
    made["ordinal_refused"] = {"size": [place("size", ["S", "M"])[row] for row in kept]}

    found = {
        "kinds": {name: kind for name, (kind, _) in table.items()},
        "rows": {name: plain(values) for name, (_, values) in table.items()},
        "train": TRAIN,
        "made": made,
    }
    with open("ops.json", "w") as file:
        json.dump(found, file, ensure_ascii=False)
        file.write("\n")


main()
