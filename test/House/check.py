#!/usr/bin/env python3
"""Reads the tree against the rules of docs/Architecture.md: who may include whom, file lengths, what stands where.

Every rule is one test; closes with `N passed, N failed`. check.py --self-test proves that each rule can fail.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HARD_LIMIT, SOFT_LIMIT = 600, 400

# A room and the rooms it may include beside itself. Paths are those below include/nncc and lib.
DIALECTS = ["Dialect/NN", "Dialect/Exec"]
KERNELS = ["Conversion", "Kernel", "CPU", "GPU"]
BASE = ["Weights", "Support"]
ROOMS = {
    "Support": [],
    "Weights": ["Support"],
    "Dialect/NN": BASE,
    "Dialect/Exec": BASE,
    "Kernel": ["Dialect/Exec"] + BASE,
    "CPU": ["Kernel", "Dialect/Exec"] + BASE,
    "GPU": ["Kernel", "Dialect/Exec"] + BASE,
    "Conversion": DIALECTS + BASE,
    "Import": ["Dialect/NN"] + BASE,
    "Pipelines": KERNELS + DIALECTS + BASE,
    "Target": KERNELS + DIALECTS + BASE,
    "Compiler": ["Import", "Pipelines", "Target"] + KERNELS + DIALECTS + BASE,
}
# Tools are thin: they ask Compiler. The two for tests of single passes and of the importer see every room; what runs models reads the
# tensors of ONNX's test data, and makes a shared object of an object.
OTHER_TOOLS = ["Compiler", "Support"]
TOOLS = {"nncc-opt": list(ROOMS), "nncc-translate": list(ROOMS), "running": OTHER_TOOLS + ["Import", "Target"],
         "nncc-run": OTHER_TOOLS + ["Import"], "nncc-reduce": OTHER_TOOLS + ["Import"]}

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
# Comments and texts, which may speak of what code may not do.
SPEECH = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"', re.S)


def room_of(path):
    """The room a source file or an included header is in, or None."""
    for prefix in ("include/nncc/", "lib/", "nncc/"):
        if path.startswith(prefix):
            rest = path[len(prefix):]
            return next((room for room in ROOMS if rest.startswith(room + "/")), None)
    return None


def layers(path, text):
    allowed = None
    if path.startswith(("runtime/", "emulator/")):
        allowed = []
    elif path.startswith("tools/"):
        allowed = TOOLS.get(path.split("/")[1], OTHER_TOOLS)
    elif room_of(path):
        allowed = [room_of(path)] + ROOMS[room_of(path)]
    elif path.startswith(("lib/", "include/nncc/")) and "/" in path.removeprefix("include/nncc/").removeprefix("lib/"):
        yield f"is in no room that {pathlib.Path(__file__).name} knows"
    for name in INCLUDE.findall(text) if allowed is not None else []:
        if name.startswith("nncc/") and room_of(name) not in allowed:
            yield f"includes {name}, of a room that it may not use"


def runtime_is_alone(path, text):
    if path.startswith(("runtime/", "emulator/")):
        for name in INCLUDE.findall(text):
            if name.startswith(("mlir", "llvm", "lld/", "onnx", "google/")):
                yield f"includes {name}: {path.split('/')[0]}/ uses none of the compiler's libraries"


def emulator_is_alone(path, text):
    for name in INCLUDE.findall(text):
        if path.startswith("emulator/") and name.startswith("nnccrt/"):
            yield f"includes {name}: the emulator includes nothing of ours"
        if name.startswith("nnccemu/") and not path.startswith(("emulator/", "tools/", "test/")):
            yield f"includes {name}: only tools and tests use the emulator"


def protobuf_only_in_import(path, text):
    if path.startswith(("lib/", "include/", "tools/")) and "Import/ONNX/" not in path:
        for name in INCLUDE.findall(text):
            if name.startswith(("onnx/", "google/protobuf")):
                yield f"includes {name}: only Import/ONNX knows protobuf"


def flags_only_in_tools(path, text):
    if path.startswith(("lib/", "include/")) and re.search(r"\bcl::(opt|list|alias)\b", SPEECH.sub("", text)):
        yield "has a command line flag: libraries take an options struct"


def exceptions_only_in_import(path, text):
    if path.startswith(("lib/", "include/", "tools/", "runtime/", "emulator/")) and "Import/" not in path:
        if re.search(r"\b(throw\s|try\s*\{|catch\s*\()", SPEECH.sub("", text)):
            yield "throws or catches: only Import has exceptions"


def nothing_left_undone(path, text):
    if path.endswith((".cpp", ".h", ".td", ".py", ".c", ".sh")) and not path.startswith("test/House/"):
        found = re.search(r"\b(TODO|FIXME|XXX|HACK)\b", text)
        if found:
            yield f"says {found[0]}"


def short_enough(path, text):
    if path.endswith((".cpp", ".h", ".td", ".py", ".c", ".sh", ".def")):
        lines = text.count("\n")
        if lines > HARD_LIMIT:
            yield f"has {lines} lines; {HARD_LIMIT} is the limit, about {SOFT_LIMIT} the aim"


def guarded(path, text):
    if path.startswith("include/nncc/") and path.endswith(".h"):
        name = re.sub(r"[^A-Z0-9]", "_", path.removeprefix("include/").upper())
        if f"#ifndef {name}\n#define {name}\n" not in text:
            yield f"needs the include guard {name}"


RULES = [layers, runtime_is_alone, emulator_is_alone, protobuf_only_in_import, flags_only_in_tools, exceptions_only_in_import,
         nothing_left_undone, short_enough, guarded]

# For each rule a file that breaks it.
BROKEN = {
    layers: ("lib/CPU/Tiles.cpp", '#include "nncc/Dialect/NN/IR/NNOps.h"\n'),
    runtime_is_alone: ("runtime/core/Pool.cpp", '#include "llvm/ADT/ArrayRef.h"\n'),
    emulator_is_alone: ("emulator/machine/Block.cpp", '#include "nnccrt/abi.h"\n'),
    protobuf_only_in_import: ("lib/Compiler/Compiler.cpp", "#include <onnx/onnx_pb.h>\n"),
    flags_only_in_tools: ("lib/CPU/Tiles.cpp", "static llvm::cl::opt<int> tile;\n"),
    exceptions_only_in_import: ("lib/Target/Link.cpp", "try { link(); } catch (...) {}\n"),
    nothing_left_undone: ("lib/CPU/Tiles.cpp", "// TODO: tile\n"),
    short_enough: ("lib/CPU/Tiles.cpp", "int x;\n" * (HARD_LIMIT + 1)),
    guarded: ("include/nncc/CPU/Tiles.h", "#pragma once\n"),
}


def sources():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    for path in listed.stdout.split("\n"):
        if path.endswith((".cpp", ".h", ".td", ".py", ".c", ".sh", ".def", ".inc")) and (ROOT / path).is_file():
            yield path, (ROOT / path).read_text()


def main():
    if "--self-test" in sys.argv:
        blind = [rule.__name__ for rule in RULES if not list(rule(*BROKEN[rule]))]
        for name in blind:
            print(f"error: rule {name} accepts what breaks it")
        print(f"{len(RULES) - len(blind)} passed, {len(blind)} failed")
        return 1 if blind else 0
    files, failed = list(sources()), set()
    for rule in RULES:
        for path, text in files:
            for problem in rule(path, text):
                failed.add(rule)
                print(f"{path}: error: {problem}")
    for path, text in files:
        if SOFT_LIMIT < text.count("\n") <= HARD_LIMIT:
            print(f"{path}: note: {text.count(chr(10))} lines: is it one thing?")
    print(f"{len(RULES) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
