"""Makes the networks that tests bring, and what scikit-learn says by them.

Needs scikit-learn, skl2onnx and onnx; the files it writes are kept beside it, so that tests need none of these.
"""

import csv
import json
import pathlib
import warnings

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

warnings.filterwarnings("ignore")
HERE = pathlib.Path(__file__).parent
COLUMNS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
OPSET = {"": 15, "ai.onnx.ml": 3}


def penguins():
    with open(HERE.parents[1] / "data/penguins.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if all(row[name] != "NA" for name in COLUMNS)]
    x = numpy.array([[float(row[name]) for name in COLUMNS] for row in rows])
    return x, numpy.array([row["species"] for row in rows])


def kept(name, model, x, options=None, types=FloatTensorType):
    proto = to_onnx(model, initial_types=[("x", types([None, x.shape[1]]))], target_opset=OPSET, options=options)
    del proto.metadata_props[:]
    proto.graph.doc_string = proto.doc_string = proto.producer_version = ""
    (HERE / f"{name}.onnx").write_bytes(proto.SerializeToString())


def by_hand(x, y, raw):
    """A network as other libraries write one: named layers, columns scaled within, probabilities in the end or not."""
    scaler = StandardScaler().fit(x)
    mlp = MLPClassifier((5,), max_iter=3000, random_state=1).fit(scaler.transform(x), y)
    constants = {
        "mean": scaler.mean_, "scale": scaler.scale_, "fc1.weight": mlp.coefs_[0].T, "fc1.bias": mlp.intercepts_[0],
        "fc2.weight": mlp.coefs_[1].T, "fc2.bias": mlp.intercepts_[1],
    }
    nodes = [
        helper.make_node("Sub", ["input", "mean"], ["centered"]),
        helper.make_node("Div", ["centered", "scale"], ["scaled"]),
        helper.make_node("Gemm", ["scaled", "fc1.weight", "fc1.bias"], ["hidden"], transB=1),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Gemm", ["active", "fc2.weight", "fc2.bias"], ["logits"], transB=1),
        helper.make_node("Softmax", ["logits"], ["output"], axis=1),
    ]
    graph = helper.make_graph(
        nodes[:-1] if raw else nodes,
        "net",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("logits" if raw else "output", TensorProto.FLOAT, ["batch", 3])],
        [numpy_helper.from_array(value.astype(numpy.float32), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    onnx.checker.check_model(model)
    (HERE / ("logits.onnx" if raw else "net.onnx")).write_bytes(model.SerializeToString())
    return make_pipeline(scaler, mlp)


def main():
    x, y = penguins()
    models = {
        "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
        "mlp": make_pipeline(MinMaxScaler(), MLPClassifier((6, 4), activation="tanh", max_iter=3000, random_state=1)),
        "tree": DecisionTreeClassifier(max_depth=4, random_state=1),
        "forest": RandomForestClassifier(5, max_depth=4, random_state=1),
        "boosting": GradientBoostingClassifier(n_estimators=4, max_depth=2, random_state=1),
        "bayes": make_pipeline(StandardScaler(), GaussianNB()),
        "normalized": make_pipeline(Normalizer(), LogisticRegression(C=1e4)),
    }
    told = {"columns": COLUMNS, "rows": x[::7].tolist(), "classes": sorted(set(y)), "probabilities": {}, "numbers": {}}
    for name, model in models.items():
        model.fit(x, y)
        # Some with a map of names to probabilities, as is the default there, some without.
        kept(name, model, x, None if name in ("logistic", "forest") else {"zipmap": False})
        told["probabilities"][name] = model.predict_proba(x[::7]).tolist()
    two = (y == "Gentoo").astype(int)
    for name, model in {
        "two_logistic": make_pipeline(StandardScaler(), LogisticRegression()),
        "two_boosting": GradientBoostingClassifier(n_estimators=4, max_depth=2, random_state=1),
    }.items():
        model.fit(x, two)
        kept(name, model, x, {"zipmap": False})
        told["probabilities"][name] = model.predict_proba(x[::7]).tolist()
    for name, model in {
        "line": LinearRegression(),
        "extra": ExtraTreesRegressor(4, max_depth=4, random_state=1),
        "boosted": GradientBoostingRegressor(n_estimators=5, max_depth=2, random_state=1),
        "perceptron": make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(5,), max_iter=3000, random_state=1)),
    }.items():
        model.fit(x[:, :3], x[:, 3])
        kept(name, model, x[:, :3], types=DoubleTensorType if name == "line" else FloatTensorType)
        told["numbers"][name] = model.predict(x[::7, :3]).tolist()
    told["probabilities"]["net"] = by_hand(x, y, raw=False).predict_proba(x[::7]).tolist()
    by_hand(x, y, raw=True)
    # What isn't known here: distances in a loop.
    kept("neighbors", KNeighborsClassifier(3).fit(x[::30], y[::30]), x)
    kept("machine", SVC(probability=True, random_state=1).fit(x[::20], y[::20]), x)
    (HERE / "told.json").write_text(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
