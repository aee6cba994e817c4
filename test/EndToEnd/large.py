#!/usr/bin/env python3
"""A model with more than 2 GB of weights: its object links with bfd, gold and lld, as a position-independent program and as a shared
library, and the program answers right.

  large.py [--build=build/release] [--folder=DIR]      needs 15 GB of disk in DIR (default: a temporary folder)
Closes with `N passed, N failed`.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
from onnx import TensorProto, helper, save

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLES, ROWS, COLUMNS = 5, 131072, 1024  # 2.7 GB of f32
ROW = 131071

PROGRAM = r"""
#include "large.h"
#include <cstdio>

int main() {
  auto model = large::Model::load();
  if (!model)
    return std::printf("%s\n", model.status().message()), 1;
  auto run = model->context();
  if (!run)
    return std::printf("%s\n", run.status().message()), 1;
  run->i()[0] = 131071;
  if (auto status = run->run(); !status)
    return std::printf("%s\n", status.message()), 1;
  std::printf("%g %g\n", run->y()[0], run->y()[1023]);
}
"""


def make_model(folder):
    """The sum of row `i` of five tables, in one file of holes but for the last row of each: table t has t + 1 there."""
    nodes, tables = [], []
    with open(folder / "tables.bin", "wb") as file:
        for t in range(TABLES):
            size = ROWS * COLUMNS * 4
            file.truncate((t + 1) * size)
            file.seek(t * size + ROW * COLUMNS * 4)
            file.write(np.full(COLUMNS, t + 1, np.float32).tobytes())
            tensor = TensorProto(name=f"t{t}", data_type=TensorProto.FLOAT, dims=[ROWS, COLUMNS], data_location=TensorProto.EXTERNAL)
            for key, value in (("location", "tables.bin"), ("offset", str(t * size)), ("length", str(size))):
                tensor.external_data.add(key=key, value=value)
            tables.append(tensor)
            nodes.append(helper.make_node("Gather", [f"t{t}", "i"], [f"r{t}"]))
    nodes.append(helper.make_node("Sum", [f"r{t}" for t in range(TABLES)], ["y"]))
    graph = helper.make_graph(nodes, "large", [helper.make_tensor_value_info("i", TensorProto.INT64, [1])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, COLUMNS])])
    graph.initializer.extend(tables)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx")


class Checks:
    passed = failed = 0

    def run(self, what, command, expected=None):
        begun = time.monotonic()
        done = subprocess.run([str(part) for part in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        right = done.returncode == 0 and (expected is None or done.stdout == expected)
        print(f"{'ok' if right else 'FAILED'}: {what}, {time.monotonic() - begun:.0f} s", flush=True)
        if not right:
            print(done.stdout[-2000:])
        self.passed += right
        self.failed += not right
        return right


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--folder", type=pathlib.Path)
    options = parser.parse_args()
    checks = Checks()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = pathlib.Path(name)
        make_model(folder)
        (folder / "main.cpp").write_text(PROGRAM)
        built = checks.run("compiles", [options.build / "bin/nncc", folder / "model.onnx", "--name=large", "-o", folder / "large.o"])
        libraries = [options.build / "runtime/libnnccrt.a", "-lpthread", "-ldl", "-lm"]
        flags = ["clang++-22", "-std=c++17", "-O1", f"-I{ROOT}/runtime/include", f"-I{folder}", "-fPIC"]
        for linker in ("bfd", "gold", "lld") if built else ():
            program, library = folder / "program", folder / "liblarge.so"
            if checks.run(f"links as a program with {linker}", [*flags, f"-fuse-ld={linker}", "-pie", folder / "main.cpp", folder / "large.o",
                                                                *libraries, "-o", program]):
                checks.run("  and answers", [program], "15 15\n")
                program.unlink()
            if checks.run(f"links as a library with {linker}", [*flags, f"-fuse-ld={linker}", "-shared", folder / "large.o", *libraries,
                                                                "-o", library]):
                library.unlink()
    print(f"{checks.passed} passed, {checks.failed} failed")
    return checks.failed > 0


if __name__ == "__main__":
    sys.exit(main())
