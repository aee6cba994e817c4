"""The digits classifier in 8 bits: reads ../digits/model.onnx, measures activations on training images, writes Q/DQ nodes.

Activations are uint8 (their zero point is 0 after a Relu), weights int8 with a scale for each output channel, biases int32.
"""

import importlib.util
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
DIGITS = HERE.parent / "digits"
sys.path.insert(0, str(HERE.parent / "training"))
import export  # noqa: E402

spec = importlib.util.spec_from_file_location("digits_train", DIGITS / "train.py")
digits = importlib.util.module_from_spec(spec)
spec.loader.exec_module(digits)


def measure(model, images):
    """(smallest, largest) value of every float tensor over the images."""
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    names = [name for node in model.graph.node for name in node.output]
    del shown.graph.output[:]
    shown.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    runtime = onnxruntime.InferenceSession(shown.SerializeToString(), providers=["CPUExecutionProvider"])
    ranges = {"image": (0.0, 1.0)}
    for image in images:
        for name, value in zip(names, runtime.run(None, {"image": image.transpose(2, 0, 1)[None]})):
            low, high = ranges.get(name, (0.0, 0.0))
            ranges[name] = (min(low, float(value.min())), max(high, float(value.max())))
    return ranges


class Quantizer:
    def __init__(self, model, ranges):
        self.model, self.ranges = model, ranges
        self.weights = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        self.graph = export.Graph("digits_int8")
        self.scales, self.values = {}, {"image": self.graph.input("image", np.float32, [1, 1, 8, 8])}

    def activation(self, name):
        """Quantizes and dequantizes a tensor of the float model; the rest of the graph reads the result."""
        low, high = self.ranges[name]
        scale = np.float32((high - low) / 255)
        zero = np.uint8(round(-low / scale))
        s, z = self.graph.weight(f"{name}.scale", scale), self.graph.weight(f"{name}.zero_point", zero)
        self.values[name] = self.graph.add("DequantizeLinear", self.graph.add("QuantizeLinear", self.values[name], s, z), s, z)
        self.scales[name] = scale

    def layer(self, node):
        """A Conv or Gemm with its weights (Conv: output channel first, Gemm: last) and bias quantized."""
        x, w, b = node.input
        axis = 0 if node.op_type == "Conv" else 1
        others = tuple(i for i in range(self.weights[w].ndim) if i != axis)
        scale = (np.abs(self.weights[w]).max(others) / 127).astype(np.float32)
        shape = [-1 if i == axis else 1 for i in range(self.weights[w].ndim)]
        g = self.graph
        inputs = [self.values[x]]
        for name, value, steps in ((w, self.weights[w] / scale.reshape(shape), scale),
                                   (b, self.weights[b] / (scale * self.scales[x]), scale * self.scales[x])):
            dtype = np.int8 if name == w else np.int32
            stored, s = g.weight(name, np.round(value).astype(dtype)), g.weight(f"{name}.scale", steps)
            zero = g.weight(f"{name}.zero_point", np.zeros(len(scale), dtype))
            inputs.append(g.add("DequantizeLinear", stored, s, zero, axis=axis if name == w else 0))
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        self.values[node.output[0]] = g.add(node.op_type, *inputs, name=node.name, **attributes)

    def run(self):
        nodes = list(self.model.graph.node)[:-1]  # the scores are read as they are: Softmax would hide a wrong step
        self.activation("image")
        for i, node in enumerate(nodes):
            if node.op_type in ("Conv", "Gemm"):
                self.layer(node)
            else:
                attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
                self.values[node.output[0]] = self.graph.add(node.op_type, self.values[node.input[0]], **attributes)
            following = nodes[i + 1].op_type if i + 1 < len(nodes) else None
            if following != "Relu":  # the Relu after a Conv is part of it
                self.activation(node.output[0])
        last = self.graph.nodes[-1]
        last.output[0] = "scores"
        self.graph.output("scores", np.float32, [1, 10])
        return self.graph, self.scales[nodes[-1].output[0]]


def main():
    model = onnx.load(DIGITS / "model.onnx")
    train_images, test_images, _, test_labels = digits.data()
    graph, step = Quantizer(model, measure(model, train_images[:400])).run()
    graph.save(HERE, "Handwritten digits in 8 bits: image [1, 1, 8, 8] from 0 to 1, scores of 0 to 9")
    export.report_accuracy(HERE, DIGITS / "test_set")
    print(f"a step of the scores is {step:.6f}")
    chosen = [int(np.flatnonzero(test_labels == digit)[0]) for digit in range(10)]
    export.write_data_sets(HERE, [reference(test_images[i]) for i in chosen], atol=1.01 * step)


def convolution(x, w, b):
    """3x3 with a padding of one: [1, c, h, w] and [o, c, 3, 3]."""
    h, width = x.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    shifted = ((padded[:, :, dy : dy + h, dx : dx + width], w[:, :, dy, dx]) for dy in range(3) for dx in range(3))
    return sum(np.einsum("nchw,oc->nohw", image, weight) for image, weight in shifted) + b[:, None, None]


def dequantize(x, scale, zero, axis=1):
    shape = [-1 if scale.ndim and i == axis else 1 for i in range(x.ndim)]
    return (x.astype(np.float64) - zero.astype(np.float64).reshape(shape)) * scale.reshape(shape)


def reference(image):
    """(inputs, outputs) of the graph as its nodes say, in float64, rounding half to even where a node quantizes."""
    model = onnx.load(HERE / "model.onnx")
    values = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    values = {name: v.astype(np.float64) if v.dtype == np.float32 else v for name, v in values.items()}
    feed = {"image": image.transpose(2, 0, 1)[None]}
    values["image"] = feed["image"].astype(np.float64)
    operators = {
        "QuantizeLinear": lambda x, s, z: np.clip(np.round(x / s) + z, 0, 255).astype(np.uint8),
        "DequantizeLinear": dequantize,
        "Conv": lambda x, w, b, **_: convolution(x, w, b),
        "Relu": lambda x: np.maximum(x, 0),
        "MaxPool": lambda x, **_: x.reshape(*x.shape[:2], x.shape[2] // 2, 2, x.shape[3] // 2, 2).max((3, 5)),
        "Flatten": lambda x: x.reshape(1, -1),
        "Gemm": lambda x, w, b: x @ w + b,
    }
    for node in model.graph.node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        values[node.output[0]] = operators[node.op_type](*(values[name] for name in node.input), **attributes)
    return feed, {"scores": values["scores"]}


if __name__ == "__main__":
    main()
