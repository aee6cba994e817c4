"""Kernels in Triton, each with the types it is compiled for: KERNELS[name] = (function, {argument: type}, {constant: value}, options)."""

import triton
import triton.language as tl


@triton.jit
def add(y, x, z, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = at < n
    tl.store(y + at, tl.load(x + at, mask=mask) + tl.load(z + at, mask=mask), mask=mask)


@triton.jit
def gelu(y, x, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    v = tl.load(x + at, mask=at < n).to(tl.float32)
    tl.store(y + at, (v * 0.5 * (1 + tl.erf(v * 0.7071067811865476))).to(y.dtype.element_ty), mask=at < n)


@triton.jit
def softmax(y, x, columns, BLOCK: tl.constexpr):
    row, at = tl.program_id(0), tl.arange(0, BLOCK)
    v = tl.load(x + row * columns + at, mask=at < columns, other=-float("inf"))
    e = tl.exp(v - tl.max(v, 0))
    tl.store(y + row * columns + at, e / tl.sum(e, 0), mask=at < columns)


@triton.jit
def layer_norm(y, x, scale, bias, columns, BLOCK: tl.constexpr):
    row, at = tl.program_id(0), tl.arange(0, BLOCK)
    mask = at < columns
    v = tl.load(x + row * columns + at, mask=mask, other=0.0).to(tl.float32)
    mean = tl.sum(v, 0) / columns
    d = tl.where(mask, v - mean, 0.0)
    inverse = tl.rsqrt(tl.sum(d * d, 0) / columns + 1e-5)
    r = d * inverse * tl.load(scale + at, mask=mask) + tl.load(bias + at, mask=mask)
    tl.store(y + row * columns + at, r.to(y.dtype.element_ty), mask=mask)


@triton.jit
def matmul(c, a, b, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, SUM: tl.constexpr, HOW: tl.constexpr):
    m = tl.program_id(1) * BM + tl.arange(0, BM)
    n = tl.program_id(0) * BN + tl.arange(0, BN)
    k = tl.arange(0, BK)
    acc = tl.zeros((BM, BN), dtype=SUM)
    for p in range(0, K, BK):
        x = tl.load(a + m[:, None] * K + (p + k)[None, :], mask=(m < M)[:, None] & (p + k < K)[None, :], other=0)
        y = tl.load(b + (p + k)[:, None] * N + n[None, :], mask=(p + k < K)[:, None] & (n < N)[None, :], other=0)
        acc = tl.dot(x, y, acc, input_precision=HOW, out_dtype=SUM)
    tl.store(c + m[:, None] * N + n[None, :], acc.to(c.dtype.element_ty), mask=(m < M)[:, None] & (n < N)[None, :])


@triton.jit
def attention(o, q, k, v, S, scale, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr):
    m, d = tl.program_id(0) * BM + tl.arange(0, BM), tl.arange(0, D)
    base = tl.program_id(1) * S * D
    x = tl.load(q + base + m[:, None] * D + d[None, :])
    most = tl.full((BM,), -float("inf"), tl.float32)
    total = tl.zeros((BM,), tl.float32)
    acc = tl.zeros((BM, D), tl.float32)
    for p in range(0, S, BN):
        n = p + tl.arange(0, BN)
        s = tl.dot(x, tl.load(k + base + n[None, :] * D + d[:, None])) * scale
        new = tl.maximum(most, tl.max(s, 1))
        e = tl.exp(s - new[:, None])
        keep = tl.exp(most - new)
        total = total * keep + tl.sum(e, 1)
        acc = acc * keep[:, None] + tl.dot(e.to(v.dtype.element_ty), tl.load(v + base + n[:, None] * D + d[None, :]))
        most = new
    tl.store(o + base + m[:, None] * D + d[None, :], (acc / total[:, None]).to(o.dtype.element_ty))


@triton.jit
def cumulate(y, x, columns, BLOCK: tl.constexpr):
    row, at = tl.program_id(0), tl.arange(0, BLOCK)
    tl.store(y + row * columns + at, tl.cumsum(tl.load(x + row * columns + at, mask=at < columns, other=0), 0), mask=at < columns)


@triton.jit
def sort(y, x, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y + at, tl.sort(tl.load(x + at)))


@triton.jit
def arg_max(y, x, columns, BLOCK: tl.constexpr):
    row, at = tl.program_id(0), tl.arange(0, BLOCK)
    tl.store(y + row, tl.argmax(tl.load(x + row * columns + at, mask=at < columns, other=-float("inf")), 0))


@triton.jit
def gather(y, x, index, columns, BLOCK: tl.constexpr):
    row, at = tl.program_id(0), tl.arange(0, BLOCK)
    mask = at < columns
    tl.store(y + row * columns + at, tl.load(x + tl.load(index + row) * columns + at, mask=mask), mask=mask)


@triton.jit
def histogram(y, x, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.atomic_add(y + tl.load(x + at, mask=at < n, other=0), 1, mask=at < n)


@triton.jit
def transpose(y, x, rows, columns, BLOCK: tl.constexpr):
    r, c = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK), tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    v = tl.load(x + r[:, None] * columns + c[None, :], mask=(r < rows)[:, None] & (c < columns)[None, :])
    tl.store(y + c[:, None] * rows + r[None, :], tl.trans(v), mask=(c < columns)[:, None] & (r < rows)[None, :])


@triton.jit
def random(y, seed, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y + at, tl.randint(seed, at), mask=at < n)


def product(kind, total, out, how="ieee", tile=(32, 32, 32), **options):
    return (matmul, {"c": "*" + out, "a": "*" + kind, "b": "*" + kind, "M": "i32", "N": "i32", "K": "i32"},
            {"BM": tile[0], "BN": tile[1], "BK": tile[2], "SUM": total, "HOW": how}, options)


ROWS = {"y": "*fp32", "x": "*fp32", "columns": "i32"}
KERNELS = {
    "add": (add, {"y": "*fp32", "x": "*fp32", "z": "*fp32", "n": "i32"}, {"BLOCK": 512}, {}),
    "add_f16": (add, {"y": "*fp16", "x": "*fp16", "z": "*fp16", "n": "i32"}, {"BLOCK": 512}, {}),
    "add_f64": (add, {"y": "*fp64", "x": "*fp64", "z": "*fp64", "n": "i32"}, {"BLOCK": 256}, {}),
    "gelu": (gelu, {"y": "*fp32", "x": "*fp32", "n": "i32"}, {"BLOCK": 256}, {}),
    "gelu_bf16": (gelu, {"y": "*bf16", "x": "*bf16", "n": "i32"}, {"BLOCK": 256}, {}),
    "softmax": (softmax, ROWS, {"BLOCK": 1024}, {}),
    "layer_norm": (layer_norm, {"y": "*fp16", "x": "*fp16", "scale": "*fp32", "bias": "*fp32", "columns": "i32"}, {"BLOCK": 512}, {}),
    "matmul_f32": product("fp32", tl.float32, "fp32"),
    "matmul_tf32": product("fp32", tl.float32, "fp32", "tf32"),
    "matmul_f16": product("fp16", tl.float32, "fp16", num_stages=3),
    "matmul_bf16": product("bf16", tl.float32, "fp32", num_stages=2),
    "matmul_i8": product("i8", tl.int32, "i32"),
    "attention": (attention, {"o": "*fp16", "q": "*fp16", "k": "*fp16", "v": "*fp16", "S": "i32", "scale": "fp32"}, {"D": 32, "BM": 32, "BN": 32}, {}),
    "cumulate": (cumulate, {"y": "*i32", "x": "*i32", "columns": "i32"}, {"BLOCK": 256}, {}),
    "sort": (sort, {"y": "*fp32", "x": "*fp32"}, {"BLOCK": 128}, {}),
    "arg_max": (arg_max, {"y": "*i32", "x": "*fp32", "columns": "i32"}, {"BLOCK": 256}, {}),
    "gather": (gather, {"y": "*fp32", "x": "*fp32", "index": "*i64", "columns": "i32"}, {"BLOCK": 128}, {}),
    "histogram": (histogram, {"y": "*i32", "x": "*i32", "n": "i32"}, {"BLOCK": 256}, {}),
    "transpose": (transpose, {"y": "*fp32", "x": "*fp32", "rows": "i32", "columns": "i32"}, {"BLOCK": 32}, {}),
    "random": (random, {"y": "*i32", "seed": "i32", "n": "i32"}, {"BLOCK": 256}, {}),
}
# Older cards: no bf16, no tf32; Triton 3.9 fails at int8 there.
SINCE_SM80 = {"gelu_bf16", "matmul_tf32", "matmul_bf16", "matmul_i8"}
