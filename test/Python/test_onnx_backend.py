"""ONNX's own test classes, driven through nncc.backend: its small models, and a sample of its node tests (all with NNCC_FULL=1)."""

import os
import pathlib
import sys
import unittest
import warnings

import nncc.backend
import onnx.backend.test

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Conformance"))
import expectations  # noqa: E402

# Models (not node tests, which Conformance/expectations.txt lists) that do not pass yet, with what they need.
NOT_YET = {
    "test_gradient_of_add_and_mul_cpu": "training", "test_gradient_of_add_cpu": "training",
    **{f"test_sequence_model{i}_cpu": "sequences" for i in range(1, 9)},
    **{f"test_strnorm_model_{kind}_cpu": "text" for kind in (
        "monday_casesensintive_lower", "monday_casesensintive_nochangecase", "monday_casesensintive_upper", "monday_empty_output",
        "monday_insensintive_upper_twodim", "nostopwords_nochangecase")},
}

SAMPLE = 1 if os.environ.get("NNCC_FULL") else 40
KINDS = {"OnnxBackendNodeModelTest": SAMPLE, "OnnxBackendSimpleModelTest": 1, "OnnxBackendPyTorchConvertedModelTest": 1,
         "OnnxBackendPyTorchOperatorModelTest": 1}


def selected():
    """{class name: class} of the tests that should pass; ONNX's own filter would count all others as skipped."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the cases divide by zero on purpose
        classes = onnx.backend.test.BackendTest(nncc.backend, __name__).test_cases
    failing = {name.removesuffix("@asis") + "_cpu" for name in expectations.load() if not name.endswith("@weights")}
    failing |= set(NOT_YET)
    for kind, sample in KINDS.items():
        names = sorted(name for name in vars(classes[kind]) if name.endswith("_cpu"))[::sample]
        yield kind, type(kind, (unittest.TestCase,), {name: getattr(classes[kind], name) for name in names if name not in failing})


globals().update(selected())
