"""The runtime's element types as NumPy's; those that NumPy lacks come from the ml_dtypes package, which onnx brings along."""

import numpy as np

NUMPY = {1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64",
         12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128"}
ML = {16: "bfloat16", 17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz", 21: "uint4", 22: "int4",
      23: "float4_e2m1fn", 24: "float8_e8m0fnu", 25: "uint2", 26: "int2"}
PACKED = {21: 4, 22: 4, 23: 4, 25: 2, 26: 2}  # bits of the types of which a byte holds several, the first in the low bits


def to_numpy(number):
    """The dtype, or None for what NumPy cannot hold (text)."""
    if number in NUMPY:
        return np.dtype(NUMPY[number])
    if number in ML:
        try:
            import ml_dtypes

            return np.dtype(getattr(ml_dtypes, ML[number]))
        except (ImportError, AttributeError):
            return None
    return None


def pack(array, bits):
    """One byte an element (as ml_dtypes keeps them) to several elements a byte."""
    each = 8 // bits
    values = array.reshape(-1).view(np.uint8) & ((1 << bits) - 1)
    values = np.pad(values, (0, -values.size % each)).reshape(-1, each)
    return np.bitwise_or.reduce(values << (np.arange(each, dtype=np.uint8) * bits), axis=1).astype(np.uint8)


def unpack(packed, count, bits, dtype):
    each = 8 // bits
    values = (packed[:, None] >> (np.arange(each, dtype=np.uint8) * bits)) & ((1 << bits) - 1)
    values = values.reshape(-1)[:count].astype(np.uint8)
    if dtype.name.startswith("int"):  # ml_dtypes keeps the sign in all eight bits
        values = np.where(values >= 1 << (bits - 1), values | (0xFF << bits & 0xFF), values).astype(np.uint8)
    return values.view(dtype)
