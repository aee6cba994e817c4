"""The binding over the C API, with a model written by hand."""

import ctypes
import pathlib
import subprocess
import threading

import ml_dtypes
import numpy as np
import pytest

import nncc
from nncc import capi, dtypes

ROOT = pathlib.Path(__file__).resolve().parents[2]
W = np.array([-8, 7, 0, -1], ml_dtypes.int4)


def test_structs_are_laid_out_as_the_compiler_does(tmp_path):
    structs = [capi.Status, capi.Tensor, capi.ContextOptions, capi.Dim, capi.Value, capi.Model]
    fields = [(s.__name__, f[0]) for s in structs for f in s._fields_]
    lines = [f'printf("%zu\\n", sizeof({s.__name__}));' for s in structs]
    lines += [f'printf("%zu\\n", offsetof({s}, {f}));' for s, f in fields]
    source = tmp_path / "layout.c"
    source.write_text('#include "nnccrt/nnccrt.h"\n#include <stdio.h>\nint main(void) {\n' + "\n".join(lines) + "\nreturn 0; }\n")
    subprocess.run(["cc", "-I", ROOT / "runtime/include", source, "-o", tmp_path / "layout"], check=True)
    found = list(map(int, subprocess.run([tmp_path / "layout"], capture_output=True, text=True, check=True).stdout.split()))
    expected = [ctypes.sizeof(s) for s in structs] + [getattr(s, f[0]).offset for s in structs for f in s._fields_]
    assert found == expected


def test_a_model_describes_itself(handmade):
    model = nncc.load(handmade)
    assert repr(model) == "<nncc.Model handmade: (x:0: float32['batch', 3], w: int4[4]) -> (y: float32['batch', 3], z: int4[4])>"
    assert (model.producer, model.metadata) == ("a person", {"author": "a person"})


@pytest.mark.parametrize("batch", [1, 5, 2])
def test_run(handmade, batch):
    x = np.arange(3 * batch, dtype=np.float32).reshape(batch, 3)
    outputs = nncc.load(handmade).run({"x:0": x, "w": W})
    assert list(outputs) == ["y", "z"]
    np.testing.assert_array_equal(outputs["y"], 2 * x)
    np.testing.assert_array_equal(outputs["z"], W)
    assert outputs["z"].dtype == W.dtype


def test_inputs_in_order_and_views(handmade):
    model, x = nncc.load(handmade), np.arange(24, dtype=np.float32).reshape(6, 4)
    np.testing.assert_array_equal(model.run([x[::2, 1:], W])["y"], 2 * x[::2, 1:])


def test_outputs_outlive_the_next_run(handmade):
    model = nncc.load(handmade)
    first = model.run([np.ones((2, 3), np.float32), W])["y"]
    model.run([np.zeros((2, 3), np.float32), W])
    assert (first == 2).all()


@pytest.mark.parametrize("inputs, code, words", [
    ({"x:0": np.ones((2, 3)), "w": W}, 2, "expected float32, got float64"),
    ({"x:0": np.ones((2, 4), np.float32), "w": W}, 2, "4"),
    ({"x:0": np.ones((2, 3), np.float32)}, 1, "'w' is missing"),
    ({"x": np.ones((2, 3), np.float32), "w": W}, 1, "no input 'x'; the inputs are x:0, w"),
    ({"x:0": np.ones((13, 3), np.float32), "w": W}, None, "13 is no batch")])
def test_what_is_refused(handmade, inputs, code, words):
    model = nncc.load(handmade)
    with pytest.raises(nncc.RunError, match=words) as caught:
        model.run(inputs)
    assert code is None or caught.value.code == code
    assert (model.run([np.ones((1, 3), np.float32), W])["y"] == 2).all()  # and the model goes on


def test_no_library(tmp_path):
    with pytest.raises(nncc.RunError, match="nowhere.so"):
        nncc.load(tmp_path / "nowhere.so")


def test_threads_share_a_model(handmade):
    model, wrong = nncc.load(handmade), []

    def work(value):
        for _ in range(50):
            if not (model.run([np.full((4, 3), value, np.float32), W])["y"] == 2 * value).all():
                wrong.append(value)

    threads = [threading.Thread(target=work, args=(value,)) for value in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("name, bits", [("int4", 4), ("uint4", 4), ("int2", 2), ("uint2", 2)])
def test_small_integers_survive_packing(name, bits):
    dtype = getattr(ml_dtypes, name)
    low = -(1 << (bits - 1)) if name.startswith("int") else 0
    values = np.array([low + i % (1 << bits) for i in range(17)]).astype(dtype)
    packed = dtypes.pack(values, bits)
    assert packed.size == -(-17 * bits // 8)
    np.testing.assert_array_equal(dtypes.unpack(packed, 17, bits, np.dtype(dtype)), values)
