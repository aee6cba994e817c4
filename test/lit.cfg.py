"""How lit runs the tests of this folder; lit.site.cfg.py, which CMake writes, says where everything is and loads this file."""

import os
import re

import lit.formats

config.name = "nncc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".onnxtxt", ".test"]
# Unit is a suite of its own (GoogleTest); the others are programs that scripts/test.sh calls.
config.excludes = ["Docs", "Inputs", "Install", "Unit", "Conformance", "EndToEnd", "House", "Python", "harness", "CMakeLists.txt"]
config.test_source_root = config.nncc_source_dir + "/test"
config.test_exec_root = config.nncc_binary_dir + "/test"

# A tool is named in full, so that a failing command can be pasted, and so that no other version on PATH is ever run.
OURS = ["nncc", "nncc-opt", "nncc-translate", "nncc-run", "nncc-bench", "nncc-reduce"]
LLVM = ["FileCheck", "not", "count", "split-file", "mlir-opt", "llvm-nm", "llvm-readelf", "llvm-objdump", "llvm-ar", "ld.lld"]


def add_tool(name, folder):
    alone = r"(?<![\w./%-])" + re.escape(name) + r"(?![\w./=-])"
    config.substitutions.append((alone, os.path.join(folder, name)))


for tool in OURS:
    add_tool(tool, config.nncc_tools_dir)
for tool in LLVM:
    add_tool(tool, config.llvm_tools_dir)
config.substitutions += [
    ("%cxx", config.cxx_compiler + " -std=c++20"),
    ("%cc", config.c_compiler),
    ("%python", config.python),
    ("%include", config.nncc_source_dir + "/runtime/include"),
    ("%runtime", config.nncc_binary_dir + "/runtime"),
    ("%models", config.nncc_source_dir + "/models"),
]

# Debian's LLVM has no sanitizer: memory that its allocators never unpoison would be reported in ours. Tests ask for more memory than
# there is: that is an answer, not an error.
config.environment["ASAN_OPTIONS"] = "allow_user_poisoning=0:detect_leaks=0:allocator_may_return_null=1"
config.environment["UBSAN_OPTIONS"] = "print_stacktrace=1"
for variable in ("HOME", "NNCC_DEPS"):
    if variable in os.environ:
        config.environment[variable] = os.environ[variable]

# REQUIRES: x86-64-v3, x86-64-v4 or vnni in a test that runs code for them; a test that only compiles needs none of these.
with open("/proc/cpuinfo") as cpuinfo:
    flags = set(next((line for line in cpuinfo if line.startswith("flags")), "").split())
LEVELS = {
    "x86-64-v2": {"sse4_2", "popcnt"},
    "x86-64-v3": {"avx2", "fma", "bmi2", "f16c", "movbe"},
    "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
    "vnni": {"avx512_vnni"},
}
config.available_features |= {level for level, needed in LEVELS.items() if needed <= flags}
# REQUIRES: emulator in a test that runs code for GPUs.
if os.path.exists(os.path.join(config.nncc_binary_dir, "lib/nncc/libcuda.so.1")):
    config.available_features.add("emulator")
if config.sanitize:
    config.available_features.add("sanitized")
    config.environment["NNCC_SANITIZED"] = "1"
