"""Where tests of -target=cuda run: on the emulator as a card, or on the GPU of this machine."""

import functools
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def add_options(add):
    add("--target", choices=["cpu", "cuda"], default="cpu")
    add("--emulate", default="t4", metavar="CARD", help="the card that the emulator poses as")
    add("--device", action="store_true", help="on this machine's GPU, not on the emulator")


@functools.cache
def installed():
    """sm_90 for a card of compute capability 9.0. Asked in a process of its own: a driver stays in whoever opened it."""
    script = "import device; gpu = device.Device('libcuda.so.1'); print(10 * gpu.attribute(device.MAJOR) + gpu.attribute(device.MINOR))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT / "emulator/test/thirdparty", capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"--device: {(done.stderr.strip().splitlines() or ['no GPU answers'])[-1]}")
    return f"sm_{int(done.stdout)}"


def compile_flags(options):
    if options.target == "cpu":
        return []
    return ["-target=cuda", f"-gpu={installed() if options.device else options.emulate}"]


def run_flags(options):
    if options.target == "cpu":
        return []
    return ["--device=cuda"] + ([] if options.device else [f"--emulate={options.emulate}"])
