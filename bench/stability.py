#!/usr/bin/env python3
"""Times models against themselves with one size changed by one, and with every node and value renamed: no time may change by more than 2x
(beyond what the work changes).

  bench/stability.py [--build=build/release] [--threads=1] [PATTERN ...]      exit code 1 when one does
Each pair takes turns in one run. Small models, one operator each, of shapes that networks have.
"""

import argparse
import fnmatch
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

ROOT = pathlib.Path(__file__).resolve().parents[1]
random = np.random.default_rng(1)


def weight(name, *shape):
    return numpy_helper.from_array((random.standard_normal(shape) / 16).astype(np.float32), name)


def model(nodes, shape, initializers=(), dtype=TensorProto.FLOAT):
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", dtype, shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], list(initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def product(m, k, n):
    return model([helper.make_node("MatMul", ["x", "w"], ["y"])], [m, k], [weight("w", k, n)])


def convolution(c, o, size, kernel, stride=1, group=1):
    node = helper.make_node("Conv", ["x", "w", "b"], ["t"], pads=[kernel // 2] * 4, strides=[stride] * 2, group=group)
    return model([node, helper.make_node("Relu", ["t"], ["y"])], [1, c, size, size], [weight("w", o, c // group, kernel, kernel), weight("b", o)])


def one(op, *shape, **attributes):
    return model([helper.make_node(op, ["x"], ["y"], **attributes)], shape)


def norm(rows, width):
    return model([helper.make_node("LayerNormalization", ["x", "w", "b"], ["y"])], [rows, width], [weight("w", width), weight("b", width)])


def gather(rows, width, count):
    return model([helper.make_node("Gather", ["w", "x"], ["y"])], [count], [weight("w", rows, width)], dtype=TensorProto.INT64)


def resize(c, size):
    scales = numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "s")
    return model([helper.make_node("Resize", ["x", "", "s"], ["y"], mode="linear")], [1, c, size, size], [scales])


# Name: what makes the model, its sizes; each size but the first of a convolution's groups is raised by one in turn.
CASES = {
    "MatMul": (product, (128, 768, 768)),
    "MatMul of a row": (product, (1, 1024, 1024)),
    "Conv 1x1": (lambda c, o, size: convolution(c, o, size, 1), (128, 128, 28)),
    "Conv 3x3": (lambda c, o, size: convolution(c, o, size, 3), (64, 64, 56)),
    "Conv 3x3 strided": (lambda c, o, size: convolution(c, o, size, 3, stride=2), (64, 128, 56)),
    "Conv 7x7 first": (lambda o, size: convolution(3, o, size, 7, stride=2), (64, 224)),
    "Conv depthwise": (lambda c, size: convolution(c, c, size, 3, group=c), (96, 56)),
    "Softmax": (lambda rows, width: one("Softmax", rows, width, axis=-1), (1024, 128)),
    "LayerNormalization": (norm, (512, 768)),
    "Transpose": (lambda a, b: one("Transpose", a, b, perm=[1, 0]), (768, 512)),
    "Transpose heads": (lambda s, h: one("Transpose", 1, s, h, 64, perm=[0, 2, 1, 3]), (128, 12)),
    "ReduceMean rows": (lambda a, b: one("ReduceMean", a, b, axes=[1]), (512, 1024)),
    "ReduceMean columns": (lambda a, b: one("ReduceMean", a, b, axes=[0]), (512, 1024)),
    "ReduceMax of all": (lambda a: one("ReduceMax", a), (1 << 20,)),
    "MaxPool": (lambda c, size: one("MaxPool", 1, c, size, size, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]), (64, 112)),
    "GlobalAveragePool": (lambda c, size: one("GlobalAveragePool", 1, c, size, size), (512, 14)),
    "Sigmoid": (lambda a: one("Sigmoid", a), (1 << 20,)),
    "ArgMax": (lambda a, b: one("ArgMax", a, b, axis=1), (512, 1000)),
    "Gather": (gather, (30000, 768, 512)),
    "Resize": (resize, (32, 64)),
}


def work(sizes):
    result = 1
    for size in sizes:
        result *= size
    return result


def rename(proto):
    """Every node and value but the input and the output under another name."""
    changed = type(proto)()
    changed.CopyFrom(proto)
    new = {"x": "x", "y": "y", "": ""}
    name_of = lambda old: new.setdefault(old, f"renamed/{len(new)}:0")
    for number, node in enumerate(changed.graph.node):
        node.name = f"another.{number}"
        node.input[:] = [name_of(name) for name in node.input]
        node.output[:] = [name_of(name) for name in node.output]
    for tensor in changed.graph.initializer:
        tensor.name = name_of(tensor.name)
    return changed


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder

    def build(self, proto, name):
        save(proto, self.folder / f"{name}.onnx")
        library = self.folder / f"{name}.so"
        done = subprocess.run([str(self.options.build / "bin/nncc"), str(self.folder / f"{name}.onnx"), "--emit=so", "-mcpu=native", "-o", str(library)],
                              capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        return library

    def once(self, library):
        done = subprocess.run([str(self.options.build / "bin/nncc-bench"), str(library), f"--threads={self.options.threads}", "--seconds=0.1", "--json"],
                              capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        return json.loads(done.stdout)["min_ms"]

    def ratio(self, library, other):
        """Of the medians of turns."""
        times = [(self.once(library), self.once(other)) for _ in range(3)]
        return statistics.median(b for _, b in times) / statistics.median(a for a, _ in times), times[0][0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("patterns", nargs="*")
    options = parser.parse_args()
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, pathlib.Path(folder))
        for name, (make, sizes) in CASES.items():
            if options.patterns and not any(fnmatch.fnmatch(name, pattern) for pattern in options.patterns):
                continue
            proto = make(*sizes)
            base = bench.build(proto, "base")
            changes = {"renamed": (rename(proto), 1)}
            for i in range(len(sizes)):
                larger = tuple(size + (j == i) for j, size in enumerate(sizes))
                changes["x".join(map(str, larger))] = (make(*larger), work(larger) / work(sizes))
            told = []
            for what, (changed, more) in changes.items():
                ratio, milliseconds = bench.ratio(base, bench.build(changed, "changed"))
                bad = ratio / more > 2 or ratio < 0.5
                missed += bad
                told.append(f"{what} {ratio:.2f}{' MISSED' if bad else ''}")
            print(f"{name} {'x'.join(map(str, sizes))}, {milliseconds:.3f} ms: {', '.join(told)}", flush=True)
    print(f"{missed} changed by more than 2x")
    return missed > 0


if __name__ == "__main__":
    sys.exit(main())
