#!/usr/bin/env python3
"""What the machine code of GPU kernels can reach, without a GPU: a row a kernel, side by side with kernels of others.

  static.py model.onnx|model.o|kernels.ptx... [--gpu=sm_80]     kernels of these; nncc-bench --static calls this
  static.py [--gpu=sm_80] [--only=gemm]                         of bench/standard.py, beside those of others (--anchors, default ../shared/gpu/anchors.tsv)
  static.py --markdown=docs/GPUKernels.md                       writes the table of that page
Columns: registers, bytes of shared memory, blocks x warps a multiprocessor, instructions of the main loop ("all": no loop), of which math, memory, other;
the share of the unit's peak that such a loop can reach, and what limits it; bytes of spills. See bench/sass.py for what the bound does not see.
--count also runs the kernels on the emulator: bank conflicts, and the bytes that they move from and to global memory for each byte of their tensors.
"""

import argparse
import collections
import concurrent.futures
import csv
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import images
import ptxas
import sass

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE_CARDS = "sm_70,sm_75,sm_80,sm_90"
COLUMNS = ["from", "kernel", "card", "registers", "shared", "blocks x warps", "loop", "math", "memory", "other", "bound", "limited by", "spills", "conflicts",
           "moved", "mix"]
SHOWN = ["HMMA", "IMMA", "IDP", "FFMA", "FADD", "FMUL", "DFMA", "HFMA2", "MUFU", "LDSM", "LDS", "STS", "LDL", "STL", "LDGSTS", "LDG", "STG", "SHFL", "BAR"]


def share_of(part, whole):
    return f"{part} ({part / max(whole, 1):.0%})"


def count(source, sm, arguments, folder):
    """{entry: (bank conflicts, bytes moved for each byte of the tensors)} of a run on the emulator."""
    library, report, counters = folder / "counted.so", folder / "report.json", folder / "counters.json"
    images.compile(arguments.nncc, source, f"sm_{sm}", folder, "--emit=so", "-o", str(library), f"--report={report}", *arguments.options.get(source.stem, ([], 0))[0])
    done = subprocess.run([pathlib.Path(arguments.nncc).resolve().with_name("nncc-run"), library, f"--emulate=sm_{sm}"], capture_output=True, text=True,
                          env={**os.environ, "NNCC_EMU_COUNTERS": str(counters)})
    if done.returncode:
        raise images.Failed(done.stderr.strip(), done.returncode)
    tensors = {kernel["name"]: kernel["bytes"] for kernel in json.loads(report.read_text())["kernels"]}
    kernels, result = json.loads(counters.read_text())["kernels"], {}
    for entry, kernel in kernels.items():
        held = tensors.get(entry.split("$")[0])
        moved = kernel["global_sectors"] * 32 / kernel["launches"]
        result[entry] = kernel["bank_conflicts"], f"{moved / held:.2f}" if isinstance(held, int) and held else ""
    return result


def row(source, name, sm, kernel, code, threads, dynamic, counted):
    main = sass.main_loop(*code)
    math, memory, other = main.mix()
    share, unit, limiter = sass.bound(main, sm)
    shared = kernel.shared + dynamic if dynamic is not None else "?"
    fit = f"{sass.occupancy(sm, kernel.registers, kernel.shared + (dynamic or 0), threads)}x{-(-threads // 32)}" if threads else "?"
    counts = collections.Counter(i.named() for i in main.instructions if i.runs)
    shown = sorted((o for o in counts if o.split(".")[0] in SHOWN), key=lambda o: SHOWN.index(o.split(".")[0]))
    mix = " ".join(f"{o} {counts[o]}" for o in shown)
    return [source, name, f"sm_{sm}", kernel.registers, shared, fit, "all" if main.whole else main.issued, share_of(math, main.issued), memory, other,
            f"{share:.0%} {unit}", limiter, kernel.spills, *counted, mix]


def rows_of(name, path, source, arguments, folder):
    """Of one text."""
    text = path.read_text()
    version, sm = ptxas.header(text)
    if sm not in sass.RATES:
        print(f"{name}: the rates of sm_{sm} are not known here: {', '.join(f'sm_{known}' for known in sass.RATES)} are", file=sys.stderr)
        return []
    fitting = [(release, tool) for release, tool in ptxas.assemblers(version, sm) if not release.startswith("13")] or ptxas.assemblers(version, sm)
    if not fitting:
        raise images.Failed(f"no ptxas that knows sm_{sm} is on PATH or in $NNCC_CUDA_TOOLS; scripts/bootstrap.sh --cuda installs one")
    release, tool = fitting[-1]
    cubin = folder / "out.cubin"
    kernels, error = ptxas.assemble(tool, path, sm, cubin)
    if error:
        raise images.Failed(f"{name}: {error}")
    try:
        code = sass.read(ptxas.disassemble(cubin, release))
    except FileNotFoundError as error:
        raise images.Failed(str(error))
    counts = count(source, sm, arguments, folder) if arguments.count and source.suffix not in (".ptx", ".o", ".so") else {}
    sizes, launches = ptxas.block_sizes(text), ptxas.launches(text)
    found = []
    for kernel in kernels.values():
        threads, dynamic = launches.get(kernel.name, (sizes.get(kernel.name), None if ".extern .shared" in text else 0))
        called = f"{name.removesuffix(f'.sm_{sm}')} {kernel.name}"
        if kernel.name in code and re.search(arguments.only, called):
            found.append(row("ptx" if source.suffix == ".ptx" else "nncc", called, sm, kernel, code[kernel.name], threads, dynamic, counts.get(kernel.name, ("", ""))))
    return found


def rows_of_source(source, arguments):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        options, first = arguments.options.get(source.stem, ([], 0))
        return [row for name, path in images.of(source, arguments.nncc, arguments.gpu, folder, *options) if ptxas.header(path.read_text())[1] >= first
                for row in rows_of(name, path, source, arguments, folder)]


def anchor_rows(path, cards):
    """Of others, as COLUMNS; sm_90a is a card of sm_90."""
    with open(path) as file:
        for r in csv.DictReader(file, delimiter="\t"):
            if r["arch"].removesuffix("a") in cards:
                mix = {o: int(n) for o, n in re.findall(r"(\w+) (\d+)", r["mix"])}
                counted = lambda opcodes: sum(n for o, n in mix.items() if o in opcodes)
                loop, math, memory = int(r["loop"]), counted(sass.TENSOR) or counted(sass.FP32), counted(sass.SHARED | sass.GLOBAL)
                yield [r["src"], r["name"], r["arch"], r["regs(12.9/13.0/13.5)"].split("/")[0], r["smem"], r["CTAsxwarps"], loop, share_of(math, loop), memory,
                       loop - math - memory, r["bound"], r["limiter"], sum(int(n) for n in r["spillB"].split("/")), "", "", re.sub(r" other \d+$", "", r["mix"])]


def beside_others(rows, arguments):
    """Of each standard model the kernel that computes most, a card a row, and behind them kernels of others that compute the same."""
    import standard

    anchors = list(anchor_rows(arguments.anchors, {r[2] for r in rows})) if arguments.anchors.is_file() else []
    result = []
    for name, peers in standard.PEERS.items():
        of_model = [r for r in rows if r[1].split()[0] == name]
        for card in dict.fromkeys(r[2] for r in of_model):
            result.append(max((r for r in of_model if r[2] == card), key=lambda r: int(r[7].split()[0])))
        result += [r for r in anchors if of_model and peers and re.search(peers, r[1])]
    return result


def as_markdown(rows):
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)] + ["| " + " | ".join(str(c) for c in r) + " |" for r in rows]
    return "\n".join(lines) + "\n"


def as_text(rows):
    widths = [max(len(str(r[c])) for r in [COLUMNS] + rows) for c in range(len(COLUMNS))]
    kept = [c for c in range(len(COLUMNS)) if any(str(r[c]) for r in rows)]
    return "".join("  ".join(str(r[c]).ljust(widths[c]) for c in kept).rstrip() + "\n" for r in [COLUMNS] + rows)


def write_page(page, table):
    """The last table of the page, which ends it, becomes this one."""
    text = page.read_text() if page.exists() else ""
    start = text.rfind(f"\n| {COLUMNS[0]} |")
    page.write_text((text[: start + 1] if start >= 0 else text) + table)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*")
    parser.add_argument("--gpu", default="", help="of models: as nncc takes it")
    parser.add_argument("--nncc", default=str(ROOT / "build/release/bin/nncc"))
    parser.add_argument("--only", default="", help="a regular expression of models' and kernels' names")
    parser.add_argument("--anchors", type=pathlib.Path, default=ROOT.parent / "shared/gpu/anchors.tsv")
    parser.add_argument("--count", action="store_true", help="count on the emulator, too")
    parser.add_argument("--markdown", type=pathlib.Path, help="the page whose table to write; implies --count")
    parser.add_argument("-j", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    arguments.count |= arguments.markdown is not None
    arguments.options = {}  # of standard models
    status, rows = 0, []
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
        sources = arguments.sources
        if not sources:
            import standard

            arguments.gpu = arguments.gpu or PAGE_CARDS
            arguments.options = standard.OPTIONS
            sources = standard.write(pathlib.Path(folder), arguments.only)
        for job in [pool.submit(rows_of_source, pathlib.Path(source), arguments) for source in sources]:
            try:
                rows += job.result()
            except images.Failed as error:
                print(error if "error:" in str(error) else f"static: error: {error}", file=sys.stderr)
                status = error.code
    if status:
        return status
    if not rows:
        print("static: error: there is no such kernel", file=sys.stderr)
        return 5
    rows = rows if arguments.sources else beside_others(rows, arguments)
    if arguments.markdown:
        write_page(arguments.markdown, as_markdown(rows))
    else:
        print(as_text(rows), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
