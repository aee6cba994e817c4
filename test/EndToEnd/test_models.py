"""That the models of this project do what models/manifest.json says, by ONNX Runtime, and that this folder's harness can fail."""

import json
import pathlib
import sys

import models
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

import run

sys.path.insert(0, str(models.ROOT / "models/training"))
import export  # noqa: E402

OWN = models.own()
STATED = {f"models/{e['name']}": e for e in json.loads((models.ROOT / "models/manifest.json").read_text())}


def session(model):
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")  # without VNNI its products of bytes saturate at 16 bits otherwise
    return onnxruntime.InferenceSession(str(model.path), options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("model", OWN, ids=lambda m: m.name)
def test_accuracy_is_what_is_stated(model):
    runtime, stated = session(model), STATED[model.name]
    found = export.accuracy(lambda inputs: runtime.run(None, inputs)[0], models.ROOT / "models" / stated["test_set"])
    assert found == pytest.approx(stated["accuracy"], abs=5e-4)


@pytest.mark.parametrize("model", OWN, ids=lambda m: m.name)
def test_data_sets_agree_with_another_runtime(model, tmp_path):
    runtime = session(model)
    assert model.data_sets
    for data in model.data_sets:
        inputs = {i.name: numpy_helper.to_array(onnx.load_tensor(str(data / f"input_{k}.pb")))
                  for k, i in enumerate(onnx.load(str(model.path)).graph.input)}
        for i, value in enumerate(runtime.run(None, inputs)):
            (tmp_path / f"output_{i}.pb").write_bytes(numpy_helper.from_array(value).SerializeToString())
        assert run.judge(model, data, tmp_path) is None


def test_a_wrong_output_is_seen(tmp_path):
    model = OWN[0]
    data = model.data_sets[0]
    right = numpy_helper.to_array(onnx.load_tensor(str(data / "output_0.pb")))
    for wrong in (right + 1e-3, right[:, :9], right.astype(np.float64)):
        (tmp_path / "output_0.pb").write_bytes(numpy_helper.from_array(wrong).SerializeToString())
        assert run.judge(model, data, tmp_path)
    (tmp_path / "output_0.pb").unlink()
    assert run.judge(model, data, tmp_path)


def test_steps_allow_one_percent_and_no_more():
    model, right = models.Model("m", pathlib.Path(), step=0.5), np.arange(1000, dtype=np.float32)
    one, many, far = right.copy(), right.copy(), right.copy()
    one[3] += 0.5
    many[:20] += 0.5
    far[3] += 1.0
    assert run.in_steps(one, right, model) is None
    assert run.in_steps(many, right, model)
    assert run.in_steps(far, right, model)


def test_bits_that_depend_on_threads_are_seen(tmp_path):
    for folder, value in (("1", b"abc"), ("2", b"abd")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "output_0.pb").write_bytes(value)
    assert run.same_bits(tmp_path / "1", tmp_path / "2")
    assert run.same_bits(tmp_path / "1", tmp_path / "1") is None


def test_rows_change_places_only_at_ties():
    model = models.Model("m", pathlib.Path(), ranked="scores")
    boxes, scores = np.arange(12, dtype=np.float32).reshape(4, 3), np.array([0.9, 0.5, 0.499999, 0.1], np.float32)
    tie, other = [0, 2, 1, 3], [1, 0, 2, 3]
    for order, restored in ((tie, True), (other, False)):
        rows, _ = run.in_rank([boxes[order], scores[order]], [boxes, scores], 1, model)
        assert np.array_equal(rows, boxes) == restored
