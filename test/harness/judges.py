"""Compares outputs with what is expected, independently of nncc-run: values, or statistics where outputs are random."""

import math
import pathlib

import numpy as np
import onnx
from onnx import numpy_helper


def read_value(path, info):
    data = path.read_bytes()
    kind = info.type.WhichOneof("value")
    if kind == "sequence_type":
        return numpy_helper.to_list(onnx.SequenceProto.FromString(data))
    if kind == "optional_type":
        return numpy_helper.to_optional(onnx.OptionalProto.FromString(data))
    return numpy_helper.to_array(onnx.TensorProto.FromString(data))


def read_values(folder, kind, infos):
    return [read_value(pathlib.Path(folder) / f"{kind}_{i}.pb", info) for i, info in enumerate(infos)]


def compare(actual, expected, rtol, atol, atol_rel=0.0):
    """None where they agree, else one line. NaN equals NaN; integers, bools and texts are exact; dtype and shape too."""
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return f"expected a sequence of {len(expected)}, got {len(actual) if isinstance(actual, list) else type(actual)}"
        return next(filter(None, (compare(a, e, rtol, atol, atol_rel) for a, e in zip(actual, expected))), None)
    if expected is None or actual is None or isinstance(actual, list):
        return None if actual is expected else f"expected {type(expected)}, got {type(actual)}"
    if actual.dtype != expected.dtype or actual.shape != expected.shape:
        return f"expected {expected.dtype}{list(expected.shape)}, got {actual.dtype}{list(actual.shape)}"
    if expected.dtype.kind in "iubOSUT":
        equal = actual == expected
    else:
        wide = np.complex128 if expected.dtype.kind == "c" else np.float64
        a, e = actual.astype(wide), expected.astype(wide)
        if atol_rel and e.size:
            atol = max(atol, atol_rel * np.abs(e).max())
        equal = np.isclose(a, e, rtol=rtol, atol=atol, equal_nan=True)
    if np.all(equal):
        return None
    where = tuple(int(i) for i in np.argwhere(~equal)[0])
    return f"{int(np.sum(~equal))} of {expected.size} elements differ, first at {list(where)}: " \
           f"expected {expected[where]}, got {actual[where]}"


def compare_random(model, inputs, actual, expected):
    """Dtype, shape, and that the share of ones (or of what was kept) is within 6 sigma of what was asked for."""
    for a, e in zip(actual, expected):
        if a.dtype != e.dtype or a.shape != e.shape:
            return f"expected {e.dtype}{list(e.shape)}, got {a.dtype}{list(a.shape)}"
    x, y = inputs[0].astype(np.float64), actual[0].astype(np.float64)
    if any(node.op_type == "Dropout" for node in model.graph.node):
        values = [v for v in list(inputs[1:]) + [numpy_helper.to_array(t) for t in model.graph.initializer]]
        ratio = next((float(v) for v in values if v.dtype.kind == "f" and v.size == 1), 0.5)
        kept = y != 0
        if not np.allclose(y[kept], (x / (1 - ratio))[kept], rtol=1e-5):
            return "what Dropout kept is not input / (1 - ratio)"
        if len(actual) > 1 and not np.array_equal(actual[1][x != 0], kept[x != 0]):
            return "the mask does not agree with the output"
        chance = np.full(y.shape, 1 - ratio)
    else:
        if not np.all((y == 0) | (y == 1)):
            return "an output of Bernoulli is neither 0 nor 1"
        kept, chance = y != 0, x
    sigma = math.sqrt(float(np.sum(chance * (1 - chance))))
    if abs(float(kept.sum() - chance.sum())) > 6 * sigma + 1e-9:
        return f"expected about {chance.sum():.1f} elements of {y.size} kept, got {int(kept.sum())}"
    return None


def judge(case, produced, rtol, atol):
    """None where the outputs in the folder `produced` are right, else one line."""
    model = onnx.load(case.folder + "/model.onnx")
    missing = [i for i in range(len(model.graph.output)) if not (pathlib.Path(produced) / f"output_{i}.pb").exists()]
    if missing:
        return f"output {missing[0]} was not produced"
    actual = read_values(produced, "output", model.graph.output)
    data = pathlib.Path(case.folder) / "test_data_set_0"
    if case.judge == "random":
        expected = read_values(pathlib.Path(case.folder) / "expected", "output", model.graph.output)
        return compare_random(model, read_values(data, "input", model.graph.input), actual, expected)
    expected = read_values(data, "output", model.graph.output)
    atol_rel = 1e-5 if case.judge == "transform" else 0.0
    for i, (a, e) in enumerate(zip(actual, expected)):
        difference = compare(a, e, rtol, atol, atol_rel)
        if difference:
            return f"output {i}: {difference}"
    return None
