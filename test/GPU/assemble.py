#!/usr/bin/env python3
"""Assembles every kernel with every ptxas that knows its card, and reads what comes out. Closes with `N passed, N failed`.

  assemble.py [--gpu=all]                   what nncc -target=cuda makes of models/ and of test/GPU/families.py, of some also with --tf32
  assemble.py model.onnx... [--gpu=all]     of other models
  assemble.py kernels.ptx...                PTX texts; --any-version: not ours, so that .version may be what it likes
A kernel fails where ptxas refuses it, spills registers, needs local memory, notes a loss of performance (C75xx), where its registers do not fit
its block, or where its main loop touches local memory. scripts/bootstrap.sh --cuda installs the assemblers.
"""

import argparse
import concurrent.futures
import os
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
import images
import ptxas
import sass


def problems_of(kernel, code, sm, threads):
    """What is wrong with an assembled kernel."""
    if kernel.spills:
        yield f"{kernel.spills} bytes of spills"
    elif kernel.stack:
        yield f"{kernel.stack} bytes of local memory"
    yield from kernel.notes
    if threads and kernel.registers and sm in sass.RATES and sass.occupancy(sm, kernel.registers, kernel.shared, threads) == 0:
        yield f"{kernel.registers} registers and {kernel.shared} bytes of shared memory do not fit a block of {threads}"
    if code:
        main = sass.main_loop(*code)
        if not main.whole and main.count(sass.LOCAL):
            yield "local memory in the main loop"


def check(name, path, release, assembler, arguments):
    """One text through one assembler -> [(line, passed)]."""
    text = path.read_text()
    version, sm = ptxas.header(text)
    with tempfile.TemporaryDirectory() as folder:
        cubin = pathlib.Path(folder) / "out.cubin"
        kernels, error = ptxas.assemble(assembler, path, sm, cubin)
        if error:
            return [(f"{name} ptxas {release}: {error}", False)]
        code = sass.read(ptxas.disassemble(cubin, release)) if sm >= 50 and not arguments.no_sass else {}
    sizes, lines = ptxas.block_sizes(text), []
    for kernel in kernels.values():
        problems = list(problems_of(kernel, code.get(kernel.name), sm, sizes.get(kernel.name)))
        if arguments.local_memory:
            problems = [p for p in problems if "local memory" not in p]
        lines.append((f"{name} {kernel.name} ptxas {release}: {kernel.registers} registers, {kernel.shared} B shared" + "".join(f"; {p}" for p in problems),
                      not problems))
    return lines


def version_line(name, path):
    version, sm = ptxas.header(path.read_text())
    expected = ptxas.PTX_VERSIONS.get(sm)
    return f"{name} states PTX {version / 10} for sm_{sm}" + ("" if version == expected else f", not {(expected or 0) / 10}"), version == expected


def every_family(folder):
    """The models of families.py, for which no data is needed to compile them, and those of models/; options of nncc."""
    import families
    import numpy as np
    import onnx

    rng = np.random.default_rng(1)
    for name, (model, _) in {**families.families(rng), **families.assembled(rng)}.items():
        path = folder / f"{name}.onnx"
        onnx.save(model, path)
        yield path, []
        if name in families.SINGLE_PRODUCTS:
            yield path, ["--tf32"]
    yield from ((path, []) for path in sorted(ROOT.glob("models/*/model.onnx")))


def jobs(arguments, folder, problems):
    """(what it is called, path) of every text. What cannot be compiled is added to `problems`."""
    sources = [(source, arguments.flags) for source in arguments.sources]
    for n, (source, options) in enumerate(sources or list(every_family(folder))):
        place = folder / str(n)
        place.mkdir()
        try:
            for name, path in images.of(source, arguments.nncc, arguments.gpu, place, *options):
                if "--tf32" not in options or ptxas.header(path.read_text())[1] >= 80:  # the others are as they are without
                    yield " ".join([name, *options]), path
        except images.Failed as error:
            problems.append(f"{source}: {str(error).splitlines()[0]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*")
    parser.add_argument("--gpu", default="all", help="of models: as nncc takes it")
    parser.add_argument("--nncc", default=str(ROOT / "build/release/bin/nncc"))
    parser.add_argument("--nncc-flags", dest="flags", type=str.split, default=[], help="options of nncc for these models")
    parser.add_argument("--any-version", action="store_true")
    parser.add_argument("--local-memory", action="store_true", help="local arrays are no failure")
    parser.add_argument("--no-sass", action="store_true", help="do not disassemble")
    parser.add_argument("-v", action="store_true", help="passed kernels too")
    parser.add_argument("-j", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    passed = failed = 0

    def report(line, good):
        nonlocal passed, failed
        passed, failed = passed + good, failed + (not good)
        if arguments.v or not good:
            print(f"{'pass' if good else 'fail'}: {line}", flush=True)

    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
        running, problems = [], []
        try:
            for name, path in jobs(arguments, pathlib.Path(folder), problems):
                if not arguments.any_version:
                    report(*version_line(name, path))
                fitting = ptxas.assemblers(*ptxas.header(path.read_text()))
                if not fitting:
                    problems.append(f"{name}: no ptxas that is here knows it; run scripts/bootstrap.sh --cuda")
                running += [pool.submit(check, name, path, release, assembler, arguments) for release, assembler in fitting]
        except (ValueError, OSError) as error:
            problems.append(str(error))
        for problem in problems:
            report(problem, False)
        for job in concurrent.futures.as_completed(running):
            for line in job.result():
                report(*line)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
