"""CUDA's assemblers and disassemblers: where they are, which knows which card and PTX version, and what they say of a kernel."""

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

# (release, oldest sm, newest sm, newest PTX version), as their release notes state them.
RELEASES = [("11.8", 35, 90, 78), ("12.9", 50, 121, 88), ("13.0", 75, 121, 90)]
# DESIGN 6: the .version that an image for a card states, which is the oldest that knows the card and has what we use.
PTX_VERSIONS = {35: 60, 37: 60, 50: 60, 52: 60, 60: 60, 61: 60, 62: 60, 70: 60, 72: 61, 75: 65, 80: 70, 86: 71, 87: 74, 89: 78, 90: 78, 100: 86, 103: 88,
                120: 87, 121: 88}


def tool(name):
    """$NNCC_CUDA_TOOLS or what scripts/bootstrap.sh --cuda installed; None where it is not there."""
    folder = os.environ.get("NNCC_CUDA_TOOLS") or pathlib.Path(os.environ.get("NNCC_DEPS") or pathlib.Path.home() / ".cache/nncc") / "cuda"
    path = pathlib.Path(folder) / name
    return path if path.exists() else None


def header(text):
    """-> (PTX version, sm) that a text states: 78, 80."""
    version, sm = re.search(r"^\s*\.version\s+(\d+)\.(\d+)", text, re.M), re.search(r"^\s*\.target\s+sm_(\d+)", text, re.M)
    if not version or not sm:
        raise ValueError("no .version or no .target")
    return int(version[1]) * 10 + int(version[2]), int(sm[1])


def assemblers(version, sm):
    """[(release, path)] of those that are there and know both; the one of an installed toolkit where none is."""
    ours = [(release, path) for release, oldest, newest, ptx in RELEASES
            if oldest <= sm <= newest and version <= ptx and (path := tool(f"ptxas-{release}"))]
    return ours or installed()


def installed():
    """[(release, path)] of the ptxas on PATH or in /usr/local/cuda: at most one."""
    path = shutil.which("ptxas", path=f"{os.environ.get('PATH', '')}:/usr/local/cuda/bin")
    said = subprocess.run([path, "--version"], capture_output=True, text=True).stdout if path else ""
    return [(m[1], pathlib.Path(path))] if (m := re.search(r"release (\d+\.\d+)", said)) else []


@dataclasses.dataclass
class Kernel:
    name: str
    registers: int = 0
    shared: int = 0  # static, bytes
    stack: int = 0
    spills: int = 0  # bytes
    notes: list = dataclasses.field(default_factory=list)


def parse_report(text):
    """What `ptxas -v` says -> {kernel: Kernel}. Notes such as C7510 go to the kernel that they name, or to all."""
    kernels, current = {}, None
    for line in text.splitlines():
        if m := re.search(r"Compiling entry function '([^']+)'", line):
            current = kernels[m[1]] = Kernel(m[1])
        elif m := re.search(r"Function properties for (\S+)", line):
            current = kernels.get(m[1], current)
        elif m := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line):
            if current:
                current.stack, current.spills = max(current.stack, int(m[1])), current.spills + int(m[2]) + int(m[3])
        elif (m := re.search(r"Used (\d+) registers", line)) and current:
            current.registers = int(m[1])
            current.shared = int(s[1]) if (s := re.search(r"(\d+) bytes smem", line)) else 0
    for line in text.splitlines():
        if re.search(r"\(C75\d\d\)|Potential Performance Loss", line):
            named = [k for k in kernels.values() if f"'{k.name}'" in line]
            for kernel in named or kernels.values():
                kernel.notes.append(line.strip())
    return kernels


def assemble(path, ptx, sm, cubin=None):
    """-> ({kernel: Kernel}, None), or ({}, what ptxas says is wrong). `ptx` is a file; the cubin is kept where a place is given."""
    with tempfile.TemporaryDirectory() as folder:
        target = cubin or pathlib.Path(folder) / "out.cubin"
        accelerated = "a" if re.search(r"^\s*\.target\s+sm_\d+a", pathlib.Path(ptx).read_text(), re.M) else ""
        done = subprocess.run([path, "-v", f"-arch=sm_{sm}{accelerated}", ptx, "-o", target], capture_output=True, text=True, timeout=600)
    if done.returncode:
        return {}, "\n".join(line for line in (done.stdout + done.stderr).splitlines() if "error" in line or "fatal" in line)[:2000] or f"status {done.returncode}"
    return parse_report(done.stdout + done.stderr), None


def disassemble(cubin, release):
    """nvdisasm's text. What ptxas of CUDA 13 makes is in a format of its own."""
    name = "nvdisasm-13.5" if release.startswith("13") else "nvdisasm-12.8"
    if not (path := tool(name) or shutil.which("nvdisasm", path=f"{os.environ.get('PATH', '')}:/usr/local/cuda/bin")):
        raise FileNotFoundError("no nvdisasm is on PATH or in $NNCC_CUDA_TOOLS; scripts/bootstrap.sh --cuda installs one")
    return subprocess.run([path, "-c", cubin], capture_output=True, text=True, check=True).stdout


def launches(text):
    """{kernel: (threads a block, bytes of dynamic shared memory)} that nncc writes behind a kernel: `// launch NAME: threads T, shared B`."""
    return {m[1]: (int(m[2]), int(m[3])) for m in re.finditer(r"^// launch ([\w$]+): threads (\d+), shared (\d+)", text, re.M)}


def block_sizes(text):
    """{kernel: threads a block} of the .reqntid or .maxntid that a text states."""
    sizes = {}
    for m in re.finditer(r"\.entry\s+([\w$]+)\s*\([^)]*\)([^{]*)\{", text):
        if n := re.search(r"\.(?:reqntid|maxntid)\s+(\d+)(?:\s*,\s*(\d+))?(?:\s*,\s*(\d+))?", m[2]):
            sizes[m[1]] = int(n[1]) * int(n[2] or 1) * int(n[3] or 1)
    return sizes
