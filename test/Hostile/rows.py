"""The rows of bad input, each a model that a script writes, with the exit code that it must end in.

A row is a function with the @row decorator; it gets an empty folder, writes the model there and returns its path, or a list of
arguments. 0: accepted, 3: input / output, 4: invalid, 5: unsupported, 6: a limit.
"""

import dataclasses
import os
import pathlib
import typing

import numpy as np
from onnx import TensorProto, helper

FLOAT = TensorProto.FLOAT


@dataclasses.dataclass
class Row:
    name: str
    exits: tuple
    write: typing.Callable
    says: tuple  # texts that the output must contain
    seconds: int  # of processor time
    megabytes: int  # of memory, besides three times the model


ROWS = []


def row(*exits, says=(), seconds=10, megabytes=256):
    def add(function):
        ROWS.append(Row(function.__name__, exits, function, says if isinstance(says, tuple) else (says,), seconds, megabytes))
        return function
    return add


def value(name, shape=(2,), dtype=FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def model(nodes, inputs=("x",), outputs=("y",), initializers=(), functions=(), opset=17, name="g", sparse=()):
    graph = helper.make_graph(nodes, name, [value(n) for n in inputs], [value(n) for n in outputs], list(initializers))
    graph.sparse_initializer.extend(sparse)
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("local", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10, functions=list(functions))


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, **attributes)


def function(name, nodes):
    return helper.make_function("local", name, ["v"], ["r"], nodes, [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)])


def negation():
    return model([node("Neg", ["x"], ["y"])])


def save(folder, proto, name="model.onnx"):
    path = folder / name
    path.write_bytes(proto if isinstance(proto, bytes) else proto.SerializeToString())
    return path


def tensor(name="w", dims=(2,), dtype=FLOAT, **fields):
    result = TensorProto(name=name, data_type=dtype, dims=dims)
    for key, content in fields.items():
        if key == "raw_data":
            result.raw_data = content
        else:
            getattr(result, key).extend(content)
    return result


def with_tensor(w):
    return model([node("Add", ["x", "w"], ["y"])], initializers=[w])


def external(dims=(2,), dtype=FLOAT, **entries):
    w = tensor(dims=dims, dtype=dtype)
    w.data_location = TensorProto.EXTERNAL
    for key, content in entries.items():
        w.external_data.add(key=key, value=str(content))
    return w


# --- File ---------------------------------------------------------------------------------------------------------------


@row(4, says="NN4001")
def file_empty(folder):
    return save(folder, b"")


@row(4, says="NN4001")
def file_truncated(folder):
    return save(folder, with_tensor(tensor(dims=(512,), raw_data=bytes(2048))).SerializeToString()[:1000])


@row(4)
def file_of_noise(folder):
    return save(folder, np.random.default_rng(1).bytes(100_000))


@row(4)
def file_lying_length(folder):
    return save(folder, b"\x08\x08\x3a\xff\xff\xff\x7f" + bytes(100))


@row(4)
def file_over_2_gib_of_nothing(folder):
    path = save(folder, b"")
    os.truncate(path, (2 << 30) + 100)
    return path


@row(0)
def file_over_2_gib_of_weights(folder):
    """The bytes of the weight are a hole in the file."""
    size = (2 << 30) + 4096
    w = tensor(dims=(size // 4,), raw_data=b"\0").SerializeToString()
    head = w[:-3]  # without the tag, length and byte of raw_data

    def field(number, length):
        return bytes([number << 3 | 2]) + varint(length)

    body = head + field(9, size)
    graph = negation().graph.SerializeToString()
    rest = negation()
    rest.ClearField("graph")
    tensor_length = len(body) + size
    graph_length = len(graph) + len(field(5, tensor_length)) + tensor_length
    path = save(folder, rest.SerializeToString() + field(7, graph_length) + graph + field(5, tensor_length) + body)
    os.truncate(path, path.stat().st_size + size)
    return path


def varint(number):
    """A number as protobuf writes it."""
    result = b""
    while number > 127:
        result += bytes([number & 127 | 128])
        number >>= 7
    return result + bytes([number])


@row(0)
def file_unknown_fields(folder):
    return save(folder, negation().SerializeToString() + b"\xa2\x06\x03abc\xa8\x06\x05")


@row(3, says="NN3002")
def file_is_a_directory(folder):
    return folder


@row(3, says="NN3002")
def file_is_a_fifo(folder):
    os.mkfifo(folder / "model.onnx")
    return folder / "model.onnx"


@row(3, says="NN3002")
def file_is_a_device(folder):
    return pathlib.Path("/dev/zero")


@row(3, says="NN3001")
def file_missing(folder):
    return folder / "model.onnx"


@row(4, says="NN4005")
def file_without_graph(folder):
    proto = negation()
    proto.ClearField("graph")
    return save(folder, proto)


@row(4, says="NN4003")
def file_without_opset(folder):
    proto = negation()
    proto.ClearField("opset_import")
    return save(folder, proto)


@row(5, says="NN5002")
def file_future_opset(folder):
    return save(folder, model([node("Neg", ["x"], ["y"])], opset=99))


@row(4, says="NN4003")
def file_without_ir_version(folder):
    proto = negation()
    proto.ClearField("ir_version")
    return save(folder, proto)


@row(4, 6)
def file_text_nested_deeply(folder):
    path = folder / "model.onnxtxt"
    path.write_text("<ir_version: 8, opset_import: [\"\" : 17]> g (" + "seq(" * 100_000)
    return path


@row(4)
def file_protobuf_text_of_noise(folder):
    path = folder / "model.textproto"
    path.write_bytes(b"graph { node { \xff\x00")
    return path


@row(6, says="NN6001")
def file_over_1_gib_of_text(folder):
    path = folder / "model.onnxtxt"
    path.touch()
    os.truncate(path, (1 << 30) + 1)
    return path


@row(6, says="NN6001")
def file_over_2_gib_without_weights(folder):
    """A doc string that is a hole in the file."""
    size = (2 << 30) + 4096
    path = save(folder, negation().SerializeToString() + varint(6 << 3 | 2) + varint(size))
    os.truncate(path, path.stat().st_size + size)
    return path


@row(0, says="NN1002")
def file_with_training(folder):
    proto = negation()
    proto.training_info.add()
    return save(folder, proto)


@row(4, says=("NN4102", "NN1004", "100 more problems are not listed"))
def file_with_200_problems(folder):
    return save(folder, model([node("Neg", ["x"], ["y"])] + [node("Add", ["x"], [f"v{i}"]) for i in range(200)]))


@row(4, says="NN4110")
def file_with_an_input_without_type(folder):
    proto = negation()
    proto.graph.input[0].ClearField("type")
    return save(folder, proto)


@row(4, says="NN4106")
def file_with_a_function_without_name(folder):
    return save(folder, model([node("Neg", ["x"], ["y"])], functions=[function("", [node("Neg", ["v"], ["r"])])]))


# --- Names --------------------------------------------------------------------------------------------------------------


def named(name):
    """Bytes that protobuf's Python refuses in a string: put in behind its back."""
    stand_in = "N" * len(name)
    proto = model([node("Neg", ["x"], ["a"], name=stand_in), node("Neg", ["a"], ["y"])])
    return proto.SerializeToString().replace(stand_in.encode(), name)


@row(0)
def name_with_nul(folder):
    return save(folder, named(b"a\x00b"))


@row(0)
def name_with_escape_sequence(folder):
    return save(folder, named(b"\x1b[2J\x1b]0;owned\x07"))


@row(0)
def name_of_bad_utf8(folder):
    return save(folder, named(b"\xff\xfe\xc0\x80"))


@row(0)
def name_of_64_kib(folder):
    return save(folder, named(b"n" * 65536))


@row(0)
def names_for_other_languages(folder):
    names = ["*/", '"; .globl evil', "main", "a.b", "a_b", "%s%n", "${x}", "../../x"]
    nodes = [node("Neg", [a], [b], name=b) for a, b in zip(["x"] + names, names + ["y"])]
    return save(folder, model(nodes, name="../../x"))


@row(0, seconds=2)
def name_of_a_size_with_2_to_the_40_terms(folder):
    size = "*".join(f"(a{i}+b{i})" for i in range(40))
    graph = helper.make_graph([node("Neg", ["x"], ["y"])], "g", [value("x", [size])], [value("y", [size])])
    return save(folder, helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10))


@row(4, says="NN4105")
def name_twice_in_inputs(folder):
    return save(folder, model([node("Neg", ["x"], ["y"])], inputs=("x", "x")))


@row(4, says="NN4105")
def name_twice_in_initializers(folder):
    return save(folder, model([node("Add", ["x", "w"], ["y"])], initializers=[tensor(float_data=[1, 2]), tensor(float_data=[1, 2])]))


@row(4, says="NN4105")
def name_twice_in_outputs_of_nodes(folder):
    return save(folder, model([node("Neg", ["x"], ["y"]), node("Abs", ["x"], ["y"])]))


# --- External data ------------------------------------------------------------------------------------------------------


def as_initializer(w):
    return with_tensor(w)


def as_constant(w):
    return model([node("Constant", [], ["w"], value=w), node("Add", ["x", "w"], ["y"])])


def as_sparse(w):
    sparse = helper.make_sparse_tensor(tensor(float_data=[1, 2]), tensor("i", dtype=TensorProto.INT64, int64_data=[0, 1]), [4])
    sparse.values.CopyFrom(w)
    return model([node("Neg", ["x"], ["y"])], sparse=[sparse])


def in_subgraph(w):
    branch = helper.make_graph([node("Add", ["x", "w"], ["r"])], "b", [], [value("r")], [w])
    nodes = [node("Constant", [], ["c"], value=tensor("c", (), TensorProto.BOOL, int32_data=[1])),
             node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)]
    return model(nodes)


def in_function(w):
    nodes = [node("Constant", [], ["w"], value=w), node("Add", ["v", "w"], ["r"])]
    function = helper.make_function("local", "f", ["v"], ["r"], nodes, [helper.make_opsetid("", 17)])
    return model([node("f", ["x"], ["y"], domain="local")], functions=[function])


ESCAPES = {"dotdot": "../x", "dotdot_inside": "a/../../x", "absolute": "/etc/passwd", "empty": ""}
PLACES = {"initializer": as_initializer, "constant": as_constant, "sparse": as_sparse, "subgraph": in_subgraph,
          "function": in_function}
for _escape, _location in ESCAPES.items():
    for _place, _build in PLACES.items():
        def _write(folder, location=_location, build=_build):
            return save(folder, build(external(location=location)))
        _write.__name__ = f"external_{_escape}_in_{_place}"
        row(4)(_write)


@row(4, says="NN4302")
def external_symlink(folder):
    (folder / "data.bin").symlink_to("/etc/passwd")
    return save(folder, with_tensor(external(location="data.bin")))


@row(4, says="NN4302")
def external_symlinked_folder(folder):
    (folder / "d").symlink_to("/etc")
    return save(folder, with_tensor(external(location="d/passwd")))


@row(4, says="NN4302")
def external_hard_link(folder):
    (folder.parent / "outside").write_bytes(bytes(16))
    os.link(folder.parent / "outside", folder / "data.bin")
    return save(folder, with_tensor(external(location="data.bin")))


@row(3, says="NN3002")
def external_fifo(folder):
    os.mkfifo(folder / "data.bin")
    return save(folder, with_tensor(external(location="data.bin")))


@row(3, says="NN3002")
def external_directory(folder):
    (folder / "data.bin").mkdir()
    return save(folder, with_tensor(external(location="data.bin")))


@row(3, says="NN3101")
def external_missing(folder):
    return save(folder, with_tensor(external(location="data.bin")))


def external_in(folder, **entries):
    (folder / "data.bin").write_bytes(bytes(16))
    return save(folder, with_tensor(external(**{"location": "data.bin", **entries})))


@row(0)
def external_as_it_should_be(folder):
    return external_in(folder, offset=8, length=8)


for _name, _entries in {
    "negative_offset": {"offset": -4}, "negative_length": {"length": -8}, "offset_of_text": {"offset": "eight"},
    "offset_of_hex": {"offset": "0x8"}, "wrapping_offset": {"offset": 2**64 - 4}, "huge_offset": {"offset": 2**63 - 1},
    "wrapping_length": {"offset": 8, "length": 2**64 - 4}, "past_the_end": {"offset": 12}, "length_too_short": {"length": 4},
    "length_too_long": {"length": 16},
}.items():
    def _write(folder, entries=_entries):
        return external_in(folder, **entries)
    _write.__name__ = f"external_{_name}"
    row(4, says="NN4301")(_write)


@row(4, says="NN4301")
def external_without_location(folder):
    return save(folder, with_tensor(external(offset=0)))


@row(4, says="NN4201")
def external_besides_data(folder):
    w = external(location="data.bin")
    w.raw_data = bytes(8)
    (folder / "data.bin").write_bytes(bytes(16))
    return save(folder, with_tensor(w))


# --- Tensors ------------------------------------------------------------------------------------------------------------

for _name, _exits, _tensor in (
    ("negative_dim", (4,), tensor(dims=(-1,), raw_data=bytes(4))),
    ("overflowing_shape", (6,), tensor(dims=(2**32, 2**32, 2**32), raw_data=bytes(4))),
    ("overflowing_shape_of_nothing", (6,), tensor(dims=(2**40, 2**40, 0))),
    ("exabyte_of_4_bytes", (4, 6), tensor(dims=(2**58,), raw_data=bytes(4))),
    ("65_dims", (6,), tensor(dims=(1,) * 65, raw_data=bytes(4))),
    ("short_data", (4,), tensor(raw_data=bytes(7))),
    ("long_data", (4,), tensor(raw_data=bytes(9))),
    ("no_data", (4,), tensor()),
    ("short_float_data", (4,), tensor(float_data=[1])),
    ("long_float_data", (4,), tensor(float_data=[1, 2, 3])),
    ("two_data_fields", (4,), tensor(float_data=[1, 2], raw_data=bytes(8))),
    ("wrong_data_field", (4,), tensor(int32_data=[1, 2])),
    ("text_in_raw_data", (4,), tensor(dtype=TensorProto.STRING, raw_data=b"ab")),
    ("unknown_type", (4,), tensor(dtype=99, raw_data=bytes(8))),
    ("no_type", (4,), tensor(dtype=0, raw_data=bytes(8))),
):
    def _write(folder, w=_tensor):
        return save(folder, with_tensor(w))
    _write.__name__ = f"tensor_{_name}"
    row(*_exits)(_write)


@row(0)
def tensor_odd_int4(folder):
    return save(folder, model([node("Neg", ["x"], ["y"])], outputs=("y", "w"), initializers=[
        tensor(dims=(3,), dtype=TensorProto.INT4, raw_data=b"\x21\x03")]))


@row(0)
def tensor_rank_0_and_no_elements(folder):
    return save(folder, model([node("Neg", ["x"], ["y"])], outputs=("y", "w", "e"), initializers=[
        tensor(dims=(), float_data=[1]), tensor("e", dims=(0, 3))]))


def sparse_model(values, indices, dims):
    sparse = helper.make_sparse_tensor(tensor(float_data=[1, 2]), tensor("i", dtype=TensorProto.INT64, int64_data=[0, 1]), [4])
    sparse.values.CopyFrom(values)
    sparse.indices.CopyFrom(indices)
    del sparse.dims[:]
    sparse.dims.extend(dims)
    return model([node("Neg", ["x"], ["y"])], sparse=[sparse])


def indices(*numbers, dims=None):
    return tensor("i", dims or (len(numbers),), TensorProto.INT64, int64_data=numbers)


for _name, _exits, _sparse in (
    ("as_it_should_be", (0,), (tensor(float_data=[1, 2]), indices(0, 3), [4])),
    ("index_outside", (4,), (tensor(float_data=[1, 2]), indices(0, 4), [4])),
    ("negative_index", (4,), (tensor(float_data=[1, 2]), indices(-1, 3), [4])),
    ("unsorted", (4,), (tensor(float_data=[1, 2]), indices(3, 0), [4])),
    ("index_twice", (4,), (tensor(float_data=[1, 2]), indices(3, 3), [4])),
    ("too_few_indices", (4,), (tensor(float_data=[1, 2]), indices(3), [4])),
    ("wrong_pairs", (4,), (tensor(float_data=[1, 2]), indices(0, 1, 2, 3, dims=(2, 2)), [4])),
    ("negative_dims", (4,), (tensor(float_data=[1, 2]), indices(0, 1), [-4])),
    ("terabytes", (6,), (tensor(float_data=[1, 2]), indices(0, 1), [2**20, 2**20])),
    ("overflowing", (6,), (tensor(float_data=[1, 2]), indices(0, 1), [2**40, 2**40])),
):
    def _write(folder, parts=_sparse):
        return save(folder, sparse_model(*parts))
    _write.__name__ = f"sparse_{_name}"
    row(*_exits)(_write)
