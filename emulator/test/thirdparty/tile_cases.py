"""The kernels of tiles.py against NumPy. Triton hands a kernel two more pointers, to scratch memory that none of these uses."""

import numpy as np
from case import Case, f32, i32, integers, normal
from device import Out, unwritten
from formats import bf16, erf, from_bf16, tf32


def tile(name, arguments, expected, grid, **more):
    return Case("triton_" + name, "", arguments + [np.uint64(0)] * 2, expected, grid=grid, **more)


def add(rng):
    x, z = normal(rng, 1000), normal(rng, 1000)
    return tile("add", [unwritten(1000, f32), x, z, i32(1000)], [x + z], (2,))


def add_f16(rng):
    x, z = normal(rng, 1000).astype(np.float16), normal(rng, 1000).astype(np.float16)
    return tile("add_f16", [unwritten(1000, np.float16), x, z, i32(1000)], [x + z], (2,))


def add_f64(rng):
    x, z = rng.standard_normal(500), rng.standard_normal(500)
    return tile("add_f64", [unwritten(500, np.float64), x, z, i32(500)], [x + z], (2,))


def gelu_of(v):
    v = v.astype(np.float64)
    return (v * 0.5 * (1 + erf(v * 0.7071067811865476))).astype(f32)


def gelu(rng):
    x = normal(rng, 500)
    return tile("gelu", [unwritten(500, f32), x, i32(500)], [gelu_of(x)], (2,), rtol=2e-6, atol=3e-7)


def gelu_bf16(rng):
    x = bf16(normal(rng, 500))
    case = tile("gelu_bf16", [unwritten(500, np.uint16), x, i32(500)], [bf16(gelu_of(from_bf16(x)))], (2,), atol=1, since=80)
    return case


def softmax(rng):
    x = normal(rng, 3, 1000)
    e = np.exp(x.astype(np.float64))
    return tile("softmax", [unwritten((3, 1000), f32), x, i32(1000)], [(e / e.sum(1, keepdims=True)).astype(f32)], (3,), rtol=2e-6)


def layer_norm(rng):
    x, scale, bias = normal(rng, 3, 500).astype(np.float16), normal(rng, 500), normal(rng, 500)
    v = x.astype(np.float64)
    expected = (v - v.mean(1, keepdims=True)) / np.sqrt(v.var(1, keepdims=True) + 1e-5) * scale + bias
    return tile("layer_norm", [unwritten((3, 500), np.float16), x, scale, bias, i32(500)], [expected.astype(np.float16)], (3,), rtol=1e-3, atol=1e-3)


def product(name, a, b, expected, out, **more):
    (m, k), n = a.shape, b.shape[1]
    return tile(name, [unwritten((m, n), out), a, b, i32(m), i32(n), i32(k)], [expected.astype(out)], (-(-n // 32), -(-m // 32)), **more)


SHAPES = (50, 72), (72, 40)  # the last tile of M and of N is not whole, nor is the last step of K


def matmul_f32(rng):
    a, b = (normal(rng, *s) for s in SHAPES)
    return product("matmul_f32", a, b, a.astype(np.float64) @ b, f32, rtol=1e-5, atol=1e-5)


def matmul_tf32(rng):
    a, b = (tf32(normal(rng, *s)) for s in SHAPES)  # already rounded: what hardware does with the bits below is its own
    return product("matmul_tf32", a, b, a.astype(np.float64) @ b, f32, rtol=1e-5, atol=1e-5, since=80)


def matmul_f16(rng):
    a, b = (normal(rng, *s).astype(np.float16) for s in SHAPES)
    return product("matmul_f16", a, b, a.astype(np.float64) @ b.astype(np.float64), np.float16, rtol=1e-3, atol=1e-3)


def matmul_bf16(rng):
    a, b = (bf16(normal(rng, *s)) for s in SHAPES)
    return product("matmul_bf16", a, b, from_bf16(a).astype(np.float64) @ from_bf16(b), f32, rtol=1e-5, atol=1e-5, since=80)


def matmul_i8(rng):
    a, b = (integers(rng, *s, low=-128, high=128, dtype=np.int8) for s in SHAPES)
    return product("matmul_i8", a, b, a.astype(i32) @ b.astype(i32), i32, since=80)


def attention(rng):
    q, k, v = (normal(rng, 2, 64, 32).astype(np.float16) for _ in range(3))
    s = np.einsum("bid,bjd->bij", q.astype(np.float64), k.astype(np.float64)) * f32(0.17)
    e = np.exp(s - s.max(2, keepdims=True))
    expected = np.einsum("bij,bjd->bid", e / e.sum(2, keepdims=True), v.astype(np.float64)).astype(np.float16)
    return tile("attention", [unwritten((2, 64, 32), np.float16), q, k, v, i32(64), f32(0.17)], [expected], (2, 2), rtol=3e-3, atol=2e-3)


def cumulate(rng):
    x = integers(rng, 3, 200, low=-99, high=99)
    return tile("cumulate", [unwritten((3, 200), i32), x, i32(200)], [np.cumsum(x, 1).astype(i32)], (3,))


def sort(rng):
    x = normal(rng, 2, 128)
    return tile("sort", [unwritten((2, 128), f32), x], [np.sort(x, 1)], (2,))


def arg_max(rng):
    x = integers(rng, 4, 200, low=0, high=50).astype(f32)
    return tile("arg_max", [unwritten(4, i32), x, i32(200)], [x.argmax(1).astype(i32)], (4,))


def gather(rng):
    x, index = normal(rng, 9, 100), rng.integers(0, 9, 5)
    return tile("gather", [unwritten((5, 100), f32), x, index, i32(100)], [x[index]], (5,))


def histogram(rng):
    x = integers(rng, 900, low=0, high=40)
    return tile("histogram", [Out(np.zeros(40, i32)), x, i32(900)], [np.bincount(x, minlength=40).astype(i32)], (4,))


def transpose(rng):
    x = normal(rng, 50, 70)
    return tile("transpose", [unwritten((70, 50), f32), x, i32(50), i32(70)], [x.T.copy()], (3, 2))


def philox(seed, offsets):
    """The first word of Philox-4x32 with ten rounds, as Salmon et al. 2011 define it."""
    c, k = [offsets.astype(np.uint64)] + [np.zeros_like(offsets, np.uint64)] * 3, [np.uint64(seed), np.uint64(0)]
    low = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        p, q = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(q >> np.uint64(32)) ^ c[1] ^ k[0], q & low, (p >> np.uint64(32)) ^ c[3] ^ k[1], p & low]
        k = [k[0] + np.uint64(0x9E3779B9) & low, k[1] + np.uint64(0xBB67AE85) & low]
    return c[0].astype(np.uint32).view(i32)


def random(rng):
    return tile("random", [unwritten(512, i32), i32(42), i32(512)], [philox(42, np.arange(512))], (2,))


CASES = [add, add_f16, add_f64, gelu, gelu_bf16, softmax, layer_norm, matmul_f32, matmul_tf32, matmul_f16, matmul_bf16, matmul_i8, attention, cumulate,
         sort, arg_max, gather, histogram, transpose, random]
