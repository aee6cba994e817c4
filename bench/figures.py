#!/usr/bin/env python3
"""Measures the figures that docs/Evidence.md states, on this machine: sizes, start-up, idle time, compile time and memory, memory plans.

  bench/figures.py [--build=build/release] [SECTION ...]      sections: sizes start idle compile edit plans gpu emulator; none: all
Each line says what was measured, its bound and whether it holds; exit code 1 when one does not. Times want a quiet machine: they are no
tests.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "test/EndToEnd"), str(ROOT / "test/harness")]
import models  # noqa: E402

INVALID_MODEL = 4  # nncc's exit code

IDLE = r"""
#include "digits.h"
#include <algorithm>
#include <cstdio>
#include <sys/resource.h>
#include <unistd.h>

static double used() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main() {
  auto model = digits::Model::load();
  auto run = model->context();
  auto image = run->image();
  std::fill(image.begin(), image.end(), 0.5f);
  for (int i = 0; i < 1000; ++i)
    if (!run->run())
      return 1;
  usleep(1000); // the threads of the pool fall asleep
  double before = used();
  sleep(2);
  std::printf("%.6f\n", used() - before);
}
"""


def bench_models():
    return models.bench(pathlib.Path(os.environ.get("NNCC_DEPS", pathlib.Path.home() / ".cache/nncc")) / "bench")


def every_model():
    return models.own() + models.others() + bench_models()


class Figures:
    def __init__(self, build, folder):
        self.build, self.folder, self.failed = build, folder, 0
        self.runtime = build / "runtime/libnnccrt.a"

    def tell(self, what, value, bound, unit):
        holds = value < bound
        self.failed += not holds
        print(f"{'ok    ' if holds else 'MISSED'}  {what}: {value:.4g} {unit} (below {bound:g})", flush=True)

    def compile(self, model, *flags):
        """Seconds, peak MiB."""
        command = [str(self.build / "bin/nncc"), str(model), *flags]
        begun = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        error = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            sys.exit(error.decode())
        return time.perf_counter() - begun, usage.ru_maxrss / 1024

    def reports(self, chosen, *flags):
        """(model, its report), for those that compile."""
        report = self.folder / "report.json"
        for model in chosen:
            report.unlink(missing_ok=True)
            sizes = models.shape_options(model)
            done = subprocess.run([str(self.build / "bin/nncc"), str(model.path), *sizes, f"--report={report}", *flags, "-o",
                                   str(self.folder / "model.o")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            message = done.stderr.splitlines()[-1] if done.stderr else ""
            if done.returncode == INVALID_MODEL and sizes:  # a branch for other sizes contradicts them; ONNX Runtime refuses that too
                print(f"        {model.name} is no model with its sizes fixed: {message}", flush=True)
            elif done.returncode:
                self.failed += 1
                print(f"FAILED  {model.name} does not compile: {message}", flush=True)
            else:
                yield model, json.loads(report.read_text())

    def digits(self):
        target = self.folder / "digits.o"
        if not target.exists():
            self.compile(ROOT / "models/digits/model.onnx", "--name=digits", "-o", str(target))
        return target

    def application(self, source, name):
        app = self.folder / name
        subprocess.run(["clang++-22", "-std=c++17", "-O2", f"-I{ROOT}/runtime/include", f"-I{self.folder}", "-Wl,--gc-sections", str(source),
                        str(self.digits()), str(self.runtime), "-lpthread", "-ldl", "-lm", "-o", str(app)], check=True)
        return app

    def sizes(self):
        stripped = self.folder / "libnnccrt.a"
        subprocess.run(["strip", "--strip-debug", "-o", str(stripped), str(self.runtime)], check=True)
        self.tell("libnnccrt.a", stripped.stat().st_size / 1000, 300, "kB")
        app = self.application(ROOT / "examples/digits/digits_app.cpp", "app")
        subprocess.run(["strip", str(app)], check=True)
        report = self.folder / "report.json"
        self.compile(ROOT / "models/digits/model.onnx", f"--report={report}", "-o", str(self.folder / "again.o"))
        weights = json.loads(report.read_text())["memory"]["weights_bytes"]
        self.tell("application with the digits model, without its weights", (app.stat().st_size - weights) / 1000, 600, "kB")

    def start(self):
        app = self.application(ROOT / "examples/digits/digits_app.cpp", "app")
        image = next((ROOT / "models/digits/images").glob("*.pgm"))
        times = []
        for _ in range(30):
            begun = time.perf_counter()
            subprocess.run([str(app), str(image)], check=True, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - begun)
        self.tell("from start to answer (best of 30)", min(times) * 1000, 10, "ms")

    def idle(self):
        source = self.folder / "idle.cpp"
        source.write_text(IDLE)
        used = float(subprocess.run([str(self.application(source, "idle"))], check=True, stdout=subprocess.PIPE, text=True).stdout)
        self.tell("processor time of an idle process in 2 s", used * 1000, 1, "ms")

    def compile_times(self):
        for name, seconds in (("models/digits", 1), ("shared/bench/resnet50", 20), ("shared/bench/bert_base", 20)):
            model = next((m for m in every_model() if m.name == name), None)
            if not model:
                print(f"        {name} is not here")
                continue
            path = model.path
            size = sum(f.stat().st_size for f in path.parent.iterdir() if f.is_file()) / 2**20
            took, memory = min(self.compile(path, "-o", str(self.folder / "model.o")) for _ in range(3))
            self.tell(f"compiling {name}", took, seconds, "s")
            self.tell(f"peak memory compiling {name} ({size:.0f} MiB)", memory, 3 * size + 300, "MiB")

    def edit(self):
        """A pass is edited, built without the compiler's cache, and its test run."""
        os.utime(ROOT / "lib/Dialect/NN/Transforms/Simplify.cpp")
        begun = time.perf_counter()
        subprocess.run(["cmake", "--build", str(self.build), "--target", "nncc-opt"], env={**os.environ, "CCACHE_DISABLE": "1"}, check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run(["/usr/lib/llvm-22/bin/lit", "-q", str(self.build / "test"), "--filter=Dialect/NN/simplify"], check=True)
        self.tell("an edited pass, built and tested", time.perf_counter() - begun, 30, "s")

    def plans(self):
        """Sizes that are not fixed are set to those of the first data set: then their plan is packed here as the runtime packs it."""
        ratios = []
        for model, report in self.reports(every_model(), "-mcpu=x86-64-v3"):
            memory = report["memory"]
            if memory["static"] and memory["bound_bytes"]:
                ratios.append((memory["arena_bytes"] / memory["bound_bytes"], model.name))
            elif not memory["static"]:
                print(f"        {model.name}: sizes depend on data, no plan to compare", flush=True)
        for ratio, name in sorted(ratios)[-5:]:
            self.tell(f"arena over lower bound, {name}", ratio, 1.25, "")
        self.tell(f"arena over lower bound, the worst of {len(ratios)} models", max(ratios)[0] if ratios else float("inf"), 1.25, "")

    def gpu(self):
        """What nncc -target=cuda says of the architectures of ../shared/bench: computations on the host, launches, memory."""
        most, host, ratios = {"resnet50": 60, "mobilenet_v2": 60, "bert_base": 90}, {}, []
        for model, said in self.reports(bench_models(), "-target=cuda", "-gpu=sm_80"):
            name = model.name.split("/")[-1]
            costs = {"host": 0, "cuda": 0}
            for kernel in said["kernels"]:
                costs[kernel["runs_on"]] += kernel["launches"] * (kernel["operations"] if isinstance(kernel["operations"], int) else 0)
            host[name] = costs["host"] / max(1, sum(costs.values()))
            if said["memory"].get("bound_bytes"):
                ratios.append((said["memory"]["arena_bytes"] / said["memory"]["bound_bytes"], name))
            launches = sum(kernel["launches"] * kernel["phases"]["sm_80"] for kernel in said["kernels"])
            if name in most:
                self.tell(f"launches of {name} for sm_80", launches, most[name] + 1, "")
            print(f"        {name}: {launches} launches, {sum(k['runs_on'] == 'host' for k in said['kernels'])} kernels on the host, "
                  f"{100 * host[name]:.2g} % of the operations there", flush=True)
        worst = max(host, key=host.get, default=None)
        self.tell(f"operations on the host, the most of {len(host)} architectures ({worst})", 100 * host.get(worst, 1), 1e-5, "%")
        self.tell(f"arena over lower bound for sm_80, the worst of {len(ratios)}", max(ratios)[0] if ratios else float("inf"), 1.25, "")

    def emulator(self):
        """ResNet-50 for eight families of cards, and a run of it (224 x 224) as one of them."""
        model, library = next((m for m in bench_models() if m.name == "shared/bench/resnet50"), None), self.folder / "model.so"
        if not model:
            print("        shared/bench/resnet50 is not here")
            return
        took, _ = self.compile(model.path, "-target=cuda", "-gpu=k40,sm_50,gtx1080,v100,t4,a100,rtx3090,h100", "--emit=so", "-o", str(library))
        self.tell("compiling resnet50 for eight families of GPUs", took, 60, "s")
        begun = time.perf_counter()
        subprocess.run([str(self.build / "bin/nncc-run"), str(library), "--emulate=t4", "--device=cuda", f"--test-data={model.data_sets[0]}",
                        f"--rtol={model.rtol}", f"--atol-rel={model.atol_rel}"], check=True, stdout=subprocess.DEVNULL)
        self.tell("resnet50 on the emulator as T4, right", time.perf_counter() - begun, 60, "s")


SECTIONS = {"sizes": Figures.sizes, "start": Figures.start, "idle": Figures.idle, "compile": Figures.compile_times, "edit": Figures.edit,
            "plans": Figures.plans, "gpu": Figures.gpu, "emulator": Figures.emulator}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("sections", nargs="*")
    options = parser.parse_args()
    for name in options.sections:
        if name not in SECTIONS:
            parser.error(f"no section '{name}': {' '.join(SECTIONS)}")
    with tempfile.TemporaryDirectory() as folder:
        figures = Figures(options.build.resolve(), pathlib.Path(folder))
        for name in options.sections or SECTIONS:
            SECTIONS[name](figures)
    return figures.failed > 0


if __name__ == "__main__":
    sys.exit(main())
