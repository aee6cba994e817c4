"""Rows about operators whose inputs or attributes make no sense."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

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


# --- Quantised products -------------------------------------------------------------------------------------------------


def integers(folder, op, x, w, x_zero, w_zero):
    """MatMulInteger or ConvInteger of x and a weight, with zero points of these shapes."""
    arrays = {"w": np.ones(w, np.int8), "x_zero": np.ones(x_zero, np.int8), "w_zero": np.ones(w_zero, np.int8)}
    graph = helper.make_graph([node(op, ["x", *arrays], ["y"])], "g", [value("x", x, TensorProto.INT8)],
                              [value("y", None, TensorProto.INT32)], [numpy_helper.from_array(a, n) for n, a in arrays.items()])
    return save(folder, helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10))


@row(0)
def quantised_as_it_should_be(folder):
    return integers(folder, "MatMulInteger", (2, 4), (4, 3), (2,), (3,))


@row(4, says="a zero point has neither one number")
def quantised_with_no_zero_points(folder):
    return integers(folder, "MatMulInteger", (2, 4), (4, 3), (0,), (1,))


@row(4, says="a zero point has neither one number")
def quantised_with_too_many_zero_points(folder):
    return integers(folder, "MatMulInteger", (2, 4), (4, 3), (1,), (4,))


@row(4, says="a zero point has neither one number")
def quantised_with_a_zero_point_for_each_element(folder):
    return integers(folder, "MatMulInteger", (2, 4), (4, 3), (2, 4), (1,))


@row(4, says="the filter's zero point has neither one number")
def quantised_filter_with_too_many_zero_points(folder):
    return integers(folder, "ConvInteger", (1, 3, 8, 8), (4, 3, 3, 3), (1,), (5,))


@row(4)
def quantised_image_with_several_zero_points(folder):
    return integers(folder, "ConvInteger", (1, 3, 8, 8), (4, 3, 3, 3), (3,), (1,))
