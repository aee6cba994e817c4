"""nncc is installed somewhere, that tree is moved, and the applications of examples/ are built against it and run."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NNCC_BUILD") or ROOT / "build/release")


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="session")
def prefix(tmp_path_factory):
    """Nothing in the tree may remember where it was installed first."""
    folder = tmp_path_factory.mktemp("install")
    run("cmake", "--install", BUILD, "--prefix", folder / "first")
    (folder / "first").rename(folder / "moved")
    return folder / "moved"


@pytest.fixture(scope="session")
def examples(prefix):
    return prefix / "share/nncc/examples"


@pytest.fixture(scope="session")
def models(prefix):
    return prefix / "share/nncc/models"


def configure(prefix, source, build, *arguments):
    run("cmake", "-G", "Ninja", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", *arguments)
    return build


def build(folder):
    return run("cmake", "--build", folder)


def test_tools_run(prefix):
    assert "nncc compiles" in run(prefix / "bin/nncc", "--help")
    for tool in ("nncc-run", "nncc-bench"):
        assert tool in run(prefix / f"bin/{tool}", "--help")


def test_the_installed_script_is_found(prefix, models):
    """nncc-bench --static runs it: whether or not there are assemblers here, it is the script that answers."""
    done = subprocess.run([prefix / "bin/nncc-bench", "--static", models / "none.onnx"], capture_output=True, text=True)
    assert done.returncode == 3 and done.stderr.startswith("static: error: ") and "no such file" in done.stderr


def test_cmake_two_models(prefix, examples, models, tmp_path):
    build(configure(prefix, examples / "cmake", tmp_path))
    assert run(tmp_path / "read", models / "digits/images/7.pgm").endswith("7.pgm: 7, in 8 bits 7\n")
    assert "ninja: no work to do" in build(tmp_path)


def test_c_with_pkg_config(prefix, examples, tmp_path):
    shutil.copytree(examples / "c", tmp_path / "c")
    model = examples.parent / "models/dates/model.onnx"
    run("make", "-C", tmp_path / "c", f"PREFIX={prefix}", f"MODEL={model}")
    said = run(tmp_path / "c/dates", "we met on 12 march 2021 in paris").splitlines()
    assert said[1][said[0].index("12"):][:2] == "dd" and said[1][said[0].index("2021"):][:4] == "yyyy"
    needed = run("readelf", "-d", tmp_path / "c/dates")
    assert "stdc++" not in needed


def test_own_memory(prefix, examples, models, tmp_path):
    build(configure(prefix, examples / "own-memory", tmp_path))
    said = run(tmp_path / "own_memory", models / "digits/images/3.pgm", models / "digits/images/8.pgm").splitlines()
    assert said[1].endswith("3.pgm: 3, 0 allocations") and said[2].endswith("8.pgm: 8, 0 allocations")


def test_digits_with_make(prefix, examples, models, tmp_path):
    shutil.copytree(examples / "digits", tmp_path / "digits")
    run("make", "-C", tmp_path / "digits", f"NNCC={prefix}", f"MODEL={models}/digits/model.onnx")
    assert re.search(r"4\.pgm: 4 \(", run(tmp_path / "digits/digits_app", models / "digits/images/4.pgm"))


README_MAIN = """
#include <algorithm>
#include <cstdio>
#include <vector>
static std::vector<float> pixels(64, 0.5f);
static int fail(const char *why) { return std::puts(why), 1; }
static int fail(const nncc::Status &status) { return fail(status.message()); }
static void use(nncc::View<const float> values) { std::printf("%zu values\\n", values.size()); }
int main() {
  CODE
  return 0;
}
"""


def test_the_readme(prefix, models, tmp_path):
    """Its C++ of at most 12 lines, compiled by its own line for make, and its Python."""
    page = (ROOT / "README.md").read_text()
    code = re.search(r"```cpp\n(.*?)```", page, re.S)[1].splitlines()
    assert len(code) <= 12
    include, rest = code[0], "\n".join(code[1:])
    (tmp_path / "app.cpp").write_text(include + README_MAIN.replace("CODE", rest))
    shutil.copy(models / "digits/model.onnx", tmp_path / "digits.onnx")
    line = re.search(r"^nncc digits.onnx .*$", page, re.M)[0].replace("libnnccrt.a", f"{prefix}/lib/libnnccrt.a").replace(
        "app.cpp", f"app.cpp -I{prefix}/include -I. -o app")
    run("sh", "-c", line, cwd=tmp_path, env=dict(os.environ, PATH=f"{prefix}/bin:{os.environ['PATH']}"))
    assert run(tmp_path / "app") == "10 values\n"

    script = "import numpy; image = numpy.ones((1, 1, 8, 8), numpy.float32)\n" + re.search(r"```python\n(.*?)```", page, re.S)[1]
    environment = {key: value for key, value in os.environ.items() if key not in ("NNCC", "NNCC_BUILD")}
    run(sys.executable, "-c", script, cwd=tmp_path, env=dict(environment, PYTHONPATH=f"{prefix}/lib/nncc/python"))


README_GPU = """
#include <cstdio>
#include <dlfcn.h>
template <typename F> static F *driver(const char *name) { return reinterpret_cast<F *>(dlsym(dlopen("libcuda.so.1", RTLD_NOW), name)); }
int main() {
  void *context = nullptr, *stream = nullptr;
  unsigned long long memory = 0;
  driver<int(unsigned)>("cuInit")(0);
  driver<int(void **, int)>("cuDevicePrimaryCtxRetain")(&context, 0);
  driver<int(void *)>("cuCtxPushCurrent_v2")(context);
  driver<int(unsigned long long *, size_t)>("cuMemAlloc_v2")(&memory, 64 * sizeof(float));
  driver<int(unsigned long long, unsigned, size_t)>("cuMemsetD32_v2")(memory, 0x3f000000, 64);
  driver<int(void **, unsigned)>("cuStreamCreate")(&stream, 1);
  float *pixels = reinterpret_cast<float *>(memory);
  CODE
  driver<int(void *)>("cuStreamSynchronize")(stream);
  std::printf("%s: %zu values\\n", model->device(), run->probabilities().size());
  return 0;
}
"""


def test_the_readme_on_a_gpu(prefix, models, tmp_path):
    """The same lines compiled with -target=cuda, then those for tensors of the device; on the emulator that was installed."""
    if not (prefix / "lib/nncc/libcuda.so.1").exists():
        pytest.skip("no emulator in the installed tree")
    page = (ROOT / "README.md").read_text()
    host, device = re.findall(r"```cpp\n(.*?)```", page, re.S)
    include, rest = host.split("\n", 1)
    (tmp_path / "host.cpp").write_text(include + README_MAIN.replace("CODE", rest))
    (tmp_path / "device.cpp").write_text(include + README_GPU.replace("CODE", device))
    run(prefix / "bin/nncc", models / "digits/model.onnx", "-target=cuda", "--name=digits", "-o", tmp_path / "digits.o")
    emulated = dict(os.environ, LD_LIBRARY_PATH=f"{prefix}/lib/nncc", NNCC_EMU="t4")
    for name, said in (("host", "10 values\n"), ("device", "cuda:0 (Tesla T4, sm_75): 10 values\n")):
        run("c++", "-std=c++17", f"-I{prefix}/include", f"-I{tmp_path}", tmp_path / f"{name}.cpp", tmp_path / "digits.o", prefix / "lib/libnnccrt_cuda.a", "-lpthread",
            "-ldl", "-o", tmp_path / name)
        assert run(tmp_path / name, env=emulated) == said


APPLICATION = {
    "CMakeLists.txt": """
cmake_minimum_required(VERSION 3.20)
project(app LANGUAGES C)
find_package(nncc REQUIRED)
nncc_add_model(scale model.onnx NAME scaling CPUS x86-64-v2 OPTIONS -O1 --dim=n=3)
add_executable(app app.c)
target_link_libraries(app PRIVATE scale)
""",
    "app.c": """
#include "scaling.h"
#include <stdio.h>
int main(void) {
  nnccrt_program *program;
  nnccrt_context *context;
  nnccrt_status status;
  nnccrt_tensor x = {.size = sizeof(x)}, y = {.size = sizeof(y)};
  if (nnccrt_load(&nncc_model_scaling, NULL, &program, &status) || nnccrt_create(program, NULL, &context, &status) ||
      nnccrt_input(context, scaling_input_x, &x, &status))
    return puts(status.message);
  for (int i = 0; i < 3; ++i)
    ((float *)x.data)[i] = 1;
  if (nnccrt_run(context, &status) || nnccrt_output(context, scaling_output_y, &y, &status))
    return puts(status.message);
  printf("%g\\n", ((float *)y.data)[2]);
  nnccrt_destroy(context);
  nnccrt_unload(program);
  return 0;
}
""",
}


def write_scaling(folder, factor, add=0.0):
    """y = x * factor + add, with `factor` in a file of its own."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper

    np.full(1024, factor, np.float32).tofile(folder / "factor.bin")
    external = TensorProto(name="factor", data_type=TensorProto.FLOAT, dims=[1024], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": "factor.bin", "offset": "0", "length": "4096"}.items():
        external.external_data.add(key=key, value=value)
    constants = [external, helper.make_tensor("three", TensorProto.INT64, [1], [3]), helper.make_tensor("zero", TensorProto.INT64, [1], [0]),
                 helper.make_tensor("add", TensorProto.FLOAT, [1], [add])]
    nodes = [helper.make_node("Slice", ["factor", "zero", "three"], ["part"]), helper.make_node("Mul", ["x", "part"], ["scaled"]),
             helper.make_node("Add", ["scaled", "add"], ["y"])]
    graph = helper.make_graph(nodes, "scaling", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    (folder / "model.onnx").write_bytes(model.SerializeToString())


@pytest.mark.parametrize("generator", ["Ninja", "Unix Makefiles"])
def test_editing_a_model_or_its_external_data_builds_again(prefix, tmp_path, generator):
    source, folder = tmp_path / "source", tmp_path / "build"
    source.mkdir()
    for name, text in APPLICATION.items():
        (source / name).write_text(text)
    write_scaling(source, 2)
    run("cmake", "-G", generator, "-S", source, "-B", folder, f"-DCMAKE_PREFIX_PATH={prefix}")
    build(folder)
    assert run(folder / "app") == "2\n"
    (folder / "nncc/scale/scaling.o").stat()
    assert "Compiling scaling" not in build(folder)
    write_scaling(source, 2, add=5)
    build(folder)
    assert run(folder / "app") == "7\n"
    model = (source / "model.onnx").stat()
    write_scaling(source, 3, add=5)
    os.utime(source / "model.onnx", ns=(model.st_atime_ns, model.st_mtime_ns))  # only the external data is newer
    build(folder)
    assert run(folder / "app") == "8\n"


def test_a_broken_model_is_told_and_leaves_nothing(prefix, tmp_path):
    for name, text in APPLICATION.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "model.onnx").write_bytes(b"no model")
    folder = configure(prefix, tmp_path, tmp_path / "build")
    done = subprocess.run(["cmake", "--build", str(folder)], capture_output=True, text=True, timeout=300)
    assert done.returncode != 0 and "error: " in done.stdout and not list(folder.glob("nncc/scale/*.o"))
