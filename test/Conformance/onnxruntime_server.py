"""Runs cases with ONNX Runtime: a line [case folder, output folder] in, a line [status, detail] out."""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
import judges  # noqa: E402


def answer(folder, outputs):
    model = onnx.load(folder + "/model.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(folder + "/model.onnx", options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exception classes are not public; whatever it says is the detail
        return "unsupported", str(error).splitlines()[0]
    feeds = dict(zip((i.name for i in model.graph.input), judges.read_values(folder + "/test_data_set_0", "input", model.graph.input)))
    try:
        results = session.run(None, feeds)
    except Exception as error:
        return "internal", str(error).splitlines()[0]
    for i, (value, info) in enumerate(zip(results, model.graph.output)):
        if isinstance(value, list):
            proto = numpy_helper.from_list(value, info.name)
        elif value is None or info.type.WhichOneof("value") == "optional_type":
            proto = numpy_helper.from_optional(value, info.name)
        else:
            proto = numpy_helper.from_array(np.asarray(value), info.name)
        pathlib.Path(outputs, f"output_{i}.pb").write_bytes(proto.SerializeToString())
    return "pass", ""


for line in sys.stdin:
    try:
        reply = answer(*json.loads(line))
    except Exception as error:
        reply = ("internal", repr(error))
    print(json.dumps(reply), flush=True)
