"""Writes a model and its data sets, and checks both with ONNX Runtime."""

import pathlib
import shutil

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

OPSET, IR_VERSION = 17, 8


class Graph:
    """A model in the making: `add` appends a node and returns the name of its first output."""

    def __init__(self, name):
        self.name, self.nodes, self.weights, self.inputs, self.outputs = name, [], [], [], []

    def input(self, name, dtype, shape):
        self.inputs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape))
        return name

    def output(self, name, dtype, shape):
        self.outputs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape))

    def weight(self, name, value):
        self.weights.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def add(self, operator, *inputs, name=None, outputs=None, **attributes):
        name = name or f"{operator}_{len(self.nodes)}"
        outputs = outputs or [f"{name}_output"]
        self.nodes.append(helper.make_node(operator, list(inputs), outputs, name=name, **attributes))
        return outputs[0]

    def save(self, folder, description):
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
                                  producer_name="nncc models", doc_string=description)
        onnx.checker.check_model(model, full_check=True)
        path = pathlib.Path(folder) / "model.onnx"
        path.write_bytes(model.SerializeToString())
        print(f"{path}: {path.stat().st_size / 1000:.0f} KB")


def session(folder):
    return onnxruntime.InferenceSession(str(pathlib.Path(folder) / "model.onnx"), providers=["CPUExecutionProvider"])


def write_data_sets(folder, sets, rtol=1e-4, atol=1e-5):
    """`sets` is a list of (inputs, outputs), dicts by name. Outputs come from NumPy in float64; ONNX Runtime has to agree."""
    model = onnx.load(str(pathlib.Path(folder) / "model.onnx"))
    for old in pathlib.Path(folder).glob("test_data_set_*"):
        shutil.rmtree(old)
    runtime = session(folder)
    for number, (inputs, outputs) in enumerate(sets):
        found = dict(zip((o.name for o in model.graph.output), runtime.run(None, inputs)))
        where = pathlib.Path(folder) / f"test_data_set_{number}"
        where.mkdir()
        for kind, infos, values in (("input", model.graph.input, inputs), ("output", model.graph.output, outputs)):
            for i, info in enumerate(infos):
                dtype = helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type)
                value = np.asarray(values[info.name]).astype(dtype)
                (where / f"{kind}_{i}.pb").write_bytes(numpy_helper.from_array(value, info.name).SerializeToString())
        for name, value in outputs.items():
            np.testing.assert_allclose(found[name], value, rtol=rtol, atol=atol, err_msg=f"{name} of data set {number}")


def write_test_set(folder, inputs, labels):
    """What the accuracy is measured on: every input with all examples along its first axis, and what the largest of the first output
    should be along its last axis (negative: does not count)."""
    where = pathlib.Path(folder) / "test_set"
    where.mkdir(exist_ok=True)
    for name, value in inputs.items():
        (where / f"{name}.pb").write_bytes(numpy_helper.from_array(value, name).SerializeToString())
    (where / "labels.pb").write_bytes(numpy_helper.from_array(np.asarray(labels, np.int8), "labels").SerializeToString())


def accuracy(run, test_set):
    """Of `run`, a function from inputs by name to the first output, over a folder that write_test_set wrote, one example at a time."""
    values = {path.stem: numpy_helper.to_array(onnx.load_tensor(str(path))) for path in pathlib.Path(test_set).glob("*.pb")}
    labels, right = values.pop("labels"), []
    for i, label in enumerate(labels):
        found = run({name: value[i : i + 1] for name, value in values.items()}).argmax(-1)[0]
        right.append(np.atleast_1d(found == label)[np.atleast_1d(label) >= 0])
    return float(np.mean(np.concatenate(right)))


def report_accuracy(folder, test_set):
    runtime = session(folder)
    found = accuracy(lambda inputs: runtime.run(None, inputs)[0], test_set)
    print(f"accuracy of {pathlib.Path(folder).name}: {found:.4f}")
