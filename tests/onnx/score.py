"""Scores records with exported models by onnxruntime, and tells how far that is from what gristmill said of them.

    score.py MODEL.onnx SCORED.csv [MODEL.onnx SCORED.csv …]

SCORED.csv is what `gristmill predict` wrote: the raw records, and beside them `prediction`, `probability_…` and
`refused`. Prints a list of one JSON object a model.
"""

import csv
import datetime
import json
import math
import sys

import numpy
import onnxruntime

NAT = numpy.iinfo(numpy.int64).min
EPOCH = datetime.date(1970, 1, 1)


def number(text):
    """A cell as the file has it: true and false are 1 and 0, and what doesn't read is no value."""
    try:
        return {"true": 1.0, "false": 0.0}.get(text) if text in ("true", "false") else float(text)
    except ValueError:
        return math.nan


def moment(text):
    """Days, or microseconds if there is a time."""
    if not text:
        return NAT
    if len(text) == 10:
        return (datetime.date.fromisoformat(text) - EPOCH).days
    time = datetime.datetime.fromisoformat(text.replace("Z", "")).replace(tzinfo=datetime.timezone.utc)
    return round(time.timestamp() * 1e6)


def tensor(kind, cells):
    if kind == "tensor(string)":
        return numpy.array(cells, dtype=object).reshape(-1, 1)
    if kind == "tensor(int64)":
        return numpy.array([moment(cell) for cell in cells], dtype=numpy.int64).reshape(-1, 1)
    return numpy.array([number(cell) for cell in cells], dtype=numpy.float64).reshape(-1, 1)


def score(model, scored):
    with open(scored, newline="") as file:
        rows = list(csv.DictReader(file))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feeds = {port.name: tensor(port.type, [row[port.name] for row in rows]) for port in session.get_inputs()}
    found = dict(zip([port.name for port in session.get_outputs()], session.run(None, feeds)))
    refused = [bool(row["refused"]) for row in rows]
    told = {"rows": len(rows), "refused": sum(refused)}
    told["refused_differ"] = sum(a != b for a, b in zip(refused, found["refused"].tolist()))
    answered = [nth for nth, row in enumerate(rows) if not refused[nth] and not found["refused"][nth]]
    if "prediction" in found:
        pairs = [(float(rows[nth]["prediction"]), float(found["prediction"][nth])) for nth in answered]
        told["worst"] = max((abs(a - b) / max(1.0, abs(a)) for a, b in pairs), default=0.0)
    else:
        text = lambda label: str(label).lower() if isinstance(label, (bool, numpy.bool_)) else str(label)
        told["labels_differ"] = sum(rows[nth]["prediction"] != text(found["label"][nth]) for nth in answered)
        names = [name for name in rows[0] if name.startswith("probability_")]
        ours = numpy.array([[float(rows[nth][name]) for name in names] for nth in answered])
        told["worst"] = float(numpy.abs(ours - found["probabilities"][answered]).max()) if answered else 0.0
    return told


if __name__ == "__main__":
    print(json.dumps([score(*pair) for pair in zip(sys.argv[1::2], sys.argv[2::2])]))
