#!/usr/bin/env python3
"""Gives every row of rows.py to a tool, and checks how it ends.

  run.py COMMAND... [-- PATTERN...]    for example `run.py build/release/bin/nncc check -- 'external_*'`

Each row must end with its exit code, in its time, within 256 MiB and three times the model of memory, say what is wrong in one
paragraph with a code, print no control characters, and leave no file behind. An argument OUT of the command is replaced by a path
where a file must be when the row is accepted, and none when it is not. Closes with `N passed, N failed`.
"""

import fnmatch
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading

import control_rows  # noqa: F401  (adds its rows)
import graph_rows  # noqa: F401
import operator_rows  # noqa: F401
import rows

# Sanitizers keep shadow memory, and are slow.
SANITIZED = "NNCC_SANITIZED" in os.environ


def limits(seconds):
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def run(command, seconds):
    """(exit status, output, peak bytes of memory); a signal is a negative status."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=output, start_new_session=True, preexec_fn=lambda: limits(seconds))
        # A machine may be busy: time is the processor's. A process that sleeps for ever is stopped all the same.
        timer = threading.Timer(seconds * 20, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        return process.returncode, output.read(), usage.ru_maxrss * 1024


def judge(row, command, folder):
    """None when the row ends as it must, else what is wrong."""
    argument = row.write(folder)
    before = sorted(folder.parent.rglob("*"))
    output_file = folder.parent / "out.o"
    command = [output_file if part == "OUT" else part for part in command]
    seconds = row.seconds * (10 if SANITIZED else 1)
    status, output, memory = run([*command, argument], seconds)
    text = output.decode(errors="replace")
    if status in (-signal.SIGKILL, -signal.SIGXCPU):
        return f"still running after {seconds} s"
    if status not in row.exits:
        return f"exit status {status}, expected {' or '.join(map(str, row.exits))}: {text[-500:]}"
    limit = row.megabytes * 2**20 + 3 * (argument.stat().st_size if argument.is_file() else 0)
    if memory > limit and not SANITIZED:
        return f"took {memory >> 20} MiB of memory, allowed {limit >> 20}"
    if status and not re.search(r"\[NN\d{4}\]", text):
        return f"no diagnostic with a code: {text[:200]}"
    if re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", output):
        return "control characters in the output"
    if status in row.exits[:1]:
        for wanted in row.says:
            if wanted not in text:
                return f"does not say '{wanted}': {text[:300]}"
    expected = sorted([*before, output_file] if output_file in command and not status else before)
    if sorted(folder.parent.rglob("*")) != expected:
        return "left files behind, or wrote none"
    return None


def main():
    arguments = sys.argv[1:]
    split = arguments.index("--") if "--" in arguments else len(arguments)
    command, patterns = arguments[:split], arguments[split + 1:] or ["*"]
    passed = failed = 0
    for row in rows.ROWS:
        if not any(fnmatch.fnmatch(row.name, pattern) for pattern in patterns):
            continue
        with tempfile.TemporaryDirectory(prefix="nncc-hostile-") as top:
            folder = pathlib.Path(top) / "model"
            folder.mkdir()
            problem = judge(row, command, folder)
        passed, failed = passed + (problem is None), failed + (problem is not None)
        if problem:
            print(f"FAIL {row.name}: {problem}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
