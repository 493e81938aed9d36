"""Runs every model of a folder by onnxruntime on the same columns.

    run.py FOLDER

FOLDER/inputs.json holds the columns, {name: [value, …]}, with null for no value; what a model doesn't read is passed
over. Prints {model: {output: [value, …]}}, NaN as null.
"""

import json
import math
import pathlib
import sys

import numpy
import onnxruntime

NAT = numpy.iinfo(numpy.int64).min


def tensor(kind, cells):
    if kind == "tensor(string)":
        return numpy.array(["" if cell is None else cell for cell in cells], dtype=object).reshape(-1, 1)
    if kind == "tensor(int64)":
        return numpy.array([NAT if cell is None else cell for cell in cells], dtype=numpy.int64).reshape(-1, 1)
    return numpy.array([math.nan if cell is None else float(cell) for cell in cells]).reshape(-1, 1)


def plain(value):
    return None if isinstance(value, float) and math.isnan(value) else value


def main(folder):
    folder = pathlib.Path(folder)
    columns = json.loads((folder / "inputs.json").read_text())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    told = {}
    for path in sorted(folder.glob("*.onnx")):
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        feeds = {port.name: tensor(port.type, columns[port.name]) for port in session.get_inputs()}
        names = [port.name for port in session.get_outputs()]
        told[path.stem] = {
            name: [plain(value) for value in array.reshape(-1).tolist()]
            for name, array in zip(names, session.run(None, feeds))
        }
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
