#!/usr/bin/env python3
"""What the machine code of GPU kernels can reach, without a GPU: a row a kernel, side by side with kernels of others.

  static.py [--gpu=sm_80]                   matrix products, softmax, attention ... of bench/standard.py, as nncc -target=cuda compiles them
  static.py model.onnx... kernels.ptx...    other models, or PTX texts
  static.py ... --anchors=FILE.tsv          rows of others' kernels beside ours (default ../shared/gpu/anchors.tsv where it is there)
  static.py ... --markdown                  for docs/GPU.md
Columns: registers, shared memory, blocks x warps a multiprocessor, instructions of the main loop ("all": no loop), of which math, memory, other;
the share of the unit's peak that such a loop can reach, and what limits it. See bench/sass.py for what the bound does not see. Shared memory that
a launch asks for is not in PTX: where a text does not state it (`// launch NAME: threads T, shared B`), neither column counts it.
"""

import argparse
import collections
import concurrent.futures
import csv
import os
import pathlib
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "test/GPU")]
import assemble
import standard
import ptxas
import sass

COLUMNS = ["from", "kernel", "card", "registers", "shared", "blocks x warps", "loop", "math", "memory", "other", "bound", "limited by", "spills", "mix"]
SHOWN = ["HMMA", "IMMA", "FFMA", "FADD", "FMUL", "DFMA", "HFMA2", "MUFU", "LDSM", "LDS", "STS", "LDL", "STL", "LDGSTS", "LDG", "STG", "SHFL", "BAR"]


def share_of(part, whole):
    return f"{part} ({part / max(whole, 1):.0%})"


def row(source, name, sm, kernel, code, threads, dynamic):
    main = sass.main_loop(*code)
    math, memory, other = main.mix()
    share, unit, limiter = sass.bound(main, sm)
    shared = kernel.shared + dynamic
    fit = f"{sass.occupancy(sm, kernel.registers, shared, threads)}x{-(-threads // 32)}" if threads else "?"
    counts = collections.Counter(i.opcode for i in main.instructions if i.runs)
    mix = " ".join(f"{o} {counts[o]}" for o in SHOWN if counts[o])
    return [source, name, f"sm_{sm}", kernel.registers, shared, fit, "all" if main.whole else main.issued, share_of(math, main.issued), memory, other, f"{share:.0%} {unit}", limiter, kernel.spills, mix]


def dynamic_shared(text):
    """{kernel: bytes} that a comment of the text states: `// launch NAME: threads T, shared B`."""
    return {m[1]: (int(m[2]), int(m[3])) for m in re.finditer(r"^// launch ([\w$]+): threads (\d+), shared (\d+)", text, re.M)}


def rows_of(name, path, arguments):
    text = path.read_text()
    version, sm = ptxas.header(text)
    fitting = [(release, tool) for release, tool in ptxas.assemblers(version, sm) if not release.startswith("13")] or ptxas.assemblers(version, sm)
    if not fitting or sm not in sass.RATES:
        return []
    release, tool = fitting[-1]
    with tempfile.TemporaryDirectory() as folder:
        cubin = pathlib.Path(folder) / "out.cubin"
        kernels, error = ptxas.assemble(tool, path, sm, cubin)
        if error:
            raise RuntimeError(f"{name}: {error}")
        code = sass.read(ptxas.disassemble(cubin, release))
    sizes, launches = ptxas.block_sizes(text), dynamic_shared(text)
    found = []
    for kernel in kernels.values():
        threads, dynamic = launches.get(kernel.name, (sizes.get(kernel.name), 0))
        if kernel.name in code and re.search(arguments.only, kernel.name):
            found.append(row("ptx" if str(path) in map(str, arguments.sources) else "nncc", f"{name} {kernel.name}", sm, kernel, code[kernel.name], threads, dynamic))
    return found


def anchor_rows(path, cards):
    with open(path) as file:
        for r in csv.DictReader(file, delimiter="\t"):
            if r["arch"] in cards:
                mix = {o: int(n) for o, n in re.findall(r"(\w+) (\d+)", r["mix"])}
                counted = lambda opcodes: sum(n for o, n in mix.items() if o in opcodes)
                loop, math, memory = int(r["loop"]), counted(sass.TENSOR) or counted(sass.FP32), counted(sass.SHARED | sass.GLOBAL)
                yield [r["src"], r["name"], r["arch"], r["regs(12.9/13.0/13.5)"].split("/")[0], r["smem"], r["CTAsxwarps"], loop, share_of(math, loop), memory,
                       loop - math - memory, r["bound"], r["limiter"], sum(int(n) for n in r["spillB"].split("/")), re.sub(r" other \d+$", "", r["mix"])]


def show(rows, markdown):
    if markdown:
        print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
        for r in rows:
            print("| " + " | ".join(str(c) for c in r) + " |")
        return
    widths = [max(len(str(r[c])) for r in [COLUMNS] + rows) for c in range(len(COLUMNS))]
    for r in [COLUMNS] + rows:
        print("  ".join(str(c).ljust(w) for c, w in zip(r, widths)).rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*")
    parser.add_argument("--gpu", default="sm_75,sm_80,sm_90", help="of models: as nncc takes it")
    parser.add_argument("--nncc", default=str(ROOT / "build/release/bin/nncc"))
    parser.add_argument("--only", default="", help="a regular expression of kernels' names")
    parser.add_argument("--anchors", type=pathlib.Path, default=ROOT.parent / "shared/gpu/anchors.tsv")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("-j", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
        arguments.sources = arguments.sources or standard.write(pathlib.Path(folder))
        problems = []
        for found in pool.map(lambda job: rows_of(*job, arguments), list(assemble.jobs(arguments, pathlib.Path(folder), problems))):
            rows += found
        for problem in problems:
            print(f"error: {problem}", file=sys.stderr)
    if arguments.anchors.is_file():
        rows += anchor_rows(arguments.anchors, {r[2] for r in rows})
    show(rows, arguments.markdown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
