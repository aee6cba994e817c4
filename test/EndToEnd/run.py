#!/usr/bin/env python3
"""Compiles whole models at -O0 and -O3, runs their data sets with one and with two threads, and compares the outputs.

  run.py [PATTERN ...]       names (shell patterns such as 'shared/models/cls__*'); none: all of models/ and ../shared/models
         --bench             the architectures of ../shared/bench too (fills 6 GB of weights on first use)
         --target=cuda       for GPUs, run once on the emulator, which poses as --emulate=CARD (default t4), or on a GPU (--device)
A model passes at a level if nncc-run agrees, numpy here agrees, and both thread counts give the same bits. What is known not to pass
is in expectations.txt with its reason; a model there that passes is a failure too, so that the list can only shrink. Closes with
`N passed, N failed`, a test being a model at a level.
"""

import argparse
import dataclasses
import fnmatch
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time

import numpy as np
import onnx

import models

sys.path.insert(0, str(models.ROOT / "test/harness"))
import cards  # noqa: E402
import judges  # noqa: E402
import processes  # noqa: E402

THREADS = (1, 2)


@dataclasses.dataclass
class Result:
    verdict: str
    detail: str = ""
    compile_seconds: float = 0.0
    kilobytes: int = 0


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("patterns", nargs="*")
    add("--build", default=str(models.ROOT / "build/release"))
    add("--bench", action="store_true")
    add("-O", dest="levels", action="append", help="default: 0 and 3")
    add("--mcpu", default="native")
    cards.add_options(add)
    add("--nncc-flags", type=str.split, default=[])
    add("--timeout", type=float, default=300, help="seconds for each process")
    add("--json", help="write the table to this file")
    add("--list", action="store_true")
    return parser.parse_args()


def in_steps(actual, expected, model):
    """None where a quantised output is right: but for 1 % of the elements, which may be one step off, within the tolerance."""
    if actual.dtype != expected.dtype or actual.shape != expected.shape:
        return f"expected {expected.dtype}{list(expected.shape)}, got {actual.dtype}{list(actual.shape)}"
    off = np.abs(actual.astype(np.float64) - expected.astype(np.float64))
    within = off <= model.atol_rel * np.abs(expected).max() + model.rtol * np.abs(expected)
    if np.any(off > 1.001 * model.step) or np.isnan(off).any():
        return f"{np.max(off) / model.step:.2f} quantisation steps off"
    if np.sum(~within) > max(1, 0.01 * off.size):
        return f"{np.sum(~within)} of {off.size} elements are a quantisation step off"
    return None


def close(actual, expected, model):
    return np.allclose(actual, expected, rtol=model.rtol, atol=model.atol_rel * max(np.abs(expected).max(initial=0), 1e-30))


def in_rank(actual, expected, scores, model):
    """The rows of the actual outputs in the order of the expected ones, as far as only rows change places whose expected scores are
    within 1e-5 of each other, which no arithmetic in f32 can tell apart."""
    size = expected[scores].size
    if expected[scores].ndim != 1 or any(a.shape != e.shape or len(e) != size for a, e in zip(actual, expected)):
        return actual
    ranks, order = expected[scores].astype(np.float64), []
    for row in range(len(ranks)):
        tied = [other for other in np.flatnonzero(np.abs(ranks - ranks[row]) <= 1e-5 * np.abs(ranks).max()) if other not in order]
        fits = [other for other in tied if all(close(a[other], e[row], model) for a, e in zip(actual, expected))]
        order.append(fits[0] if fits else next((other for other in [row, *tied] if other not in order), None))
    return [a[order] for a in actual] if sorted(o for o in order if o is not None) == list(range(len(ranks))) else actual


def judge(model, data, produced):
    """None where the outputs in `produced` are right, else one line."""
    infos = onnx.load(str(model.path), load_external_data=False).graph.output
    pairs = []
    for i, info in enumerate(infos):
        wanted, got = data / f"output_{i}.pb", produced / f"output_{i}.pb"
        if not wanted.exists():
            return f"{data.name} has no output {i}"
        if not got.exists():
            return f"{data.name}: output {i} was not produced"
        pairs.append((judges.read_value(got, info), judges.read_value(wanted, info)))
    names = [info.name for info in infos]
    if model.ranked in names:
        sorted_rows = in_rank([actual for actual, _ in pairs], [expected for _, expected in pairs], names.index(model.ranked), model)
        pairs = list(zip(sorted_rows, (expected for _, expected in pairs)))
    for i, (actual, expected) in enumerate(pairs):
        if model.step:
            difference = in_steps(actual, expected, model)
        else:
            difference = judges.compare(actual, expected, model.rtol, 0.0, model.atol_rel)
        if difference:
            return f"{data.name}: output {i}: {difference}"
    return None


def same_bits(first, second):
    for path in sorted(first.iterdir()):
        other = second / path.name
        if not other.exists() or path.read_bytes() != other.read_bytes():
            return f"{path.name} differs between {THREADS[0]} and {THREADS[1]} threads"
    return None


def run_data_set(options, model, library, data, work):
    """(verdict, detail) of one data set, with every number of threads."""
    tool = pathlib.Path(options.build) / "bin/nncc-run"
    counts = THREADS if options.target == "cpu" else (1,)
    for threads in counts:
        out = work / str(threads)  # nncc-run adds the data set's name
        command = [tool, library, f"--test-data={data}", f"--output={out}", f"--threads={threads}"]
        if model.step:
            command += [f"--atol={1.001 * model.step}"]
        command += [f"--rtol={model.rtol}", f"--atol-rel={model.atol_rel}"]
        command += cards.run_flags(options)
        status, detail = processes.run(command, options.timeout, processes.environment(threads))
        if status != "pass" and not (model.ranked and status == "wrong"):  # nncc-run knows no ties
            return status, f"{data.name}, {threads} threads: {detail}"
        detail = judge(model, data, out / data.name)
        if detail:
            return "wrong", f"{threads} threads: {detail}"
    detail = same_bits(*(work / str(threads) / data.name for threads in counts)) if len(counts) > 1 else None
    return ("bits", f"{data.name}: {detail}") if detail else ("pass", "")


def run(options, model, level, scratch):
    work = pathlib.Path(tempfile.mkdtemp(dir=scratch))
    library = work / "model.so"
    start = time.monotonic()
    status, detail = processes.run([pathlib.Path(options.build) / "bin/nncc", model.path, "-o", library, "--emit=so", f"-O{level}",
                                    f"-mcpu={options.mcpu}", *cards.compile_flags(options), *options.nncc_flags], options.timeout, processes.environment(2))
    seconds = time.monotonic() - start
    try:
        if status != "pass":
            return Result(status, f"nncc: {detail}", seconds)
        size = library.stat().st_size // 1000
        if not model.data_sets:
            return Result("no data", "there is no test_data_set", seconds, size)
        for data in model.data_sets:
            status, detail = run_data_set(options, model, library, data, work)
            if status != "pass":
                return Result(status, detail, seconds, size)
        return Result("pass", "", seconds, size)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def expectations():
    """Model and level (O3, or cuda-O3) -> verdict that is known, from lines `MODEL LEVEL VERDICT reason`."""
    known = {}
    for line in (pathlib.Path(__file__).parent / "expectations.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, level, verdict, _ = line.split(maxsplit=3)
            known[name, level] = verdict
    return known


def select(options):
    deps = pathlib.Path(os.environ.get("NNCC_DEPS") or pathlib.Path.home() / ".cache/nncc")
    everything = models.own() + models.others()
    if options.bench:
        wanted = [p.removeprefix("shared/bench/") for p in options.patterns if p.startswith("shared/bench/") and "*" not in p]
        everything += models.bench(deps / "bench", wanted)
    return [m for m in everything if not options.patterns or any(fnmatch.fnmatch(m.name, p) for p in options.patterns)]


def main():
    options = parse_arguments()
    levels = options.levels or ["0", "3"]
    chosen = select(options)
    if options.list:
        print("\n".join(model.name for model in chosen))
        return 0
    if models.shared_folder() is None:
        print("note: ../shared is not there: only the models of this project are tested")
    if not chosen:
        raise SystemExit("no model is selected")
    rows, width, known, failed = [], max(len(model.name) for model in chosen), expectations(), 0
    print(f"{'model':{width}} level  verdict      compile      object")
    with tempfile.TemporaryDirectory(prefix="nncc-models-") as scratch:
        for model in chosen:
            for level in levels:
                result = run(options, model, level, scratch)
                rows.append({"model": model.name, "level": level, **vars(result)})
                label = f"O{level}" if options.target == "cpu" else f"cuda-O{level}"
                expected = known.get((model.name, label), "pass")
                failed += result.verdict != expected
                if result.verdict != expected and expected != "pass":
                    result.detail = f"expectations.txt says '{expected}'. {result.detail}"
                print(f"{model.name:{width}}   O{level}   {result.verdict:11} {result.compile_seconds:6.2f} s {result.kilobytes:8} KB"
                      f"{'  error: ' + result.detail if result.detail else ''}", flush=True)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1))
    print(f"{len(rows) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
