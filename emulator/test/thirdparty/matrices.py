"""The kernels of matrices.cu, wmma.cu, pipeline.cu and barriers.cu against NumPy."""

import numpy as np
from case import Case, f32, i32, integers, normal
from device import unwritten
from formats import bf16, from_bf16, tf32


def product(entry, a, b, kind, tile, file="matrices", **more):
    """One block a tile of the result."""
    (m, k), n = a.shape, b.shape[1]
    wide = np.int64 if kind == i32 else np.float64
    expected = (values(a).astype(wide) @ values(b).astype(wide)).astype(kind)
    return Case(file, entry, [unwritten((m, n), kind), a, b, i32(n), i32(k)], [expected], block=(32,), grid=(n // tile[1], m // tile[0]), **more)


def values(x):
    return from_bf16(x) if x.dtype == np.uint16 else x


def halves(rng, *shape):
    return rng.standard_normal(shape).astype(np.float16)


def gemm64(rng):
    m, n, k = 70, 100, 45
    a, b = normal(rng, m, k), normal(rng, k, n)
    expected = (a.astype(np.float64) @ b).astype(f32)
    return Case("matrices", "gemm64", [unwritten((m, n), f32), a, b, i32(m), i32(n), i32(k)], [expected], block=(256,), grid=(2, 2), rtol=1e-5, atol=1e-5)


def gemv(rng):
    a, x = normal(rng, 8, 256), normal(rng, 256)
    return Case("matrices", "gemv", [unwritten(8, f32), a, x, i32(256)], [(a.astype(np.float64) @ x).astype(f32)], block=(32, 4), grid=(2,), rtol=1e-5, atol=1e-5)


def mma16n8k8(rng):
    return product("mma16n8k8", halves(rng, 32, 40), halves(rng, 40, 24), f32, (16, 8), rtol=1e-5, atol=1e-5)


def mma_pipelined(rng):
    return product("mmaPipelined", halves(rng, 64, 80), halves(rng, 80, 64), f32, (32, 32), rtol=1e-5, atol=1e-5, since=80)


def mma_bytes(rng):
    a, b = integers(rng, 32, 64, low=-128, high=128, dtype=np.int8), integers(rng, 16, 64, low=0, high=256, dtype=np.uint8)
    return Case("matrices", "mmaBytes", [unwritten((32, 16), i32), a, b, i32(16), i32(64)], [a.astype(i32) @ b.astype(i32).T],
                block=(32,), grid=(2, 2), since=80)


def wmma_half(rng):
    return product("wmmaHalf", halves(rng, 32, 48), halves(rng, 48, 32), f32, (16, 16), "wmma", rtol=1e-5, atol=1e-5)


def wmma_columns(rng):
    case = product("wmmaColumns", halves(rng, 16, 32), halves(rng, 32, 32), np.float16, (16, 16), "wmma", rtol=5e-3, atol=3e-2)
    case.expected = [case.expected[0] * np.float16(2)]
    return case


def wmma_bytes(rng):
    a, b = integers(rng, 32, 64, low=-128, high=128, dtype=np.int8), integers(rng, 64, 32, low=-128, high=128, dtype=np.int8)
    return product("wmmaBytes", a, b, i32, (16, 16), "wmma")


def wmma_bfloat(rng):
    return product("wmmaBfloat", bf16(normal(rng, 32, 48)), bf16(normal(rng, 48, 32)), f32, (16, 16), "wmma", rtol=1e-5, atol=1e-5, since=80)


def wmma_tf32(rng):
    a, b = normal(rng, 32, 48), normal(rng, 48, 32)
    case = product("wmmaTf32", a, b, f32, (16, 16), "wmma", rtol=1e-5, atol=1e-5, since=80)
    case.expected = [(tf32(a).astype(np.float64) @ tf32(b)).astype(f32)]
    return case


def wmma_double(rng):
    return product("wmmaDouble", rng.standard_normal((16, 12)), rng.standard_normal((12, 16)), np.float64, (8, 8), "wmma", rtol=1e-13, atol=1e-13, since=80)


def filtered(rng, file, entry, flip):
    x = normal(rng, 2, 5, 128)
    total = np.zeros((2, 128), f32)
    for tile in range(5):
        total = total * f32(0.5) + x[:, tile, np.arange(128) ^ flip]
    return Case(file, entry, [unwritten((2, 128), f32), x, i32(5)], [total], block=(128,), grid=(2,), rtol=1e-6, atol=1e-6, since=80)


def pipeline_sum(rng):
    return filtered(rng, "pipeline", "pipelineSum", 1)


def pipeline_block(rng):
    return filtered(rng, "barriers", "pipelineBlock", 5)


CASES = [gemm64, gemv, mma16n8k8, mma_pipelined, mma_bytes, wmma_half, wmma_columns, wmma_bytes, wmma_bfloat, wmma_tf32, wmma_double, pipeline_sum,
         pipeline_block]
