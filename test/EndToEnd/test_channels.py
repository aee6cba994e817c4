"""Convolutions by Winograd's transforms whose channels are no whole vectors, against plain sums in f64."""

import subprocess

import models
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

TOOLS = models.ROOT / "build/release/bin"


def convolved(x, w, b, r):
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))).astype(np.float64)
    height, width = x.shape[2:]
    taps = [np.einsum("nchw,oc->nohw", padded[:, :, i:i + height, j:j + width], w[:, :, i, j]) for i in range(3) for j in range(3)]
    return np.maximum(sum(taps) + b[:, None, None] + r, 0)


# Images, inputs, outputs, height, width: tails of either side, of both, none; tiles that end outside of the image; less than a vector.
@pytest.mark.parametrize("sizes", [(1, 65, 64, 28, 28), (1, 64, 65, 28, 28), (2, 33, 47, 17, 19), (2, 64, 15, 12, 12)], ids=str)
@pytest.mark.parametrize("cpu", ["native", "x86-64-v3", "x86-64"])
def test_channels_that_fill_no_vector(sizes, cpu, tmp_path):
    images, inputs, outputs, height, width = sizes
    random = np.random.default_rng(sum(sizes))
    w = (random.standard_normal((outputs, inputs, 3, 3)) / 16).astype(np.float32)
    b = random.standard_normal(outputs).astype(np.float32)
    fed = {"x": random.standard_normal((images, inputs, height, width)).astype(np.float32),
           "r": random.standard_normal((images, outputs, height, width)).astype(np.float32)}
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1] * 4), helper.make_node("Add", ["c", "r"], ["s"]), helper.make_node("Relu", ["s"], ["y"])]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info(name, 1, value.shape) for name, value in fed.items()],
                              [helper.make_tensor_value_info("y", 1, None)], [numpy_helper.from_array(w, "w"), numpy_helper.from_array(b, "b")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    dump = subprocess.run([TOOLS / "nncc", tmp_path / "m.onnx", "--emit=exec", "-o", "-"], check=True, capture_output=True, text=True).stdout
    assert "36x" in dump  # products of transformed patches
    subprocess.run([TOOLS / "nncc", tmp_path / "m.onnx", "--emit=so", f"-mcpu={cpu}", f"--report={tmp_path}/r.json",
                    "-o", tmp_path / "m.so"], check=True)
    command = [TOOLS / "nncc-run", tmp_path / "m.so", f"--output={tmp_path / 'out'}", "--output-format=npy"]
    for name, value in fed.items():
        np.save(tmp_path / f"{name}.npy", value)
        command.append(f"--input={name}=@{tmp_path / name}.npy")
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    np.testing.assert_allclose(np.load(tmp_path / "out/output_0.npy"), convolved(fed["x"], w, b, fed["r"]), rtol=1e-4, atol=1e-4)
