"""The rows about If, Loop and Scan. See rows.py."""

from onnx import TensorProto, helper

from rows import function, model, node, row, save, tensor, value

INT64 = TensorProto.INT64
BOOL = TensorProto.BOOL


def graph(nodes, inputs=(), outputs=(), initializers=()):
    return helper.make_graph(nodes, "b", list(inputs), list(outputs), list(initializers))


def scalar(name, dtype):
    return value(name, (), dtype)


def with_inputs(nodes, *inputs):
    proto = model(nodes)
    proto.graph.input.extend(inputs)
    return proto


def choice(yes, no, outputs=("y",)):
    return with_inputs([node("If", ["c"], list(outputs), then_branch=yes, else_branch=no)], scalar("c", BOOL))


def loop(nodes, outputs, inputs=(("v", (2,), TensorProto.FLOAT),), results=("y",)):
    body = graph(nodes, [scalar("i", INT64), scalar("ci", BOOL), *(value(*v) for v in inputs)], [value(*o) for o in outputs])
    return with_inputs([node("Loop", ["m", "", "x"], list(results), body=body)], scalar("m", INT64))


PLAIN = graph([node("Neg", ["x"], ["r"])], outputs=[value("r")])
AGAIN = ("ci", (), BOOL)


@row(4, says="NN4104")
def control_captures_nothing(folder):
    return save(folder, choice(graph([node("Add", ["x", "nowhere"], ["r"])], outputs=[value("r")]), PLAIN))


@row(4, says="NN4104")
def control_captures_what_comes_later(folder):
    proto = choice(graph([node("Add", ["x", "late"], ["r"])], outputs=[value("r")]), PLAIN)
    proto.graph.node.append(node("Neg", ["x"], ["late"]))
    return save(folder, proto)


@row(4, says="NN4104")
def control_uses_the_inside_of_a_branch(folder):
    proto = choice(PLAIN, PLAIN, outputs=["z"])
    proto.graph.node.append(node("Neg", ["r"], ["y"]))
    return save(folder, proto)


@row(4, says=("NN4109", "'else_branch' has 0 inputs and 2 outputs"))
def control_branches_differ_in_number(folder):
    return save(folder, choice(PLAIN, graph([node("Neg", ["x"], ["r"])], outputs=[value("r"), value("x")])))


@row(4, says=("NN4109", "branches that give output 0"))
def control_branches_differ_in_element_type(folder):
    ints = graph([node("Cast", ["x"], ["r"], to=INT64)], outputs=[value("r", (2,), INT64)])
    return save(folder, choice(PLAIN, ints))


FLAT = graph([node("ReduceSum", ["x"], ["r"], keepdims=0)], outputs=[value("r", ())])


@row(0)
def control_branches_differ_in_rank(folder):
    """The output has the rank of one of them."""
    return save(folder, choice(PLAIN, FLAT))


@row(5, says="branches that give output 0")
def control_any_rank_would_do(folder):
    proto = choice(PLAIN, FLAT)
    proto.graph.output[0].type.tensor_type.ClearField("shape")
    return save(folder, proto)


@row(5, says="branches that give output 0")
def control_no_rank_will_do(folder):
    proto = choice(PLAIN, FLAT, outputs=["z"])
    proto.graph.node.append(node("Transpose", ["z"], ["y"], perm=[0, 1, 2]))
    return save(folder, proto)


def choices(count):
    """Each may be either: what follows tells nothing."""
    nodes = [node("If", ["c"], [f"z{i}"], then_branch=PLAIN, else_branch=FLAT) for i in range(count)]
    total = [node("Add", [f"z{i}", f"z{i + 1}"], [f"s{i}"]) for i in range(count - 1)]
    proto = with_inputs(nodes + total, scalar("c", BOOL))
    proto.graph.node.append(node("Neg", ["s0"], ["y"]))
    return proto


@row(0, 5, 6, seconds=20)
def control_40_choices(folder):
    return save(folder, choices(40))


@row(4, says="condition")
def control_two_conditions(folder):
    proto = choice(PLAIN, PLAIN)
    proto.graph.input[1].CopyFrom(value("c", (2,), BOOL))
    return save(folder, proto)


@row(4, says="its body has 3 inputs and 1 output")
def control_loop_with_too_few_outputs(folder):
    return save(folder, loop([], [AGAIN]))


@row(4, says="its body has 4 inputs and 2 outputs")
def control_loop_with_too_many_inputs(folder):
    inputs = [("v", (2,), TensorProto.FLOAT), ("w", (2,), TensorProto.FLOAT)]
    return save(folder, loop([], [AGAIN, ("v", (2,), TensorProto.FLOAT)], inputs))


@row(4, says="begins as tensor<2xf32> and comes back as tensor<2xi64>")
def control_loop_changes_the_element_type(folder):
    return save(folder, loop([node("Cast", ["v"], ["w"], to=INT64)], [AGAIN, ("w", (2,), INT64)]))


@row(5, says="begins as tensor<2xf32> and comes back as tensor<f32>")
def control_loop_changes_the_rank(folder):
    return save(folder, loop([node("ReduceSum", ["v"], ["w"], keepdims=0)], [AGAIN, ("w", ())]))


@row(4, says="condition")
def control_loop_condition_is_a_number(folder):
    return save(folder, loop([], [("v", (2,)), ("v", (2,))]))


def steps(count, stacks):
    body = graph([node("Neg", ["v"], ["w"])], [scalar("i", INT64), scalar("ci", BOOL), value("v")],
                 [scalar("ci", BOOL), value("w")] + [value("w")] * stacks)
    m = tensor("m", (), INT64, int64_data=[count])
    return model([node("Loop", ["m", "", "x"], ["y", "z"][:1 + stacks], body=body)], initializers=[m])


@row(0)
def control_loop_of_2_to_63_steps(folder):
    return save(folder, steps(2**63 - 1, 0))


@row(6, says="too many elements")
def control_loop_that_stacks_2_to_63(folder):
    return save(folder, steps(2**63 - 1, 1))


@row(0)
def control_loop_of_negative_steps(folder):
    return save(folder, steps(-(2**63), 1))


def growing_loops(depth):
    """Loops in loops, each of which changes the size of what it carries."""
    inner = [node("Concat", ["v0", "v0"], ["w0"], axis=0)]
    for i in range(1, depth):
        body = graph(inner, [scalar(f"i{i}", INT64), scalar(f"c{i}", BOOL), value(f"v{i - 1}")], [scalar(f"c{i}", BOOL), value(f"w{i - 1}")])
        inner = [node("Loop", ["m", "", f"v{i}"], [f"w{i}"], body=body)]
    body = graph(inner, [scalar("i", INT64), scalar("c", BOOL), value(f"v{depth - 1}")], [scalar("c", BOOL), value(f"w{depth - 1}")])
    return with_inputs([node("Loop", ["m", "", "x"], ["y"], body=body)], scalar("m", INT64))


@row(0, 5, 6, seconds=20)
def control_loops_20_deep_that_grow(folder):
    return save(folder, growing_loops(20))


def scan(nodes, count=1, shapes=((3, 2),), results=("y",), **attributes):
    names = [f"s{i}" for i in range(len(shapes))]
    body = graph(nodes, [value("v")] + [value(f"e{n}") for n in names], [value("w")] + [value("w")] * (len(results) - 1))
    scanned = node("Scan", ["x", *names], list(results), body=body, num_scan_inputs=count, **attributes)
    return with_inputs([scanned], *(value(n, s) for n, s in zip(names, shapes)))


SUM = [node("Add", ["v", "es0"], ["w"])]


@row(4, says="num_scan_inputs is 0")
def control_scan_of_nothing(folder):
    return save(folder, scan(SUM, count=0))


@row(4, says="num_scan_inputs is 99")
def control_scan_of_more_than_there_is(folder):
    return save(folder, scan(SUM, count=99))


@row(4, says="scans tensors of sizes 3 and 4")
def control_scan_of_different_lengths(folder):
    return save(folder, scan(SUM, count=2, shapes=((3, 2), (4, 2))))


@row(4, says="axis 7 is not in")
def control_scan_along_no_axis(folder):
    return save(folder, scan(SUM, scan_input_axes=[7]))


@row(4, says="'scan_input_axes' has 2 entries")
def control_scan_with_too_many_axes(folder):
    return save(folder, scan(SUM, scan_input_axes=[0, 0]))


@row(4, says="the entry 2, expected 0 or 1")
def control_scan_in_no_direction(folder):
    return save(folder, scan(SUM, scan_input_directions=[2]))


@row(4, says="scan_output_axes: axis 5")
def control_scan_to_no_axis(folder):
    return save(folder, scan(SUM, results=("y", "z"), scan_output_axes=[5]))


@row(0)
def control_loop_in_a_function(folder):
    body = graph([node("Add", ["v0", "v"], ["w"])], [scalar("i", INT64), scalar("c", BOOL), value("v0")], [scalar("c", BOOL), value("w")])
    nodes = [node("Constant", [], ["m"], value_int=3), node("Loop", ["m", "", "v"], ["r"], body=body)]
    return save(folder, model([node("f", ["x"], ["y"], domain="local")], functions=[function("f", nodes)]))
