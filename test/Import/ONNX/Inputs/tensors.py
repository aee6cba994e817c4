"""Writes models whose initializers are stored in every way that ONNX knows: tensors.py FOLDER."""

import sys

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper

folder = sys.argv[1]


def tensor(name, data_type, dims, **fields):
    result = T(name=name, data_type=data_type, dims=dims)
    for field, value in fields.items():
        if field == "raw_data":
            result.raw_data = value
        else:
            getattr(result, field).extend(value)
    return result


def save(name, initializers, sparse=(), **arguments):
    """A model that returns its initializers."""
    names = [t.name for t in initializers] + [t.values.name for t in sparse]
    outputs = [helper.make_empty_tensor_value_info(n) for n in names]
    for output, t in zip(outputs, list(initializers) + [s.values for s in sparse]):
        output.type.tensor_type.elem_type = t.data_type
    graph = helper.make_graph([], "tensors", [], outputs, initializers, sparse_initializer=list(sparse))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=11)
    onnx.save_model(model, f"{folder}/{name}.onnx", **arguments)


save("typed", [
    tensor("f32", T.FLOAT, [2], float_data=[1.5, -2]),
    tensor("f64", T.DOUBLE, [1], double_data=[0.25]),
    tensor("c64", T.COMPLEX64, [2], float_data=[1, 2, 3, 4]),
    tensor("c128", T.COMPLEX128, [1], double_data=[5, 6]),
    tensor("i8", T.INT8, [2], int32_data=[-1, 127]),
    tensor("u8", T.UINT8, [2], int32_data=[255, 1]),
    tensor("i16", T.INT16, [1], int32_data=[-300]),
    tensor("u16", T.UINT16, [1], int32_data=[65535]),
    tensor("i32", T.INT32, [1], int32_data=[-70000]),
    tensor("i64", T.INT64, [2], int64_data=[-(2**40), 3]),
    tensor("u32", T.UINT32, [1], uint64_data=[2**32 - 1]),
    tensor("u64", T.UINT64, [1], uint64_data=[2**63]),
    tensor("bool", T.BOOL, [3], int32_data=[1, 0, 7]),
    tensor("f16", T.FLOAT16, [2], int32_data=[0x3C00, 0xC000]),
    tensor("bf16", T.BFLOAT16, [1], int32_data=[0x4040]),
    tensor("e4m3", T.FLOAT8E4M3FN, [1], int32_data=[0x38]),
    tensor("e5m2", T.FLOAT8E5M2, [1], int32_data=[0x3C]),
    tensor("i4", T.INT4, [3], int32_data=[0x81, 0x07]),
    tensor("u4", T.UINT4, [3], int32_data=[0x81, 0x0F]),
    tensor("i2", T.INT2, [5], int32_data=[0b10_11_01_00, 0b01]),
    tensor("f6", T.FLOAT6E2M3, [2], int32_data=[0x08, 0x3F]),
    tensor("text", T.STRING, [2], string_data=[b"a\x00b", "ü".encode()]),
    tensor("scalar", T.FLOAT, [], float_data=[42]),
    tensor("empty", T.FLOAT, [0, 4]),
])
save("raw", [
    tensor("f32", T.FLOAT, [2], raw_data=np.array([1.5, -2], "<f4").tobytes()),
    tensor("c64", T.COMPLEX64, [1], raw_data=np.array([1, 2], "<f4").tobytes()),
    tensor("bool", T.BOOL, [3], raw_data=b"\x01\x00\x07"),
    tensor("i4", T.INT4, [3], raw_data=b"\x81\x07"),
    tensor("u2", T.UINT2, [5], raw_data=b"\xb4\x01"),
    tensor("f6", T.FLOAT6E3M2, [5], raw_data=bytes([0x0C | 0x3F << 6 & 0xFF, 0x3F >> 2, 0, 0x20])),
    tensor("f4", T.FLOAT4E2M1, [2], raw_data=b"\xa2"),
])
# Over 1 KiB the bytes stay in the file, where their layout is that of raw_data.
save("large", [
    tensor("f32", T.FLOAT, [300], raw_data=bytes(1200)),
    tensor("floats", T.FLOAT, [300], float_data=[1.0] * 300),
    tensor("doubles", T.DOUBLE, [150], double_data=[1.0] * 150),
    tensor("i4", T.INT4, [2401], raw_data=bytes(1201)),
    tensor("mask", T.BOOL, [1100], raw_data=b"\x01\x00" * 550),
    tensor("odd_mask", T.BOOL, [1100], raw_data=b"\x02\x00" * 550),
    tensor("small", T.INT64, [2], raw_data=bytes(16)),
])
save("external", [
    tensor("big", T.FLOAT, [16, 32], raw_data=bytes(2048)),
    tensor("small", T.FLOAT, [2], raw_data=np.array([1.5, -2], "<f4").tobytes()),
], save_as_external_data=True, location="external.bin", size_threshold=0)
flat = helper.make_sparse_tensor(tensor("flat", T.FLOAT, [2], float_data=[5, 7]), tensor("i", T.INT64, [2], int64_data=[1, 4]), [2, 3])
pairs = helper.make_sparse_tensor(tensor("pairs", T.INT8, [2], int32_data=[5, 7]),
                                  tensor("j", T.INT64, [2, 2], int64_data=[0, 1, 1, 2]), [2, 3])
save("sparse", [], sparse=[flat, pairs])
