#!/usr/bin/env python3
"""Times compiled models against ONNX Runtime and OpenVINO, side by side: machines differ and drift, so only a ratio in one run counts.

  scripts/bootstrap.sh --bench && ~/.cache/nncc/venv-bench/bin/python bench/compare.py [NAME ...]
NAME is an architecture of ../shared/bench (shell patterns are understood; none: all) or models/NAME, shared/models/NAME.
Everybody is pinned to the same cores, and takes turns: nncc, ONNX Runtime, OpenVINO, nncc, ... The figure is the median of all runs
of all rounds. A ratio is nncc's time over the peer's: below 1 nncc is faster. `ok` says that the outputs agree with the references of
the model, which ONNX Runtime computed; a model whose outputs do not has no ratio. --kernels adds the kernels that take more than 3 % of
a model's time and stay below a quarter of what the machine can do (nncc-bench: the roof).
"""

import argparse
import fnmatch
import json
import math
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "test/EndToEnd"), str(HERE.parent / "test/harness")]
import models  # noqa: E402
import processes  # noqa: E402

PEERS = ("onnxruntime", "openvino")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("names", nargs="*")
    add("--build", default=str(HERE.parent / "build/release"))
    add("--threads", type=int, action="append", help="default: 1 and 2")
    add("--peer", choices=PEERS, action="append", help="default: both")
    add("--rounds", type=int, default=3)
    add("--seconds", type=float, default=1.0, help="of each turn")
    add("--mcpu", default="native")
    add("--nncc-flags", type=str.split, default=[])
    add("--kernels", action="store_true", help="list the kernels far below the machine's limits")
    add("--json", help="write all figures to this file")
    add("--markdown", help="write the table to this file as a page")
    return parser.parse_args()


class Nncc:
    def __init__(self, options, model, library, threads):
        self.command = [pathlib.Path(options.build) / "bin/nncc-bench", library, f"--test-data={model.data_sets[0]}",
                        f"--threads={threads}", "--json"]
        self.cores = set(range(threads))

    def run(self, *arguments):
        done = subprocess.run([str(part) for part in [*self.command, *arguments]], capture_output=True, text=True,
                              preexec_fn=lambda: os.sched_setaffinity(0, self.cores))
        if done.returncode:
            raise RuntimeError(processes.telling_line(done.stderr + done.stdout))
        return json.loads(done.stdout)

    def measure(self, seconds):
        """Milliseconds; nncc-bench gives the median of its turn, its share of the runs being equal in every round."""
        return [self.run(f"--seconds={seconds}", "--kernels=0")["median_ms"]]

    def slow_kernels(self):
        return [kernel for kernel in self.run()["kernels"] if kernel["share"] > 0.03 and kernel.get("roof", 1) < 0.25]

    def close(self):
        pass


class Peer:
    def __init__(self, name, model, threads):
        self.process = subprocess.Popen([sys.executable, str(HERE / "peer.py"), name, str(model.path), str(model.data_sets[0]), str(threads)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        preexec_fn=lambda: os.sched_setaffinity(0, set(range(threads))))
        answer = json.loads(self.process.stdout.readline() or '{"error": "it crashed"}')
        if "error" in answer:
            raise RuntimeError(answer["error"])

    def measure(self, seconds):
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def compile_model(options, model, folder):
    """(library, seconds, problem)"""
    library, tools = pathlib.Path(folder) / "model.so", pathlib.Path(options.build) / "bin"
    start = time.monotonic()
    status, detail = processes.run([tools / "nncc", model.path, "-o", library, "--emit=so", f"-mcpu={options.mcpu}",
                                    *options.nncc_flags], 600, processes.environment(2))
    seconds = time.monotonic() - start
    if status != "pass":
        return None, seconds, f"{status}: {detail}"
    tolerance = [f"--rtol={model.rtol}", f"--atol-rel={model.atol_rel}"] + ([f"--atol={1.001 * model.step}"] if model.step else [])
    status, detail = processes.run([tools / "nncc-run", library, f"--test-data={model.data_sets[0]}", *tolerance], 600,
                                   processes.environment(2))
    return library, seconds, None if status == "pass" else f"{status}: {detail}"


def measure(options, model, library, threads):
    """({who: median milliseconds, or the reason why there is none}, kernels far below the machine's limits)"""
    runners, figures, slow = {}, {}, []
    makers = {"nncc": lambda: Nncc(options, model, library, threads)}
    makers.update({peer: lambda peer=peer: Peer(peer, model, threads) for peer in options.peer or PEERS})
    for who, make in makers.items():
        try:
            runners[who] = make()
            runners[who].measure(0)  # one run to warm up
            figures[who] = []
        except (RuntimeError, json.JSONDecodeError) as error:
            runners.pop(who, None)
            figures[who] = str(error)
    for _ in range(options.rounds):
        for who, runner in runners.items():
            if isinstance(figures[who], list):
                try:
                    figures[who] += runner.measure(options.seconds)
                except (RuntimeError, json.JSONDecodeError, BrokenPipeError) as error:
                    figures[who] = f"failed while measured: {error}"
    if options.kernels and isinstance(figures["nncc"], list):
        slow = runners["nncc"].slow_kernels()
    for runner in runners.values():
        runner.close()
    return {who: statistics.median(f) if isinstance(f, list) else f for who, f in figures.items()}, slow


def ratios(figures):
    own = figures.get("nncc")
    return {who: own / value for who, value in figures.items()
            if who != "nncc" and isinstance(own, float) and isinstance(value, float)}


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else float("nan")


def show(value):
    return f"{value:10.2f}" if isinstance(value, float) else f"{'-':>10}"


def show_row(row, peers):
    figures = row["ms"]
    reasons = [f"{who}: {value}" for who, value in figures.items() if isinstance(value, str)]
    print(f"{row['model']:34} {row['verdict']:>11} {row['compile_seconds']:8.1f} {row['threads']:7} {show(figures['nncc'])}"
          + "".join(f"   {show(figures.get(p))}{row['ratios'].get(p, float('nan')):7.2f}" for p in peers)
          + "".join(f"  {reason}" for reason in reasons), flush=True)
    for kernel in row["slow_kernels"]:
        print(f"    {100 * kernel['share']:5.1f} % of the time at {100 * kernel['roof']:4.1f} % of the roof: {kernel['name']}", flush=True)


def summary(rows, peers):
    for threads in sorted({row["threads"] for row in rows}):
        mine = [row["ratios"] for row in rows if row["threads"] == threads]
        for peer in peers:
            found = [r[peer] for r in mine if peer in r]
            if found:
                print(f"{threads} threads, nncc / {peer}: geometric mean {geometric_mean(found):.3f} over {len(found)} models, "
                      f"from {min(found):.2f} to {max(found):.2f}")
        best = [max(r.values()) for r in mine if r]
        if best and len(peers) > 1:
            print(f"{threads} threads, nncc / the faster peer: geometric mean {geometric_mean(best):.3f}")


def page(title, rows, peers):
    """The table in Markdown. A dash: no figure; the verdict says why, or the peer does not run the model."""
    def cell(value, form):
        return form.format(value) if isinstance(value, float) else "-"
    command = " ".join(a for a, before in zip(sys.argv[1:], sys.argv) if not {a, before} & {"--json", "--markdown"})
    lines = ["# Models", "", f"Made by `bench/compare.py {command} --markdown docs/Models.md` on {title}.",
             "", "| model | verdict | compiled in s | threads | ms | " + " | ".join(f"nncc / {peer}" for peer in peers) + " |",
             "|---|---|---|---|---|" + "---|" * len(peers)]
    lines += [f"| {row['model']} | {row['verdict']} | {row['compile_seconds']:.1f} | {row['threads']} | {cell(row['ms']['nncc'], '{:.3f}')} | "
              + " | ".join(cell(row["ratios"].get(peer), "{:.2f}") for peer in peers) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def chosen(options):
    cache = pathlib.Path(os.environ.get("NNCC_DEPS") or pathlib.Path.home() / ".cache/nncc") / "bench"
    plain = [name for name in options.names if "/" not in name]
    found = [m for m in models.own() + models.others() if any(fnmatch.fnmatch(m.name, n) for n in options.names)]
    if plain or not options.names:
        known = [path.stem for path in sorted(((models.shared_folder() or HERE) / "bench").glob("*.onnx"))]
        wanted = [name for name in known if not plain or any(fnmatch.fnmatch(name, p) for p in plain)]
        found += models.bench(cache, wanted) if wanted else []
    if not found:
        raise SystemExit("no model is selected (is ../shared/bench there?)")
    return found


def main():
    options = parse_arguments()
    peers, rows = options.peer or PEERS, []
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    print(f"{cpu}, {os.cpu_count()} cores; milliseconds, median; nncc -mcpu={options.mcpu}")
    print(f"{'model':34} {'verdict':>11} compile s threads {'nncc':>9}" + "".join(f"{peer:>13}{'ratio':>7}" for peer in peers))
    for model in chosen(options):
        name = model.name.removeprefix("shared/bench/")
        with tempfile.TemporaryDirectory(prefix="nncc-bench-") as folder:
            library, seconds, problem = compile_model(options, model, folder)
            for threads in options.threads or [1, 2]:
                figures, slow = ({"nncc": problem}, []) if problem else measure(options, model, library, threads)
                rows.append({"model": name, "verdict": problem.split(":")[0] if problem else "ok", "compile_seconds": seconds,
                             "threads": threads, "ms": figures, "ratios": ratios(figures), "slow_kernels": slow})
                show_row(rows[-1], peers)
    summary(rows, peers)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"cpu": cpu, "rows": rows}, indent=1))
    if options.markdown:
        pathlib.Path(options.markdown).write_text(page(f"{cpu}, {os.cpu_count()} cores", rows, peers))
    return 1 if any(isinstance(row["ms"]["nncc"], str) for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
