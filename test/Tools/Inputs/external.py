"""external.py MODEL.onnx: y = x + one * two, with both constants in files of their own."""

import pathlib
import sys

import numpy as np
from onnx import TensorProto, helper

path = pathlib.Path(sys.argv[1])
tensors = []
for name in ("two", "one"):
    np.arange(1024, dtype=np.float32).tofile(path.parent / f"{name}.bin")
    tensors.append(TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[1024], data_location=TensorProto.EXTERNAL))
    tensors[-1].external_data.add(key="location", value=f"{name}.bin")
value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1024]) for name in "xy"]
nodes = [helper.make_node("Mul", ["one", "two"], ["product"]), helper.make_node("Add", ["x", "product"], ["y"])]
graph = helper.make_graph(nodes, "external", value[:1], value[1:], tensors)
path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10).SerializeToString())
