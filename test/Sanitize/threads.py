#!/usr/bin/env python3
"""Models and runtime under ThreadSanitizer: `nncc --sanitize=thread` and a runtime that is built with -fsanitize=thread.

  threads.py --build=build/release --runtime=build/thread-runtime
Three models in one process from four threads must be clean; a kernel with a race on purpose must be reported, and without it not.
Closes with `N passed, N failed`.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def run(*command, **options):
    return subprocess.run([str(part) for part in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)


class Builder:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder

    def model(self, source, name):
        done = run(self.options.build / "bin/nncc", source, "--sanitize=thread", f"--name={name}", "-o", self.folder / f"{name}.o")
        if done.returncode:
            sys.exit(done.stdout)
        return self.folder / f"{name}.o"

    def output_of(self, source, objects):
        """Exit code and output of the application on three threads of the pool."""
        app = self.folder / "app"
        done = run(self.options.cxx, "-std=c++17", "-g", "-fsanitize=thread", f"-I{ROOT}/runtime/include", f"-I{self.folder}", source,
                   *objects, self.options.runtime / "runtime/libnnccrt.a", "-lpthread", "-ldl", "-lm", "-o", app)
        if done.returncode:
            sys.exit(done.stdout)
        # Without randomisation of addresses: this runtime of the sanitizer may not find its place in high-entropy layouts. The first
        # race ends the process: a kernel that races in each element would be examined in each, for minutes.
        done = run("setarch", "-R", app, env=dict(os.environ, NNCC_NUM_THREADS="3", TSAN_OPTIONS="exitcode=66 halt_on_error=1"), timeout=300)
        return done.returncode, done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--runtime", type=pathlib.Path, default=ROOT / "build/thread-runtime")
    parser.add_argument("--cxx", default="clang++-22")
    options = parser.parse_args()
    failures = []

    def check(what, holds, output):
        print(f"{'ok' if holds else 'FAILED'}: {what}")
        if not holds:
            print(output)
            failures.append(what)

    with tempfile.TemporaryDirectory() as folder:
        builder = Builder(options, pathlib.Path(folder))
        objects = [builder.model(ROOT / "models/digits/model.onnx", "first"), builder.model(ROOT / "models/digits/model.onnx", "second"),
                   builder.model(ROOT / "models/digits_int8/model.onnx", "third")]
        code, output = builder.output_of(HERE / "Inputs/concurrent.cpp", objects)
        check("three models, four threads: no race, no wrong answer", code == 0 and "0 wrong" in output, output)

        source = (HERE / "Inputs/race.mlir").read_text()
        for mask, racy in ((4194303, False), (1023, True)):
            path = pathlib.Path(folder) / "race.mlir"
            path.write_text(source.replace("MASK", str(mask)))
            code, output = builder.output_of(HERE / "Inputs/run.cpp", [builder.model(path, "model")])
            reported = code == 66 and "data race" in output and "k0_spread" in output
            check("a race in a kernel is reported" if racy else "the same kernel without the race is not", reported if racy else code == 0, output)
    print(f"{3 - len(failures)} passed, {len(failures)} failed")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
