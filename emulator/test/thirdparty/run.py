#!/usr/bin/env python3
"""Runs kernels that others' compilers made (ptx/, see compile.py) and compares them with NumPy. Closes with `N passed, N failed`.

  run.py [--cuda=libcuda.so.1] [--only=REGEX] [-v]     the library: the emulator of a build tree, or a real driver
A case runs as every card that its kernel was compiled for: T4, A100 and H100.
"""

import argparse
import os
import pathlib
import re
import sys

import device
import elementwise
import matrices
import numpy as np
import tile_cases
import warps

HERE = pathlib.Path(__file__).resolve().parent
CARDS = {75: "t4", 80: "a100", 90: "h100"}
CASES = elementwise.CASES + warps.CASES + matrices.CASES + tile_cases.CASES


def differs(result, expected, case):
    """Where a result is beyond the case's bounds, or nothing."""
    if case.rtol == 0 and case.atol == 0:
        wrong = np.frombuffer(result.tobytes(), np.uint8).reshape(-1, result.itemsize) != np.frombuffer(expected.tobytes(), np.uint8).reshape(-1, result.itemsize)
        at = np.flatnonzero(wrong.any(1))
        if result.dtype.kind == "f":  # zeros of either sign, any NaN
            same = (result == expected) | (np.isnan(result) & np.isnan(expected))
            at = np.flatnonzero(~same)
    else:
        r, e = result.astype(np.float64), expected.astype(np.float64)
        at = np.flatnonzero(~((np.abs(r - e) <= case.atol + case.rtol * np.abs(e)) | (r == e)))
    if not at.size:
        return None
    return f"{at.size} of {result.size} differ, the first at {at[0]}: {result.ravel()[at[0]]}, not {expected.ravel()[at[0]]}"


def texts(case, folder):
    """(sm, text): the newest text that is not newer than each card, once."""
    found = sorted((int(p.stem.split("sm_")[1]), p) for p in folder.glob(f"{case.file}.sm_*.ptx"))
    for sm in CARDS:
        fitting = [path for since, path in found if since <= sm]
        if fitting and sm >= case.since:
            yield sm, fitting[-1].read_text()


def run(case, gpu, text):
    if case.file.startswith("triton_"):
        entry, threads, shared = re.search(r"entry (\w+), threads (\d+), shared (\d+)", text).groups()
        return gpu.run(text, entry, case.grid, (int(threads),), case.arguments, int(shared))
    return gpu.run(text, case.entry, case.grid, case.block, case.arguments, case.shared)


def attempt(case, text, sm, arguments):
    """What is wrong with a case. In a process of its own, as a launch that fails takes its context with it."""
    receive, send = os.pipe()
    if (child := os.fork()) == 0:
        os.close(receive)
        try:
            gpu = device.Device(arguments.cuda or device.emulator(), CARDS[sm])
            older = gpu.attribute(device.MAJOR) * 10 + gpu.attribute(device.MINOR) < sm  # a real card
            problems = [] if older else [d for r, e in zip(run(case, gpu, text), case.expected, strict=True) if (d := differs(r, e, case))]
        except (device.CudaError, OSError) as error:
            problems = [str(error)]
        os.write(send, "\n".join(problems).encode()[:4000])
        os._exit(0)
    os.close(send)
    with os.fdopen(receive) as pipe:
        problems = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return problems if status == 0 else f"the process ended with status {status}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuda", help="the driver")
    parser.add_argument("--ptx", type=pathlib.Path, default=HERE / "ptx")
    parser.add_argument("--only", default="", help="a regular expression of FILE/KERNEL")
    parser.add_argument("--card", choices=CARDS.values(), help="only as this card")
    parser.add_argument("-v", action="store_true", help="passed cases too")
    arguments = parser.parse_args()
    passed = failed = 0
    for make in CASES:
        case = make(np.random.default_rng(1))
        name = f"{case.file}/{case.entry or make.__name__}"
        if not re.search(arguments.only, name):
            continue
        for sm, text in texts(case, arguments.ptx):
            if arguments.card in (None, CARDS[sm]):
                problems = attempt(case, text, sm, arguments)
                passed, failed = passed + (not problems), failed + bool(problems)
                if problems or arguments.v:
                    print(f"{'fail' if problems else 'pass'}: sm_{sm} {name} {problems}".rstrip(), flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
