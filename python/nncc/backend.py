"""onnx.backend.base.Backend, so that ONNX's own test classes run nncc:

    import onnx.backend.test, nncc.backend
    tests = onnx.backend.test.BackendTest(nncc.backend, __name__)
"""

import onnx
from onnx import helper
from onnx.backend.base import Backend, BackendRep, namedtupledict

import nncc


class NnccRep(BackendRep):
    def __init__(self, model):
        self.model = model

    def run(self, inputs, **kwargs):
        """A tuple of the outputs, also by name; inputs are arrays in graph order, or a dict."""
        outputs = self.model.run(inputs)
        return namedtupledict("Outputs", list(outputs))(*outputs.values())


class NnccBackend(Backend):
    @classmethod
    def prepare(cls, model, device="CPU", **kwargs):
        if not cls.supports_device(device):
            raise ValueError(f"nncc.backend runs on CPU, not on {device}")
        return NnccRep(nncc.compile_proto(model, **kwargs))

    @classmethod
    def run_model(cls, model, inputs, device="CPU", **kwargs):
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def run_node(cls, node, inputs, device="CPU", outputs_info=None, **kwargs):
        """One node; its outputs' types come from outputs_info, a list of (dtype, shape), or from ONNX's inference."""
        present = [name for name in node.input if name]
        graph_inputs = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
                        for name, value in zip(present, inputs)]
        outputs = [name for name in node.output if name]
        graph_outputs = [onnx.ValueInfoProto(name=name) for name in outputs]
        if outputs_info:
            graph_outputs = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(dtype), shape)
                             for name, (dtype, shape) in zip(outputs, outputs_info)]
        model = helper.make_model(helper.make_graph([node], "node", graph_inputs, graph_outputs))
        if not outputs_info:
            model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
        return cls.run_model(model, inputs, device, **kwargs)

    @classmethod
    def supports_device(cls, device):
        return device.split(":")[0] == "CPU"


prepare = NnccBackend.prepare
run_model = NnccBackend.run_model
run_node = NnccBackend.run_node
supports_device = NnccBackend.supports_device
is_compatible = NnccBackend.is_compatible
