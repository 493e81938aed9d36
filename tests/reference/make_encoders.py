"""Makes encoders.json: what scikit-learn and pandas make of categories, texts and numbers.

    pip install scikit-learn==1.9.1 pandas
    python tests/reference/make_encoders.py

Run make.py first: the data sets are its.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.preprocessing import TargetEncoder

HERE = Path(__file__).parent
CATEGORIES = ["red", "blue", "red", "", None, "grün", "red", "blue", "名前", "grün", "red", None, "blue", "teal", "red", ""]
TEXTS = [
    "Not good, not bad: the food was good.",
    "The FOOD! The food; the_food... 2x as good",
    "",
    None,
    "Straße und Été: a é 東京 東京",
    "bad bad bad",
    "I'd say: x",
]
ASKED = ["red", None, "unseen", "blue"]
MASK = (1 << 64) - 1


def hashes():
    hasher = FeatureHasher(n_features=16, input_type="string", alternate_sign=False)
    texts = CATEGORIES + ["a longer text, of several words", "Ångström"]
    bucket = lambda text: -1 if text is None else int(hasher.transform([[text]]).toarray().argmax())
    return {"texts": texts, "buckets": [bucket(text) for text in texts]}


def rare():
    column = pd.Series(CATEGORIES, dtype=object)
    counts = column.value_counts()
    shares = column.value_counts(normalize=True)
    by_frequency = sorted(counts.index, key=lambda value: (-counts[value], value.encode()))

    def grouped(stays, other):
        return [None if value is None else value if value in stays else other for value in CATEGORIES]

    cases = [
        ("{min_share: 0.2}", grouped(shares[shares >= 0.2].index, "other")),
        ("{min_count: 2, as: rest}", grouped(counts[counts >= 2].index, "rest")),
        ("{max: 4}", grouped(by_frequency[:4], "other")),
        ("{max: 3, min_count: 3}", grouped([v for v in by_frequency[:3] if counts[v] >= 3], "other")),
    ]
    whole = column.value_counts(dropna=False)
    number = lambda value: int(column.isna().sum() if value is None else whole[value])
    return {
        "texts": CATEGORIES,
        "cases": [{"argument": argument, "x": x} for argument, x in cases],
        "counts": [number(value) for value in CATEGORIES],
        "shares": [number(value) / len(CATEGORIES) for value in CATEGORIES],
    }


def pca():
    iris = np.loadtxt(HERE / "iris.csv", delimiter=",", skiprows=1)[::3, :-1]
    wine = np.loadtxt(HERE / "wine.csv", delimiter=",", skiprows=1)[::6, :-1]
    cases = [
        (iris, "{columns: numeric, components: 2}", PCA(2)),
        (iris, "{columns: numeric}", PCA()),
        (iris, "{columns: numeric, variance: 0.97}", PCA(0.97)),
        (iris, "{columns: numeric, components: 3, whiten: true}", PCA(3, whiten=True)),
        (wine, "{columns: numeric, components: 5}", PCA(5)),
        (iris[:3], "{columns: numeric, components: 2}", PCA(2)),
    ]
    return [
        {"argument": argument, "rows": rows.tolist(), "components": model.set_params(svd_solver="full").fit_transform(rows).tolist()}
        for rows, argument, model in cases
    ]


def text():
    documents = [text or "" for text in TEXTS]
    cases = [
        ("counts", CountVectorizer()),
        ("{counts: {ngrams: [1, 2], min_df: 2}}", CountVectorizer(ngram_range=(1, 2), min_df=2)),
        ("tfidf", TfidfVectorizer()),
        ("{tfidf: {ngrams: [1, 2]}}", TfidfVectorizer(ngram_range=(1, 2))),
        ("{tfidf: {max: 4}}", TfidfVectorizer(max_features=4)),
        ("{tfidf: {ngrams: [2, 3], max_df: 0.2}}", TfidfVectorizer(ngram_range=(2, 3), max_df=0.2)),
        ("{tfidf: {max_df: 1, min_df: 0.25}}", TfidfVectorizer(max_df=1.0, min_df=0.25)),
    ]

    def columns(model):
        made = model.fit_transform(documents).toarray()
        return {f"t_{term}": made[:, nth].tolist() for nth, term in enumerate(model.get_feature_names_out())}

    return {"texts": TEXTS, "cases": [{"argument": argument, "columns": columns(model)} for argument, model in cases]}


def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def parted(folds, strata, seed=1):
    """The fold of each row, as gristmill draws it."""
    start = int.from_bytes(hashlib.sha256(seed.to_bytes(8, "little") + b"target_encode").digest()[:8], "little")
    order = sorted((stratum, mix(start ^ mix(row)), row) for row, stratum in enumerate(strata))
    fold = np.zeros(len(strata), dtype=int)
    for nth, (_, _, row) in enumerate(order):
        fold[row] = nth % folds
    return fold


def target():
    x = np.array(CATEGORIES, dtype=object)[:, None]
    asked = np.array(ASKED, dtype=object)[:, None]
    numbers = [round(float(np.sin(row) * 10 + row), 3) for row in range(len(CATEGORIES))]
    truths = [row % 3 == 0 for row in range(len(CATEGORIES))]
    two = ["yes" if row % 4 in (0, 1) else "no" for row in range(len(CATEGORIES))]
    three = ["abc"[row * 5 % 7 % 3] for row in range(len(CATEGORIES))]
    targets = [
        ("float", numbers, "continuous"),
        ("bool", truths, "binary"),
        ("category", two, "binary"),
        ("category", three, "multiclass"),
    ]
    cases, folds = [], []
    for kind, y, of in targets:
        for option, smooth in [("", "auto"), (", smoothing: 3.5", 3.5), (", smoothing: 0", 0.0)]:
            model = lambda: TargetEncoder(target_type=of, smooth=smooth)

            def named(rows):
                names = ["x"] if of != "multiclass" else [f"x_{value}" for value in sorted(set(y))]
                return {name: rows[:, nth].tolist() for nth, name in enumerate(names)}

            whole = model().fit(x, y)
            argument = f"target_encode: {{columns: x{option}}}"
            cases.append(
                {"argument": argument, "kind": kind, "y": y, "columns": named(whole.transform(x)), "asked": named(whole.transform(asked))}
            )
            strata = [0] * len(y) if of == "continuous" else [sorted(set(y)).index(value) for value in y]
            fold = parted(3, strata)
            made = np.zeros_like(whole.transform(x))
            for nth in range(3):
                own, others = fold == nth, fold != nth
                made[own] = model().fit(x[others], np.array(y)[others]).transform(x[own])
            folds.append(
                {"argument": f"target_encode: {{columns: x{option}, folds: 3}}", "kind": kind, "y": y, "columns": named(made)}
            )
    return {"texts": CATEGORIES, "asked": ASKED, "cases": cases, "folds": folds}


def main():
    found = {"hash": hashes(), "rare": rare(), "pca": pca(), "text": text(), "target": target()}
    with open(HERE / "encoders.json", "w") as file:
        json.dump(found, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


main()
