"""Adds to shap.json beside this script what the shap package says of the trees there, which were grown by gristmill.

    pip install shap==0.51.0
    GRISTMILL_UPDATE=1 cargo test --lib -- tests_shap
    python tests/reference/make_shap.py

`trees` is the form that models keep. A node is [marks, threshold, child]: bit 31 of the marks says that rows without a
value go left, bit 29 that it is a leaf, whose child is its place among the leaves' values; the lowest bits name the
feature. The right child follows the left one. `cover` is each node's share of the tree's weight.
"""

import json
from pathlib import Path

import numpy as np
import shap

FILE = Path(__file__).parent / "shap.json"
MISSING_LEFT, SET, LEAF = 1 << 31, 1 << 30, 1 << 29


def tree(trees, first, end):
    """One tree as shap's TreeEnsemble takes it."""
    nodes = trees["nodes"][first:end]
    leaf = [marks == LEAF for marks, _, _ in nodes]
    assert not any(marks & SET and not is_leaf for (marks, _, _), is_leaf in zip(nodes, leaf))
    left = [-1 if is_leaf else child - first for (_, _, child), is_leaf in zip(nodes, leaf)]
    right = [-1 if child < 0 else child + 1 for child in left]
    default = [a if marks & MISSING_LEFT else b for (marks, _, _), a, b in zip(nodes, left, right)]
    outputs = trees["outputs"]
    none = [0.0] * outputs
    values = [trees["values"][at * outputs : (at + 1) * outputs] if is_leaf else none for (_, _, at), is_leaf in zip(nodes, leaf)]
    return {
        "children_left": np.array(left),
        "children_right": np.array(right),
        "children_default": np.array([-1 if is_leaf else child for child, is_leaf in zip(default, leaf)]),
        "features": np.array([-1 if is_leaf else marks & (LEAF - 1) for (marks, _, _), is_leaf in zip(nodes, leaf)]),
        "thresholds": np.array([float(threshold) for _, threshold, _ in nodes]),
        "values": np.array(values, dtype=np.float64),
        "node_sample_weight": np.array(trees["cover"][first:end], dtype=np.float64),
    }


def main():
    cases = json.loads(FILE.read_text())
    for case in cases:
        trees = case["trees"]
        ends = trees["roots"][1:] + [len(trees["nodes"])]
        model = {"trees": [tree(trees, first, end) for first, end in zip(trees["roots"], ends)]}
        explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
        rows = np.array(case["rows"], dtype=np.float64)
        found = np.array(explainer.shap_values(rows, check_additivity=False))
        # Rows, then outputs, then features.
        found = found.reshape(len(rows), rows.shape[1], -1).transpose(0, 2, 1)
        case["base"] = np.ravel(explainer.expected_value).tolist()
        case["contributions"] = found.reshape(len(rows), -1).tolist()
    FILE.write_text(json.dumps(cases, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
