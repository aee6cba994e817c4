"""The kernels of elementwise.cu, functions.cu and float8.cu against NumPy. """

import numpy as np
from case import N, Case, f32, i32, integers, normal
from device import Out, unwritten
from formats import E4M3, E5M2, bf16, erf, fp8, from_bf16, int32


def axpy(rng):
    x, y = normal(rng, N), normal(rng, N)
    exact = np.float64(f32(2.5)) * x + y
    return Case("elementwise", "axpy", [Out(y), x, f32(2.5), i32(N)], [exact.astype(f32)], grid=(2,), rtol=1.2e-7)


def vector4(rng):
    x = normal(rng, N, 4)
    return Case("elementwise", "vector4", [unwritten((N, 4), f32), x, i32(N)],
                [np.stack([x[:, 3], x[:, 2] * 2, np.maximum(x[:, 1], 0), -x[:, 0]], 1)])


def math(rng):
    x = normal(rng, N)
    v, a = x.astype(np.float64), np.abs(x) + f32(0.125)
    thousand, million, seven = (x * f32(1000)).astype(np.float64), (x * f32(1e6)).astype(np.float64), (x * f32(7)).astype(f32)
    expected = np.stack([np.exp(v), np.log(a), np.tanh(v), erf(v), np.sin(thousand), np.cos(million), np.power(a.astype(np.float64), v),
                         1 / np.sqrt(a), np.sqrt(a) / (x + f32(9)), np.arctan2(v, a), np.fmod(seven, a), np.log1p(a) + np.cbrt(v)], 1)
    return Case("elementwise", "math", [unwritten((N, 12), f32), x, i32(N)], [expected.astype(f32)], rtol=2e-6, atol=3e-7)


def fast_math(rng):
    x = normal(rng, N)
    v, a = x.astype(np.float64), np.abs(x.astype(np.float64)) + 0.125
    return Case("elementwise", "fastMath", [unwritten((N, 4), f32), x, i32(N)],
                [np.stack([np.exp(v), np.log(a), v / a, np.sin(v) + np.cos(v)], 1).astype(f32)], rtol=1e-5, atol=2e-6)


def doubles(rng):
    v = rng.standard_normal(N)
    a = np.abs(v) + 0.125
    return Case("doubles", "doubles", [unwritten((N, 5), np.float64), v, i32(N)],
                [np.stack([np.exp(v), np.log(a), np.sqrt(a) / (v + 9), np.sin(v), v * a + np.floor(v * 3)], 1)], rtol=4e-15, atol=1e-15)


def directed(x, y, operation, toward):
    """The f32 result of an operation that is exact enough in long double, rounded toward -inf, +inf or 0."""
    exact = operation(x.astype(np.longdouble), y.astype(np.longdouble))
    r = exact.astype(f32)
    back = r.astype(np.longdouble)
    if toward == "down":
        return np.where(back > exact, np.nextafter(r, f32(-np.inf)), r)
    if toward == "up":
        return np.where(back < exact, np.nextafter(r, f32(np.inf)), r)
    return np.where(np.abs(back) > np.abs(exact), np.nextafter(r, f32(0)), r)


def roundings(rng):
    a, b = normal(rng, N), normal(rng, N)
    fma = lambda x, y: x * y + x
    expected = [directed(a, b, np.add, "down"), directed(a, b, np.multiply, "up"), directed(a, b, np.divide, "zero"), directed(a, b, fma, "down"),
                np.rint(a * 8), np.trunc(a * 8), np.sqrt(np.abs(a)), np.copysign(np.ceil(a * 8), b)]
    return Case("elementwise", "roundings", [unwritten((N, 8), f32), a, b, i32(N)], [np.stack(expected, 1).astype(f32)])


def integer_operations(rng):
    a, b = integers(rng, N), integers(rng, N)
    a[:8] = [0, 1, -1, 7, -8, 2**31 - 1, -(2**31), 100]
    rows = []
    for p, q in zip(a.tolist(), (b | 1).tolist()):
        u, w = p & 0xFFFFFFFF, q & 0xFFFFFFFF
        quotient = abs(p) // abs(q) * (1 if (p < 0) == (q < 0) else -1)
        both = list((u | w << 32).to_bytes(8, "little"))
        low = (u & -u).bit_length()
        signed = lambda word, k: ((word >> 8 * k & 255) ^ 128) - 128
        rows.append([quotient, p - q * quotient, u // 7, p * q >> 32, bin(u).count("1"), 32 - u.bit_length(), int(f"{u:032b}"[::-1], 2),
                     sum(both[s] << 8 * k for k, s in enumerate((5, 1, 7, 3))), low, (w << 9 | u >> 23), min(p, q) - max(p, 3),
                     (int(int32(abs(p)))) >> 3, abs(p - q) + 5, sum(signed(u, k) * signed(w, k) for k in range(4)) + 11])
    return Case("elementwise", "integers", [unwritten((N, 14), i32), a, b, i32(N)], [int32(np.array(rows, np.int64))])


def longs(rng):
    a, b = rng.integers(-(2**63), 2**63, N, np.int64), rng.integers(-(2**40), 2**40, N, np.int64)
    rows = []
    wrap = lambda x: ((x + 2**63) & (2**64 - 1)) - 2**63
    for p, q in zip(a.tolist(), (b | 1).tolist()):
        quotient = abs(p) // abs(q) * (1 if (p < 0) == (q < 0) else -1)
        u, w = p & 2**64 - 1, q & 2**64 - 1
        rows.append([quotient, p - q * quotient, p * q >> 64, wrap(p * q + (p >> 5)), bin(u).count("1") * 100 + 64 - w.bit_length(), u // 10])
    return Case("elementwise", "longs", [unwritten((N, 6), np.int64), a, b, i32(N)], [np.array(rows, np.int64)])


def byte_saturation(rng):
    a, b = integers(rng, N, low=0, high=256, dtype=np.uint8), integers(rng, N, low=-300, high=300, dtype=np.int16)
    return Case("elementwise", "bytes", [unwritten(N, np.int8), a, b, i32(N)], [np.clip(a.astype(i32) - b, -128, 127).astype(np.int8)])


def half2s(rng):
    x = rng.standard_normal((N, 2)).astype(np.float16)
    v = x.astype(np.float64)
    w = (v * v + 0.5).astype(np.float16)
    reciprocal = (1 / (np.abs(x) + np.float16(1)).astype(np.float64)).astype(np.float16)
    return Case("elementwise", "half2s", [unwritten((N, 2), np.float16), x, i32(N)], [np.maximum(w, -x) * reciprocal], rtol=2e-3)


def bfloats(rng):
    x, b = bf16(normal(rng, N)), normal(rng, N)
    exact = from_bf16(x).astype(np.float64) * b + 1
    return Case("elementwise", "bfloats", [unwritten(N, np.uint16), x, b, i32(N)], [bf16(exact.astype(f32))])


def bfloat_math(rng):
    x = bf16(normal(rng, N, 2))
    v = from_bf16(x).astype(np.float64)
    return Case("elementwise", "bfloatMath", [unwritten((N, 2), np.uint16), x, i32(N)], [bf16((v * v + np.abs(v)).astype(f32))], since=80)


def conversions(rng):
    x = normal(rng, N)
    v = x * f32(300)
    h = v.astype(np.float16)
    toward_zero = np.where(np.abs(h.astype(f32)) > np.abs(v), np.nextafter(h, np.float16(0)), h).astype(f32)
    expected = [h.astype(f32), np.trunc(v), np.abs(v).astype(i32).astype(np.uint8), v, (v * f32(1e6)).astype(np.int64), np.rint(v),
                np.minimum(np.abs(v * f32(1e7)).astype(np.float64), 2**32 - 1).astype(np.uint32).astype(f32), toward_zero + np.floor(h.astype(f32))]
    return Case("elementwise", "conversions", [unwritten((N, 8), f32), x, i32(N)], [np.stack([e.astype(f32) for e in expected], 1)])


def float8s(rng):
    x = np.concatenate([normal(rng, N - 8) * f32(20), np.array([0, -0.0, 448, 1e6, -1e6, 2.0**-9, 2.0**-10, 1.0625], f32)])
    codes = np.stack([fp8(x, E4M3), fp8(x, E5M2)], 1)
    back = np.stack([E4M3[codes[:, 0]], E5M2[codes[:, 1]]], 1).astype(f32)
    return Case("float8", "float8s", [unwritten((N, 2), np.uint8), unwritten((N, 2), f32), x, i32(N)], [codes, back])


def collatz(rng):
    x, steps = integers(rng, N, low=1, high=1000), np.zeros(N, i32)
    for i, v in enumerate(x.tolist()):
        while v != 1 and steps[i] < 200:
            v = 3 * v + 1 if v & 1 else v // 2
            steps[i] += 1
    return Case("elementwise", "branches", [unwritten(N, i32), x, i32(N)], [steps])


def switches(rng):
    which, x = integers(rng, N, low=-1, high=9), normal(rng, N)
    arms = {0: lambda v, i: v + f32(1), 1: lambda v, i: v * v, 2: lambda v, i: v if v > 0 else f32(0.1) * v, 3: lambda v, i: 1 / (1 + np.float64(v) * v),
            4: lambda v, i: sum([v] * (i % 5), f32(0)), 5: lambda v, i: -v + f32(2), 6: lambda v, i: 2, 7: lambda v, i: np.sqrt(abs(v))}
    expected = [arms.get(int(w), lambda v, i: 42)(v, i) for i, (w, v) in enumerate(zip(which, x))]
    return Case("elementwise", "switches", [unwritten(N, f32), which, x, i32(N)], [np.array(expected, f32)], rtol=2e-7)


def constants(rng):
    x = integers(rng, N)
    return Case("elementwise", "constants", [unwritten(N, f32), x, i32(N)], [((x & 15) ** 2 + 9).astype(f32)])


def local_array(rng):
    x, expected = integers(rng, N), []
    for i in range(N):
        stack = [int(x[(i + k * 7) % N]) for k in range(16)]
        for k in range(16):
            at = stack[k] & 15
            stack[at], stack[k] = stack[k], stack[at]
        value = 0
        for v in stack:
            value = value * 31 + v & 0xFFFFFFFF
        expected.append(value)
    return Case("elementwise", "localArray", [unwritten(N, i32), x, i32(N)], [int32(np.array(expected, np.int64))])


def device_function(rng):
    x = integers(rng, N, low=-9, high=9)
    expected = [int(v) ** (i & 15) + i**3 for i, v in enumerate(x)]
    return Case("functions", "deviceFunction", [unwritten(N, i32), x, i32(N)], [int32(np.array(expected, np.int64))])


def struct_function(rng):
    x = integers(rng, N, 9, low=0, high=6).astype(f32)
    best = np.empty(N, [("value", f32), ("index", i32)])
    best["value"], best["index"] = x.max(1), x.argmax(1)
    return Case("functions", "structFunction", [unwritten(N, best.dtype), x, i32(9), i32(N)], [best])


def indirect_call(rng):
    x, which = normal(rng, N), integers(rng, N, low=0, high=3)
    return Case("functions", "indirectCall", [unwritten(N, f32), x, which, i32(N)], [np.choose(which, [x * 2, x * x, -x])])


CASES = [axpy, vector4, math, fast_math, doubles, roundings, integer_operations, longs, byte_saturation, half2s, bfloats, bfloat_math, conversions,
         float8s, collatz, switches, constants, local_array, device_function, struct_function, indirect_call]
