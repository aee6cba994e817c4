"""Products and convolutions of models that were compiled with --tf32, run on the emulator as CARD, agree with NumPy's of operands that are rounded to tf32: tf32.py CARD...

The error is measured against the sum of the magnitudes that are added, of which the rounding of f32 sums is some 1e-7.
"""

import pathlib
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TOLERANCE = 1e-5
rng = np.random.default_rng(1)


def normal(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def to_tf32(x):
    """10 bits of mantissa; ties go away from zero (cvt.rna)."""
    bits = x.view(np.uint32)
    return np.where(np.isfinite(x), ((bits + 0x1000) & 0xFFFFE000).astype(np.uint32), bits).view(np.float32)


def convolve(x, w, strides=(1, 1), pads=(0, 0, 0, 0), group=1):
    x = np.pad(x, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
    rows, columns = ((x.shape[2 + d] - w.shape[2 + d]) // strides[d] + 1 for d in (0, 1))
    inputs, outputs = w.shape[1], w.shape[0] // group
    result = np.zeros((x.shape[0], w.shape[0], rows, columns))
    for r in range(w.shape[2]):
        for s in range(w.shape[3]):
            part = x[:, :, r : r + rows * strides[0] : strides[0], s : s + columns * strides[1] : strides[1]][:, :, :rows, :columns]
            for g in range(group):
                result[:, g * outputs : (g + 1) * outputs] += np.einsum("nchw,oc->nohw", part[:, g * inputs : (g + 1) * inputs],
                                                                       w[g * outputs : (g + 1) * outputs, :, r, s])
    return result


def matmul(x, w):
    return np.matmul(x, w)


def transposed(x, w):
    return np.matmul(x, w.T)


def conv(*kernel, weights, channels, size, **attributes):
    return ("Conv", attributes, lambda x, w: convolve(x, w, **attributes), normal(2, channels, *size), normal(weights, channels // attributes.get("group", 1), *kernel), None)


# Operator, attributes, the product, operands, bias (behind which there is a Relu).
CASES = {
    "odd": ("MatMul", {}, matmul, normal(70, 45), normal(45, 101), None),
    "aligned": ("MatMul", {}, matmul, normal(128, 64), normal(64, 136), None),
    "transposed": ("Gemm", {"transB": 1}, transposed, normal(67, 72), normal(90, 72), normal(90)),
    "transposed_odd": ("Gemm", {"transB": 1}, transposed, normal(20, 77), normal(37, 77), normal(37)),
    "epilogue": ("Gemm", {}, matmul, normal(50, 40), normal(40, 64), normal(64)),
    "batch": ("MatMul", {}, matmul, normal(3, 33, 20), normal(3, 20, 41), None),
    "split": ("MatMul", {}, matmul, normal(33, 1030), normal(1030, 37), None),
    "split_aligned": ("MatMul", {}, matmul, normal(32, 2048), normal(2048, 64), None),
    "pointwise": conv(1, 1, weights=35, channels=24, size=(11, 13)),
    "pointwise_strided": conv(1, 1, weights=32, channels=20, size=(13, 10), strides=(2, 2)),
    "square": conv(3, 3, weights=24, channels=16, size=(12, 9), pads=(1, 1, 1, 1)),
    "square_odd": conv(3, 3, weights=19, channels=9, size=(21, 17), pads=(1, 1, 1, 1), strides=(2, 2)),
    "groups": conv(3, 2, weights=80, channels=48, size=(9, 10), pads=(0, 1, 1, 0), group=2),
}


def write_model(path, operator, attributes, x, w, bias):
    names = ["x", "w"] + ["b"] * (bias is not None)
    nodes = [helper.make_node(operator, names, ["y" if bias is None else "t"], **attributes)]
    if bias is not None:
        nodes.append(helper.make_node("Relu", ["t"], ["y"]))
    weights = [numpy_helper.from_array(v, k) for k, v in (("w", w), ("b", bias)) if v is not None]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def run(nncc, card, name, case):
    operator, attributes, product, x, w, bias = case
    write_model(f"{name}.onnx", operator, attributes, x, w, bias)
    np.save(f"{name}.npy", x)
    subprocess.run([nncc, f"{name}.onnx", "-target=cuda", f"-gpu={card}", "--tf32", "--emit=so", "--header=-", "-o", f"{name}.so"], check=True)
    results = []
    for out in (f"{name}.{card}.1", f"{name}.{card}.2"):
        subprocess.run([f"{nncc}-run", f"{name}.so", f"--emulate={card}", "--device=cuda", f"--input=x=@{name}.npy", f"--output={out}", "--output-format=npy"],
                       check=True, stdout=subprocess.DEVNULL)
        results.append(np.load(pathlib.Path(out) / "output_0.npy"))
    assert results[0].tobytes() == results[1].tobytes(), f"{name}: two runs differ"
    wide = [v.astype(np.float64) for v in (x, w)]
    rounded, exact, magnitudes = product(*(to_tf32(v).astype(np.float64) for v in (x, w))), product(*wide), product(*map(abs, wide))
    if bias is not None:
        rounded, exact = (np.maximum(y + bias, 0) for y in (rounded, exact))
    error, distance = (np.max(np.abs(results[0] - y) / magnitudes) for y in (rounded, exact))
    print(f"{card} {name}: error {error:.1e}, from f32 {distance:.1e}")
    assert error < TOLERANCE, f"{name} on {card} is wrong"
    assert distance > TOLERANCE, f"{name} on {card} is computed in f32"


for card in sys.argv[2:]:
    for name, case in CASES.items():
        run(sys.argv[1], card, name, case)
print("all agree")
