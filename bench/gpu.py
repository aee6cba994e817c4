#!/usr/bin/env python3
"""Models on a GPU: whether they are right, how fast against others, and what share of the card's limits each kernel reaches; as one HTML page.

  bench/gpu.py [NAME ...] [--page=gpu.html] [--json=FILE] [--emulate=CARD]     NAME as in bench/compare.py
Times are from inputs on the host to outputs on the host, for everybody alike: the median of runs that take turns. Peers that are not installed are
left out, and said so. With --emulate nothing is timed: a card is emulated, and only correctness and the page are tried.
"""

import argparse
import contextlib
import html
import importlib.util
import io
import json
import os
import pathlib
import statistics
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT / "test/EndToEnd"), str(ROOT / "test/harness"), str(ROOT / "emulator/test/thirdparty")]
import compare
import device
import processes
import sass

PEERS = {"onnxruntime-cuda": "onnxruntime", "onnxruntime-tensorrt": "onnxruntime", "tensorrt": "tensorrt", "torch": "onnx2torch"}
# CUdevice_attribute: multiprocessors, clock in kHz, memory clock in kHz, bus in bits, compute capability.
ATTRIBUTES = {"multiprocessors": 16, "khz": 13, "memory_khz": 36, "bus_bits": 37, "major": 75, "minor": 76}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("names", nargs="*")
    add("--build", type=pathlib.Path, default=ROOT / "build/release")
    add("--emulate", metavar="CARD")
    add("--gpu", help="images to compile for (default: nncc's, or the emulated card's)")
    add("--peer", choices=PEERS, action="append", help="default: all that are installed")
    add("--rounds", type=int, default=3)
    add("--seconds", type=float, default=1.0, help="of each turn")
    add("--nncc-flags", type=str.split, default=[])
    add("--page", type=pathlib.Path, default=pathlib.Path("gpu.html"))
    add("--json", type=pathlib.Path)
    return parser.parse_args()


def card(options):
    """The device's name and limits: f32 operations and bytes of memory a second."""
    library = options.build / "lib/nncc/libcuda.so.1" if options.emulate else "libcuda.so.1"
    gpu = device.Device(library, options.emulate)
    found = {name: gpu.attribute(number) for name, number in ATTRIBUTES.items()}
    sm = found["major"] * 10 + found["minor"]
    rates = sass.RATES[max((known for known in sass.RATES if known <= sm), default=min(sass.RATES))]
    return {"name": gpu.name(), "sm": sm, "flops": 2.0 * rates.fp32 * found["multiprocessors"] * found["khz"] * 1e3,
            "bytes": 2.0 * found["memory_khz"] * 1e3 * found["bus_bits"] / 8}


def compile_model(options, model, library):
    """A problem, or None."""
    images = options.gpu or options.emulate
    command = [options.build / "bin/nncc", model.path, "-o", library, "--emit=so", "-target=cuda"] + ([f"-gpu={images}"] if images else [])
    status, detail = processes.run(command + options.nncc_flags, 600)
    return None if status == "pass" else f"{status}: {detail}"


def device_flags(options):
    return ["--device=cuda"] + ([f"--emulate={options.emulate}"] if options.emulate else [])


def check(options, model, library):
    """A problem of any data set, or None."""
    tolerance = [f"--rtol={model.rtol}", f"--atol-rel={model.atol_rel}"] + ([f"--atol={1.001 * model.step}"] if model.step else [])
    for data in model.data_sets:
        status, detail = processes.run([options.build / "bin/nncc-run", library, f"--test-data={data}", *device_flags(options), *tolerance], 600)
        if status != "pass":
            return f"{data.name}: {status}: {detail}"
    return None


class Nncc(compare.Nncc):
    def __init__(self, options, model, library):
        super().__init__(options, model, library, 1)
        self.command += device_flags(options)
        self.cores = os.sched_getaffinity(0)


def peers(options):
    """Those that are installed; the others are told."""
    for name, module in PEERS.items():
        if name in (options.peer or PEERS):
            if importlib.util.find_spec(module):
                yield name
            else:
                print(f"{name} is left out: {module} is not installed", flush=True)


def measure(options, model, library, names):
    """{who: milliseconds, or the reason why there are none}, and nncc's kernels."""
    makers = {"nncc": lambda: Nncc(options, model, library)} | {name: lambda name=name: compare.Peer(name, model, len(os.sched_getaffinity(0))) for name in names}
    runners, times, kernels = {}, {}, []
    for who, make in makers.items():
        try:
            runners[who] = make()
            runners[who].measure(options.seconds)
            times[who] = []
        except (RuntimeError, json.JSONDecodeError) as error:
            times[who] = str(error)
    for _ in range(options.rounds):
        for who, runner in runners.items():
            if isinstance(times[who], list):
                try:
                    times[who] += runner.measure(options.seconds)
                except (RuntimeError, json.JSONDecodeError, BrokenPipeError) as error:
                    times[who] = f"failed while measured: {error}"
    if isinstance(times["nncc"], list):
        kernels = runners["nncc"].run()["kernels"]
    for runner in runners.values():
        runner.close()
    return {who: statistics.median(t) if isinstance(t, list) else t for who, t in times.items()}, kernels


def with_roof(kernel, limits):
    """A kernel with the share of its time that the card's limits alone would take."""
    least = max(kernel.get("operations", 0) / limits["flops"], kernel.get("bytes", 0) / limits["bytes"])
    return kernel | {"roof": least / (kernel["us"] * 1e-6) if kernel["us"] else 0}


def page(limits, rows, names):
    """Everything on one page that needs nothing else."""
    out, text = io.StringIO(), html.escape
    out.write(f"""<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>nncc on {text(limits['name'])}</title>
<style>body{{font:15px sans-serif;margin:2em auto;max-width:75em}}td,th{{padding:.2em .7em;text-align:right}}td:first-child,th:first-child{{text-align:left}}
tr:nth-child(even){{background:#f3f3f3}}.bad{{color:#b00}}</style><h1>nncc on {text(limits['name'])}</h1>
<p>sm_{limits['sm']}; f32 {limits['flops'] / 1e12:.1f} TFLOP/s, memory {limits['bytes'] / 1e9:.0f} GB/s by its clocks. Milliseconds are medians, from the
host's memory to the host's memory; in brackets nncc's time over the peer's: below 1 nncc is faster.</p><table><tr><th>model<th>verdict<th>nncc""")
    out.write("".join(f"<th>{text(name)}" for name in names) + "</tr>\n")
    for row in rows:
        own = row["ms"].get("nncc")
        cells = [f"{own:.3f}" if isinstance(own, float) else text(str(own or ""))]
        for name in names:
            value = row["ms"].get(name)
            ratio = f" ({own / value:.2f})" if isinstance(value, float) and isinstance(own, float) else ""
            cells.append(f"{value:.3f}{ratio}" if isinstance(value, float) else f"<small>{text(str(value or ''))}</small>")
        verdict = '<td class="bad">' + text(row["problem"]) if row["problem"] else "<td>right"
        out.write(f"<tr><td>{text(row['model'])}{verdict}" + "".join(f"<td>{cell}" for cell in cells) + "</tr>\n")
    out.write("</table>\n")
    for row in (r for r in rows if r["kernels"]):
        out.write(f"<h2>{text(row['model'])}</h2><table><tr><th>kernel<th>launches<th>us<th>% of the time<th>% of the roof</tr>\n")
        for kernel in row["kernels"][:20]:
            out.write(f"<tr><td>{text(kernel['name'])}<td>{kernel['launches']:g}<td>{kernel['us']:.1f}<td>{100 * kernel['share']:.1f}<td>{100 * kernel['roof']:.0f}</tr>\n")
        out.write("</table>\n")
    return out.getvalue()


def main():
    options = parse_arguments()
    limits, rows = card(options), []
    names = [] if options.emulate else list(peers(options))
    print(f"{limits['name']}, sm_{limits['sm']}, {limits['flops'] / 1e12:.1f} TFLOP/s (f32), {limits['bytes'] / 1e9:.0f} GB/s", flush=True)
    for model in compare.chosen(options):
        with tempfile.TemporaryDirectory(prefix="nncc-gpu-") as folder:
            library = pathlib.Path(folder) / "model.so"
            problem = compile_model(options, model, library) or check(options, model, library)
            times, kernels = ({}, []) if problem or options.emulate else measure(options, model, library, names)
        rows.append({"model": model.name, "problem": problem, "ms": times, "kernels": [with_roof(k, limits) for k in kernels]})
        figures = "  ".join(f"{who} {value:.3f} ms" if isinstance(value, float) else f"{who}: {value}" for who, value in times.items())
        print(f"{'fail' if problem else 'pass'}: {model.name}  {problem or figures}", flush=True)
        with contextlib.suppress(OSError):  # what is there already survives a later crash
            options.page.write_text(page(limits, rows, names))
    options.page.write_text(page(limits, rows, names))
    if options.json:
        options.json.write_text(json.dumps({"card": limits, "models": rows}, indent=1))
    failed = sum(bool(row["problem"]) for row in rows)
    print(f"{options.page} is written\n{len(rows) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
