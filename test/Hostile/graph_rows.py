"""The rows about graphs: nesting, functions, cycles, attributes that make no sense. See rows.py."""

import numpy as np
from onnx import AttributeProto, TensorProto, helper

from rows import function, model, node, row, save, tensor, value, varint

# --- Graph --------------------------------------------------------------------------------------------------------------


@row(4, says="NN4104")
def graph_cycle(folder):
    return save(folder, model([node("Add", ["x", "b"], ["a"]), node("Neg", ["a"], ["b"]), node("Neg", ["b"], ["y"])]))


@row(4, says="NN4104")
def graph_dangling_input(folder):
    return save(folder, model([node("Add", ["x", "nowhere"], ["y"])]))


@row(4, says="NN4104")
def graph_unsorted(folder):
    return save(folder, model([node("Neg", ["a"], ["y"]), node("Neg", ["x"], ["a"])]))


@row(4, says="NN4104")
def graph_output_of_nothing(folder):
    return save(folder, model([node("Neg", ["x"], ["a"])]))


def part(number, content):
    """A field of bytes, text or a message, as protobuf writes it."""
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def nested(depth):
    """An If in an If ... `depth` graphs deep, by hand: protobuf's Python stops at 100 messages in messages."""
    leaf = LEAF.SerializeToString()
    graph = leaf
    for i in range(depth - 1):
        def branch(name, content):
            return part(5, part(1, name) + part(6, content) + varint(20 << 3) + b"\x05")
        content = part(1, "c") + part(2, f"r{i}") + part(4, "If") + branch("then_branch", graph) + branch("else_branch", leaf)
        graph = part(1, content) + part(2, f"g{i}") + part(12, part(1, f"r{i}"))
    # The outermost is the model's own graph.
    proto = model([], outputs=())
    proto.graph.input.append(value("c", (), TensorProto.BOOL))
    inputs = b"".join(part(11, i.SerializeToString()) for i in proto.graph.input)
    output = part(12, value(f"r{depth - 2}").SerializeToString())
    proto.ClearField("graph")
    return proto.SerializeToString() + part(7, inputs + part(1, content) + part(2, "g") + output)


LEAF = helper.make_graph([node("Neg", ["x"], ["leaf"])], "leaf", [], [value("leaf")])


@row(0, 5, seconds=1)
def graph_if_20_deep(folder):
    return save(folder, nested(20))


@row(6, says="NN6002")
def graph_if_33_deep(folder):
    return save(folder, nested(33))


def calls(name, *callees):
    values = ["v"] + [f"t{i}" for i in range(len(callees) - 1)] + ["r"]
    return function(name, [node(c, [a], [b], domain="local") for c, a, b in zip(callees, values, values[1:])])


@row(4, says="NN4107")
def function_calls_itself(folder):
    return save(folder, model([node("f", ["x"], ["y"], domain="local")], functions=[calls("f", "f")]))


@row(4, says="NN4107")
def functions_call_each_other(folder):
    functions = [calls("f", "g"), calls("g", "h"), calls("h", "f")]
    return save(folder, model([node("f", ["x"], ["y"], domain="local")], functions=functions))


@row(6, says="NN6003")
def functions_expand_exponentially(folder):
    functions = [function("f0", [node("Neg", ["v"], ["r"])])]
    functions += [calls(f"f{i}", f"f{i - 1}", f"f{i - 1}") for i in range(1, 50)]
    return save(folder, model([node("f49", ["x"], ["y"], domain="local")], functions=functions))


@row(6, says="NN6002")
def functions_5000_deep(folder):
    functions = [function("f0", [node("Neg", ["v"], ["r"])])] + [calls(f"f{i}", f"f{i - 1}") for i in range(1, 5000)]
    return save(folder, model([node("f4999", ["x"], ["y"], domain="local")], functions=functions))


@row(4, says="NN4105")
def function_twice(folder):
    f = function("f", [node("Neg", ["v"], ["r"])])
    return save(folder, model([node("f", ["x"], ["y"], domain="local")], functions=[f, f]))


@row(0, seconds=60, megabytes=1200)  # 1 KiB a node: protobuf's message, MLIR's op and location
def graph_chain_of_a_million(folder):
    unit = model([node("Neg", ["x"], ["y"])])
    names = ["x"] + [f"v{i}" for i in range(999_999)] + ["y"]
    nodes = []
    for a, b in zip(names, names[1:]):
        nodes.append(part(1, part(1, a) + part(2, b) + part(4, "Neg")))
    unit.graph.ClearField("node")
    graph = unit.graph.SerializeToString() + b"".join(nodes)
    unit.ClearField("graph")
    return save(folder, unit.SerializeToString() + part(7, graph))


@row(5, says=("acme::Foo", "acme::Bar", "ai.onnx::Nonsense", "2 nodes"))
def graph_unknown_operators(folder):
    proto = model([node("Foo", ["x"], ["a"], domain="acme"), node("Foo", ["a"], ["b"], domain="acme"),
                   node("Bar", ["b"], ["c"], domain="acme"), node("Nonsense", ["c"], ["y"])])
    proto.opset_import.add(domain="acme", version=1)
    return save(folder, proto)


def image_model(op, w_dims=(4, 3, 3, 3), **attributes):
    w = tensor(dims=w_dims, raw_data=bytes(4 * int(np.prod(w_dims))))
    graph = helper.make_graph([node(op, ["x", "w"] if op == "Conv" else ["x"], ["y"], **attributes)], "g",
                              [value("x", (1, 3, 8, 8))], [value("y", None)], [w])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


for _name, _model in {
    "stride_0": image_model("Conv", strides=[0, 1]),
    "group_0": image_model("Conv", group=0),
    "negative_dilation": image_model("Conv", dilations=[-1, 1]),
    "channels_that_differ": image_model("Conv", w_dims=(4, 5, 3, 3)),
    "one_stride_too_many": image_model("Conv", strides=[1, 1, 1]),
    "axis_outside": image_model("Concat", axis=7),
    "permutation_twice": image_model("Transpose", perm=[0, 1, 1, 3]),
    "permutation_too_short": image_model("Transpose", perm=[0, 1]),
}.items():
    def _write(folder, proto=_model):
        return save(folder, proto)
    _write.__name__ = f"node_{_name}"
    row(4, says="NN4109")(_write)


@row(4, says="NN4103")
def node_attribute_of_the_wrong_type(folder):
    return save(folder, model([node("Concat", ["x"], ["y"], axis=1.0)]))


@row(4, says="NN4103")
def node_attribute_with_two_values(folder):
    proto = model([node("Concat", ["x"], ["y"], axis=0)])
    proto.graph.node[0].attribute[0].floats.extend([1, 2])
    return save(folder, proto)


@row(4, says="NN4103")
def node_attribute_that_refers_to_nothing(folder):
    proto = model([node("Concat", ["x"], ["y"])])
    proto.graph.node[0].attribute.add(name="axis", type=AttributeProto.INT, ref_attr_name="a")
    return save(folder, proto)


@row(4, says="NN4102")
def node_without_inputs(folder):
    return save(folder, model([node("Add", [], ["y"])]))


def bomb(op, inputs, **attributes):
    """Asks for terabytes: nothing of it may be computed while compiling."""
    shape = tensor("s", (3,), TensorProto.INT64, int64_data=[2**14] * 3)
    one = tensor("one", (1, 1, 1), float_data=[1])
    graph = helper.make_graph([node(op, inputs, ["big"], **attributes), node("Neg", ["big"], ["y"])], "g",
                              [], [value("y", None)], [shape, one])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


for _op, _inputs in {"ConstantOfShape": ["s"], "Expand": ["one", "s"], "Tile": ["one", "s"]}.items():
    def _write(folder, op=_op, inputs=_inputs):
        return save(folder, bomb(op, inputs))
    _write.__name__ = f"bomb_{_op}"
    row(0, 5, 6)(_write)


@row(0, 5, 6)
def bomb_Range(folder):
    numbers = [tensor(name, (), TensorProto.INT64, int64_data=[number]) for name, number in (("a", 0), ("b", 2**42), ("c", 1))]
    graph = helper.make_graph([node("Range", ["a", "b", "c"], ["big"]), node("Neg", ["big"], ["y"])], "g", [],
                              [value("y", None, TensorProto.INT64)], numbers)
    return save(folder, helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10))


@row(0, 5, 6)
def bomb_Pad(folder):
    pads = tensor("pads", (6,), TensorProto.INT64, int64_data=[2**13] * 6)
    graph = helper.make_graph([node("Pad", ["one", "pads"], ["big"]), node("Neg", ["big"], ["y"])], "g", [],
                              [value("y", None)], [pads, tensor("one", (1, 1, 1), float_data=[1])])
    return save(folder, helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10))
