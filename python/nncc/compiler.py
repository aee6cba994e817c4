"""Compiling: runs the nncc tool and loads what it wrote."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from nncc import model as models


class CompileError(Exception):
    """What nncc said; `code` is its exit code (4: the model is invalid, 5: not supported, ...)."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def tool():
    """$NNCC, or nncc of the tree this package was built or installed in, or the one on PATH."""
    if os.environ.get("NNCC"):
        return os.environ["NNCC"]
    here = pathlib.Path(__file__).resolve().parent
    build = pathlib.Path(os.environ.get("NNCC_BUILD") or here.parents[1] / "build/release")
    # installed as PREFIX/lib/nncc/python/nncc
    for path in (here.parents[3] / "bin/nncc", here.parents[1] / "bin/nncc", build / "bin/nncc"):
        if path.exists():
            return str(path)
    found = shutil.which("nncc")
    if not found:
        raise FileNotFoundError("nncc is not found: put it on PATH or name it in the environment variable NNCC")
    return found


def compile(path, *, opt=3, cpu="native", threads=0, flags=()):
    """Compiles a model file for this machine. `flags` are any of nncc's; `threads` is for running, 0: all cores."""
    folder = tempfile.TemporaryDirectory(prefix="nncc-")
    library = os.path.join(folder.name, "model.so")
    command = [tool(), os.fspath(path), "-o", library, "--emit=so", f"-O{opt}", f"-mcpu={cpu}", *flags]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise CompileError(done.returncode, done.stderr.strip() or f"nncc ended with {done.returncode}")
    return models.Model(library, threads, keep=folder)


def compile_proto(proto, **options):
    """Compiles an onnx.ModelProto (or its bytes)."""
    with tempfile.TemporaryDirectory(prefix="nncc-") as folder:
        path = pathlib.Path(folder, "model.onnx")
        path.write_bytes(proto if isinstance(proto, bytes) else proto.SerializeToString())
        return compile(path, **options)
