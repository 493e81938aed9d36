"""Makes judgement.json beside this script: scikit-learn's figures for metrics of probabilities, classes and numbers.

    pip install scikit-learn==1.9.1
    python tests/reference/make_judgement.py
"""

import json
from pathlib import Path

import numpy as np
from sklearn import metrics
from sklearn.preprocessing import label_binarize

HERE = Path(__file__).parent


def ece(chance, came):
    """The expected calibration error of Naeini (2015) in ten equal bins; scikit-learn has none."""
    bins = np.minimum((chance * 10).astype(int), 9)
    gaps = [(bins == b).mean() * abs(chance[bins == b].mean() - came[bins == b].mean()) for b in np.unique(bins)]
    return float(np.sum(gaps))


def classes_case(random, count, rows, positive, never=None, once=False):
    truth = random.integers(0, count, rows)
    truth[:count] = np.arange(count)
    if once:
        truth[truth == count - 1] = 0
        truth[0] = count - 1
    raw = random.integers(1, 6, size=(rows, count)).astype(float)
    raw[np.arange(rows), truth] += random.integers(0, 4, size=rows)
    if never is not None:
        raw[:, never] = 0.0
    # Exact in binary, so that both sides put them in the same bins.
    probabilities = np.round(raw / raw.sum(axis=1, keepdims=True) * 64) / 64
    probabilities[:, 0] = 1 - probabilities[:, 1:].sum(axis=1)
    labels = probabilities.argmax(axis=1)
    columns = np.eye(count)[truth]
    if count == 2:
        chance, came = probabilities[:, positive], (truth == positive).astype(float)
        brier = metrics.brier_score_loss(came, chance, pos_label=1)
        average_precision = metrics.average_precision_score(came, chance)
    else:
        chance, came = probabilities.max(axis=1), (labels == truth).astype(float)
        brier = metrics.brier_score_loss(truth, probabilities, labels=range(count))
        average_precision = metrics.average_precision_score(label_binarize(truth, classes=range(count)), probabilities)
    assert np.isclose(columns.sum(), rows)
    return {
        "truth": truth.tolist(),
        "probabilities": probabilities.tolist(),
        "count": count,
        "positive": positive,
        "expected": {
            "mcc": metrics.matthews_corrcoef(truth, labels),
            "kappa": metrics.cohen_kappa_score(truth, labels),
            "pr_auc": average_precision,
            "brier": brier,
            "ece": ece(chance, came),
        },
    }


def numbers_case(random, rows, shift=0.5):
    truth = np.round(random.normal(10, 4, rows), 3)
    predicted = truth + np.round(random.normal(shift, 2, rows), 3)
    return {
        "truth": truth.tolist(),
        "predicted": predicted.tolist(),
        "expected": {
            "medae": metrics.median_absolute_error(truth, predicted),
            "mape": metrics.mean_absolute_percentage_error(truth, predicted),
            "wape": float(np.abs(truth - predicted).sum() / np.abs(truth).sum()),
            "explained_variance": metrics.explained_variance_score(truth, predicted),
            "max_error": metrics.max_error(truth, predicted),
        },
    }


def curve_case(random, rows):
    """Few probabilities, so that there are ties, and scikit-learn's own curves."""
    truth = random.integers(0, 2, rows)
    chance = (random.integers(1, 16, rows) + 2 * truth) / 20
    fpr, tpr, thresholds = metrics.roc_curve(truth, chance, drop_intermediate=False)
    precision, recall, at = metrics.precision_recall_curve(truth, chance)
    return {
        "truth": truth.tolist(),
        "probabilities": np.stack([1 - chance, chance], axis=1).tolist(),
        "count": 2,
        "positive": 1,
        "expected": {"pr_auc": metrics.average_precision_score(truth, chance)},
        "roc": {"fpr": fpr.tolist(), "tpr": tpr.tolist(), "threshold": thresholds[1:].tolist()},
        # From the highest threshold down, without the point that no threshold gives.
        "precision_recall": {
            "recall": recall[:-1][::-1].tolist(),
            "precision": precision[:-1][::-1].tolist(),
            "threshold": at[::-1].tolist(),
        },
    }


def main():
    random = np.random.default_rng(11)
    cases = {
        "binary": classes_case(random, 2, 61, 1),
        "binary, first positive": classes_case(random, 2, 40, 0),
        "binary, one positive": classes_case(random, 2, 30, 1, once=True),
        "four classes": classes_case(random, 4, 90, 0),
        "a class never predicted": classes_case(random, 3, 45, 0, never=2),
        "numbers": numbers_case(random, 50),
        "an odd number of numbers": numbers_case(random, 31, shift=-3),
        "curves": curve_case(random, 70),
    }
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in cases.items())
    (HERE / "judgement.json").write_text(f"{{\n{lines}\n}}\n")


main()
