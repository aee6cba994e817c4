"""Rows about operators whose inputs or attributes make no sense."""

import numpy as np
from onnx import helper, numpy_helper

from rows import node, row, save, value


# --- LSTM, GRU, RNN -----------------------------------------------------------------------------------------------------


def recurrent(folder, op="LSTM", w=(1, 32, 3), r=(1, 32, 8), x=(5, 2, 3), opset=22, **attributes):
    shapes = {"x": x, "w": w, "r": r}
    graph = helper.make_graph([node(op, list(shapes), ["y"], **attributes)], "g", [value("x", x)], [value("y", None)],
                              [numpy_helper.from_array(np.ones(shapes[n], np.float32), n) for n in ("w", "r")])
    return save(folder, helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10))


@row(0)
def recurrent_as_it_should_be(folder):
    return recurrent(folder)


@row(4, says="W is tensor<1x33x3xf32>, expected tensor<1x32x3xf32>")
def recurrent_w_of_wrong_shape(folder):
    return recurrent(folder, w=(1, 33, 3))


@row(4, says="W is tensor<1x32x4xf32>, expected tensor<1x32x3xf32>")
def recurrent_w_for_other_inputs(folder):
    return recurrent(folder, w=(1, 32, 4))


@row(4, says="must have 3 dims")
def recurrent_w_of_rank_0(folder):
    return recurrent(folder, w=())


@row(4, says="must have 3 dims")
def recurrent_r_of_rank_2(folder):
    return recurrent(folder, r=(32, 8))


@row(4, says="the hidden size is -8")
def recurrent_negative_hidden_size(folder):
    return recurrent(folder, hidden_size=-8)


@row(4, says="the hidden size is 0")
def recurrent_no_units(folder):
    return recurrent(folder, r=(1, 0, 0), w=(1, 0, 3))


@row(4, says="the hidden size is 9223372036854775807")
def recurrent_huge_hidden_size(folder):
    return recurrent(folder, hidden_size=2**63 - 1)


@row(4, says="expected tensor<1x64x16xf32>")
def recurrent_other_hidden_size(folder):
    return recurrent(folder, hidden_size=16, w=(1, 64, 3))


@row(4, says="there is no activation 'Gelu'")
def recurrent_unknown_activation(folder):
    return recurrent(folder, activations=["Sigmoid", "Gelu", "Tanh"])


@row(4, says="has 2 activations, expected 3")
def recurrent_too_few_activations(folder):
    return recurrent(folder, activations=["Sigmoid", "Tanh"])


@row(4, says="direction is 'sideways'")
def recurrent_unknown_direction(folder):
    return recurrent(folder, direction="sideways")


@row(4, says="layout is 2")
def recurrent_unknown_layout(folder):
    return recurrent(folder, layout=2)


@row(4, says="clip is not positive")
def recurrent_negative_clip(folder):
    return recurrent(folder, clip=-1.0)
