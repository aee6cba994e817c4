"""The PTX images of a model: what nncc makes of it, what lies in an object, or a text as it is."""

import pathlib
import re
import subprocess

import ptxas


class Failed(RuntimeError):
    """A tool said no: its message and exit code."""

    def __init__(self, message, code=3):
        super().__init__(message)
        self.code = code


def called(model):
    path = pathlib.Path(model)
    return path.parent.name if path.stem == "model" else path.stem


def compile(nncc, model, gpu, folder, *options):
    command = [str(pathlib.Path(nncc).resolve()), str(pathlib.Path(model).resolve()), "-target=cuda", *([f"-gpu={gpu}"] if gpu else []), *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if done.returncode:
        raise Failed(done.stderr.strip() or f"{model}: nncc failed", done.returncode)


def split(text, model, folder):
    """A module begins with its .version; the object of a larger model has several for a family."""
    starts = [m.start() for m in re.finditer(r"^\s*\.version", text, re.M)]
    result = []
    for n, (begin, end) in enumerate(zip(starts, starts[1:] + [len(text)])):
        path = folder / f"image{n}.ptx"
        path.write_text(text[begin:end])
        result.append((f"{called(model)}.sm_{ptxas.header(text[begin:end])[1]}", path))
    return result


def of_object(path, folder):
    """PTX lies in an object as text that ends with a zero."""
    data = pathlib.Path(path).read_bytes()
    if not data.startswith(b"\x7fELF"):
        return []
    texts = [m[0].decode() for m in re.finditer(rb"\.version \d+\.\d+\n\.target sm_\d+a?\n[^\0]*", data)]
    if not texts:
        raise Failed(f"{path}: no kernels for GPUs are in it as PTX")
    return split("\n".join(texts), path, folder)


def of(source, nncc, gpu, folder, *options):
    """[(what it is called, path)] of a source: a file of PTX, an object, or a model to compile for these cards, with these options of nncc."""
    source = pathlib.Path(source)
    if not source.is_file():
        raise Failed(f"{source}: no such file")
    if source.suffix == ".ptx":
        return [(called(source), source)]
    if found := of_object(source, folder):
        return found
    compile(nncc, source, gpu, folder, "--emit=ptx", "-o", str(folder / "all.ptx"), *options)
    return split((folder / "all.ptx").read_text(), source, folder)
