"""Runs tools so that a crash, a hang, or a child left behind is a result, never an end of the harness."""

import os
import resource
import signal
import subprocess

# The exit codes of nncc's tools; what else a process can do is "crash" and "timeout".
STATUS = {0: "pass", 1: "wrong", 2: "usage", 3: "io", 4: "invalid", 5: "unsupported", 6: "limit", 70: "internal"}


def telling_line(text):
    """What a person would want to see of an output: the first difference, else the first error, else the last line."""
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "DIFFERS" in line] or [line for line in lines if "error:" in line]
    return (errors or lines[-1:] or [""])[0].strip()[:300]


def environment(threads=1):
    """Debian's LLVM is not instrumented: see docs/Testing.md for the sanitizer options."""
    return dict(os.environ, NNCC_NUM_THREADS=str(threads), ASAN_OPTIONS="allow_user_poisoning=0:detect_leaks=0")


def run(command, timeout, env=None):
    """(status, telling line)"""
    process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.STDOUT, errors="replace", start_new_session=True, env=env or environment(),
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return "timeout", f"still running after {timeout} s"
    if process.returncode < 0:
        return "crash", f"{signal.Signals(-process.returncode).name} {telling_line(output)}".strip()
    return STATUS.get(process.returncode, "crash"), telling_line(output) or f"exit code {process.returncode}"
