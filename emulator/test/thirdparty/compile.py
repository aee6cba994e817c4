#!/usr/bin/env python3
"""Compiles the kernels of this folder with compilers that are not ours, into ptx/: NVRTC for *.cu, Triton for tiles.py.

  ~/.cache/nncc/venv-cuda/bin/python compile.py [--out=DIR]      (the environment: scripts/bootstrap.sh --compilers)
No GPU is needed. Each text begins with a line that says who made it; what Triton decides of a launch stands there as well.
"""

import argparse
import collections
import ctypes
import os
import pathlib
import re
import sys

os.environ["TRITON_DISABLE_LINE_INFO"] = "1"
os.environ["TRITON_ALWAYS_COMPILE"] = "1"
os.environ["TRITON_DEFAULT_FP_FUSION"] = "1"  # what a user of Triton gets
import tiles
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

HERE = pathlib.Path(__file__).resolve().parent
ARCHS = [75, 80, 90]
PTX_VERSION = 88  # of Triton, which would write the newest; NVRTC 12.9 writes this one


def packages():
    """The folder nvidia/ of the environment that runs this."""
    return next(path for p in sys.path if (path := pathlib.Path(p) / "nvidia" / "cuda_nvrtc").is_dir()).parent


class Nvrtc:
    def __init__(self):
        self.root = packages()
        self.library = ctypes.CDLL(str(self.root / "cuda_nvrtc/lib/libnvrtc.so.12"))
        major, minor = ctypes.c_int(), ctypes.c_int()
        self.library.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
        self.version = f"NVRTC {major.value}.{minor.value}"

    def text(self, program, what):
        size = ctypes.c_size_t()
        getattr(self.library, f"nvrtcGet{what}Size")(program, ctypes.byref(size))
        data = ctypes.create_string_buffer(size.value)
        getattr(self.library, f"nvrtcGet{what}")(program, data)
        return data.value.decode()

    def compile(self, path, sm):
        includes = [f"--include-path={self.root / name / 'include'}" for name in ("cuda_runtime", "cuda_cccl", "cuda_nvcc")]
        options = [o.encode() for o in [f"--gpu-architecture=compute_{sm}", "--std=c++17", "-default-device"] + includes]
        program = ctypes.c_void_p()
        self.library.nvrtcCreateProgram(ctypes.byref(program), path.read_bytes(), path.name.encode(), 0, None, None)
        if self.library.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options)):
            sys.exit(f"{path.name} for sm_{sm}: error:\n{self.text(program, 'ProgramLog')}")
        return self.text(program, "PTX")


def tidied(text):
    """Without comments, and without the variables that headers declare and nothing names (most of what libcu++ brings)."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("//")]
    uses = collections.Counter(re.findall(r"[\w$]+", text))
    declared = re.compile(r"\.global(?: \.\w+(?: \d+)?)* (\w+)(?:\[\d+\])?(?: = .*)?;$")
    return "\n".join(line for line in lines if not ((m := declared.match(line)) and uses[m[1]] == 1)) + "\n"


def compile_tiles(name, sm):
    function, types, constants, options = tiles.KERNELS[name]
    signature = dict(types) | {constant: "constexpr" for constant in constants}
    source = ASTSource(function, signature, constexprs={(function.arg_names.index(k),): v for k, v in constants.items()})
    done = triton.compile(source, target=GPUTarget("cuda", sm, 32), options=options | {"ptx_version": PTX_VERSION})
    return (f"// Triton {triton.__version__} of tiles.py, entry {done.metadata.name}, threads {done.metadata.num_warps * 32}, "
            f"shared {done.metadata.shared}\n" + tidied(done.asm["ptx"]))


def write(folder, name, sm, text):
    """Texts that differ from an older card's in their .target alone are not kept."""
    def same(other):
        return re.sub(r"\.target.*", "", text) == re.sub(r"\.target.*", "", other.read_text())

    path = folder / f"{name}.sm_{sm}.ptx"
    path.unlink(missing_ok=True)
    if not any(same(other) for other in folder.glob(f"{name}.sm_*.ptx")):
        path.write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "ptx")
    parser.add_argument("--only", default="", help="a regular expression of names")
    arguments = parser.parse_args()
    arguments.out.mkdir(exist_ok=True)
    nvrtc = Nvrtc()
    for sm in ARCHS:
        for path in sorted(HERE.glob("*.cu")):
            if re.search(arguments.only, path.stem) and (sm >= 80 or not path.read_text().startswith("// since sm_80")):
                text = f"// {nvrtc.version} of {path.name}\n" + tidied(nvrtc.compile(path, sm))
                write(arguments.out, path.stem, sm, text)
        for name in tiles.KERNELS:
            if re.search(arguments.only, name) and (sm >= 80 or name not in tiles.SINCE_SM80):
                write(arguments.out, f"triton_{name}", sm, compile_tiles(name, sm))


if __name__ == "__main__":
    main()
